// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The core: one small record for each change of a goroutine's status, into the ring of the CPU
 * that it happened on. What the records have in common is record.h's.
 */
#include "record.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct gt_probe_config cfg;
struct gt_wire_loss loss[GT_WIRE_MAX_CPUS];
__u32 known;
struct rings rings SEC(".maps");

/* Copies of casgstatus that the compiler inlined into its callers. */
const volatile struct gt_wire_inlined inlined[GT_WIRE_MAX_INLINED];

#define RUNNABLE  1
#define RUNNING	  2
#define SYSCALL	  3
#define WAITING	  4
#define DEAD	  6
#define COPYSTACK 8
#define DEADEXTRA 11 /* Go 1.26: a thread of C has its g no longer */

#define PREEMPT_SCAN 0x1009

/* runtime.g from goid on; the same shape in Go 1.17-1.26, wherever it begins. */
struct g_window {
	__u64 goid, schedlink, waitsince;
	__u8 waitreason, rest[7];
};

/* runtime.g from parentGoid on; before Go 1.21, which has none, from the word before gopc. */
struct g_birth {
	__u64 parent_goid, gopc, ancestors, startpc;
};

/* goid and wait reason. */
static __always_inline int window(bool sleepable, struct gt_wire_event *ev, __u64 g)
{
	struct g_window w;

	if (!load(sleepable, &w, sizeof(w), g + cfg.g_goid))
		ev->ra_kind |= FLAG(GT_WIRE_F_G); /* and W is zeroed */
	ev->goid = w.goid;
	ev->g_status |= (__u64)w.waitreason << 56;
	return 0;
}

/* A function of its own: its stack is free again afterwards. */
static __noinline int window_s(struct gt_wire_event *ev, __u64 g)
{
	return window(true, ev, g);
}

static __noinline int window_p(struct gt_wire_event *ev, __u64 g)
{
	return window(false, ev, g);
}

static __always_inline void read_g(bool sleepable, struct gt_wire_event *ev, __u64 g)
{
	(void)(sleepable ? window_s(ev, g) : window_p(ev, g));
}

/* In whose name a goroutine becomes runnable. */
static __always_inline __u64 actor(bool sleepable, struct pt_regs *ctx, struct gt_wire_event *ev)
{
	__u64 m = cfg.facts & GT_FACT_ACTOR ? this_m(sleepable, ctx, ev) : 0;

	return m ? word(sleepable, ev, m + cfg.m_curg, GT_WIRE_F_M) : 0;
}

/* The M that the thread runs; its P and the length of that one's run queue. */
static __always_inline void read_p(bool sleepable, struct pt_regs *ctx, struct gt_wire_event *ev)
{
	__u64 m = this_m(sleepable, ctx, ev), qlen = 0xffff;
	__u64 p = m ? word(sleepable, ev, m + cfg.m_p, GT_WIRE_F_M) : 0;

	if (p && (cfg.facts & GT_FACT_QLEN)) {
		qlen = word(sleepable, ev, p + cfg.p_runqhead, GT_WIRE_F_P); /* head, then tail */
		qlen = ((qlen >> 32) - qlen) & 0xffff;
	}
	ev->aux = m;
	ev->p_qlen = (p & GT_WIRE_ADDR_MASK) | BESIDE(qlen);
}

/* How large the stack is that G has got. */
static __always_inline __u64 stack_size(bool sleepable, struct gt_wire_event *ev, __u64 g)
{
	__u64 w[2];

	if (!load(sleepable, w, sizeof(w), g + cfg.g_stack))
		ev->ra_kind |= FLAG(GT_WIRE_F_G); /* and W is zeroed */
	return w[1] - w[0];
}

