// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The probes: one small record for each change of a goroutine's status, into the ring of the
 * CPU that it happened on.
 *
 * Each program exists twice: sleepable (kernel >= 6.0; user memory that is not resident is
 * faulted in, nothing is unreadable) and plain. gtrec loads one of the two.
 *
 * Programs can be preempted, also by another thread of the target on the same CPU: counters
 * are atomic, nothing is kept in per-CPU scratch, and a record takes its time after its
 * reservation (see struct gt_wire_event).
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "regs.h"
#include "wire.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* What gtrec knows of the target; constants once the program is loaded. Offsets in bytes. */
const volatile struct gt_probe_config cfg;

/* Copies of casgstatus that the compiler inlined into its callers. */
const volatile struct gt_wire_inlined inlined[GT_WIRE_MAX_INLINED];

/* Losses by CPU, mapped by gtrec. */
struct gt_wire_loss loss[GT_WIRE_MAX_CPUS];

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1); /* set by gtrec: one for each possible CPU */
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

/* runtime.g from atomicstatus on; the same shape in Go 1.17-1.26, wherever it begins. */
struct g_window {
	__u32 status, pad;
	__u64 goid, schedlink, waitsince;
	__u8 waitreason, rest[7];
};

/* runtime.m from curg on; p is the third word, or the fourth (Go 1.26). */
struct m_window {
	__u64 curg, caughtsig, p2, p3;
};

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

static __always_inline void fill(struct gt_wire_event *to, const struct gt_wire_event *from)
{
	__builtin_memcpy(to, from, sizeof(*to));
	to->ktime = bpf_ktime_get_ns();
}

/* P and the length of its run queue, of the M that the thread runs. */
static __always_inline void read_p(bool sleepable, struct gt_wire_event *ev, __u64 p, __u64 *flags)
{
	__u32 q[2]; /* runqhead, runqtail */
	__u64 qlen = 0xffff;

	if (p && (cfg.facts & GT_FACT_QLEN)) {
		if (load(sleepable, q, sizeof(q), p + cfg.p_runqhead))
			qlen = (q[1] - q[0]) & 0xffff;
		else
			*flags |= GT_WIRE_F_P;
	}
	ev->p_qlen = (p & GT_WIRE_ADDR_MASK) | qlen << GT_WIRE_ADDR_BITS;
}

/* The creator's stack by frame pointers; bounded by its stack and strictly upwards. */
static __always_inline void walk(bool sleepable, struct gt_wire_create *c, __u64 g, __u64 *flags)
{
	__u64 bounds[2], fp = 0, frame[2];
	__u32 depth = 0;

	c->depth = 0;
	if (!g || !cfg.stack_depth)
		return;
	if (!load(sleepable, bounds, sizeof(bounds), g + cfg.g_stack) ||
	    !load(sleepable, &fp, sizeof(fp), g + cfg.g_sched_bp)) {
		*flags |= GT_WIRE_F_STACK;
		return;
	}
	for (__u32 i = 0; i < GT_WIRE_MAX_STACK; i++) {
		if (i >= cfg.stack_depth || fp < bounds[0] || fp + 16 > bounds[1] || (fp & 7))
			break;
		if (!load(sleepable, frame, sizeof(frame), fp)) {
			*flags |= GT_WIRE_F_STACK;
			break;
		}
		if (!frame[1])
			break;
		c->pcs[i] = frame[1];
		depth = i + 1;
		if (frame[0] <= fp)
			break;
		fp = frame[0];
	}
	c->depth = depth;
}

