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

/* gt_vec_push: room for one more zeroed element of SIZE bytes in *P; its place, or NULL. */
static inline void *gt_vec_push(void **p, size_t *n, size_t *cap, size_t size)
{
	if (*n == *cap) {
		size_t want = *cap ? *cap * 2 : 16;
		void *q = want > (size_t)-1 / 2 / size ? NULL : realloc(*p, want * size);
		if (!q)
			return NULL;
		*p = q;
		*cap = want;
	}
	return memset((char *)*p + (*n)++ * size, 0, size);
}

#define GT_VEC_PUSH(v)                                                                             \
	((__typeof__((v)->p))gt_vec_push((void **)&(v)->p, &(v)->n, &(v)->cap, sizeof(*(v)->p)))
#define GT_VEC_FREE(v) (free((v)->p), (v)->p = NULL, (v)->n = (v)->cap = 0)

#endif
