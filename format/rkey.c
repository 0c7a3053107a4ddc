/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader's keyframes: collecting the shards of one, and giving out its rows. What a
 * keyframe of changes leaves out is in the whole one before it: both are read side by side,
 * by gid.
 */
#include "reader.h"

#include <stdlib.h>

#include "base/vec.h"

static void drop(struct gt_reader *r, struct gt_rkey *k)
{
	for (size_t i = 0; i < k->shards.n; i++) {
		r->memory -= k->shards.p[i].h.stored;
		free(k->shards.p[i].stored);
	}
	k->shards.n = 0;
	k->at = 0;
	k->in_rows = k->have = false;
}

void gt_r_keys_reset(struct gt_reader *r)
{
	drop(r, &r->key);
	drop(r, &r->base);
	r->key_ready = r->in_key = false;
}

void gt_r_keys_free(struct gt_reader *r)
{
	gt_r_keys_reset(r);
	GT_VEC_FREE(&r->key.shards);
	GT_VEC_FREE(&r->base.shards);
	free(r->key.body);
	free(r->base.body);
}

/* The next shard of K; one that does not fit those before it begins anew. */
static int put(struct gt_reader *r, struct gt_rkey *k, const struct gt_blk *b,
	       const uint8_t *stored, struct gt_err *err)
{
	uint32_t index = b->aux & UINT16_MAX, count = b->aux >> 16;
	const struct gt_blk *first = k->shards.n ? &k->shards.p[0].h : b;
	struct gt_rshard *s;
	int rc;

	if (index != k->shards.n || index >= count || first->t_max != b->t_max ||
	    first->t_min != b->t_min || first->aux >> 16 != count)
		drop(r, k);
	if (index != k->shards.n || index >= count)
		return GT_OK; /* the start of it is lost: of no use */
	rc = gt_r_charge(r, b->stored, err);
	if (rc)
		return rc;
	s = GT_VEC_PUSH(&k->shards);
	if (!s || !(s->stored = malloc(b->stored ? b->stored : 1))) {
		k->shards.n -= s != NULL;
		r->memory -= b->stored;
		return gt_fail(err, GT_NOMEM, "no memory for a keyframe");
	}
	s->h = *b;
	memcpy(s->stored, stored, b->stored);
	return GT_OK;
}

static bool complete(const struct gt_rkey *k)
{
	return k->shards.n && k->shards.n == k->shards.p[0].h.aux >> 16;
}

static bool only_changes(const struct gt_rkey *k)
{
	return k->shards.p[0].h.t_min != k->shards.p[0].h.t_max;
}

int gt_r_hold_base(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored,
		   struct gt_err *err)
{
	return put(r, &r->base, b, stored, err);
}

int gt_r_hold_shard(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored,
		    struct gt_err *err)
{
	int rc;

	if (!r->opts.keyframes && r->want_key != b->t_max && r->state_known)
		return GT_OK;
	rc = put(r, &r->key, b, stored, err);
	if (rc || !complete(&r->key))
		return rc;
	if (only_changes(&r->key) &&
	    (!complete(&r->base) || r->base.shards.p[0].h.t_max != b->t_min))
		drop(r, &r->key); /* what it builds on is lost */
	else
		r->key_ready = true;
	return GT_OK;
}

int gt_r_begin_key(struct gt_reader *r, struct gt_item *ret)
{
	r->key_ready = false;
	r->in_key = r->state_known = true;
	r->key.at = r->base.at = 0;
	ret->type = GT_IT_KEY_BEGIN;
	ret->u.key_as_of = r->key.shards.p[0].h.t_max;
	if (r->want_key == ret->u.key_as_of) {
		r->skip_to = r->want_key;
		r->want_key = UINT64_MAX;
	}
	return 1;
}

/* ---- rows ---- */