/* What is due at a change of G from OLD to NEW. */
static __always_inline void facts(bool sleepable, struct pt_regs *ctx, struct gt_wire_event *ev,
				  __u64 g, __u32 old, __u32 new)
{
	/* Who is woken is known since it began to wait; who wakes is on this thread. */
	if (old == WAITING && new == RUNNABLE) {
		if (known)
			ev->ra_kind |= FLAG(GT_WIRE_F_KNOWN);
		else
			ev->aux = actor(sleepable, ctx, ev);
		return;
	}
	/* Only a wait has a reason; a thread of C that enters Go begins a life. */
	bool born = old == DEAD || old == DEADEXTRA;
	if (known && new != WAITING && !born && !(cfg.goid_late && old == RUNNABLE))
		ev->ra_kind |= FLAG(GT_WIRE_F_KNOWN);
	else
		read_g(sleepable, ev, g);
	if (old == COPYSTACK)
		ev->aux = stack_size(sleepable, ev, g);
	else if (new == RUNNING && (cfg.facts & GT_FACT_P))
		read_p(sleepable, ctx, ev);
	if (new == SYSCALL)
		ev->aux = old == RUNNING ? word(sleepable, ev, g + cfg.g_syscallpc, GT_WIRE_F_G)
					 : this_m(sleepable, ctx, ev);
	if ((old | new) > 15) {
		ev->ra_kind |= FLAG(GT_WIRE_F_STATUS);
		ev->aux = (__u64)old << 32 | new;
	}
}

/*
 * The stack of G by frame pointers, from the frame at FP outwards: bounded by its stack and
 * strictly upwards. N frames are there already.
 */
static __always_inline void walk(bool sleepable, struct gt_wire_event *ev, struct gt_wire_stack *st,
				 __u64 g, __u64 fp, __u32 n)
{
	__u64 w[2], hi; /* w: the two ends of its stack, then a frame: the caller's, and a pc */

	w[0] = ~0ULL;
	(void)load(sleepable, w, sizeof(w), g + cfg.g_stack);
	hi = w[1];
	if (fp < w[0])
		goto cut;
	for (__u32 i = 0; i < GT_WIRE_MAX_STACK && fp; i++) {
		if (i < n)
			continue;
		if (i >= cfg.stack_depth || fp + 16 > hi || (fp & 7) ||
		    !load(sleepable, w, sizeof(w), fp) || !w[1])
			goto cut;
		st->pcs[i] = w[1];
		st->depth = i + 1;
		if (w[0] && w[0] <= fp)
			goto cut;
		fp = w[0];
	}
	if (!fp)
		return;
cut:
	ev->ra_kind |= FLAG(GT_WIRE_F_STACK);
}

/* What the struct of a goroutine that is born says of that. */
static __always_inline void read_birth(bool sleepable, struct gt_wire_event *ev,
				       struct gt_wire_create *c, __u64 g)
{
	struct g_birth w;

	if (!load(sleepable, &w, sizeof(w), g + cfg.g_gopc - 8))
		ev->ra_kind |= FLAG(GT_WIRE_F_G);
	c->parent_goid = cfg.g_parent_goid ? w.parent_goid : 0;
	c->gopc = w.gopc;
	c->startpc = w.startpc;
}

/* Bytes of a stack: as many as are asked for, a constant to the verifier. */
#define STACK_BYTES (sizeof(__u64) + sizeof(__u64) * cfg.stack_depth)

/* G is born: a record with its go statement, and its creator's stack. */
static __always_inline int creation(bool sleepable, struct pt_regs *ctx, __u64 g, __u32 new,
				    __u64 ra)
{
	struct {
		struct gt_wire_event ev;
		struct gt_wire_create c;
		struct gt_wire_stack stack;
	} *rec = reserve(sizeof(rec->ev) + sizeof(rec->c) +
			 (cfg.stacks & GT_STACKS_CREATE ? STACK_BYTES : sizeof(__u64)));

	if (!rec)
		return 0;
	rec->ev.ra_kind = ra | BESIDE(GT_WIRE_CREATE);
	begin(&rec->ev, g, DEAD, new);
	read_g(sleepable, &rec->ev, g);
	read_birth(sleepable, &rec->ev, &rec->c, g);
	rec->stack.depth = 0;
	rec->ev.aux = actor(sleepable, ctx, &rec->ev);
	if (rec->ev.aux && (cfg.stacks & GT_STACKS_CREATE))
		walk(sleepable, &rec->ev, &rec->stack, rec->ev.aux,
		     word(sleepable, &rec->ev, rec->ev.aux + cfg.g_sched_bp, GT_WIRE_F_STACK), 0);
	return finish(&rec->ev);
}

