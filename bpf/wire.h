/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the probes hand to user space: the only structs that kernel and user side share. Not
 * the file format: record/encode_event.c is the one place that turns them into struct gt_event.
 *
 * Addresses of user space take 48 bits (Go asks mmap for no more on amd64 and arm64), which
 * leaves 16 bits of each address word for small facts.
 */
#ifndef GT_WIRE_H
#define GT_WIRE_H

#include <linux/types.h>

#define GT_WIRE_ADDR_BITS 48
#define GT_WIRE_ADDR_MASK ((1ULL << GT_WIRE_ADDR_BITS) - 1)

#define GT_WIRE_MAX_STACK 128 /* frames of a stack */
#define GT_WIRE_MAX_CPUS  1024

/* Kinds of record; explicit and append-only. */
#define GT_WIRE_STATUS	 1 /* casgstatus */
#define GT_WIRE_SYSENTER 2 /* reentersyscall, Go 1.26 */
#define GT_WIRE_SYSEXIT	 3 /* exitsyscall, Go 1.26 */
#define GT_WIRE_CREATE	 4 /* casgstatus 6->1, 6->4: struct gt_wire_create, then gt_wire_stack */
#define GT_WIRE_PREEMPT	 5
#define GT_WIRE_CORO	 6
/* Of the runtime as a whole: g is m.curg, whoever asked for it; new, old and goid mean nothing. */
#define GT_WIRE_STW_BEGINS 16 /* stopTheWorldWithSema to Go 1.21: struct gt_wire_stop follows */
#define GT_WIRE_STW_ENDS   17 /* startTheWorldWithSema: struct gt_wire_start follows */
#define GT_WIRE_MARK_ENDS  18 /* gcMarkTermination: struct gt_wire_heap follows */
#define GT_WIRE_PROCS	   19 /* procresize: aux is how many */
#define GT_WIRE_OVERFLOW   20 /* runqputslow: of the P in p_qlen */
#define GT_WIRE_BLOCK	   32 /* as STATUS, 2->4 or 2->3, with struct gt_wire_stack behind it */
#define GT_WIRE_SYSBLOCK   33 /* as SYSENTER, the same */
/* Of threads: see struct gt_wire_event for what they use of it. */
#define GT_WIRE_ON_CPU	 40
#define GT_WIRE_OFF_CPU	 41	      /* aux: its state as the kernel has it; 0 ready */
#define GT_WIRE_UNTOLD	 (1ULL << 63) /* in aux of OFF_CPU: there was no ON_CPU before it */
#define GT_WIRE_WAKE	 42
#define GT_WIRE_WAKE_NEW 43
#define GT_WIRE_FAULT	 44 /* ra_kind: address of the instruction; aux: address that it wanted */

/* Flags of a record. */
#define GT_WIRE_F_RA	 0x01 /* the return address could not be read */
#define GT_WIRE_F_G	 0x02 /* g could not be read: goid and reason are 0 */
#define GT_WIRE_F_M	 0x04 /* m could not be read: actor and p are 0 */
#define GT_WIRE_F_P	 0x08 /* p could not be read: no queue length */
#define GT_WIRE_F_STACK	 0x10 /* the stack is not whole: see gt_wire_stack */
#define GT_WIRE_F_STATUS 0x20 /* old or new does not fit its field: see aux */
#define GT_WIRE_F_KNOWN	 0x40 /* gtrec knows the goid, and the actor of 4->1: not read */

/*
 * One record. It is reserved first and takes its time last: one that is not yet in its ring, or
 * not yet finished there, will get a later time than any that the consumer has seen.
 */
struct gt_wire_event {
	__u64 ktime;	/* bpf_ktime_get_ns, CLOCK_MONOTONIC */
	__u64 g_status; /* g:48 | old:4 | new:4 | wait reason:8 */
	__u64 ra_kind;	/* return address:48 | kind:8 | flags:8 */
	__u64 goid;
	/*
	 * actor g (m.curg) for new == runnable and creations; syscallpc for 2->3; the M for new ==
	 * running, 6->3 and 11->3; for 8->2 bytes of the stack
	 */
	__u64 aux;
	__u64 p_qlen; /* P pointer:48 | local run-queue length:16 (0xffff: not read) */
	__u32 tid;    /* in the initial pid namespace, or GT_WIRE_TID_NS and the one of cfg.pidns */
	__u32 proc;   /* number of the target, from rodata */
};

/* Its kind, GT_WIRE_STATUS and so on. */
#define GT_WIRE_KIND(ev) ((unsigned)((ev)->ra_kind >> GT_WIRE_ADDR_BITS & 0xff))

