/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Growing arrays: `struct { T *p; size_t n, cap; } v;` is a vector of T. GT_VEC_PUSH gives
 * the place of a new zeroed element, NULL when memory is short (the vector is unchanged).
 */
#ifndef GT_VEC_H
#define GT_VEC_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* gt_vec_push: room for one more element of SIZE bytes in *P; its index, or -1. */
static inline long gt_vec_push(void **p, size_t *n, size_t *cap, size_t size)
{
	if (*n == *cap) {
		size_t want = *cap ? *cap * 2 : 16;
		void *q = want > (size_t)-1 / 2 / size ? NULL : realloc(*p, want * size);
		if (!q)
			return -1;
		*p = q;
		*cap = want;
	}
	memset((char *)*p + *n * size, 0, size);
	return (long)(*n)++;
}

#define GT_VEC_PUSH(v)                                                                             \
	(gt_vec_push((void **)&(v)->p, &(v)->n, &(v)->cap, sizeof(*(v)->p)) < 0                    \
		 ? NULL                                                                            \
		 : &(v)->p[(v)->n - 1])
#define GT_VEC_FREE(v) (free((v)->p), (v)->p = NULL, (v)->n = (v)->cap = 0)

#endif