/* goexit's address ends each chain; creations are rare enough for a record of full size. */
static __always_inline int creation(bool sleepable, struct gt_wire_event *ev, __u64 flags, __u64 g,
				    __u64 actor, __u64 ra)
{
	struct gt_wire_create c = {};
	struct {
		struct gt_wire_event ev;
		struct gt_wire_create c;
	} * rec;

	if (cfg.g_parent_goid &&
	    !load(sleepable, &c.parent_goid, sizeof(c.parent_goid), g + cfg.g_parent_goid))
		flags |= GT_WIRE_F_G;
	if (!load(sleepable, &c.gopc, sizeof(c.gopc), g + cfg.g_gopc) ||
	    !load(sleepable, &c.startpc, sizeof(c.startpc), g + cfg.g_startpc))
		flags |= GT_WIRE_F_G;
	walk(sleepable, &c, actor, &flags);
	ev->ra_kind = (ra & GT_WIRE_ADDR_MASK) | (__u64)GT_WIRE_CREATE << 48 | flags << 56;
	rec = reserve(sizeof(*rec));
	if (!rec)
		return 0;
	__builtin_memcpy(&rec->c, &c, sizeof(c));
	fill(&rec->ev, ev);
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline int plain(struct gt_wire_event *ev, __u64 kind, __u64 ra, __u64 flags)
{
	struct gt_wire_event *rec;

	ev->ra_kind = (ra & GT_WIRE_ADDR_MASK) | kind << 48 | flags << 56;
	rec = reserve(sizeof(*rec));
	if (!rec)
		return 0;
	fill(rec, ev);
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline void head(struct gt_wire_event *ev)
{
	ev->tid = (__u32)bpf_get_current_pid_tgid();
	ev->proc = cfg.proc;
	ev->p_qlen = 0xffffULL << GT_WIRE_ADDR_BITS;
}

#define RUNNABLE 1
#define RUNNING	 2
#define SYSCALL	 3
#define WAITING	 4
#define DEAD	 6
#define EXTRA	 11

#define PREEMPT_SCAN 0x1009
#define UNREADABLE   (~0ULL)

/*
 * What is due at a change of G from OLD to NEW, into EV; its g and m windows need no stack when
 * this is done. The actor.
 */
static __always_inline __u64 facts(bool sleepable, struct pt_regs *ctx, struct gt_wire_event *ev,
				   __u64 g, __u32 old, __u32 new, __u64 *flags)
{
	__u64 actor = 0, m = 0;
	struct g_window gw = {};
	struct m_window mw = {};

	/* Where goid or reason are due; a wake-up needs neither. */
	if (old != WAITING || new != RUNNABLE) {
		if (!load(sleepable, &gw, sizeof(gw), g + cfg.g_status))
			*flags |= GT_WIRE_F_G;
		ev->goid = gw.goid;
	}
	if (((new == RUNNABLE || old == DEAD) && (cfg.facts & GT_FACT_ACTOR)) ||
	    (new == RUNNING && (cfg.facts & GT_FACT_P))) {
		if (!load(sleepable, &m, sizeof(m), GT_CURG(ctx) + cfg.g_m) || !m ||
		    !load(sleepable, &mw, sizeof(mw), m + cfg.m_curg))
			*flags |= GT_WIRE_F_M;
		if (new != RUNNING)
			actor = mw.curg;
		if (cfg.facts & GT_FACT_P)
			read_p(sleepable, ev, cfg.m_p == cfg.m_curg + 16 ? mw.p2 : mw.p3, flags);
	}
	if (old == RUNNING && new == SYSCALL) {
		if (!load(sleepable, &actor, sizeof(actor), g + cfg.g_syscallpc))
			*flags |= GT_WIRE_F_G;
	}
	ev->g_status = (g & GT_WIRE_ADDR_MASK) | (__u64)(old & 15) << 48 | (__u64)(new & 15) << 52 |
		       (__u64)gw.waitreason << 56;
	return actor;
}

/* The goroutine G goes from OLD to NEW; RA: in whose name. */
static __always_inline int transition(bool sleepable, struct pt_regs *ctx, __u64 g, __u32 old,
				      __u32 new, __u64 ra, __u64 flags)
{
	struct gt_wire_event ev = {};

	head(&ev);
	__u64 actor = facts(sleepable, ctx, &ev, g, old, new, &flags);
	ev.aux = actor;
	if ((old | new) > 15) {
		flags |= GT_WIRE_F_STATUS;
		ev.aux = (__u64)old << 32 | new;
	}
	if (old == DEAD && (new == RUNNABLE || new == WAITING))
		return creation(sleepable, &ev, flags, g, actor, ra);
	return plain(&ev, GT_WIRE_STATUS, ra, flags);
}

/* casgstatus(gp, old, new) */
static __always_inline int on_status(bool sleepable, struct pt_regs *ctx)
{
	__u64 g = GT_ARG0(ctx), sp = GT_SP(ctx), ra = GT_LR(ctx), flags = 0;
	__u32 old = (__u32)GT_ARG1(ctx), new = (__u32)GT_ARG2(ctx);

	if (cfg.args_on_stack) { /* arm64, Go 1.17 */
		struct {
			__u64 g;
			__u32 old, new;
		} args = {};
		(void)load(sleepable, &args, sizeof(args), sp + cfg.arg_off);
		g = args.g;
		old = args.old;
		new = args.new;
	}
	if (GT_RA_IN_MEMORY && !load(sleepable, &ra, sizeof(ra), sp + cfg.ra_off)) {
		ra = 0;
		flags |= GT_WIRE_F_RA;
	}
	return transition(sleepable, ctx, g, old, new, ra, flags);
}

/* Go 1.26: reentersyscall(pc, sp, bp) and exitsyscall() of the current g. */
static __always_inline int on_syscall(__u64 g, __u64 kind, __u64 old, __u64 new, __u64 pc)
{
	struct gt_wire_event ev = {};

	head(&ev);
	ev.aux = pc;
	ev.g_status = (g & GT_WIRE_ADDR_MASK) | old << 48 | new << 52;
	return plain(&ev, kind, 0, 0);
}

/* casGToPreemptScan(gp, running, scan|preempted) */
static __always_inline int on_preempt(__u64 g)
{
	struct gt_wire_event ev = {};

	head(&ev);
	ev.g_status = (g & GT_WIRE_ADDR_MASK) | 2ULL << 48 | 9ULL << 52;
	return plain(&ev, GT_WIRE_PREEMPT, 0, 0);
}

/* A register by number: one load each, as the verifier wants fixed offsets. */
static __always_inline __u64 reg(struct pt_regs *ctx, __u32 n)
{
	__u64 v = 0;

	switch (n) {
#define ONE(number, field)                                                                         \
	case number:                                                                               \
		v = (__u64)ctx->field;                                                             \
		asm volatile("" : "+r"(v));                                                        \
		break;
		GT_REGS(ONE)
#undef ONE
	}
	return v;
}

static __always_inline __u64 value(bool sleepable, struct pt_regs *ctx,
				   const volatile struct gt_wire_place *p)
{
	__u64 v = p->v, got;

	if (p->kind == GT_WIRE_P_REG)
		return reg(ctx, v);
	if (p->kind == GT_WIRE_P_STACK)
		return load(sleepable, &got, sizeof(got), GT_SP(ctx) + v) ? got : UNREADABLE;
	return v;
}

/* Functions of their own: their stack is free again when the record is made. */
static __noinline __u64 value_s(struct pt_regs *ctx, const volatile struct gt_wire_place *p)
{
	return value(true, ctx, p);
}

static __noinline __u64 value_p(struct pt_regs *ctx, const volatile struct gt_wire_place *p)
{
	return value(false, ctx, p);
}

/* A copy of one of the above in its caller. */
static __always_inline int on_inlined(bool sleepable, struct pt_regs *ctx)
{
	__u64 n = bpf_get_attach_cookie(ctx);

	if (n >= GT_WIRE_MAX_INLINED)
		return 0;
	const volatile struct gt_wire_inlined *in = &inlined[n];
	__u64 g = sleepable ? value_s(ctx, &in->g) : value_p(ctx, &in->g);
	__u64 old = sleepable ? value_s(ctx, &in->old) : value_p(ctx, &in->old);
	__u64 new = sleepable ? value_s(ctx, &in->new) : value_p(ctx, &in->new);
	if (g == UNREADABLE) {
		count_loss(bpf_get_smp_processor_id());
		return 0;
	}
	if (in->pc.kind)
		return on_syscall(g, GT_WIRE_SYSENTER, RUNNING, SYSCALL,
				  sleepable ? value_s(ctx, &in->pc) : value_p(ctx, &in->pc));
	if (new == PREEMPT_SCAN)
		return on_preempt(g);
	return transition(sleepable, ctx, g, (__u32)old, (__u32) new, in->ra, 0);
}

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

PROBE(status, on_status(true, ctx), on_status(false, ctx))
PROBE(sysenter, on_syscall(GT_CURG(ctx), GT_WIRE_SYSENTER, RUNNING, SYSCALL, GT_ARG0(ctx)),
      on_syscall(GT_CURG(ctx), GT_WIRE_SYSENTER, RUNNING, SYSCALL, GT_ARG0(ctx)))
PROBE(sysexit, on_syscall(GT_CURG(ctx), GT_WIRE_SYSEXIT, SYSCALL, RUNNING, 0),
      on_syscall(GT_CURG(ctx), GT_WIRE_SYSEXIT, SYSCALL, RUNNING, 0))
PROBE(preempt, on_preempt(GT_ARG0(ctx)), on_preempt(GT_ARG0(ctx)))
PROBE(inlined_status, on_inlined(true, ctx), on_inlined(false, ctx))
/* The floor that benches compare with: nothing but the trap. */
PROBE(empty, 0, 0)
