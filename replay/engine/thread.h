/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which goroutine is on which thread. A thread has a slot, which its goroutine remembers, so
 * that leaving needs no search. Threads come and go (a C program may bring millions over
 * time): slots of threads that run nothing are used again when the table fills.
 */
#ifndef GT_THREAD_H
#define GT_THREAD_H

#include "format/base/u64map.h"

#define GT_THREAD_CACHE 64 /* a power of two */

struct gt_thread_slot {
	uint64_t key; /* (process, tid) */
	uint64_t gid; /* who is on it, 0 nobody */
};

struct gt_threads {
	struct gt_u64map map; /* key -> slot number */
	struct {
		struct gt_thread_slot *p; /* owned; number N is at p[N - 1] */
		size_t n, cap;
	} slots;
	struct {
		uint32_t *p; /* owned; numbers that are free */
		size_t n, cap;
	} spare;
	size_t busy; /* slots with a gid */
	struct {
		uint64_t key;
		uint32_t slot;
	} cache[GT_THREAD_CACHE]; /* of map, by the low bits of the tid */
};

static inline uint64_t gt_thread_key(uint32_t process, uint32_t tid)
{
	return (uint64_t)process << 32 | tid;
}

/* gt_threads_find: number of the thread's slot, made when there is none; 0: no memory. */
uint32_t gt_threads_find_slow(struct gt_threads *t, uint64_t key);

static inline uint32_t gt_threads_find(struct gt_threads *t, uint32_t process, uint32_t tid)
{
	uint64_t key = gt_thread_key(process, tid);
	uint32_t i = tid & (GT_THREAD_CACHE - 1);

	if (t->cache[i].key == key && t->cache[i].slot)
		return t->cache[i].slot;
	return gt_threads_find_slow(t, key);
}

static inline uint64_t gt_threads_at(const struct gt_threads *t, uint32_t slot)
{
	return t->slots.p[slot - 1].gid;
}

static inline void gt_threads_put(struct gt_threads *t, uint32_t slot, uint64_t gid)
{
	struct gt_thread_slot *s = &t->slots.p[slot - 1];

	t->busy = t->busy - !!s->gid + !!gid;
	s->gid = gid;
}

/* gt_threads_get: the gid on the thread, 0 none; makes no slot. */
uint64_t gt_threads_get(const struct gt_threads *t, uint32_t process, uint32_t tid);
void gt_threads_free(struct gt_threads *t);

#endif
