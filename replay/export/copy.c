/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace written anew: the walk over its items. */
#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include "copy_ids.h"
#include "redact.h"
#include "replay/engine/engine.h"

struct copy {
	struct gt_view *v;
	const struct gt_copy_opts *o;
	const struct gt_sink *sink;
	struct gt_copy_stats *st;
	struct gt_engine *engine; /* sees exactly what the copy holds */
	struct gt_ids ids;	  /* its writer is owned; NULL until the copy begins */
	struct gt_u64map told;	  /* live goroutines whose row is in the copy */
	const char **comments;	  /* owned */
	bool keyed, in_key;	  /* a state came from a keyframe; one is being read */
	uint64_t state_ns;	  /* the state is known as of then */
	uint64_t last_ts;	  /* of the events of the copy, as stored */
	struct gt_clock clock;	  /* the last one before the copy begins */
	bool have_clock, have_end;
	struct gt_end end;
};

static bool kept(const struct copy *c, uint64_t gid)
{
	return !gid || !c->o->gids || gt_u64map_get(c->o->gids, gid);
}

/* ---- states ---- */

static int write_keyframe(struct copy *c, uint64_t as_of, struct gt_err *err)
{
	const struct gt_gor_state *s;
	uint64_t gid = 0;
	int rc = gt_writer_keyframe_begin(c->ids.w, as_of, err);

	while (!rc && (s = gt_engine_next_key(c->engine, gid))) {
		struct gt_key k = s->k;

		gid = k.g.gid;
		if (k.state == GT_S_DEAD)
			continue;
		rc = gt_ids_key(&c->ids, &k, err);
		if (!rc)
			rc = gt_writer_key(c->ids.w, &k, err);
		if (!rc && !gt_u64map_put(&c->told, gid, 1))
			rc = gt_fail(err, GT_NOMEM, "no memory to copy");
	}
	return rc ? rc : gt_writer_keyframe_end(c->ids.w, err);
}

static int write_row(struct copy *c, uint64_t gid, struct gt_err *err)
{
	const struct gt_gor_state *s;
	struct gt_goroutine g;
	int rc;

	if (!gid || gt_u64map_get(&c->told, gid) || !(s = gt_engine_get(c->engine, gid)))
		return GT_OK;
	g = s->k.g;
	rc = gt_ids_goroutine(&c->ids, &g, err);
	if (!rc)
		rc = gt_writer_goroutine(c->ids.w, &g, err);
	if (!rc && !gt_u64map_put(&c->told, gid, 1))
		rc = gt_fail(err, GT_NOMEM, "no memory to copy");
	return rc;
}

/* ---- the beginning ---- */

static bool replaces(const struct copy *c, unsigned what)
{
	return c->o->redact && gt_redact_what(c->o->redact) & what;
}

static int list_comments(struct copy *c, struct gt_err *err)
{
	const struct gt_trace_info *i = c->v->info;
	uint32_t n = 0, told = i->n_comments;

	if (replaces(c, GT_RD_COMMENTS)) /* but what the copy says itself */
		told = 0;
	c->comments = calloc(told + 2, sizeof(*c->comments));
	if (!c->comments)
		return gt_fail(err, GT_NOMEM, "no memory to copy");
	for (; n < told; n++)
		c->comments[n] = i->comments[n];
	c->comments[n] = c->o->remark;
	return GT_OK;
}

static int open_writer(struct copy *c, struct gt_err *err)
{
	const struct gt_trace_info *i = c->v->info;
	uint64_t from = c->st->from_ns;
	struct gt_writer_opts wo = {
		.zstd_level = c->o->level,
		.time_res_ns = i->time_res_ns,
		.session = c->o->session,
		.start_ns = from,
		.start_wall_ns = i->start_wall_ns + (from - i->start_ns),
		.boot_id = i->boot_id,
		.hostname = i->hostname,
		.os = i->os,
		.hardware = i->hardware,
		.tool = i->tool,
		.n_cpus = i->n_cpus,
		.rewritten = true,
	};
	int rc = list_comments(c, err);

	wo.comments = c->comments;
	if (replaces(c, GT_RD_HOST))
		wo.boot_id = wo.hostname = wo.os = wo.hardware = "";
	if (c->o->redact)
		wo.tool = "gtexport " GTRACE_VERSION;
	return rc ? rc : gt_writer_new(&c->ids.w, c->sink, &wo, err);
}

/* With goroutines to choose from, processes come in when one of theirs does. */
static int write_heads(struct copy *c, struct gt_err *err)
{
	uint32_t n = c->o->gids ? 0 : gt_reader_processes(c->v->reader), to;
	int rc = GT_OK;

	for (uint32_t i = 1; i <= n && !rc; i++)
		if (gt_reader_process(c->v->reader, i))
			rc = gt_ids_process(&c->ids, i, &to, err);
	if (!rc && c->have_clock)
		rc = gt_writer_clock(c->ids.w, c->clock.mono_ns, c->clock.boot_ns, c->clock.wall_ns,
				     c->clock.error_ns, err);
	return rc;
}

