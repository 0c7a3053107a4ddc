/* SPDX-License-Identifier: BSD-2-Clause */
/* Hash map from u64 to u64: linear probing, at most 3/4 full. */
#include "u64map.h"

#include <stdlib.h>

static size_t find(const struct gt_u64map *m, uint64_t key)
{
	size_t i = gt_u64map_home(m, key);

	while (m->used[i] && m->slots[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

static bool grow(struct gt_u64map *m)
{
	struct gt_u64map next = { .cap = m->cap ? m->cap * 2 : 16,
				  .n = m->n,
				  .shift = m->cap ? m->shift - 1 : 60 };

	next.slots = calloc(next.cap, sizeof(*next.slots));
	next.used = calloc(next.cap, 1);
	if (!next.slots || !next.used) {
		free(next.slots);
		free(next.used);
		return false;
	}
	for (size_t i = 0; i < m->cap; i++) {
		if (!m->used[i])
			continue;
		size_t j = find(&next, m->slots[i].key);
		next.slots[j] = m->slots[i];
		next.used[j] = 1;
	}
	gt_u64map_free(m);
	*m = next;
	return true;
}

uint64_t *gt_u64map_put(struct gt_u64map *m, uint64_t key, uint64_t val)
{
	if (m->n + 1 > m->cap / 4 * 3 && !grow(m))
		return NULL;
	size_t i = find(m, key);
	if (!m->used[i]) {
		m->used[i] = 1;
		m->slots[i].key = key;
		m->n++;
	}
	m->slots[i].val = val;
	return &m->slots[i].val;
}

bool gt_u64map_del(struct gt_u64map *m, uint64_t key)
{
	if (!m->cap)
		return false;
	size_t i = find(m, key);
	if (!m->used[i])
		return false;
	/* Close the hole: move back every later entry whose home does not lie behind it. */
	for (size_t j = i;;) {
		j = (j + 1) & (m->cap - 1);
		if (!m->used[j])
			break;
		size_t home = gt_u64map_home(m, m->slots[j].key);
		if (((j - home) & (m->cap - 1)) >= ((j - i) & (m->cap - 1))) {
			m->slots[i] = m->slots[j];
			i = j;
		}
	}
	m->used[i] = 0;
	m->n--;
	return true;
}

void gt_u64map_free(struct gt_u64map *m)
{
	free(m->slots);
	free(m->used);
	*m = (struct gt_u64map){ 0 };
}