#define GT_WIRE_TID_NS 0x80000000u /* no tid is that large: PID_MAX_LIMIT is 2^22 */

/* Follows the event of kind GT_WIRE_CREATE. */
struct gt_wire_create {
	__u64 startpc, gopc, parent_goid;
};

/*
 * A stack, innermost first: the creator's, or of who blocks. Room for cfg.stack_depth frames. It
 * is not whole (GT_WIRE_F_STACK) where that was not enough, a frame could not be read, or the
 * chain of frames led off the goroutine's stack.
 */
struct gt_wire_stack {
	__u64 depth;
	__u64 pcs[GT_WIRE_MAX_STACK];
};

/* runtime.gcController; its fields are found by gt_layout. All 0 where it could not be read. */
#define GT_WIRE_HEAP_BYTES 360
struct gt_wire_heap {
	__u64 word[GT_WIRE_HEAP_BYTES / 8];
};

struct gt_wire_stop {
	__u64 reason;	       /* Go 1.21: stwReason */
	__u64 why_at, why_len; /* before: m.preemptoff, a string of the target */
};

/* Arguments that exist: reason and began since Go 1.22, stopped since 1.23; else 0. */
struct gt_wire_start {
	__u64 reason, began, stopped;
	struct gt_wire_heap heap;
};

/*
 * Losses of one CPU, in memory that both sides map; user space takes them with atomic
 * exchanges. One cache line each.
 */
struct gt_wire_loss {
	__u64 lost;	/* reservations that failed, cumulative */
	__u64 first_ns; /* time of the first failure since user space last took it; 0 none */
	__u64 last_ns;
	__u64 pad[5];
};

/* Facts beyond the core record, each for the price of one or two reads of user memory. */
#define GT_FACT_ACTOR 0x1 /* m.curg at wake-ups and creations */
#define GT_FACT_P     0x2 /* m.p when a goroutine starts to run */
#define GT_FACT_QLEN  0x4 /* the length of that P's run queue */

/* Whose stacks are walked. */
#define GT_STACKS_CREATE  0x1 /* the creator's, at a go statement */
#define GT_STACKS_BLOCK	  0x2 /* a goroutine's that parks */
#define GT_STACKS_SYSCALL 0x4 /* a goroutine's that enters a system call or C */

/* What the programs know of their target: set before the load, constant after it. */
struct gt_probe_config {
	__u32 proc;
	__u32 facts;	     /* GT_FACT_* */
	__u32 ra_off;	     /* return address at sp + ra_off (amd64) */
	__u32 args_on_stack; /* arm64 Go 1.17: casgstatus's arguments at sp + arg_off */
	__u32 arg_off;
	__u32 goid_late;   /* Go <= 1.23: a goroutine has its goid after its creation */
	__u32 stacks;	   /* GT_STACKS_* */
	__u32 stack_depth; /* frames of each, not 0 */
	__u32 g_stack, g_m, g_sched_pc, g_sched_bp, g_syscallpc, g_goid, g_parent_goid, g_gopc;
	__u32 m_curg, m_p;
	__u32 p_runqhead;
	/* of runtime.park_m: who returns there parks; all ones: not known, any self-wait may be */
	__u64 park_lo, park_hi;
	__u32 m_preemptoff;  /* 0: stops tell their reason in registers */
	__u32 stw_args;	     /* how many of gt_wire_start are in registers: 0, 2 or 3 */
	__u64 gc_controller; /* address in memory; 0 not known */
	/* the target's pid namespace, where gtrec does not see the host's numbers; else 0 */
	__u64 pidns_dev, pidns_ino;
};

/* Where a value is at an inlined copy of casgstatus. */
#define GT_WIRE_P_REG	1 /* a register, in the machine's numbering */
#define GT_WIRE_P_STACK 2 /* at sp + v */
#define GT_WIRE_P_CONST 3 /* it is v */
struct gt_wire_place {
	__u32 kind, v;
};

/* One inlined copy; the attach cookie of its probe is its number. */
#define GT_WIRE_MAX_INLINED 64
struct gt_wire_inlined {
	__u64 ra; /* where a call would have returned to, in memory */
	struct gt_wire_place g, old, new;
	struct gt_wire_place pc; /* of a system call that begins; kind 0: it is none */
};

_Static_assert(sizeof(struct gt_wire_event) == 56, "wire event layout");
_Static_assert(sizeof(struct gt_wire_create) == 24, "wire create layout");
_Static_assert(sizeof(struct gt_wire_stack) == 8 + 8 * GT_WIRE_MAX_STACK, "wire stack layout");
_Static_assert(sizeof(struct gt_wire_loss) == 64, "wire loss layout");

#endif