/* Functions of their own, so that what they keep is none of the common path's stack. */
static __noinline int creation_s(struct pt_regs *ctx, __u64 g, __u32 new, __u64 ra)
{
	return creation(true, ctx, g, new, ra);
}

static __noinline int creation_p(struct pt_regs *ctx, __u64 g, __u32 new, __u64 ra)
{
	return creation(false, ctx, g, new, ra);
}

/* G parks, or enters a system call, and its stack is wanted. */
static __always_inline int block(bool sleepable, struct pt_regs *ctx, __u64 g, __u32 new, __u64 ra)
{
	struct {
		struct gt_wire_event ev;
		struct gt_wire_stack stack;
	} *rec = reserve(sizeof(rec->ev) + STACK_BYTES);
	__u64 fp = GT_FP(ctx);
	__u32 n = 0;

	if (!rec)
		return 0;
	rec->ev.ra_kind = ra | BESIDE(GT_WIRE_BLOCK);
	begin(&rec->ev, g, RUNNING, new);
	facts(sleepable, ctx, &rec->ev, g, RUNNING, new);
	rec->stack.depth = 0;
	if (new == WAITING) { /* it has left its stack: this runs on the thread's own */
		rec->stack.pcs[0] = word(sleepable, &rec->ev, g + cfg.g_sched_pc, GT_WIRE_F_STACK);
		fp = word(sleepable, &rec->ev, g + cfg.g_sched_bp, GT_WIRE_F_STACK);
		rec->stack.depth = n = 1;
	}
	walk(sleepable, &rec->ev, &rec->stack, g, fp, n);
	return finish(&rec->ev);
}

static __noinline int block_s(struct pt_regs *ctx, __u64 g, __u32 new, __u64 ra)
{
	return block(true, ctx, g, new, ra);
}

static __noinline int block_p(struct pt_regs *ctx, __u64 g, __u32 new, __u64 ra)
{
	return block(false, ctx, g, new, ra);
}

/* Is the stack wanted of a running goroutine that goes to NEW? */
static __always_inline bool stack_due(__u32 new, __u64 ra)
{
	if (new == WAITING)
		return (cfg.stacks & GT_STACKS_BLOCK) && (ra & GT_WIRE_ADDR_MASK) >= cfg.park_lo &&
		       (ra & GT_WIRE_ADDR_MASK) < cfg.park_hi;
	return new == SYSCALL && (cfg.stacks & GT_STACKS_SYSCALL);
}

/* The goroutine G goes from OLD to NEW; RA: in whose name, and flags. */
static __always_inline int transition(bool sleepable, struct pt_regs *ctx, __u64 g, __u32 old,
				      __u32 new, __u64 ra)
{
	struct gt_wire_event *ev;

	if (old == DEAD && (new == RUNNABLE || new == WAITING))
		return sleepable ? creation_s(ctx, g, new, ra) : creation_p(ctx, g, new, ra);
	if (old == RUNNING && stack_due(new, ra))
		return sleepable ? block_s(ctx, g, new, ra) : block_p(ctx, g, new, ra);
	ev = reserve(sizeof(*ev));
	if (!ev)
		return 0;
	ev->ra_kind = ra | BESIDE(GT_WIRE_STATUS);
	begin(ev, g, old, new);
	facts(sleepable, ctx, ev, g, old, new);
	return finish(ev);
}

/* For programs that have stack of their own. */
static __noinline int transition_s(struct pt_regs *ctx, __u64 g, __u32 old, __u32 new, __u64 ra)
{
	return transition(true, ctx, g, old, new, ra);
}

static __noinline int transition_p(struct pt_regs *ctx, __u64 g, __u32 old, __u32 new, __u64 ra)
{
	return transition(false, ctx, g, old, new, ra);
}

