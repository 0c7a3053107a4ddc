/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When all goroutines of a process are read from its memory: as it comes under trace, soon after
 * a loss, every so often where that was asked for, and at the end. While a process has no
 * probes in it, what happens between two looks is a loss, and what a look sees is a sample.
 */
#include "session_impl.h"

#include "clock.h"
#include "format/base/log.h"
#include "snapshot.h"

#define RESYNC_PART   50 /* a look after a loss waits this often the time that one takes */
#define RESYNC_MIN_NS 100000000u
#define APART_NS      1000u /* between the last row of a look and the gap behind it */

static int snap_row(void *ctx, const struct gt_snap_row *r, struct gt_err *err)
{
	struct gt_session *s = ctx;
	const struct gt_member *m = &s->members.p[r->process - 1];
	struct gt_snap_row row = *r;

	row.kind = m->gap_ns && m->known ? GT_EV_GAP : GT_EV_SNAP;
	row.later = m->known;
	return gt_encoder_snap(s->enc, &row, err);
}

int gt_session_gap(struct gt_session *s, uint32_t i, uint64_t ns, struct gt_err *err)
{
	struct gt_member *m = &s->members.p[i];
	struct gt_loss l = { .process = i + 1,
			     .cpu = UINT32_MAX,
			     .cause = GT_LOSS_THROTTLED,
			     .t0 = m->gap_ns,
			     .t1 = ns };

	if (!m->gap_ns || ns <= m->gap_ns)
		return GT_OK;
	m->gap_ns = ns;
	s->gap_total_ns += l.t1 - l.t0;
	return gt_encoder_loss(s->enc, &l, err);
}

/* Between looks that no loss asks for, ns; 0: there are none. In a gap what we take for them
 * counts. */
static uint64_t every(const struct gt_session *s, const struct gt_member *m)
{
	double own = s->part > 0 && m->gap_ns ? (double)m->took_ns / s->part : 0;

	if (s->snapshot_ns)
		return s->snapshot_ns;
	if (!(s->part > 0) || !m->gap_ns)
		return 0;
	return own > RESYNC_MIN_NS ? (uint64_t)own : RESYNC_MIN_NS;
}

/* PERIOD on average, from half to one and a half: a load with that very period deceives nobody. */
static uint64_t apart(struct gt_session *s, uint64_t period)
{
	s->dice = s->dice * 6364136223846793005u + 1442695040888963407u;
	return period / 2 + (s->dice >> 33) % period;
}

/* When the next looks are due, after one that took TOOK. */
static void plan_next(struct gt_session *s, struct gt_member *m, uint64_t took)
{
	uint64_t now = gt_clock_ns(CLOCK_MONOTONIC);

	m->took_ns = took;
	m->next_ns = now +
		     (took * RESYNC_PART > RESYNC_MIN_NS ? took * RESYNC_PART : RESYNC_MIN_NS);
	if (!every(s, m))
		return;
	/* At even times, whatever each takes; what could not be kept up with is left out. */
	m->tick_ns += s->snapshot_ns ? s->snapshot_ns : apart(s, every(s, m));
	if (m->tick_ns <= now)
		m->tick_ns = now + every(s, m);
}

int gt_session_snapshot(struct gt_session *s, uint32_t i, struct gt_err *err)
{
	struct gt_member *m = &s->members.p[i];
	struct gt_snapshot_stats st = { 0 };
	struct gt_err why;
	int rc = gt_session_gap(s, i, gt_clock_ns(CLOCK_MONOTONIC), &why);

	if (!rc)
		rc = gt_snapshot_take(m->t, i + 1, m->known, &m->allgs, snap_row, s, &st, &why);
	if (m->gap_ns)
		m->gap_ns = gt_clock_ns(CLOCK_MONOTONIC) + APART_NS;
	plan_next(s, m, st.took_ns);
	if (rc == GT_NOMEM) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc) {
		if (!m->told_unread)
			gt_log_warn("%s, ignoring", why.msg);
		m->told_unread = true;
		return GT_OK;
	}
	m->known = true;
	/* What a slice begins with may be a change that is yet to be made. */
	if (m->a && !m->slice && !st.unreadable)
		gt_attach_trust(m->a);
	gt_log_debug("pid %d: %llu goroutines read in %llu us (%llu unreadable, %llu torn)",
		     (int)m->t->pid, (unsigned long long)st.goroutines,
		     (unsigned long long)st.took_ns / 1000, (unsigned long long)st.unreadable,
		     (unsigned long long)st.torn);
	return GT_OK;
}

void gt_session_resync_after(struct gt_session *s, uint32_t process, uint64_t last_ns)
{
	for (uint32_t i = 0; i < s->members.n; i++)
		if (!process || process == i + 1)
			s->members.p[i].due_ns = last_ns + GT_RACE_NS;
}

/* When M is to be looked at next; UINT64_MAX: there is no reason to. */
static uint64_t due(const struct gt_session *s, const struct gt_member *m)
{
	uint64_t loss = m->due_ns > m->next_ns ? m->due_ns : m->next_ns;
	uint64_t at = m->due_ns ? loss : UINT64_MAX;

	if (m->gone)
		return UINT64_MAX;
	return every(s, m) && m->tick_ns < at ? m->tick_ns : at;
}

int gt_session_look(struct gt_session *s, struct gt_err *err)
{
	uint64_t now = gt_clock_ns(CLOCK_MONOTONIC);
	int rc = GT_OK;

	for (uint32_t i = 0; !rc && i < s->members.n; i++) {
		struct gt_member *m = &s->members.p[i];
		if (now < due(s, m))
			continue;
		if (now >= m->due_ns)
			m->due_ns = 0;
		if (gt_target_alive(m->t))
			rc = gt_session_snapshot(s, i, err);
	}
	return rc;
}

uint64_t gt_session_due(const struct gt_session *s)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < s->members.n; i++) {
		uint64_t at = due(s, &s->members.p[i]);
		first = at < first ? at : first;
	}
	return first;
}
