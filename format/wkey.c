/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer's keyframes: when one is due, and writing it as shards of ascending gids. The
 * shards are compressed as they fill and written together, as each says how many there are.
 */
#include "writer.h"

#include <stdlib.h>

#include "base/vec.h"

#define DUE_BYTES                                                                                  \
	(256u << 10) /* never more often than this: small programs have tiny keyframes             \
		      */
#define DUE_FACTOR 8u
#define DUE_NS	   10000000000u
#define ROW_GUESS  10u /* bytes of a stored row */

bool gt_writer_keyframe_due(const struct gt_writer *w, uint64_t live)
{
	uint64_t size = live * ROW_GUESS;

	if (w->in_keyframe || w->dead || !w->events_since_key)
		return false;
	if (size < w->last_key_size)
		size = w->last_key_size;
	return (w->event_bytes_since_key >= DUE_FACTOR * size &&
		w->event_bytes_since_key >= DUE_BYTES) ||
	       gt_w_now(w) - w->last_key_ts >= DUE_NS;
}

static void drop_shards(struct gt_writer *w)
{
	for (size_t i = 0; i < w->shards.n; i++)
		free(w->shards.p[i].body);
	w->shards.n = 0;
}

int gt_writer_keyframe_begin(struct gt_writer *w, uint64_t as_of, struct gt_err *err)
{
	uint64_t q = as_of >> w->shift;
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (w->in_keyframe || as_of > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "a keyframe is open, or its time is impossible");
	if (as_of < w->last_ts)
		return gt_fail(err, GT_USAGE, "keyframe as of a time before the last event");
	if (q < w->last_q)
		q = w->last_q;
	/* Events of the same quantum that come later must be told from those before. */
	rc = gt_writer_flush(w, as_of, err);
	if (rc)
		return rc;
	w->last_q = q + 1;
	w->last_place = 0;
	w->as_of = q << w->shift;
	if (w->watermark < w->as_of + 1)
		w->watermark = w->as_of + 1;
	w->in_keyframe = true;
	w->key_gid = 0;
	gt_table_clear(&w->table[GT_K_KEYFRAME], w->as_of);
	return GT_OK;
}

static int close_shard(struct gt_writer *w, struct gt_err *err)
{
	struct gt_table *t = &w->table[GT_K_KEYFRAME];
	size_t marks[GT_ROW_MAX + 1], n_marks, n_stored = 0;
	const uint8_t *stored = NULL;
	struct gt_wshard *s;
	int rc;

	gt_out_reset(&w->raw);
	rc = gt_table_pack(t, &w->raw, marks, &n_marks, err);
	if (!rc)
		rc = gt_press_run(w->press, w->raw.p, w->raw.n, marks, n_marks, &stored, &n_stored,
				  err);
	if (rc < 0)
		return rc;
	s = w->shards.n < UINT16_MAX ? GT_VEC_PUSH(&w->shards) : NULL;
	if (!s || !(s->body = malloc(n_stored))) {
		w->shards.n -= s != NULL;
		return gt_fail(err, GT_NOMEM, "no memory for a keyframe");
	}
	memcpy(s->body, stored, n_stored);
	s->zstd = rc == 1;
	s->stored = (uint32_t)n_stored;
	s->raw = (uint32_t)w->raw.n;
	s->n = t->n;
	s->gid_min = w->key_gid_min;
	s->gid_max = w->key_gid;
	gt_table_clear(t, w->as_of);
	return GT_OK;
}

int gt_writer_key(struct gt_writer *w, const struct gt_key *k, struct gt_err *err)
{
	struct gt_table *t = &w->table[GT_K_KEYFRAME];
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (!w->in_keyframe || k->g.gid <= w->key_gid || k->since_ns > GT_MAX_TIME ||
	    k->g.created_ns > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "keyframe row out of order or of an impossible time");
	if (t->bytes > GT_BLK_SOFT_BODY) {
		rc = close_shard(w, err);
		if (rc)
			goto fail;
	}
	gt_w_goroutine_row(w, &k->g, v);
	v[GT_F_KEY_SINCE] = k->since_ns;
	v[GT_F_KEY_LAST] = k->last_ns;
	v[GT_F_KEY_WAKER] = k->waker;
	v[GT_F_KEY_TID] = k->tid;
	v[GT_F_KEY_P] = (uint32_t)k->p + 1;
	v[GT_F_KEY_STACK] = k->stack;
	v[GT_F_KEY_PC] = k->pc;
	v[GT_F_KEY_STATE] = k->state;
	v[GT_F_KEY_REASON] = k->reason;
	v[GT_F_KEY_WAKE_CLASS] = k->wake_class;
	v[GT_F_KEY_KFLAGS] = k->kflags;
	v[GT_F_KEY_PARTNER] = k->partner;
	v[GT_F_KEY_UNCERTAIN] = k->uncertain_ns > GT_MAX_TIME ? GT_MAX_TIME : k->uncertain_ns;
	v[GT_F_KEY_OLD] = k->old;
	if (!t->n)
		w->key_gid_min = k->g.gid;
	w->key_gid = k->g.gid;
	rc = gt_table_add(t, v, NULL, err);
	if (!rc)
		return GT_OK;
fail:
	w->dead = rc;
	return rc;
}

int gt_writer_keyframe_end(struct gt_writer *w, struct gt_err *err)
{
	uint64_t before = w->stats.bytes;
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (!w->in_keyframe)
		return gt_fail(err, GT_USAGE, "no keyframe is open");
	w->in_keyframe = false;
	rc = close_shard(w, err);
	for (size_t i = 0; i < w->shards.n && !rc; i++) {
		const struct gt_wshard *s = &w->shards.p[i];
		struct gt_wblock b = {
			.kind = GT_K_KEYFRAME,
			.n = s->n,
			.aux = (uint32_t)(i | w->shards.n << 16),
			.t_min = w->as_of,
			.t_max = w->as_of,
			.gid_min = s->gid_min,
			.gid_max = s->gid_max,
		};

		rc = gt_w_stored(w, &b, s->body, s->stored, s->raw, s->zstd, err);
	}
	drop_shards(w);
	if (!rc)
		rc = gt_w_push(w, err);
	if (rc) {
		w->dead = rc;
		return rc;
	}
	w->last_key_size = w->stats.bytes - before;
	w->last_key_ts = w->as_of;
	w->event_bytes_since_key = 0;
	w->events_since_key = 0;
	w->stats.keyframes++;
	w->stats.keyframe_bytes += w->last_key_size;
	return GT_OK;
}
