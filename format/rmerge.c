/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader's merge: blocks of events of several processes, and items that have a time, into
 * one order. A block is decoded only when its turn comes, so that a trace of many processes
 * costs one decoder for each that is busy at the same time.
 */
#include "reader.h"

#include <stdlib.h>

#include "base/vec.h"

#define CROWD	   (256u << 20) /* bytes of waiting blocks */
#define FEW_BLOCKS 4u		/* a reading of so few is not worth a thread */

int gt_r_unpack(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored, uint8_t *raw,
		struct gt_err *err)
{
	if (b->flags & GT_BF_ZSTD)
		return gt_unpress_run(r->unpress, stored, b->stored, raw, b->raw, err);
	memcpy(raw, stored, b->raw);
	return GT_OK;
}

static struct gt_rstream *stream_of(struct gt_reader *r, uint32_t process)
{
	struct gt_rstream **slot, *s;

	for (size_t i = 0; i < r->streams.n; i++)
		if (r->streams.p[i]->process == process)
			return r->streams.p[i];
	s = calloc(1, sizeof(*s));
	slot = s ? GT_VEC_PUSH(&r->streams) : NULL;
	if (!slot) {
		free(s);
		return NULL;
	}
	s->process = process;
	return *slot = s;
}

uint64_t gt_r_queued_to(const struct gt_reader *r, uint32_t process)
{
	for (size_t i = 0; i < r->streams.n; i++)
		if (r->streams.p[i]->process == process && r->streams.p[i]->tail)
			return r->streams.p[i]->tail->h.t_max;
	return 0;
}

/* The events of B, if they were decoded ahead. It is begun when a few blocks were read. */
static struct gt_event *taken_ahead(struct gt_reader *r, const struct gt_blk *b, uint64_t end)
{
	if (!r->opts.ahead || r->no_ahead || ++r->n_open <= FEW_BLOCKS)
		return NULL;
	if (!r->ahead) {
		if (gt_feed_seekable(&r->feed) && !r->opts.follow && !r->is_part)
			r->ahead = gt_ahead_new(r->src, r->session);
		r->no_ahead = !r->ahead;
	}
	return r->ahead ? gt_ahead_take(r->ahead, b, end) : NULL;
}

int gt_r_open(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored, uint64_t end,
	      struct gt_err *err)
{
	struct gt_event *ev = taken_ahead(r, b, end);
	size_t body = ev ? 0 : b->raw, events = ev ? b->n * sizeof(*ev) : 0;
	size_t size = sizeof(struct gt_ropen) + body + events;
	struct gt_rstream *s;
	struct gt_ropen *o;
	int rc = gt_r_charge(r, size, err);

	o = rc ? NULL : malloc(sizeof(*o) + body);
	s = o ? stream_of(r, b->process) : NULL;
	if (!rc && !s)
		rc = gt_fail(err, GT_NOMEM, "no memory for a block of events");
	if (!rc && !ev)
		rc = gt_r_unpack(r, b, stored, (uint8_t *)(o + 1), err);
	if (rc) {
		if (rc != GT_LIMIT || o)
			r->memory -= size;
		if (ev)
			gt_ahead_give(r->ahead, ev);
		free(o);
		return rc;
	}
	*o = (struct gt_ropen){ .h = *b, .body = (uint8_t *)(o + 1), .ev = ev, .size = size };
	if (s->tail) {
		s->tail->next = o;
	} else {
		s->head = o;
		s->ts = b->t_min;
		s->place = 0;
	}
	s->tail = o;
	r->open_bytes += size;
	gt_r_restart(r);
	return GT_OK;
}

bool gt_r_crowded(const struct gt_reader *r)
{
	return r->open_bytes > CROWD || r->open_bytes > r->opts.max_memory / 4;
}

/* ---- decoders ---- */

static int take_decoder(struct gt_reader *r, struct gt_rstream *s, struct gt_err *err)
{
	int rc;

	if (r->idle.n) {
		s->dec = r->idle.p[--r->idle.n];
		return GT_OK;
	}
	rc = gt_evdec_new(&s->dec, err);
	return rc ? rc : gt_r_charge(r, gt_evdec_memory(s->dec), err);
}

static void give_decoder(struct gt_reader *r, struct gt_rstream *s)
{
	struct gt_evdec **slot;

	if (!s->dec)
		return;
	slot = GT_VEC_PUSH(&r->idle);
	if (slot) {
		*slot = s->dec;
	} else {
		r->memory -= gt_evdec_memory(s->dec);
		gt_evdec_free(s->dec);
	}
	s->dec = NULL;
}

