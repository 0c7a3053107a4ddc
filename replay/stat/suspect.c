/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaks and locks together. */
#include "suspect.h"

#include "format/base/vec.h"

int gt_suspects_find(struct gt_suspects *s, struct gt_tally *t, struct gt_err *err)
{
	int rc = gt_leaks_find(s, t, err);

	return rc ? rc : gt_locks_find(s, t, err);
}

void gt_suspects_free(struct gt_suspects *s)
{
	GT_VEC_FREE(&s->leaks);
	GT_VEC_FREE(&s->locks);
}

double gt_leak_score(const struct gt_suspects *s)
{
	return s->leaks.n ? s->leaks.p[0].score : 0;
}