/*
 * The copy begins with the first item that belongs into it. Where it begins later than the
 * trace, its times count from there, and a keyframe tells what was before.
 */
static int begin(struct copy *c, struct gt_err *err)
{
	bool cut;
	int rc;

	if (c->ids.w)
		return GT_OK;
	cut = c->v->from_ns > c->v->info->start_ns;
	c->st->from_ns = cut ? c->v->from_ns : c->v->info->start_ns;
	rc = open_writer(c, err);
	if (!rc)
		rc = write_heads(c, err);
	if (!rc && (cut || c->keyed))
		rc = write_keyframe(c, cut ? c->v->from_ns - 1 : c->state_ns, err);
	return rc;
}

/* ---- items ---- */

static int event(struct copy *c, const struct gt_event *in, struct gt_err *err)
{
	struct gt_event ev = *in;
	int rc;

	if (!kept(c, in->gid) && !(in->kind == GT_EV_CORO && kept(c, in->actor)))
		return GT_OK;
	if (in->ts < c->v->from_ns) {
		c->state_ns = in->ts;
		return gt_engine_event(c->engine, in, err);
	}
	rc = begin(c, err);
	if (!rc && ev.ts > c->last_ts &&
	    gt_writer_keyframe_due(c->ids.w, gt_engine_live(c->engine)))
		rc = write_keyframe(c, c->last_ts, err);
	if (!rc)
		rc = write_row(c, ev.gid, err);
	if (!rc)
		rc = write_row(c, ev.actor, err);
	if (!rc)
		rc = gt_ids_event(&c->ids, &ev, err);
	if (!rc)
		rc = gt_writer_event(c->ids.w, &ev, err);
	if (rc)
		return rc;
	ev = *in;
	ev.ts = c->last_ts = gt_writer_stored_ts(c->ids.w);
	rc = gt_engine_event(c->engine, &ev, err);
	if (!rc && !gt_engine_get(c->engine, ev.gid))
		(void)gt_u64map_del(&c->told, ev.gid);
	return rc;
}

static int goroutine(struct copy *c, const struct gt_goroutine *g, struct gt_err *err)
{
	int rc = gt_engine_goroutine(c->engine, g, err);

	if (rc || !gt_u64map_get(&c->told, g->gid))
		return rc;
	(void)gt_u64map_del(&c->told, g->gid); /* mended: told again */
	return write_row(c, g->gid, err);
}

static int loss(struct copy *c, const struct gt_loss *in, struct gt_err *err)
{
	struct gt_loss l = *in;
	int rc = gt_engine_loss(c->engine, in, err);

	if (rc || l.t1 < c->v->from_ns || l.t0 > c->v->to_ns)
		return rc;
	if (c->o->gids && l.process && !gt_u64map_get(&c->ids.process, l.process))
		return GT_OK;
	rc = begin(c, err);
	if (!rc)
		rc = gt_ids_process(&c->ids, l.process, &l.process, err);
	if (l.t0 < c->v->from_ns)
		l.t0 = c->v->from_ns;
	if (l.t1 > c->v->to_ns)
		l.t1 = c->v->to_ns;
	c->st->lost += l.count;
	c->st->losses++;
	return rc ? rc : gt_writer_loss(c->ids.w, &l, err);
}

static int key_item(struct copy *c, const struct gt_item *it, struct gt_err *err)
{
	switch (it->type) {
	case GT_IT_KEY_BEGIN:
		gt_engine_reset(c->engine, it->u.key_as_of);
		c->state_ns = it->u.key_as_of;
		c->keyed = true;
		return GT_OK;
	case GT_IT_KEY:
		return kept(c, it->u.key.g.gid) ? gt_engine_key(c->engine, &it->u.key, err) : GT_OK;
	default: return GT_OK;
	}
}

static int clock(struct copy *c, const struct gt_clock *k, struct gt_err *err)
{
	if (k->mono_ns > c->v->to_ns)
		return GT_OK;
	if (!c->ids.w) {
		c->clock = *k;
		c->have_clock = true;
		return GT_OK;
	}
	return gt_writer_clock(c->ids.w, k->mono_ns, k->boot_ns, k->wall_ns, k->error_ns, err);
}

static bool inside(const struct copy *c, uint64_t ts)
{
	return ts >= c->v->from_ns && ts <= c->v->to_ns;
}

static int block(struct copy *c, const struct gt_raw_block *in, struct gt_err *err)
{
	struct gt_raw_block b = *in;
	int rc;

	if (b.t_max < c->v->from_ns || b.t_min > c->v->to_ns)
		return GT_OK;
	/* Nobody knows what is in it: it could be what was to be cut away. */
	if (c->o->gids || c->o->redact) {
		c->st->blocks_dropped++;
		return GT_OK;
	}
	rc = begin(c, err);
	if (!rc)
		rc = gt_ids_process(&c->ids, b.process, &b.process, err);
	c->st->blocks_kept++;
	return rc ? rc : gt_writer_block(c->ids.w, &b, err);
}

