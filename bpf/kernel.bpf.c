// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What the kernel itself knows of the targets' threads: on and off a CPU, made ready, major page
 * faults. An object of its own, loaded once for a recording and only when it is asked for: it
 * needs the kernel's types (BTF), which the probes do not.
 *
 * These programs see every thread of the host, the scheduler's in the scheduler, under its lock.
 * So they do next to nothing for a thread that is not a target's: two loads. A target is marked in
 * its own task_struct (task storage of its first thread), which needs no pid, is the same from
 * every pid namespace, and goes with the process. They read no user memory.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "record.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct gt_wire_loss loss[GT_WIRE_MAX_CPUS];
__u32 known; /* the probes' affair: what is lost here says nothing of goroutines */
struct rings rings SEC(".maps");

/* Threads go by the numbers of their own pid namespace: gtrec is in one. */
const volatile bool ns_tids;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32); /* number of the process in the trace */
} targets SEC(".maps");

/* Of the kernel's types only what is used; the loader finds where it is. */
struct upid {
	int nr;
} __attribute__((preserve_access_index));

struct pid {
	unsigned int level;
	struct upid numbers[1];
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;
	unsigned int __state;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct bpf_local_storage *bpf_storage;
} __attribute__((preserve_access_index));

struct task_struct___5_13 { /* and before */
	long state;
} __attribute__((preserve_access_index));

/* The number of the target that T is a thread of; 0 none. */
static __always_inline __u32 target(struct task_struct *t)
{
	struct task_struct *leader = t->group_leader;

	if (!leader->bpf_storage)
		return 0;
	__u32 *proc = bpf_task_storage_get(&targets, leader, 0, 0);
	return proc ? *proc : 0;
}

/* See this_tid of the probes: the same numbers. */
static __always_inline __u32 tid_of(struct task_struct *t)
{
	struct pid *pid;
	unsigned long at;
	unsigned int level = 0;
	int nr = 0;

	if (!ns_tids)
		return (__u32)t->pid;
	pid = t->thread_pid;
	if (!pid) /* it is on its way out */
		return 0;
	level = pid->level;
	at = (unsigned long)pid + bpf_core_field_offset(struct pid, numbers) +
	     level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr);
	(void)bpf_probe_read_kernel(&nr, sizeof(nr), (const void *)at);
	return (__u32)nr | GT_WIRE_TID_NS;
}

static __always_inline void put(__u32 proc, __u32 tid, __u64 kind, __u64 place, __u64 aux)
{
	struct gt_wire_event *ev = reserve(sizeof(*ev));

	if (!ev)
		return;
	ev->g_status = 0;
	ev->ra_kind = (place & GT_WIRE_ADDR_MASK) | BESIDE(kind);
	ev->goid = 0;
	ev->aux = aux;
	ev->p_qlen = BESIDE(0xffff);
	ev->tid = tid;
	ev->proc = proc;
	(void)finish(ev);
}

static __always_inline __u32 state_of(struct task_struct *t)
{
	if (bpf_core_field_exists(t->__state))
		return t->__state;
	return (__u32)((struct task_struct___5_13 *)t)->state;
}

/*
 * The target's thread that each CPU was last told to run, 0 none: a switch that the kernel keeps to
 * itself (there are kernels that run no programs in the context of some threads) shows when it
 * ends. Only ever touched by its CPU, under the scheduler's lock.
 */
struct {
	__u32 tid, pad[15];
} told[GT_WIRE_MAX_CPUS];

static __always_inline void off_cpu(struct task_struct *t, __u32 proc, bool preempted)
{
	__u32 cpu = bpf_get_smp_processor_id(), tid = tid_of(t);
	/* A preempted thread may have been about to sleep: it is still ready. */
	__u64 aux = preempted ? 0 : state_of(t);

	if (cpu < GT_WIRE_MAX_CPUS) {
		if (told[cpu].tid != tid)
			aux |= GT_WIRE_UNTOLD;
		told[cpu].tid = 0;
	}
	put(proc, tid, GT_WIRE_OFF_CPU, 0, aux);
}

static __always_inline void on_cpu(struct task_struct *t, __u32 proc)
{
	__u32 cpu = bpf_get_smp_processor_id(), tid = tid_of(t);

	if (cpu < GT_WIRE_MAX_CPUS)
		told[cpu].tid = tid;
	put(proc, tid, GT_WIRE_ON_CPU, 0, 0);
}

/* sched_switch(bool preempt, struct task_struct *prev, struct task_struct *next, ...) */
SEC("tp_btf/sched_switch")
int sched_switch(__u64 *ctx)
{
	struct task_struct *prev = (void *)ctx[1], *next = (void *)ctx[2];
	__u32 proc = target(prev);

	if (proc)
		off_cpu(prev, proc, (__u8)ctx[0]);
	proc = target(next);
	if (proc)
		on_cpu(next, proc);
	return 0;
}

static __always_inline int wakes(struct task_struct *t, __u64 kind)
{
	__u32 proc = target(t);

	if (proc)
		put(proc, tid_of(t), kind, 0, 0);
	return 0;
}

/* sched_wakeup(struct task_struct *) and sched_wakeup_new: the same */
SEC("tp_btf/sched_wakeup")
int sched_wakeup(__u64 *ctx)
{
	return wakes((void *)ctx[0], GT_WIRE_WAKE);
}

SEC("tp_btf/sched_wakeup_new")
int sched_wakeup_new(__u64 *ctx)
{
	return wakes((void *)ctx[0], GT_WIRE_WAKE_NEW);
}

/* As the kernel has struct bpf_perf_event_data. */
struct fault_ctx {
	struct pt_regs regs;
	__u64 sample_period, addr;
};

#define KERNEL_SIDE (1ULL << 63)

/* A major page fault is over; where it was the kernel's, on behalf of a system call: at that. */
SEC("perf_event")
int fault(struct fault_ctx *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task_btf();
	__u32 proc = target(t);
	__u64 pc = ctx->regs.GT_PC;

	if (!proc)
		return 0;
	if (pc & KERNEL_SIDE) {
		pc = 0;
		if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
			const struct pt_regs *regs = (void *)bpf_task_pt_regs(t);

			(void)bpf_probe_read_kernel(&pc, sizeof(pc), &regs->GT_PC);
		}
	}
	put(proc, tid_of(t), GT_WIRE_FAULT, pc, ctx->addr);
	return 0;
}
