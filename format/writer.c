/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer: events in, blocks out. It keeps one open block of events for each process and
 * sees to it that the file gives the events back in the order in which they came: what ties
 * after rounding to the time quantum, but would sort before, is moved up by one quantum.
 */
#include "writer.h"

#include <stdlib.h>

#include "base/vec.h"

#define BLOCK_EVENTS 16384u
#define TIME_RES     16u
#define MAX_AGE	     4u /* full blocks of other processes that an open block may outlive */

int gt_w_ready(const struct gt_writer *w, struct gt_err *err)
{
	if (w->dead)
		return gt_fail(err, (enum gt_code)w->dead,
			       "the trace was finished or failed before");
	return GT_OK;
}

uint64_t gt_w_now(const struct gt_writer *w)
{
	return w->stats.events ? w->last_q << w->shift : w->opts.start_ns;
}

static int check_opts(const struct gt_writer_opts *o, struct gt_err *err)
{
	if (!o->session)
		return gt_fail(err, GT_USAGE, "a trace needs a session id");
	if (o->time_res_ns > GT_MAX_QUANTUM || o->time_res_ns & (o->time_res_ns - 1))
		return gt_fail(err, GT_USAGE, "time resolution of %u ns: no power of two up to %u",
			       o->time_res_ns, GT_MAX_QUANTUM);
	if (o->start_ns > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "impossible start time");
	return GT_OK;
}

static void set_opts(struct gt_writer *w, const struct gt_writer_opts *o)
{
	w->opts = *o;
	if (!w->opts.block_events)
		w->opts.block_events = BLOCK_EVENTS;
	if (w->opts.block_events > GT_MAX_EVENTS)
		w->opts.block_events = GT_MAX_EVENTS;
	if (!w->opts.zstd_level)
		w->opts.zstd_level = 1;
	if (!w->opts.time_res_ns)
		w->opts.time_res_ns = TIME_RES;
	w->shift = (uint32_t)__builtin_ctz(w->opts.time_res_ns);
	w->watermark = 0;
	w->last_key_ts = w->opts.start_ns;
}

int gt_writer_new(struct gt_writer **out, const struct gt_sink *sink,
		  const struct gt_writer_opts *opts, struct gt_err *err)
{
	struct gt_writer *w;
	struct gt_wproc *whole = NULL;
	int rc = check_opts(opts, err);

	if (rc)
		return rc;
	w = calloc(1, sizeof(*w));
	if (w)
		whole = GT_VEC_PUSH(&w->procs); /* number 0 */
	if (!whole) {
		free(w);
		return gt_fail(err, GT_NOMEM, "no memory for a trace");
	}
	w->sink = *sink;
	set_opts(w, opts);
	for (int k = 0; k < GT_W_TABLES; k++) {
		const struct gt_table_spec *spec = gt_table_spec((enum gt_block_kind)k);

		if (spec)
			gt_table_init(&w->table[k], spec);
	}
	rc = gt_press_new(&w->press, w->opts.zstd_level, err);
	if (!rc)
		rc = gt_w_meta(w, err);
	if (!rc)
		rc = gt_w_push(w, err);
	if (rc) {
		gt_writer_free(w);
		return rc;
	}
	*out = w;
	return GT_OK;
}

void gt_writer_free(struct gt_writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->procs.n; i++)
		gt_evenc_free(w->procs.p[i].enc);
	for (size_t i = 0; i < w->shards.n; i++)
		free(w->shards.p[i].body);
	for (int k = 0; k < GT_W_TABLES; k++)
		gt_table_free(&w->table[k]);
	GT_VEC_FREE(&w->procs);
	GT_VEC_FREE(&w->shards);
	GT_VEC_FREE(&w->base);
	GT_VEC_FREE(&w->strings);
	GT_VEC_FREE(&w->stacks);
	GT_VEC_FREE(&w->stack_pcs);
	gt_u64map_free(&w->string_ids);
	gt_u64map_free(&w->stack_ids);
	gt_index_free(&w->index);
	gt_press_free(w->press);
	gt_out_free(&w->text);
	gt_out_free(&w->raw);
	gt_out_free(&w->out);
	free(w);
}