/*
 * The return address, and a flag when it cannot be read. Whoever begins to run or exits does so in
 * one way only: there it tells nothing.
 */
static __always_inline __u64 return_address(bool sleepable, struct pt_regs *ctx, __u32 old,
					    __u32 new)
{
	__u64 ra = GT_LR(ctx);

	if ((old == RUNNABLE && new == RUNNING) || (old == RUNNING && new == DEAD))
		return 0;
	if (GT_RA_IN_MEMORY && !load(sleepable, &ra, sizeof(ra), GT_SP(ctx) + cfg.ra_off))
		return FLAG(GT_WIRE_F_RA);
	return ra & GT_WIRE_ADDR_MASK;
}

/* casgstatus(gp, old, new) */
static __always_inline int on_status(bool sleepable, struct pt_regs *ctx)
{
	__u64 g = GT_ARG0(ctx);
	__u32 old = (__u32)GT_ARG1(ctx), new = (__u32)GT_ARG2(ctx);

	if (cfg.args_on_stack) { /* arm64, Go 1.17 */
		struct {
			__u64 g;
			__u32 old, new;
		} args = {};
		(void)load(sleepable, &args, sizeof(args), GT_SP(ctx) + cfg.arg_off);
		g = args.g;
		old = args.old;
		new = args.new;
	}
	return transition(sleepable, ctx, g, old, new, return_address(sleepable, ctx, old, new));
}

/* Go 1.26: reentersyscall(pc, sp, bp) and exitsyscall() of the current g. */
static __always_inline int on_sysenter(bool sleepable, struct pt_regs *ctx, __u64 g, __u64 pc)
{
	if (!(cfg.stacks & GT_STACKS_SYSCALL))
		return bare(g, GT_WIRE_SYSENTER, RUNNING, SYSCALL, pc);
	struct {
		struct gt_wire_event ev;
		struct gt_wire_stack stack;
	} *rec = reserve(sizeof(rec->ev) + STACK_BYTES);
	if (!rec)
		return 0;
	rec->ev.ra_kind = BESIDE(GT_WIRE_SYSBLOCK);
	begin(&rec->ev, g, RUNNING, SYSCALL);
	rec->ev.aux = pc;
	rec->stack.depth = 0;
	walk(sleepable, &rec->ev, &rec->stack, g, GT_FP(ctx), 0);
	return finish(&rec->ev);
}

static __always_inline int on_sysexit(__u64 g)
{
	return bare(g, GT_WIRE_SYSEXIT, SYSCALL, RUNNING, 0);
}

/* casGToPreemptScan(gp, running, scan|preempted) */
static __always_inline int on_preempt(__u64 g)
{
	return bare(g, GT_WIRE_PREEMPT, RUNNING, PREEMPT_SCAN & 15, 0);
}

#define UNREADABLE (~0ULL)

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
		return on_sysenter(sleepable, ctx, g,
				   sleepable ? value_s(ctx, &in->pc) : value_p(ctx, &in->pc));
	if (new == PREEMPT_SCAN)
		return on_preempt(g);
	return sleepable ? transition_s(ctx, g, (__u32)old, (__u32) new, in->ra)
			 : transition_p(ctx, g, (__u32)old, (__u32) new, in->ra);
}

PROBE(status, on_status(true, ctx), on_status(false, ctx))
PROBE(sysenter, on_sysenter(true, ctx, GT_CURG(ctx), GT_ARG0(ctx)),
      on_sysenter(false, ctx, GT_CURG(ctx), GT_ARG0(ctx)))
PROBE(sysexit, on_sysexit(GT_CURG(ctx)), on_sysexit(GT_CURG(ctx)))
PROBE(preempt, on_preempt(GT_ARG0(ctx)), on_preempt(GT_ARG0(ctx)))
PROBE(inlined_status, on_inlined(true, ctx), on_inlined(false, ctx))
/* The floor that benches compare with: nothing but the trap. */
PROBE(empty, 0, 0)
