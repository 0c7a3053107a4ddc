/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is who: (process, g pointer, incarnation) -> gid. */
#include "identity.h"

#include "format/base/vec.h"

#define KEY(process, g) ((uint64_t)(process) << 48 | ((g) & ((1ULL << 48) - 1)))

void gt_identity_init(struct gt_identity *id)
{
	*id = (struct gt_identity){ .next_gid = 1 };
}

void gt_identity_free(struct gt_identity *id)
{
	gt_u64map_free(&id->slots);
	GT_VEC_FREE(&id->gor);
}

struct gt_goroutine *gt_identity_get(struct gt_identity *id, uint32_t process, uint64_t g)
{
	uint64_t *at = gt_u64map_get(&id->slots, KEY(process, g));

	return at ? &id->gor.p[*at] : NULL;
}

struct gt_goroutine *gt_identity_new(struct gt_identity *id, uint32_t process, uint64_t g)
{
	struct gt_goroutine *gor = gt_identity_get(id, process, g);

	if (!gor) {
		gor = GT_VEC_PUSH(&id->gor);
		if (!gor || !gt_u64map_put(&id->slots, KEY(process, g), id->gor.n - 1))
			return NULL;
	}
	*gor = (struct gt_goroutine){ .gid = id->next_gid++, .process = process, .gptr = g };
	return gor;
}