static void drop_head(struct gt_reader *r, struct gt_rstream *s)
{
	struct gt_ropen *o = s->head;

	s->head = o->next;
	if (!s->head)
		s->tail = NULL;
	s->open = false;
	if (s->head) {
		s->ts = s->head->h.t_min;
		s->place = 0;
	} else {
		give_decoder(r, s);
	}
	r->open_bytes -= o->size;
	r->memory -= o->size;
	gt_r_restart(r);
	if (o->ev)
		gt_ahead_give(r->ahead, o->ev);
	free(o);
}

/* The stream's block does not decode from here on: told as damage. */
static int spoilt(struct gt_reader *r, struct gt_rstream *s, uint64_t from,
		  const struct gt_err *why, struct gt_err *err)
{
	struct gt_blk h = s->head->h;

	r->damage.bad_blocks++;
	r->damage.bad_bytes += h.stored;
	gt_damage_note(&r->damage, "block %u: %s", h.seq, why->msg);
	drop_head(r, s);
	return gt_r_pend_loss(r, GT_LOSS_DAMAGED, from, h.t_max > from ? h.t_max : from, 0, err);
}

/* The next batch of events of the open block, or its end; nothing before FROM is missing. */
static int refill(struct gt_reader *r, struct gt_rstream *s, uint64_t from, struct gt_err *err)
{
	int n = s->head->ev ? 0 : gt_evdec_batch(s->dec, &s->ev, err);

	if (n < 0) {
		struct gt_err why = *err;

		return spoilt(r, s, from, &why, err);
	}
	if (!n) {
		drop_head(r, s);
		return GT_OK;
	}
	s->end = s->ev + n;
	s->ts = s->ev->ts;
	s->place = (uint64_t)s->ev->cpu << 32 | s->process;
	return GT_OK;
}

static int open_head(struct gt_reader *r, struct gt_rstream *s, struct gt_err *err)
{
	size_t before;
	int rc;

	if (s->head->ev) {
		s->open = true;
		s->ev = s->head->ev;
		s->end = s->ev + s->head->h.n;
		s->ts = s->ev->ts;
		s->place = (uint64_t)s->ev->cpu << 32 | s->process;
		return GT_OK;
	}
	rc = s->dec ? GT_OK : take_decoder(r, s, err);
	if (rc)
		return rc;
	before = gt_evdec_memory(s->dec);
	rc = gt_evdec_open(s->dec, &s->head->h, s->head->body, err);
	if (gt_evdec_memory(s->dec) > before) {
		int limit = gt_r_charge(r, gt_evdec_memory(s->dec) - before, err);

		if (limit)
			return limit;
	}
	if (rc == GT_CORRUPT || rc == GT_VERSION) {
		struct gt_err why = *err;

		return spoilt(r, s, s->head->h.t_min, &why, err);
	}
	if (rc)
		return rc;
	s->open = true;
	return refill(r, s, s->head->h.t_min, err);
}

/* ---- order ---- */

static bool before_stream(uint64_t ts, uint64_t place, const struct gt_rstream *s)
{
	return ts < s->ts || (ts == s->ts && place <= s->place);
}

/* Finds the stream whose event is next, and the time and place up to which it stays so. */
static struct gt_rstream *earliest(struct gt_reader *r)
{
	struct gt_rstream *best = NULL;

	r->limit_ts = r->pending.n ? r->pending.p[0].ts : UINT64_MAX;
	r->limit_place = 0;
	for (size_t i = 0; i < r->streams.n; i++) {
		struct gt_rstream *s = r->streams.p[i], *other = s;

		if (!s->head)
			continue;
		if (!best || !before_stream(best->ts, best->place, s)) {
			other = best;
			best = s;
		}
		if (other && (other->ts < r->limit_ts ||
			      (other->ts == r->limit_ts && other->place < r->limit_place))) {
			r->limit_ts = other->ts;
			r->limit_place = other->place;
		}
	}
	return best;
}

/* Pending items are a heap: a file may hold many, in any order. */
static bool sooner(const struct gt_rpending *a, const struct gt_rpending *b)
{
	return a->ts < b->ts || (a->ts == b->ts && a->order < b->order);
}

