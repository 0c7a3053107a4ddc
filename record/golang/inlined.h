/* SPDX-License-Identifier: BSD-2-Clause */
/* A function's instructions, and where to probe a compare-and-swap among them. */
#ifndef GT_INLINED_H
#define GT_INLINED_H

#include "golang.h"
#include "insn.h"

#define GT_MAX_SPOTS 4

struct gt_listing {
	uint64_t entry;
	uint8_t *code;
	struct gt_insn *insn;
	uint32_t *off;	/* of each from the entry */
	uint8_t *mark;	/* scratch of gt_inlined_spots, one for each */
	uint32_t *todo; /* the same */
	uint32_t n;
};

/* A good instruction for a probe, and where the values are when it fires. */
struct gt_probe_spot {
	uint32_t insn; /* its number */
	struct gt_place gp, old, new;
};

/*
 * gt_inlined_spots: instructions of which exactly one runs for each time that the loop around
 * the compare-and-swap number CAS is entered, and none when it is retried. 0: there are none,
 * *RET_WHY says why.
 */
uint32_t gt_inlined_spots(struct gt_listing *l, uint32_t cas,
			  struct gt_probe_spot ret[GT_MAX_SPOTS], const char **ret_why);

#endif
