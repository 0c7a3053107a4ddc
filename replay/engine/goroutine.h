/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the engine keeps its goroutines: by gid, through a tree of small pages that are freed
 * when nobody on them lives, so that memory follows the goroutines alive and not all that
 * ever were. Their structs come from a slab, never move, and are used again.
 */
#ifndef GT_GOROUTINE_H
#define GT_GOROUTINE_H

#include "engine.h"
#include "states.h"

/* One goroutine. gt_gor_state first: a pointer to it is a pointer to this. */
struct gt_gor {
	struct gt_gor_state pub;
	struct gt_gor *next_free;
	uint32_t slot;	/* of its thread, see thread.h; 0: on none. pub.k.tid says the same */
	uint8_t belief; /* enum gt_belief; pub.k.state is its state */
	bool pending;	/* only its directory row was met */
	bool alive;	/* counted as a live goroutine */
	bool linked;	/* the engine's by-address map points here */
};

#define GT_GID_MAX ((uint64_t)1 << 36)

#define GT_LEAF_BITS 6
#define GT_MID_BITS  10

struct gt_gor_leaf {
	uint32_t n;
	struct gt_gor *g[1 << GT_LEAF_BITS];
};

struct gt_gor_mid {
	uint32_t n;
	struct gt_gor_leaf *leaf[1 << GT_MID_BITS];
};

struct gt_gor_chunk;

struct gt_gors {
	struct gt_gor_mid **top; /* owned */
	uint64_t n_top;
	struct gt_gor_chunk *chunks; /* owned */
	struct gt_gor *free;
	/* The last page of each kind that went empty: short lives would free and make it for ever.
	 */
	struct gt_gor_leaf *spare_leaf;
	struct gt_gor_mid *spare_mid;
	uint64_t n; /* goroutines in here, pending ones too */
};

/* gt_gors_slot: where the goroutine is to be found; NULL when none is near. */
static inline struct gt_gor *const *gt_gors_slot(const struct gt_gors *s, uint64_t gid)
{
	uint64_t top = gid >> (GT_LEAF_BITS + GT_MID_BITS);
	const struct gt_gor_mid *mid = top < s->n_top ? s->top[top] : NULL;
	const struct gt_gor_leaf *leaf =
		mid ? mid->leaf[gid >> GT_LEAF_BITS & ((1u << GT_MID_BITS) - 1)] : NULL;

	return leaf ? &leaf->g[gid & ((1u << GT_LEAF_BITS) - 1)] : NULL;
}

/* gt_gors_get: NULL when there is none. */
static inline struct gt_gor *gt_gors_get(const struct gt_gors *s, uint64_t gid)
{
	struct gt_gor *const *slot = gt_gors_slot(s, gid);

	return slot ? *slot : NULL;
}
/* gt_gors_add: a zeroed one; the gid must not be there. GT_LIMIT above GT_GID_MAX; GT_NOMEM. */
int gt_gors_add(struct gt_gors *s, uint64_t gid, struct gt_gor **ret,
		struct gt_err *err) GT_MUST_CHECK;
void gt_gors_del(struct gt_gors *s, struct gt_gor *g);
/* gt_gors_next: the one with the smallest gid > AFTER. */
struct gt_gor *gt_gors_next(const struct gt_gors *s, uint64_t after);
/* gt_gors_clear: drop all, keep the slab. gt_gors_free: give all memory back. */
void gt_gors_clear(struct gt_gors *s);
void gt_gors_free(struct gt_gors *s);

#endif