static void key_of(struct gt_key *ret, const uint64_t *v)
{
	gt_r_goroutine(&ret->g, v);
	ret->since_ns = v[GT_F_KEY_SINCE];
	ret->last_ns = v[GT_F_KEY_LAST];
	ret->waker = v[GT_F_KEY_WAKER];
	ret->tid = (uint32_t)v[GT_F_KEY_TID];
	ret->p = (int32_t)((uint32_t)v[GT_F_KEY_P] - 1);
	ret->stack = (uint32_t)v[GT_F_KEY_STACK];
	ret->pc = (uint32_t)v[GT_F_KEY_PC];
	ret->state = (uint8_t)v[GT_F_KEY_STATE];
	ret->reason = (uint8_t)v[GT_F_KEY_REASON];
	ret->wake_class = (uint8_t)v[GT_F_KEY_WAKE_CLASS];
	ret->kflags = (uint8_t)v[GT_F_KEY_KFLAGS];
	ret->partner = v[GT_F_KEY_PARTNER];
	ret->uncertain_ns = v[GT_F_KEY_UNCERTAIN];
	ret->old = (uint8_t)v[GT_F_KEY_OLD];
}

static int begin_shard(struct gt_reader *r, struct gt_rkey *k, const struct gt_rshard *s,
		       struct gt_err *err)
{
	int rc = k->body ? GT_OK : gt_r_charge(r, GT_BLK_MAX_BODY, err);

	if (rc)
		return rc;
	if (!k->body && !(k->body = malloc(GT_BLK_MAX_BODY)))
		return gt_fail(err, GT_NOMEM, "no memory for a keyframe");
	rc = gt_r_unpack(r, &s->h, s->stored, k->body, err);
	if (!rc)
		rc = gt_rows_init(&k->rows, gt_table_spec(GT_K_KEYFRAME), k->body, s->h.raw, s->h.n,
				  s->h.t_max, err);
	k->in_rows = !rc;
	return rc;
}

/* k->v is the next row if there is one: k->have. */
static int pull(struct gt_reader *r, struct gt_rkey *k, struct gt_err *err)
{
	struct gt_row_extra x;

	while (!k->have) {
		const struct gt_rshard *s;
		int rc = 0;

		if (k->in_rows) {
			rc = gt_rows_next(&k->rows, k->v, &x, err);
			if (rc == 1 && k->v[GT_F_G_PROCESS] > GT_MAX_PROCESSES)
				rc = gt_fail(err, GT_CORRUPT, "key of an impossible process");
			k->have = rc == 1;
			k->in_rows = k->have;
			if (k->have)
				break;
			s = &k->shards.p[k->at - 1];
		} else {
			if (k->at == k->shards.n)
				break;
			s = &k->shards.p[k->at++];
			rc = begin_shard(r, k, s, err);
		}
		rc = gt_r_spoilt(r, &s->h, rc, err);
		if (rc)
			return rc;
	}
	return GT_OK;
}

/* The keyframe was given out. One that others may build on is kept. */
static int end_key(struct gt_reader *r, struct gt_item *ret)
{
	if (r->opts.keyframes && !only_changes(&r->key)) {
		struct gt_rkey base = r->key;

		drop(r, &r->base);
		r->key = r->base;
		r->base = base;
	}
	drop(r, &r->key);
	if (!r->opts.keyframes)
		drop(r, &r->base);
	r->in_key = false;
	ret->type = GT_IT_KEY_END;
	return 1;
}

int gt_r_next_key(struct gt_reader *r, struct gt_item *ret, struct gt_err *err)
{
	struct gt_rkey *k = &r->key, *b = &r->base;
	bool changes = only_changes(k);

	for (;;) {
		int rc = pull(r, k, err);
		bool same;

		if (!rc && changes)
			rc = pull(r, b, err);
		if (rc)
			return rc;
		if (!k->have && !b->have)
			return end_key(r, ret);
		ret->type = GT_IT_KEY;
		if (b->have && (!k->have || b->v[GT_F_G_GID] < k->v[GT_F_G_GID])) {
			b->have = false;
			key_of(&ret->u.key, b->v);
			return 1;
		}
		same = b->have && b->v[GT_F_G_GID] == k->v[GT_F_G_GID];
		k->have = false;
		b->have = b->have && !same;
		if (k->v[GT_F_KEY_CHANGE] == GT_KC_GONE ||
		    (k->v[GT_F_KEY_CHANGE] == GT_KC_STATE && !same))
			continue;
		if (k->v[GT_F_KEY_CHANGE] == GT_KC_STATE)
			memcpy(k->v, b->v, GT_N_GTAB * sizeof(*k->v));
		key_of(&ret->u.key, k->v);
		return 1;
	}
}