/* No event before this will come: the oldest one that is still in an open block, or the last. */
static void raise_watermark(struct gt_writer *w, uint64_t at_least)
{
	uint64_t q = w->last_q, mark;
	bool open = false;

	for (size_t i = 0; i < w->procs.n; i++) {
		if (!w->procs.p[i].open)
			continue;
		open = true;
		if (w->procs.p[i].q_first < q)
			q = w->procs.p[i].q_first;
	}
	mark = q << w->shift;
	if (!open && at_least > mark)
		mark = at_least;
	if (mark > w->watermark)
		w->watermark = mark;
}

static int write_events(struct gt_writer *w, uint32_t process, uint64_t watermark,
			struct gt_err *err)
{
	struct gt_wproc *p = &w->procs.p[process];
	size_t marks[GT_C_COUNT + 2], n_marks;
	struct gt_wblock b = { .kind = GT_K_EVENTS, .process = process };
	uint64_t before;
	int rc = gt_w_tables(w, err);

	if (rc)
		return rc;
	b.n = gt_evenc_count(p->enc);
	b.t_min = p->q_first << w->shift;
	b.t_max = gt_evenc_last(p->enc) << w->shift;
	p->open = false;
	raise_watermark(w, watermark);
	gt_out_reset(&w->raw);
	rc = gt_evenc_pack(p->enc, w->opts.time_res_ns, &w->raw, marks, &n_marks, err);
	before = w->stats.bytes;
	if (!rc)
		rc = gt_w_block(w, &b, &w->raw, marks, n_marks, err);
	w->event_bytes += w->stats.bytes - before;
	w->event_bytes_since_key += w->stats.bytes - before;
	return rc;
}

/* Write the open block of ONE process, and those of others that are open for long. */
static int write_full(struct gt_writer *w, uint32_t one, struct gt_err *err)
{
	int rc = GT_OK;

	for (uint32_t i = 0; i < w->procs.n && !rc; i++) {
		struct gt_wproc *p = &w->procs.p[i];

		if (p->open && (i == one || ++p->age >= MAX_AGE))
			rc = write_events(w, i, 0, err);
	}
	if (!rc)
		rc = gt_w_push(w, err);
	if (rc)
		w->dead = rc;
	return rc;
}

/* The quantum under which the event is stored, such that (quantum, cpu, process) only grows. */
static inline uint64_t place(struct gt_writer *w, const struct gt_event *ev)
{
	uint64_t q = ev->ts >> w->shift;
	uint64_t where = (uint64_t)ev->cpu << 32 | ev->process;

	if (q <= w->last_q) {
		q = w->last_q;
		if (where < w->last_place)
			q++;
	}
	w->last_q = q;
	w->last_place = where;
	return q;
}

static int admit(struct gt_writer *w, const struct gt_event *ev, struct gt_err *err)
{
	struct gt_wproc *p;

	if (w->in_keyframe)
		return gt_fail(err, GT_USAGE, "event inside a keyframe");
	if (ev->process >= w->procs.n)
		return gt_fail(err, GT_USAGE, "event of process %u, which was not announced",
			       ev->process);
	if (ev->ts < w->last_ts || ev->ts > GT_MAX_TIME / 2)
		return gt_fail(err, GT_USAGE, "event at %llu ns after one at %llu ns",
			       (unsigned long long)ev->ts, (unsigned long long)w->last_ts);
	if (ev->gid > GT_MAX_GID || ev->actor > GT_MAX_GID)
		return gt_fail(err, GT_USAGE, "impossible gid");
	p = &w->procs.p[ev->process];
	if (!p->enc)
		return gt_evenc_new(&p->enc, err);
	return GT_OK;
}