static int note(struct copy *c, const struct gt_note *n, struct gt_err *err)
{
	const char *text = replaces(c, GT_RD_COMMENTS) ? "(redacted)" : n->text;
	int rc = begin(c, err);

	return rc ? rc : gt_writer_note(c->ids.w, n->ts, text ? text : "", err);
}

static int stats(struct copy *c, const struct gt_stats *s, struct gt_err *err)
{
	int rc = begin(c, err);

	return rc ? rc : gt_writer_stats_row(c->ids.w, s, err);
}

static int item(struct copy *c, const struct gt_item *it, struct gt_err *err)
{
	switch (it->type) {
	case GT_IT_EVENT: return event(c, &it->u.ev, err);
	case GT_IT_GOROUTINE: return goroutine(c, &it->u.g, err);
	case GT_IT_LOSS: return loss(c, &it->u.loss, err);
	case GT_IT_PROCESS:
		return c->ids.w ? gt_ids_process_row(&c->ids, &it->u.process, err) : GT_OK;
	case GT_IT_THREAD: return c->ids.w ? gt_ids_thread(&c->ids, &it->u.thread, err) : GT_OK;
	case GT_IT_CLOCK: return clock(c, &it->u.clock, err);
	case GT_IT_NOTE: return inside(c, it->u.note.ts) ? note(c, &it->u.note, err) : GT_OK;
	case GT_IT_STATS: return inside(c, it->u.stats.ts) ? stats(c, &it->u.stats, err) : GT_OK;
	case GT_IT_BLOCK: return block(c, &it->u.block, err);
	case GT_IT_END:
		c->have_end = it->u.end.ts <= c->v->to_ns;
		c->end = it->u.end;
		return GT_OK;
	default: return key_item(c, it, err);
	}
}

static int walk(struct copy *c, struct gt_err *err)
{
	struct gt_item it;
	int rc = GT_OK;

	while (!rc && (rc = gt_reader_next(c->v->reader, &it, err)) == 1) {
		if (it.type == GT_IT_EVENT && it.u.ev.ts > c->v->to_ns)
			return GT_OK;
		rc = item(c, &it, err);
	}
	return rc;
}

/* The END of the trace is the copy's where it lies within; else the copy ends where it was cut. */
static int finish(struct copy *c, struct gt_err *err)
{
	struct gt_end end = { .ts = c->last_ts, .reason = GT_END_COPY };
	struct gt_writer_stats ws;
	int rc = begin(c, err);

	if (rc)
		return rc;
	if (c->have_end)
		end = c->end;
	else if (c->v->to_ns != UINT64_MAX)
		end.ts = c->v->to_ns;
	if (end.ts < c->st->from_ns)
		end.ts = c->st->from_ns;
	if (!c->have_end || c->st->lost > end.lost || c->st->from_ns != c->v->info->start_ns)
		end.lost = c->st->lost;
	rc = gt_writer_finish(c->ids.w, &end, err);
	gt_writer_get_stats(c->ids.w, &ws);
	c->st->events = ws.events;
	c->st->bytes = ws.bytes;
	c->st->to_ns = end.ts;
	return rc;
}

static enum gt_ra_class pc_class(void *ctx, uint32_t pc)
{
	return gt_reader_pc_class(ctx, pc);
}

int gt_copy_run(struct gt_view *v, const struct gt_copy_opts *o, const struct gt_sink *sink,
		struct gt_copy_stats *ret, struct gt_err *err)
{
	struct copy c = { .v = v, .o = o, .sink = sink, .st = ret };
	struct gt_engine_opts eo = { .pc_class = pc_class, .pc_ctx = v->reader };
	int rc, late;

	*ret = (struct gt_copy_stats){ 0 };
	if (v->info->ro_compat)
		return gt_fail(err, GT_UNSUPPORTED,
			       "the trace uses features (0x%llx) that this version does not know "
			       "and must not rewrite",
			       (unsigned long long)v->info->ro_compat);
	c.ids = (struct gt_ids){ .r = v->reader, .redact = o->redact, .no_stacks = o->no_stacks };
	rc = gt_engine_new(&c.engine, &eo, err);
	if (!rc && v->from_ns > v->info->start_ns)
		rc = gt_reader_seek(v->reader, v->from_ns - 1, err);
	if (rc == GT_UNSUPPORTED) /* a stream is read from its start */
		rc = GT_OK;
	if (!rc)
		rc = walk(&c, err);
	/* What could be read of a damaged trace is worth having. */
	if (!rc || rc == GT_CORRUPT || rc == GT_TRUNCATED) {
		struct gt_err second;

		late = finish(&c, rc ? &second : err);
		rc = rc ? rc : late;
	}
	gt_writer_free(c.ids.w);
	gt_ids_free(&c.ids);
	gt_u64map_free(&c.told);
	gt_engine_free(c.engine);
	free(c.comments);
	return rc;
}
