/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes to items for the state machine. After each item its invariants must hold; and a second
 * engine, loaded from keys somewhere on the way, must believe the same at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/in.h"
#include "replay/engine/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct last {
	uint64_t ts[256];
	uint8_t to[256];
};

static void fail(const char *what)
{
	(void)fprintf(stderr, "fuzz_engine: %s\n", what);
	abort();
}

/* Steps of one goroutine join, and go forward. */
static void on_step(void *ctx, const struct gt_step *s)
{
	struct last *l = ctx;
	unsigned i = s->gid & 255;

	if (s->from == s->to && !s->created)
		fail("a step that changes nothing");
	if (s->ts < s->since_ns)
		fail("a state that ended before it began");
	if (l->ts[i] && !s->created && l->to[i] != GT_S_DEAD &&
	    (s->from != l->to[i] || (s->since_ns != l->ts[i] && s->since_ns)))
		fail("a step that does not join the one before");
	l->ts[i] = s->ts;
	l->to[i] = s->to;
}

static enum gt_ra_class pc_class(void *ctx, uint32_t pc)
{
	(void)ctx;
	return (enum gt_ra_class)pc;
}

static struct gt_event event(struct gt_in *in, uint64_t *now)
{
	uint8_t a = gt_in_u8(in), b = gt_in_u8(in), c = gt_in_u8(in), d = gt_in_u8(in);
	uint8_t e = gt_in_u8(in);

	*now += (uint64_t)e * e * e;
	return (struct gt_event){
		.ts = *now - (a & 0x80 ? 5000 : 0),
		.gid = a & 31,
		.process = 1 + (a >> 5 & 1),
		.tid = b & 15,
		.actor = b >> 4,
		.old = c & 15,
		.new = c >> 4,
		.ra = d & 31,
		.kind = d & 0x80 ? (uint8_t)(d >> 5 & 7) : (uint8_t)GT_EV_STATUS,
		.flags = e & 0x40 ? e & 31 : 0,
		.arg = (uint64_t)e << 12,
		.p = -1,
		.m = -1,
		.qlen = -1,
	};
}

static struct gt_goroutine row(struct gt_in *in)
{
	uint8_t a = gt_in_u8(in), b = gt_in_u8(in);

	return (struct gt_goroutine){ .gid = a & 31,
				      .goid = b,
				      .gptr = 0xc000000000 + (b & 15) * 512u,
				      .process = 1 + (a >> 5 & 1),
				      .flags = a >> 6 & 1 ? GT_GF_EXISTED : 0 };
}

static void item(struct gt_engine *e, uint8_t op, struct gt_in *in, uint64_t *now)
{
	if (op < 224) {
		struct gt_event ev = event(in, now);
		(void)!gt_engine_event(e, &ev, NULL);
	} else if (op < 250) {
		struct gt_goroutine g = row(in);
		(void)!gt_engine_goroutine(e, &g, NULL);
	} else {
		uint8_t t = gt_in_u8(in);
		struct gt_loss l = { .process = op & 1, .t0 = *now, .t1 = *now + t * 1000u };
		(void)!gt_engine_loss(e, &l, NULL);
	}
}

static void load(struct gt_engine *to, const struct gt_engine *from)
{
	const struct gt_gor_state *g = NULL;

	gt_engine_reset(to, 0);
	while ((g = gt_engine_next_key(from, g ? g->k.g.gid : 0)))
		if (gt_engine_key(to, &g->k, NULL))
			fail("a key was refused");
}

static void compare(const struct gt_engine *a, const struct gt_engine *b)
{
	const struct gt_gor_state *x = NULL, *y = NULL;

	do {
		x = gt_engine_next_key(a, x ? x->k.g.gid : 0);
		y = gt_engine_next_key(b, y ? y->k.g.gid : 0);
		if (!x != !y || (x && (x->k.g.gid != y->k.g.gid || x->k.state != y->k.state ||
				       x->k.since_ns != y->k.since_ns || x->k.tid != y->k.tid ||
				       x->k.last_ns != y->k.last_ns || x->k.reason != y->k.reason)))
			fail("replay from a keyframe differs");
	} while (x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_in in = gt_in_init(data, size);
	struct last last = { 0 };
	struct gt_engine_opts oa = { .step = on_step, .ctx = &last, .pc_class = pc_class };
	struct gt_engine_opts ob = { .pc_class = pc_class };
	struct gt_engine *a, *b;
	struct gt_err err;
	uint64_t now_a = 10000000, now_b = 0;
	bool both = false;

	if (gt_engine_new(&a, &oa, NULL) || gt_engine_new(&b, &ob, NULL))
		return 0;
	while (gt_in_left(&in) > 2) {
		uint8_t op = gt_in_u8(&in);
		struct gt_in copy = in;

		if (op == 255) {
			load(b, a);
			now_b = now_a;
			both = true;
			continue;
		}
		item(a, op, &in, &now_a);
		if (both)
			item(b, op, &copy, &now_b);
		if (gt_engine_check(a, &err))
			fail(err.msg);
	}
	/* A loss for later events is known to a keyframe by its goroutines: not without any. */
	if (both)
		compare(a, b);
	gt_engine_free(a);
	gt_engine_free(b);
	return 0;
}
