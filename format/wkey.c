/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer's keyframes: when one is due, and writing it as shards of ascending gids. The
 * shards are compressed as they fill and written together, as each says how many there are.
 * Most keyframes say only what is not as in the last whole one: of that one, sums of the rows
 * are kept to compare with.
 */
#include "writer.h"

#include <stdlib.h>

#include "base/vec.h"

#define DUE_BYTES                                                                                  \
	(256u << 10) /* never more often than this: small programs have tiny keyframes             \
		      */
#define DUE_NS	    10000000000u
#define MANY	    65536u /* live goroutines: from here on keyframes may cost more */
#define FACTOR	    20u	   /* events for each byte of keyframe: 5 % of the file */
#define FACTOR_MANY 8u	   /* 12 % */
#define WHOLE_ROW   17u	   /* bytes of a stored row, about */
#define CHANGED_ROW 7u

/*
 * A whole keyframe and those of changes that build on it are a round. A round is over when the
 * last changes took more than its keyframes did in the mean: then a new one is cheaper.
 */
static bool want_whole(const struct gt_writer *w)
{
	return !w->base_size ||
	       w->last_changes * (w->n_changes + 1) > w->base_size + w->changes_size;
}

static uint64_t round_mean(const struct gt_writer *w)
{
	return (w->base_size + w->changes_size) / (w->n_changes + 1);
}

/*
 * What a keyframe may be taken to cost: the mean of the last round, so that they come evenly; a
 * long way after a whole one would make the state there slow to find.
 */
static uint64_t expected_size(const struct gt_writer *w, uint64_t live)
{
	uint64_t changed = w->events_since_key < live ? w->events_since_key : live;

	if (w->last_round)
		return w->last_round_rows ? w->last_round * live / w->last_round_rows
					  : w->last_round;
	if (want_whole(w))
		return live * WHOLE_ROW > w->base_size ? live * WHOLE_ROW : w->base_size;
	return w->last_changes ? w->last_changes : changed * CHANGED_ROW;
}

bool gt_writer_keyframe_due(const struct gt_writer *w, uint64_t live)
{
	uint64_t factor = live < MANY ? FACTOR : FACTOR_MANY;

	if (w->in_keyframe || w->dead || !w->events_since_key)
		return false;
	if (gt_w_now(w) - w->last_key_ts >= DUE_NS)
		return true;
	/* However wrong what was expected is, the share of the file holds. */
	return w->event_bytes_since_key >= DUE_BYTES &&
	       w->event_bytes_since_key >= factor * expected_size(w, live) &&
	       w->event_bytes + factor * w->base_size >= factor * w->stats.keyframe_bytes;
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
	w->key_whole = want_whole(w);
	w->base_at = 0;
	if (w->key_whole) {
		w->base.n = 0;
		w->base_ts = w->as_of;
	}
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
	if (rc == 1 && w->raw.n / GT_BLK_MAX_RATIO > n_stored) { /* readers take it for a bomb */
		stored = w->raw.p;
		n_stored = w->raw.n;
		rc = 0;
	}
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
	s->gid_max = w->key_gid_max;
	gt_table_clear(t, w->as_of);
	return GT_OK;
}

static int put_row(struct gt_writer *w, const uint64_t *v, struct gt_err *err)
{
	struct gt_table *t = &w->table[GT_K_KEYFRAME];
	int rc = t->bytes > GT_BLK_SOFT_BODY ? close_shard(w, err) : GT_OK;

	if (rc)
		return rc;
	if (!t->n)
		w->key_gid_min = v[GT_F_G_GID];
	w->key_gid_max = v[GT_F_G_GID];
	return gt_table_add(t, v, NULL, err);
}

/* Rows of the last whole keyframe before GID that this one did not come to: these are gone. */
static int put_gone(struct gt_writer *w, uint64_t gid, struct gt_err *err)
{
	int rc = GT_OK;

	for (; !rc && w->base_at < w->base.n && w->base.p[w->base_at].gid < gid; w->base_at++) {
		uint64_t v[GT_ROW_MAX] = { 0 };

		v[GT_F_G_GID] = w->base.p[w->base_at].gid;
		v[GT_F_KEY_CHANGE] = GT_KC_GONE;
		rc = put_row(w, v, err);
	}
	return rc;
}

static uint64_t sum(const uint64_t *v, int from, int to)
{
	uint64_t h = 0x9e3779b97f4a7c15u;

	for (int i = from; i < to; i++) {
		h = (h ^ v[i]) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return h;
}

/* The row, or what of it is new since the last whole keyframe, if anything is. */
static int put_changed(struct gt_writer *w, uint64_t *v, struct gt_err *err)
{
	struct gt_wbase now = { v[GT_F_G_GID], sum(v, GT_F_G_GOID, GT_N_GTAB),
				sum(v, GT_N_GTAB, GT_N_KEY) };
	const struct gt_wbase *was;
	struct gt_wbase *slot;
	int rc;

	if (w->key_whole) {
		slot = GT_VEC_PUSH(&w->base);
		if (!slot)
			return gt_fail(err, GT_NOMEM, "no memory for a keyframe");
		*slot = now;
		return put_row(w, v, err);
	}
	rc = put_gone(w, now.gid, err);
	if (rc)
		return rc;
	if (w->base_at == w->base.n || w->base.p[w->base_at].gid != now.gid)
		return put_row(w, v, err);
	was = &w->base.p[w->base_at++];
	if (was->directory == now.directory) {
		if (was->state == now.state)
			return GT_OK;
		memset(v + GT_F_G_GOID, 0, (GT_N_GTAB - GT_F_G_GOID) * sizeof(*v));
		v[GT_F_KEY_CHANGE] = GT_KC_STATE;
	}
	return put_row(w, v, err);
}

int gt_writer_key(struct gt_writer *w, const struct gt_key *k, struct gt_err *err)
{
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (!w->in_keyframe || k->g.gid <= w->key_gid || k->since_ns > GT_MAX_TIME ||
	    k->g.created_ns > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "keyframe row out of order or of an impossible time");
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
	rc = put_changed(w, v, err);
	w->key_gid = k->g.gid;
	if (rc)
		w->dead = rc;
	return rc;
}

int gt_writer_keyframe_end(struct gt_writer *w, struct gt_err *err)
{
	uint64_t before = w->stats.bytes, size;
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (!w->in_keyframe)
		return gt_fail(err, GT_USAGE, "no keyframe is open");
	w->in_keyframe = false;
	if (!w->key_whole)
		rc = put_gone(w, UINT64_MAX, err);
	if (!rc)
		rc = close_shard(w, err);
	for (size_t i = 0; i < w->shards.n && !rc; i++) {
		const struct gt_wshard *s = &w->shards.p[i];
		struct gt_wblock b = {
			.kind = GT_K_KEYFRAME,
			.n = s->n,
			.aux = (uint32_t)(i | w->shards.n << 16),
			.t_min = w->base_ts,
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
	size = w->stats.bytes - before;
	if (w->key_whole) {
		w->last_round = w->base_size ? round_mean(w) : 0;
		w->last_round_rows = w->base_rows;
		w->base_rows = w->base.n;
		w->base_size = size;
		w->changes_size = w->last_changes = w->n_changes = 0;
	} else {
		w->n_changes++;
		w->last_changes = size;
		w->changes_size += size;
	}
	w->last_key_ts = w->as_of;
	w->event_bytes_since_key = 0;
	w->events_since_key = 0;
	w->stats.keyframes++;
	w->stats.keyframe_bytes += size;
	return GT_OK;
}
