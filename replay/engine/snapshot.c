/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Merges what was read from the target's memory into what the events say. Events win: a
 * snapshot decides only for goroutines that had no event since the reading began, as it may
 * have seen them before or after. (docs/STATES.md, "Snapshots")
 */
#include "core.h"

/*
 * A probe precedes the change that it announces, and a thread can be descheduled just there.
 * A snapshot that shows what the goroutine was before its last event is believed to be that
 * race when the event is not older than this many slacks (1 s).
 */
#define RACE_SLACKS 1000

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Waiting, self-wait and a stopped goroutine that the scanner holds are the same to memory. */
static bool agrees(enum gt_gstate believed, enum gt_gstate read, uint8_t status)
{
	if (status == GT_G_WAITING || status == GT_G_LEAKED)
		return believed == GT_S_WAITING || believed == GT_S_SELFWAIT ||
		       believed == GT_S_PREEMPTED;
	return believed == read;
}

static enum gt_repair differs(const struct gt_engine *e, const struct gt_gor *g,
			      const struct gt_event *ev, enum gt_gstate read)
{
	enum gt_gstate s = gt_belief_state(g->belief);

	if (ev->kind == GT_EV_GAP)
		return GT_R_NONE;
	if (ev->flags & GT_EVF_RESYNC)
		return gt_core_explain(e, g, ev, GT_R_GOID_MISMATCH);
	if (s == GT_S_RUNNING && (ev->new == GT_G_WAITING || ev->new == GT_G_PREEMPTED))
		return GT_R_UNSEEN_PREEMPT;
	if (s == GT_S_RUNNING && read == GT_S_SYSCALL)
		return GT_R_UNSEEN_SYSENTER;
	if (s == GT_S_SYSCALL && read == GT_S_RUNNING)
		return GT_R_UNSEEN_SYSEXIT;
	if (g->belief == GT_B_CORO_WAIT && read == GT_S_RUNNING)
		return GT_R_UNSEEN_CORO;
	return gt_core_explain(e, g, ev, GT_R_SNAPSHOT_DIFFERS);
}

/*
 * The same state, but not the same stay in it: it waits for something else, or elsewhere. That is
 * looked for only where events may be missing, as only there it can be.
 */
static bool another_wait(const struct gt_engine *e, const struct gt_gor *g,
			 const struct gt_event *ev)
{
	const struct gt_key *k = &g->pub.k;

	return k->state == GT_S_WAITING && ev->new == GT_G_WAITING &&
	       (ev->kind == GT_EV_GAP || gt_core_uncertain(e, g)) &&
	       ((k->reason && ev->reason && k->reason != ev->reason) ||
		(k->kflags & GT_KF_STACK_READ && ev->stack && k->stack != ev->stack));
}

/* The thread that it runs on, where it may have changed unseen. */
static void confirm_thread(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m)
{
	if (m->ev->tid && g->pub.k.tid != m->ev->tid && gt_belief_on_thread(g->belief) &&
	    (m->ev->kind == GT_EV_GAP || gt_core_uncertain(e, g)))
		gt_core_move(e, g, m, g->belief, GT_R_NONE);
}

static void confirm(struct gt_key *k, const struct gt_event *ev)
{
	if (k->state == GT_S_WAITING && !k->reason)
		k->reason = ev->reason;
	if ((k->state == GT_S_WAITING || k->state == GT_S_SYSCALL) && !k->stack) {
		k->stack = ev->stack;
		k->kflags |= k->stack ? GT_KF_STACK_READ : 0;
		if (k->stack && ev->flags & GT_EVF_STACK_CUT)
			k->kflags |= GT_KF_STACK_CUT;
	}
	if (k->state == GT_S_SYSCALL && !k->pc)
		k->pc = ev->pc;
}

/*
 * Is there an event that the reading may not have seen yet? Its wait may be told of all the same:
 * memory showed it running until after that event.
 */
static bool events_win(const struct gt_engine *e, struct gt_key *k, const struct gt_event *ev,
		       enum gt_gstate read, uint64_t begin)
{
	if (ev->flags & GT_EVF_RESYNC || !k->last_ns ||
	    k->last_ns < less(begin, e->opts.snap_slack_ns))
		return false;
	if (k->last_ns < begin && k->state == GT_S_WAITING && read == GT_S_WAITING)
		confirm(k, ev);
	return true;
}

void gt_core_snapshot(struct gt_engine *e, struct gt_gor *g, const struct gt_event *ev)
{
	struct gt_key *k = &g->pub.k;
	struct gt_move m = { .ev = ev, .ts = ev->ts, .snapshot = true };
	enum gt_gstate read = gt_states_of_status(ev->new, ev->tid);
	uint64_t begin = less(ev->ts, ev->arg), slack = e->opts.snap_slack_ns;
	bool first = !k->last_ns && k->state == GT_S_UNKNOWN;
	/* With RESYNC the recorder knows for sure: the address is another goroutine's by now. */
	bool sure = ev->flags & GT_EVF_RESYNC;

	if (!gt_states_status_ok(ev->new)) {
		gt_core_count(e, GT_R_BAD_STATUS);
		return;
	}
	if (first && read == GT_S_DEAD)
		return; /* a free struct */
	if (g->pending)
		gt_core_born(e, g, &m);
	if (events_win(e, k, ev, read, begin))
		return;
	m.found = first && k->g.flags & GT_GF_FOUND;
	if (k->state == GT_S_UNKNOWN) {
		gt_core_move(e, g, &m, (enum gt_belief)read, GT_R_NONE);
		if (first && !k->g.created_ns)
			k->since_ns = 0;
	} else if (agrees(gt_belief_state(g->belief), read, ev->new)) {
		m.again = another_wait(e, g, ev);
		if (m.again)
			gt_core_move(e, g, &m, (enum gt_belief)read, differs(e, g, ev, read));
		else
			confirm(k, ev);
		confirm_thread(e, g, &m);
	} else {
		if (!sure && ev->new == k->old && !gt_core_uncertain(e, g) &&
		    k->last_ns >= less(begin, slack * RACE_SLACKS))
			return;
		gt_core_move(e, g, &m, (enum gt_belief)read, differs(e, g, ev, read));
	}
	k->last_ns = begin > k->last_ns ? begin : k->last_ns;
	if (ev->new == GT_G_LEAKED)
		k->kflags |= GT_KF_LEAKED;
	if (g->belief == (uint8_t)GT_S_DEAD)
		gt_core_forget(e, g);
}
