/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which goroutine is on which thread. Threads come and go (a C program may bring millions
 * over time), so entries of threads that run nothing are dropped when the table fills.
 */
#ifndef GT_THREAD_H
#define GT_THREAD_H

#include "format/base/u64map.h"

struct gt_threads {
	struct gt_u64map map; /* (process, tid) -> gid, 0 none */
	size_t busy;	      /* entries with a gid */
};

static inline uint64_t gt_thread_key(uint32_t process, uint32_t tid)
{
	return (uint64_t)process << 32 | tid;
}

/* gt_threads_get: the gid on the thread, 0 none. */
uint64_t gt_threads_get(const struct gt_threads *t, uint32_t process, uint32_t tid);
/* gt_threads_set: GID (0: nobody) is on it from now on; false when memory is short. */
bool gt_threads_set(struct gt_threads *t, uint32_t process, uint32_t tid, uint64_t gid);
void gt_threads_free(struct gt_threads *t);

#endif
