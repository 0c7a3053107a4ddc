/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree is three levels: top (grows), mid (1024 leaves), leaf (64 goroutines). */
#include "goroutine.h"

#include <stdlib.h>
#include <string.h>

#define LEAF_N	(1u << GT_LEAF_BITS)
#define MID_N	(1u << GT_MID_BITS)
#define CHUNK_N 128

struct gt_gor_chunk {
	struct gt_gor_chunk *next;
	struct gt_gor g[CHUNK_N];
};

static size_t top_of(uint64_t gid)
{
	return (size_t)(gid >> (GT_LEAF_BITS + GT_MID_BITS));
}

static size_t mid_of(uint64_t gid)
{
	return (size_t)(gid >> GT_LEAF_BITS & (MID_N - 1));
}

static bool grow_top(struct gt_gors *s, size_t need)
{
	uint64_t n = s->n_top ? s->n_top : 16;
	struct gt_gor_mid **top;

	if (need < s->n_top)
		return true;
	while (n <= need)
		n *= 2;
	top = realloc(s->top, (size_t)n * sizeof(*top));
	if (!top)
		return false;
	memset(top + s->n_top, 0, (size_t)(n - s->n_top) * sizeof(*top));
	s->top = top;
	s->n_top = n;
	return true;
}

static bool grow_slab(struct gt_gors *s)
{
	struct gt_gor_chunk *c;

	if (s->free)
		return true;
	c = malloc(sizeof(*c));
	if (!c)
		return false;
	c->next = s->chunks;
	s->chunks = c;
	for (unsigned i = 0; i < CHUNK_N; i++) {
		c->g[i].next_free = s->free;
		s->free = &c->g[i];
	}
	return true;
}

/* Pages made here stay empty when a later allocation fails; they are used or freed later. */
static struct gt_gor_leaf *leaf_for(struct gt_gors *s, uint64_t gid)
{
	struct gt_gor_mid *mid;

	if (!grow_slab(s) || !grow_top(s, top_of(gid)))
		return NULL;
	mid = s->top[top_of(gid)];
	if (!mid) {
		mid = s->spare_mid ? s->spare_mid : calloc(1, sizeof(*mid));
		s->spare_mid = NULL;
		s->top[top_of(gid)] = mid;
		if (!mid)
			return NULL;
	}
	if (!mid->leaf[mid_of(gid)]) {
		struct gt_gor_leaf *leaf = s->spare_leaf ? s->spare_leaf : calloc(1, sizeof(*leaf));

		s->spare_leaf = NULL;
		mid->leaf[mid_of(gid)] = leaf;
		mid->n += leaf != NULL;
	}
	return mid->leaf[mid_of(gid)];
}

int gt_gors_add(struct gt_gors *s, uint64_t gid, struct gt_gor **ret, struct gt_err *err)
{
	struct gt_gor_leaf *leaf;
	struct gt_gor *g;

	if (gid >= GT_GID_MAX)
		return gt_fail(err, GT_LIMIT, "goroutine number %llu is beyond the limit",
			       (unsigned long long)gid);
	leaf = leaf_for(s, gid);
	if (!leaf)
		return gt_fail(err, GT_NOMEM, "out of memory with %llu goroutines",
			       (unsigned long long)s->n);
	g = s->free;
	s->free = g->next_free;
	memset(g, 0, sizeof(*g));
	g->pub.k.g.gid = gid;
	leaf->g[gid & (LEAF_N - 1)] = g;
	leaf->n++;
	s->n++;
	*ret = g;
	return GT_OK;
}

void gt_gors_del(struct gt_gors *s, struct gt_gor *g)
{
	uint64_t gid = g->pub.k.g.gid;
	struct gt_gor_mid *mid = s->top[top_of(gid)];
	struct gt_gor_leaf *leaf = mid->leaf[mid_of(gid)];

	leaf->g[gid & (LEAF_N - 1)] = NULL;
	s->n--;
	g->next_free = s->free;
	s->free = g;
	if (--leaf->n)
		return;
	free(s->spare_leaf);
	s->spare_leaf = leaf;
	mid->leaf[mid_of(gid)] = NULL;
	if (--mid->n)
		return;
	free(s->spare_mid);
	s->spare_mid = mid;
	s->top[top_of(gid)] = NULL;
}

struct gt_gor *gt_gors_next(const struct gt_gors *s, uint64_t after)
{
	uint64_t gid = after + 1;

	while (gid && top_of(gid) < s->n_top) {
		const struct gt_gor_mid *mid = s->top[top_of(gid)];
		const struct gt_gor_leaf *leaf = mid ? mid->leaf[mid_of(gid)] : NULL;

		if (!mid) {
			gid = (uint64_t)(top_of(gid) + 1) << (GT_LEAF_BITS + GT_MID_BITS);
			continue;
		}
		for (size_t i = gid & (LEAF_N - 1); leaf && i < LEAF_N; i++) {
			if (leaf->g[i])
				return leaf->g[i];
		}
		gid = ((gid >> GT_LEAF_BITS) + 1) << GT_LEAF_BITS;
	}
	return NULL;
}

void gt_gors_clear(struct gt_gors *s)
{
	for (uint64_t t = 0; t < s->n_top; t++) {
		struct gt_gor_mid *mid = s->top[t];

		for (size_t m = 0; mid && m < MID_N; m++)
			free(mid->leaf[m]);
		free(mid);
		s->top[t] = NULL;
	}
	s->n = 0;
	s->free = NULL;
	for (struct gt_gor_chunk *c = s->chunks; c; c = c->next) {
		for (unsigned i = 0; i < CHUNK_N; i++) {
			c->g[i].next_free = s->free;
			s->free = &c->g[i];
		}
	}
}

void gt_gors_free(struct gt_gors *s)
{
	gt_gors_clear(s);
	free(s->top);
	free(s->spare_leaf);
	free(s->spare_mid);
	while (s->chunks) {
		struct gt_gor_chunk *c = s->chunks;

		s->chunks = c->next;
		free(c);
	}
	*s = (struct gt_gors){ 0 };
}
