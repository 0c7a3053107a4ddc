/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash map from u64 to u64, open addressing with linear probing and backward-shift deletion.
 * Used on the hot paths (g pointer -> goroutine, pc -> id). Keys may be any value, 0 too.
 * No exit() on allocation failure: gt_u64map_put says so.
 */
#ifndef GT_U64MAP_H
#define GT_U64MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gt_u64map_slot {
	uint64_t key, val;
};

struct gt_u64map {
	struct gt_u64map_slot *slots; /* owned */
	uint8_t *used;		      /* owned, one byte a slot */
	size_t cap, n;		      /* cap is 0 or a power of two */
	unsigned shift;		      /* 64 - log2(cap) */
};

/* Where KEY is looked for first. The product's upper bits depend on all bits of the key. */
static inline size_t gt_u64map_home(const struct gt_u64map *m, uint64_t key)
{
	return (size_t)(key * 0x9e3779b97f4a7c15u >> m->shift);
}

/* gt_u64map_get: pointer to the value, valid until the next put or del; NULL when absent. */
static inline uint64_t *gt_u64map_get(const struct gt_u64map *m, uint64_t key)
{
	if (!m->cap)
		return NULL;
	for (size_t i = gt_u64map_home(m, key); m->used[i]; i = (i + 1) & (m->cap - 1))
		if (m->slots[i].key == key)
			return &m->slots[i].val;
	return NULL;
}

/* gt_u64map_put: insert or overwrite; the value's place, NULL when memory is short. */
uint64_t *gt_u64map_put(struct gt_u64map *m, uint64_t key, uint64_t val);

/* gt_u64map_del: true when the key was there. */
bool gt_u64map_del(struct gt_u64map *m, uint64_t key);

void gt_u64map_free(struct gt_u64map *m);

#endif
