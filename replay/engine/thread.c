/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread's slot stays when its goroutine leaves: it is about to run the next one. */
#include "thread.h"

#include "format/base/vec.h"

#define KEEP_IDLE 1024 /* slots of idle threads that are never worth a sweep */

uint64_t gt_threads_get(const struct gt_threads *t, uint32_t process, uint32_t tid)
{
	const uint64_t *v = gt_u64map_get(&t->map, gt_thread_key(process, tid));

	return v ? gt_threads_at(t, (uint32_t)*v) : 0;
}

/* Amortised: a sweep of N slots comes after at least N/2 threads went idle. */
static void sweep(struct gt_threads *t)
{
	for (size_t i = 0; i < t->slots.n; i++) {
		const struct gt_thread_slot *s = &t->slots.p[i];
		const uint64_t *v = s->gid ? NULL : gt_u64map_get(&t->map, s->key);
		uint32_t *to = v && *v == i + 1 ? GT_VEC_PUSH(&t->spare) : NULL;

		if (!to)
			continue;
		*to = (uint32_t)i + 1;
		(void)gt_u64map_del(&t->map, s->key);
	}
	memset(t->cache, 0, sizeof(t->cache));
}

static uint32_t new_slot(struct gt_threads *t, uint64_t key)
{
	struct gt_thread_slot *s;

	if (!t->spare.n && t->map.n > KEEP_IDLE + 2 * t->busy)
		sweep(t);
	if (t->spare.n) {
		uint32_t slot = t->spare.p[--t->spare.n];

		t->slots.p[slot - 1] = (struct gt_thread_slot){ .key = key };
		return slot;
	}
	s = t->slots.n < UINT32_MAX ? GT_VEC_PUSH(&t->slots) : NULL;
	if (!s)
		return 0;
	s->key = key;
	return (uint32_t)t->slots.n;
}

uint32_t gt_threads_find_slow(struct gt_threads *t, uint64_t key)
{
	const uint64_t *v = gt_u64map_get(&t->map, key);
	uint32_t i = key & (GT_THREAD_CACHE - 1), slot = v ? (uint32_t)*v : new_slot(t, key);

	if (!slot)
		return 0;
	if (!v && !gt_u64map_put(&t->map, key, slot)) {
		uint32_t *back = GT_VEC_PUSH(&t->spare);

		if (back)
			*back = slot;
		return 0;
	}
	t->cache[i].key = key;
	t->cache[i].slot = slot;
	return slot;
}

void gt_threads_free(struct gt_threads *t)
{
	gt_u64map_free(&t->map);
	GT_VEC_FREE(&t->slots);
	GT_VEC_FREE(&t->spare);
	*t = (struct gt_threads){ 0 };
}
