/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is who: (process, g pointer, incarnation) -> gid. The runtime uses a struct g again for
 * the next goroutine, so each pointer has one current incarnation; memory is bounded by the
 * number of g structs, not by the goroutines that ever lived.
 */
#ifndef GT_IDENTITY_H
#define GT_IDENTITY_H

#include "format/base/u64map.h"
#include "format/model.h"

struct gt_identity {
	struct gt_u64map slots; /* process:16 | g:48 -> index */
	struct {
		struct gt_goroutine *p; /* current incarnation of each g met */
		size_t n, cap;
	} gor;
	uint64_t next_gid; /* the next to give out; from 1 */
};

void gt_identity_init(struct gt_identity *id);
void gt_identity_free(struct gt_identity *id);

static inline uint64_t gt_identity_key(uint32_t process, uint64_t g)
{
	return (uint64_t)process << 48 | (g & ((1ULL << 48) - 1));
}

/* gt_identity_get: the current incarnation at G; NULL: none met. Valid until the next _new. */
static inline struct gt_goroutine *gt_identity_get(struct gt_identity *id, uint32_t process,
						   uint64_t g)
{
	uint64_t *at = gt_u64map_get(&id->slots, gt_identity_key(process, g));

	return at ? &id->gor.p[*at] : NULL;
}

/*
 * gt_identity_new: a new incarnation at G with the next gid; all else zero but process and
 * gptr. NULL: out of memory.
 */
struct gt_goroutine *gt_identity_new(struct gt_identity *id, uint32_t process, uint64_t g);

#endif
