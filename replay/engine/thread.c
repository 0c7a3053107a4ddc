/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread's entry stays when its goroutine leaves: it is about to run the next one. */
#include "thread.h"

#define KEEP_IDLE 1024 /* entries of idle threads that are never worth a sweep */

uint64_t gt_threads_get(const struct gt_threads *t, uint32_t process, uint32_t tid)
{
	const uint64_t *v = gt_u64map_get(&t->map, gt_thread_key(process, tid));
	return v ? *v : 0;
}

/* Amortised: a sweep of N entries comes after at least N/2 threads went idle for good. */
static bool sweep(struct gt_threads *t)
{
	struct gt_u64map next = { 0 };

	for (size_t i = 0; i < t->map.cap; i++) {
		if (t->map.used[i] && t->map.slots[i].val &&
		    !gt_u64map_put(&next, t->map.slots[i].key, t->map.slots[i].val)) {
			gt_u64map_free(&next);
			return false;
		}
	}
	gt_u64map_free(&t->map);
	t->map = next;
	return true;
}

bool gt_threads_set(struct gt_threads *t, uint32_t process, uint32_t tid, uint64_t gid)
{
	uint64_t *v = gt_u64map_get(&t->map, gt_thread_key(process, tid));

	if (v) {
		t->busy = t->busy - !!*v + !!gid;
		*v = gid;
		return true;
	}
	if (!gid)
		return true;
	if (t->map.n > KEEP_IDLE + 2 * t->busy && !sweep(t))
		return false;
	if (!gt_u64map_put(&t->map, gt_thread_key(process, tid), gid))
		return false;
	t->busy++;
	return true;
}

void gt_threads_free(struct gt_threads *t)
{
	gt_u64map_free(&t->map);
	t->busy = 0;
}
