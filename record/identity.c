/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is who: (process, g pointer, incarnation) -> gid. */
#include "identity.h"

#include "format/base/vec.h"

void gt_identity_init(struct gt_identity *id)
{
	*id = (struct gt_identity){ .next_gid = 1 };
}

void gt_identity_free(struct gt_identity *id)
{
	gt_u64map_free(&id->slots);
	GT_VEC_FREE(&id->gor);
}

struct gt_goroutine *gt_identity_new(struct gt_identity *id, uint32_t process, uint64_t g)
{
	struct gt_goroutine *gor = gt_identity_get(id, process, g);

	if (!gor) {
		gor = GT_VEC_PUSH(&id->gor);
		if (!gor || !gt_u64map_put(&id->slots, gt_identity_key(process, g), id->gor.n - 1))
			return NULL;
	}
	*gor = (struct gt_goroutine){ .gid = id->next_gid++, .process = process, .gptr = g };
	return gor;
}
