/* SPDX-License-Identifier: BSD-2-Clause */
/* Fitting a copy into a size, by trying. */
#include "fit.h"

#include <stdio.h>

#include "replay/view/names.h"
#include "replay/view/run.h"

#define REMARKS 1024u /* bytes for what the copy says of itself */
#define TRIES	24

struct fit {
	const char *path;
	struct gt_view_opts view;
	struct gt_copy_opts copy;
	uint64_t limit, room;	     /* room: left in the trial under way */
	uint64_t start, first, last; /* of the trace; of its span */
	uint64_t from, to;	     /* what to keep in any case */
	struct {
		uint64_t from, to;
	} mark, queued, waited; /* candidates; to 0: none */
};

/* ---- what to keep ---- */

static int on_event(void *ctx, const struct gt_event *ev, struct gt_err *err)
{
	struct fit *f = ctx;

	(void)err;
	if (ev->kind == GT_EV_GUARD && !f->mark.to)
		f->mark.from = f->mark.to = ev->ts;
	return GT_OK;
}

static int on_step(void *ctx, const struct gt_step *s, struct gt_err *err)
{
	struct fit *f = ctx;

	(void)err;
	if (!s->since_ns || (f->copy.gids && !gt_u64map_get(f->copy.gids, s->gid)))
		return GT_OK;
	if (s->from == GT_S_RUNNABLE && s->ts - s->since_ns > f->queued.to - f->queued.from) {
		f->queued.from = s->since_ns;
		f->queued.to = s->ts;
	} else if (s->from == GT_S_WAITING && s->ts - s->since_ns > f->waited.to - f->waited.from) {
		f->waited.from = s->since_ns;
		f->waited.to = s->ts;
	}
	return GT_OK;
}

static int on_begin(void *ctx, uint64_t from_ns, struct gt_err *err)
{
	(void)err;
	((struct fit *)ctx)->first = from_ns;
	return GT_OK;
}

static int on_end(void *ctx, uint64_t end_ns, const struct gt_end *end, struct gt_err *err)
{
	(void)end;
	(void)err;
	((struct fit *)ctx)->last = end_ns;
	return GT_OK;
}

static const struct gt_run_ops ops = {
	.begin = on_begin, .event = on_event, .step = on_step, .end = on_end
};

static const char *choose(struct fit *f)
{
	if (f->mark.to) {
		f->from = f->to = f->mark.to;
		return "the trigger's mark";
	}
	if (f->queued.to) {
		f->from = f->queued.from;
		f->to = f->queued.to;
		return "the longest wait for a processor";
	}
	f->from = f->waited.to ? f->waited.from : f->last;
	f->to = f->waited.to ? f->waited.to : f->last;
	return f->waited.to ? "the longest wait" : "the end";
}

static int look(struct fit *f, struct gt_err *err)
{
	struct gt_view v = { 0 };
	struct gt_run r = { 0 };
	int rc = gt_view_open(&v, f->path, &f->view, err);

	if (!rc)
		rc = gt_run_open(&r, &v, &ops, f, err);
	if (!rc) {
		f->start = v.info->start_ns;
		rc = gt_run_all(&r, err);
	}
	gt_run_close(&r);
	gt_view_close(&v);
	return rc == GT_CORRUPT || rc == GT_TRUNCATED ? GT_OK : rc;
}

/* ---- trying ---- */

static int count(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	struct fit *f = ctx;

	(void)p;
	if (n > f->room)
		return gt_fail(err, GT_LIMIT, "too large");
	f->room -= n;
	return GT_OK;
}

/* 1: it fits; 0: it does not; or a code. */
static int fits(struct fit *f, struct gt_err *err)
{
	const struct gt_sink sink = { count, f };
	struct gt_copy_stats st;
	struct gt_view v = { 0 };
	int rc = gt_view_open(&v, f->path, &f->view, err);

	f->room = f->limit - REMARKS;
	if (!rc)
		rc = gt_copy_run(&v, &f->copy, &sink, &st, err);
	gt_view_close(&v);
	if (rc == GT_CORRUPT || rc == GT_TRUNCATED)
		rc = GT_OK;
	return rc == GT_LIMIT ? 0 : rc ? rc : 1;
}

static void window(struct fit *f, uint64_t from, uint64_t to)
{
	from = from > f->first ? from : f->first;
	to = to < f->last ? to : f->last;
	f->view.from = (struct gt_when){ .kind = GT_WHEN_START, .ns = from - f->start };
	f->view.to = (struct gt_when){ .kind = GT_WHEN_START, .ns = to - f->start };
}

/* PAD around what is to be kept; where that is too long itself, its last 2^-CUT. */
static int try_pad(struct fit *f, uint64_t pad, unsigned cut, struct gt_err *err)
{
	uint64_t from = f->to - ((f->to - f->from) >> cut);

	window(f, from > pad ? from - pad : 0, f->to + pad);
	return fits(f, err);
}

/* The largest span that fits; its ends are left in f->view. */
static int shrink(struct fit *f, struct gt_err *err)
{
	uint64_t low = 0, high = f->last - f->first;
	unsigned cut = 0;
	int rc = try_pad(f, 0, 0, err);

	while (!rc && ++cut < 63)
		rc = try_pad(f, 0, cut, err);
	if (!rc)
		return gt_fail(err, GT_USAGE,
			       "--fit: not even a moment of '%s' fits (what is alive then is too "
			       "much; choose goroutines with -g, --func, --site)",
			       f->path);
	for (int i = 0; rc > 0 && !cut && i < TRIES && high - low > 1; i++) {
		uint64_t pad = low + (high - low) / 2;

		rc = try_pad(f, pad, 0, err);
		if (rc > 0)
			low = pad;
		else if (!rc)
			high = pad;
		rc = rc < 0 ? rc : 1;
	}
	return rc < 0 ? rc : try_pad(f, low, cut, err);
}

static void say(struct fit *f, const char *around, char says[200])
{
	char from[GT_DUR_MAX], to[GT_DUR_MAX];

	(void)snprintf(says, 200, "kept %s to %s around %s%s",
		       gt_format_time(from, f->view.from.ns), gt_format_time(to, f->view.to.ns),
		       around, f->copy.no_stacks ? ", without stacks" : "");
}

static int cut(struct fit *f, char says[200], struct gt_err *err)
{
	const char *around;
	int rc = look(f, err);

	if (rc)
		return rc;
	around = choose(f);
	rc = shrink(f, err);
	if (rc > 0) {
		f->copy.no_stacks = false; /* there may be room for them after all */
		rc = fits(f, err);
		f->copy.no_stacks = rc == 0;
	}
	if (rc >= 0)
		say(f, around, says);
	return rc < 0 ? rc : GT_OK;
}

int gt_fit(const char *path, struct gt_view_opts *view, struct gt_copy_opts *copy, uint64_t limit,
	   char says[200], struct gt_err *err)
{
	struct fit f = { .path = path, .view = *view, .copy = *copy, .limit = limit };
	int rc;

	*says = 0;
	if (limit < 4 * REMARKS)
		return gt_fail(err, GT_USAGE, "--fit: no trace fits into less than 4K");
	rc = fits(&f, err);
	if (!rc) {
		f.copy.no_stacks = true;
		rc = fits(&f, err);
		if (rc > 0)
			(void)snprintf(says, 200, "all of it, without stacks");
	}
	rc = rc ? rc : cut(&f, says, err);
	*view = f.view;
	copy->no_stacks = f.copy.no_stacks;
	return rc < 0 ? rc : GT_OK;
}
