/* SPDX-License-Identifier: BSD-2-Clause */
/* The budget: what gt_governor says, done to the probes of each process, with the gaps told. */
#include "session_impl.h"

#include "clock.h"
#include "format/base/log.h"
#include "slice.h"

int gt_session_slices(struct gt_session *s, struct gt_member *m, struct gt_err *err)
{
	uint64_t now = gt_clock_ns(CLOCK_MONOTONIC);

	if (!s->part)
		return GT_OK;
	gt_governor_init(&m->governor, s->part, s->hit_ns, now, m->launched);
	if (!m->launched)
		m->gap_ns = now;
	return gt_slice_new(&m->slice, m->a, m->t, m->launched, err);
}

/* A change is done: a gap begins with the first probe that goes, and ends with the last that comes.
 */
static int switched(struct gt_session *s, uint32_t i, const struct gt_slice_done *d,
		    struct gt_err *err)
{
	struct gt_member *m = &s->members.p[i];
	int rc = GT_OK;

	gt_log_debug("pid %d: probes %s in %llu us, credit %.3f ms, load %.3f", (int)m->t->pid,
		     d->on ? "in" : "out", (unsigned long long)(d->end_ns - d->begin_ns) / 1000,
		     m->governor.credit_ns / 1e6, m->governor.load);
	if (d->rc && d->rc != GT_GONE)
		return gt_fail(err, (enum gt_code)d->rc, "%s", d->err.msg);
	gt_governor_switched(&m->governor, d->on ? d->end_ns : d->begin_ns, d->on);
	if (d->rc)
		return GT_OK;
	if (d->on) {
		rc = gt_session_gap(s, i, d->end_ns, err);
		m->gap_ns = 0;
		m->due_ns = d->end_ns + GT_RACE_NS;
		m->next_ns = 0;
	} else {
		m->gap_ns = d->begin_ns;
		m->tick_ns = d->end_ns;
	}
	return rc;
}

int gt_session_govern(struct gt_session *s, struct gt_err *err)
{
	uint64_t now = gt_clock_ns(CLOCK_MONOTONIC);
	struct gt_slice_done d;
	int rc = GT_OK;

	for (uint32_t i = 0; !rc && i < s->members.n; i++) {
		struct gt_member *m = &s->members.p[i];
		if (!m->slice || m->gone)
			continue;
		uint64_t hits = gt_encoder_hits(s->enc, i + 1) + gt_attach_lost(m->a);
		bool on = gt_governor_step(&m->governor, now, hits - m->hits);
		m->hits = hits;
		if (gt_slice_take(m->slice, &d))
			rc = switched(s, i, &d, err);
		else if (on != m->governor.on)
			rc = gt_slice_ask(m->slice, on, err);
	}
	return rc;
}
