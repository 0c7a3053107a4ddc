/* SPDX-License-Identifier: BSD-2-Clause */
/* An engine on hand-made events, for the tests of its rules. */
#ifndef ENGINE_RIG_H
#define ENGINE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "replay/engine/engine.h"
#include "replay/engine/states.h"

#define MAX_STEPS 4096

/* An engine with its steps; pc ids are their own class, so that a test can say who called. */
struct rig {
	struct gt_engine *e;
	struct gt_step s[MAX_STEPS];
	size_t n;
	uint64_t now;
};

static inline void on_step(void *ctx, const struct gt_step *s)
{
	struct rig *r = ctx;
	const struct gt_gor_state *g = gt_engine_get(r->e, s->gid);

	assert_non_null(g);
	assert_int_equal(g->k.state, s->to);
	assert_true(r->n < MAX_STEPS);
	r->s[r->n++] = *s;
}

static inline enum gt_ra_class pc_class(void *ctx, uint32_t pc)
{
	(void)ctx;
	return (enum gt_ra_class)pc;
}

static inline int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct gt_engine_opts o = { .step = on_step, .ctx = r, .pc_class = pc_class };

	assert_non_null(r);
	assert_int_equal(gt_engine_new(&r->e, &o, NULL), GT_OK);
	r->now = 1000000000;
	*state = r;
	return 0;
}

static inline int teardown(void **state)
{
	struct rig *r = *state;

	assert_int_equal(gt_engine_check(r->e, NULL), GT_OK);
	gt_engine_free(r->e);
	free(r);
	return 0;
}

static inline void feed(struct rig *r, const struct gt_event *ev)
{
	struct gt_err err = { 0 };

	assert_int_equal(gt_engine_event(r->e, ev, &err), GT_OK);
	if (gt_engine_check(r->e, &err))
		fail_msg("%s", err.msg);
}

/* 1 us later: GID goes from OLD to NEW on TID, called by RA; the steps before are forgotten. */
static inline struct gt_event ev(struct rig *r, uint64_t gid, uint32_t tid, uint8_t old,
				 uint8_t new, enum gt_ra_class ra)
{
	r->now += 1000;
	return (struct gt_event){ .ts = r->now,
				  .gid = gid,
				  .process = 1,
				  .tid = tid,
				  .ra = ra,
				  .p = 0,
				  .m = -1,
				  .qlen = -1,
				  .kind = GT_EV_STATUS,
				  .old = old,
				  .new = new };
}

static inline void st(struct rig *r, uint64_t gid, uint32_t tid, uint8_t old, uint8_t new,
		      enum gt_ra_class ra)
{
	struct gt_event e = ev(r, gid, tid, old, new, ra);

	r->n = 0;
	feed(r, &e);
}

static inline void probe(struct rig *r, uint64_t gid, uint32_t tid, enum gt_event_kind kind)
{
	struct gt_event e = ev(r, gid, tid, 0, 0, GT_RA_UNKNOWN);

	e.kind = (uint8_t)kind;
	r->n = 0;
	feed(r, &e);
}

static inline void snap(struct rig *r, uint64_t gid, uint32_t tid, uint8_t status, uint64_t later)
{
	struct gt_event e = ev(r, gid, tid, 0, status, GT_RA_UNKNOWN);

	e.kind = GT_EV_SNAP;
	e.ts = r->now += later;
	e.arg = 2000;
	e.reason = 14;
	e.stack = 77;
	r->n = 0;
	feed(r, &e);
}

static inline void row(struct rig *r, uint64_t gid, uint64_t gptr, uint32_t flags)
{
	struct gt_goroutine g = {
		.gid = gid, .goid = gid + 100, .gptr = gptr, .process = 1, .flags = flags
	};

	assert_int_equal(gt_engine_goroutine(r->e, &g, NULL), GT_OK);
}

static inline enum gt_gstate state_of(struct rig *r, uint64_t gid)
{
	const struct gt_gor_state *g = gt_engine_get(r->e, gid);
	return g ? (enum gt_gstate)g->k.state : GT_S_DEAD;
}

static inline uint64_t repairs(struct rig *r, enum gt_repair which)
{
	return gt_engine_repairs(r->e)[which];
}

static inline uint64_t all_repairs(struct rig *r)
{
	uint64_t n = 0;

	for (int i = 0; i < GT_R_COUNT; i++)
		n += gt_engine_repairs(r->e)[i];
	return n;
}

static inline void expect(struct rig *r, size_t i, uint64_t gid, enum gt_gstate from,
			  enum gt_gstate to, enum gt_repair repair)
{
	assert_true(i < r->n);
	assert_int_equal(r->s[i].gid, gid);
	assert_int_equal(r->s[i].from, from);
	assert_int_equal(r->s[i].to, to);
	assert_int_equal(r->s[i].repair, repair);
}

/* A goroutine that runs on TID. */
static inline void run(struct rig *r, uint64_t gid, uint32_t tid)
{
	st(r, gid, 9, 6, 1, GT_RA_NEWPROC);
	st(r, gid, tid, 1, 2, GT_RA_EXECUTE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