int gt_writer_event(struct gt_writer *w, const struct gt_event *ev, struct gt_err *err)
{
	struct gt_wproc *p;
	uint64_t q;
	int rc = gt_w_ready(w, err);

	if (!rc)
		rc = admit(w, ev, err);
	if (rc)
		return rc;
	p = &w->procs.p[ev->process];
	q = place(w, ev);
	if (p->open && q - p->q_first >= GT_EV_SPAN) {
		rc = write_full(w, ev->process, err);
		if (rc)
			return rc;
	}
	if (!p->open) {
		gt_evenc_start(p->enc, q);
		p->q_first = q;
		p->open = true;
		p->age = 0;
	}
	rc = gt_evenc_add(p->enc, q, ev, err);
	if (rc < 0) {
		w->dead = rc;
		return rc;
	}
	w->last_ts = ev->ts;
	w->stats.events++;
	w->events_since_key++;
	if ((uint32_t)rc >= w->opts.block_events ||
	    ((uint32_t)rc % GT_EV_CHECK == 0 && gt_evenc_full(p->enc)))
		return write_full(w, ev->process, err);
	return GT_OK;
}

int gt_writer_block(struct gt_writer *w, const struct gt_raw_block *b, struct gt_err *err)
{
	const struct gt_out body = { .p = (uint8_t *)(uintptr_t)b->body, .n = b->size };
	struct gt_wblock to = { .kind = (enum gt_block_kind)b->kind,
				.process = b->process < w->procs.n ? b->process : 0,
				.n = b->n,
				.t_min = b->t_min,
				.t_max = b->t_max };
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (w->in_keyframe || gt_table_spec(to.kind) || to.kind == GT_K_EVENTS ||
	    to.kind == GT_K_META || b->t_min > b->t_max || b->t_max > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "a block of kind %u is not to be copied", b->kind);
	rc = gt_w_block(w, &to, &body, NULL, 0, err);
	if (!rc)
		rc = gt_w_push(w, err);
	if (rc)
		w->dead = rc;
	return rc;
}

uint64_t gt_writer_stored_ts(const struct gt_writer *w)
{
	return w->last_q << w->shift;
}

int gt_writer_flush(struct gt_writer *w, uint64_t watermark, struct gt_err *err)
{
	uint64_t rounded = watermark >> w->shift << w->shift;
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (w->in_keyframe)
		return gt_fail(err, GT_USAGE, "flush inside a keyframe");
	for (uint32_t i = 0; i < w->procs.n && !rc; i++)
		if (w->procs.p[i].open)
			rc = write_events(w, i, rounded, err);
	if (!rc)
		rc = gt_w_tables(w, err);
	raise_watermark(w, rounded);
	if (!rc)
		rc = gt_w_push(w, err);
	if (rc)
		w->dead = rc;
	else if (watermark > w->last_ts)
		w->last_ts = watermark;
	return rc;
}

static int write_end(struct gt_writer *w, const struct gt_end *end, struct gt_err *err)
{
	struct gt_table *t = &w->table[GT_K_END];
	uint64_t v[GT_ROW_MAX] = { 0 }, now = gt_w_now(w);
	size_t marks[GT_ROW_MAX + 1], n_marks;
	struct gt_wblock b = { .kind = GT_K_END, .n = 1 };
	int rc;

	v[GT_F_END_TS] = b.t_min = b.t_max = end->ts > now ? end->ts : now;
	v[GT_F_END_EVENTS] = w->stats.events;
	v[GT_F_END_LOST] = end->lost;
	v[GT_F_END_REASON] = end->reason;
	v[GT_F_END_STATUS] = (uint64_t)(int64_t)end->status;
	rc = gt_table_add(t, v, NULL, err);
	if (rc)
		return rc;
	if (w->watermark <= b.t_max)
		w->watermark = b.t_max + 1;
	gt_out_reset(&w->raw);
	rc = gt_table_pack(t, &w->raw, marks, &n_marks, err);
	return rc ? rc : gt_w_block(w, &b, &w->raw, NULL, 0, err);
}

int gt_writer_finish(struct gt_writer *w, const struct gt_end *end, struct gt_err *err)
{
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (end->ts > GT_MAX_TIME / 2 || w->in_keyframe)
		return gt_fail(err, GT_USAGE, "impossible end time, or a keyframe is open");
	rc = gt_writer_flush(w, 0, err);
	if (!rc)
		rc = write_end(w, end, err);
	if (!rc)
		rc = gt_w_index(w, err);
	if (!rc)
		rc = gt_w_push(w, err);
	w->dead = rc ? rc : GT_USAGE;
	return rc;
}

void gt_writer_get_stats(const struct gt_writer *w, struct gt_writer_stats *ret)
{
	*ret = w->stats;
}