static int take_pending(struct gt_reader *r, struct gt_item *ret)
{
	struct gt_rpending *heap = r->pending.p, last = heap[--r->pending.n];
	size_t n = r->pending.n, i = 0;

	*ret = heap[0].item;
	if (ret->type == GT_IT_NOTE) {
		const char *text = gt_reader_string(r, heap[0].text, NULL);

		ret->u.note.text = text ? text : "";
	}
	for (size_t kid; (kid = 2 * i + 1) < n; i = kid) {
		if (kid + 1 < n && sooner(&heap[kid + 1], &heap[kid]))
			kid++;
		if (!sooner(&heap[kid], &last))
			break;
		heap[i] = heap[kid];
	}
	heap[i] = last;
	r->memory -= sizeof(*heap);
	gt_r_restart(r);
	return 1;
}

int gt_r_event(struct gt_reader *r, struct gt_item *ret, struct gt_err *err)
{
	struct gt_rstream *s = r->current;
	int rc = GT_OK;

	if (s->end - s->ev > 1) {
		gt_r_give(r, s, ret);
	} else {
		ret->type = GT_IT_EVENT;
		ret->u.ev = *s->ev;
		r->last_ts = ret->u.ev.ts;
		rc = refill(r, s, r->last_ts, err);
	}
	return rc ? rc : r->last_ts > r->skip_to;
}

int gt_r_take(struct gt_reader *r, uint64_t before, struct gt_item *ret, struct gt_err *err)
{
	for (;;) {
		struct gt_rstream *s = r->current;
		int rc;

		if (!s || !before_stream(s->ts, s->place,
					 &(struct gt_rstream){ .ts = r->limit_ts,
							       .place = r->limit_place })) {
			gt_r_restart(r);
			s = earliest(r);
			r->current = s;
			if (r->pending.n && r->pending.p[0].ts < before &&
			    (!s || r->pending.p[0].ts <= s->ts))
				return take_pending(r, ret);
		}
		if (!s || s->ts >= before)
			return 0;
		if (!s->open) {
			gt_r_restart(r);
			rc = open_head(r, s, err);
			if (rc)
				return rc;
			continue;
		}
		r->clear_to = before < r->limit_ts ? before : r->limit_ts;
		rc = gt_r_event(r, ret, err);
		if (rc)
			return rc;
	}
}

int gt_r_pend(struct gt_reader *r, uint64_t ts, const struct gt_item *item, uint32_t text,
	      struct gt_err *err)
{
	struct gt_rpending *p, in = { ts, r->n_pended++, *item, text };
	size_t i;
	int rc = gt_r_charge(r, sizeof(*p), err);

	if (rc)
		return rc;
	p = GT_VEC_PUSH(&r->pending);
	if (!p)
		return gt_fail(err, GT_NOMEM, "no memory for what the trace says");
	for (i = r->pending.n - 1; i && sooner(&in, &r->pending.p[(i - 1) / 2]); i = (i - 1) / 2)
		r->pending.p[i] = r->pending.p[(i - 1) / 2];
	r->pending.p[i] = in;
	gt_r_restart(r);
	return GT_OK;
}

int gt_r_pend_loss(struct gt_reader *r, uint32_t cause, uint64_t t0, uint64_t t1, uint64_t count,
		   struct gt_err *err)
{
	struct gt_item it = { .type = GT_IT_LOSS };

	it.u.loss = (struct gt_loss){ .cpu = UINT32_MAX, .cause = cause, .t0 = t0, .t1 = t1 };
	it.u.loss.count = count;
	return gt_r_pend(r, t0, &it, 0, err);
}

void gt_r_merge_reset(struct gt_reader *r)
{
	for (size_t i = 0; i < r->streams.n; i++)
		while (r->streams.p[i]->head)
			drop_head(r, r->streams.p[i]);
	r->memory -= r->pending.n * sizeof(*r->pending.p);
	r->pending.n = 0;
	gt_r_restart(r);
	r->watermark = r->last_ts = r->skip_to = 0;
	r->have_seq = r->ended = r->gap = false;
}

void gt_r_merge_free(struct gt_reader *r)
{
	gt_r_merge_reset(r);
	for (size_t i = 0; i < r->streams.n; i++) {
		gt_evdec_free(r->streams.p[i]->dec);
		free(r->streams.p[i]);
	}
	for (size_t i = 0; i < r->idle.n; i++)
		gt_evdec_free(r->idle.p[i]);
	GT_VEC_FREE(&r->streams);
	GT_VEC_FREE(&r->idle);
	GT_VEC_FREE(&r->pending);
}
