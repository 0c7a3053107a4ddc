/* SPDX-License-Identifier: BSD-2-Clause */
/* Names to dense numbers. */
#include "intern.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/vec.h"

static uint64_t fnv1a(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

long gt_intern(struct gt_intern *t, const char *s)
{
	uint64_t h = fnv1a(s), *at;

	for (; (at = gt_u64map_get(&t->by_hash, h)); h++)
		if (!strcmp(t->names.p[*at], s))
			return (long)*at;
	char *copy = strdup(s);
	char **slot = copy ? GT_VEC_PUSH(&t->names) : NULL;
	if (!slot) {
		free(copy);
		return -1;
	}
	*slot = copy;
	if (!gt_u64map_put(&t->by_hash, h, t->names.n - 1)) {
		t->names.n--;
		free(copy);
		return -1;
	}
	return (long)t->names.n - 1;
}

void gt_intern_free(struct gt_intern *t)
{
	for (size_t i = 0; i < t->names.n; i++)
		free(t->names.p[i]);
	GT_VEC_FREE(&t->names);
	gt_u64map_free(&t->by_hash);
}
