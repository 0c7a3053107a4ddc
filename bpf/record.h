/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the programs of all *.bpf.c have in common: the maps, reading user memory, and how a record
 * is reserved, begun and finished. The objects are linked into one; probes.bpf.c has the
 * definitions of what is extern here.
 *
 * Each program exists twice: sleepable (kernel >= 6.0; user memory that is not resident is
 * faulted in, nothing is unreadable) and plain. gtrec loads one of the two.
 *
 * Programs can be preempted, also by another thread of the target on the same CPU: counters
 * are atomic, nothing is kept in per-CPU scratch, and a record takes its time last (see struct
 * gt_wire_event). That is also why a program with all it calls has less than 64 bytes of
 * stack: from there on kernels >= 6.13 give it a stack of the CPU's instead of the thread's,
 * which sleepable programs would share, and which makes each read of user memory dearer (as does
 * a read straight into the ring). So the record is reserved first and filled fact by fact.
 */
#ifndef GT_RECORD_H
#define GT_RECORD_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "regs.h"
#include "wire.h"

/* What gtrec knows of the target; constants once the program is loaded. Offsets in bytes. */
extern const volatile struct gt_probe_config cfg;

/* Losses by CPU, mapped by gtrec. */
extern struct gt_wire_loss loss[GT_WIRE_MAX_CPUS];

/*
 * Whether gtrec knows every goroutine of the target and which one is on which thread, so that what
 * follows from that need not be read. Set by gtrec; the first loss takes it back.
 */
extern __u32 known;

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct rings {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1); /* set by gtrec: one for each possible CPU */
	__type(key, __u32);
	__array(values, struct ring);
};
extern struct rings rings SEC(".maps");

static __always_inline bool load(bool sleepable, void *dst, __u32 n, __u64 addr)
{
	const void *src = (const void *)addr;

	return (sleepable ? bpf_copy_from_user(dst, n, src) : bpf_probe_read_user(dst, n, src)) ==
	       0;
}

static __always_inline void count_loss(__u32 cpu)
{
	__u64 now = bpf_ktime_get_ns();

	if (cpu >= GT_WIRE_MAX_CPUS)
		cpu = GT_WIRE_MAX_CPUS - 1;
	struct gt_wire_loss *l = &loss[cpu];
	/* first, last, then the count: whoever sees the count sees the range */
	__sync_val_compare_and_swap(&l->first_ns, 0, now);
	for (int i = 0; i < 4; i++) {
		__u64 last = l->last_ns;
		if (last >= now || __sync_val_compare_and_swap(&l->last_ns, last, now) == last)
			break;
	}
	__sync_fetch_and_add(&l->lost, 1);
	__sync_lock_test_and_set(&known, 0);
}

static __always_inline void *reserve(__u64 size)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	void *rec = ring ? bpf_ringbuf_reserve(ring, size, 0) : 0;

	if (!rec)
		count_loss(cpu);
	return rec;
}

/* What stands beside an address in a word of struct gt_wire_event; flags above a kind. */
#define BESIDE(small) ((__u64)(small) << GT_WIRE_ADDR_BITS)
#define FLAG(flag)    ((__u64)(flag) << 56)

/* One word of user memory; 0, and FLAG in EV, when it cannot be read. */
static __always_inline __u64 word(bool sleepable, struct gt_wire_event *ev, __u64 addr, __u64 flag)
{
	__u64 v;

	if (load(sleepable, &v, sizeof(v), addr))
		return v;
	ev->ra_kind |= FLAG(flag);
	return 0;
}

/* In a pid namespace gtrec knows threads by that one's numbers alone. */
static __always_inline __u32 this_tid(void)
{
	struct bpf_pidns_info ns;

	if (cfg.pidns_ino &&
	    !bpf_get_ns_current_pid_tgid(cfg.pidns_dev, cfg.pidns_ino, &ns, sizeof(ns)))
		return ns.pid | GT_WIRE_TID_NS;
	return (__u32)bpf_get_current_pid_tgid();
}

/* What every record has. */
static __always_inline void begin(struct gt_wire_event *ev, __u64 g, __u32 old, __u32 new)
{
	ev->g_status = (g & GT_WIRE_ADDR_MASK) | (__u64)(old & 15) << 48 | (__u64)(new & 15) << 52;
	ev->goid = 0;
	ev->aux = 0;
	ev->p_qlen = BESIDE(0xffff);
	ev->tid = this_tid();
	ev->proc = cfg.proc;
}

static __always_inline int finish(struct gt_wire_event *ev)
{
	ev->ktime = bpf_ktime_get_ns();
	bpf_ringbuf_submit(ev, BPF_RB_NO_WAKEUP);
	return 0;
}

/* What needs no fact but these: a record of KIND for G. */
static __always_inline int bare(__u64 g, __u64 kind, __u32 old, __u32 new, __u64 aux)
{
	struct gt_wire_event *ev = reserve(sizeof(*ev));

	if (!ev)
		return 0;
	ev->ra_kind = BESIDE(kind);
	begin(ev, g, old, new);
	ev->aux = aux;
	return finish(ev);
}

/* The M that the thread runs. */
static __always_inline __u64 this_m(bool sleepable, struct pt_regs *ctx, struct gt_wire_event *ev)
{
	__u64 m = word(sleepable, ev, GT_CURG(ctx) + cfg.g_m, GT_WIRE_F_M);

	if (!m)
		ev->ra_kind |= FLAG(GT_WIRE_F_M);
	return m;
}

/* A program, sleepable and plain. */
#define PROBE(name, body_sleepable, body_plain)                                                    \
	SEC("uprobe.s")                                                                            \
	int name##_s(struct pt_regs *ctx)                                                          \
	{                                                                                          \
		return body_sleepable;                                                             \
	}                                                                                          \
	SEC("uprobe")                                                                              \
	int name(struct pt_regs *ctx)                                                              \
	{                                                                                          \
		return body_plain;                                                                 \
	}

#endif
