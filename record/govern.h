/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When probes are in and when not, so that what they cost the target stays below a part of one
 * core: an account to which time pays in, and from which each hit takes its price. What a hit costs
 * is given. Pure: no clock, no probes; record/session_slice.c does what it says.
 */
#ifndef GT_GOVERN_H
#define GT_GOVERN_H

#include <stdbool.h>
#include <stdint.h>

struct gt_governor {
	double part;	  /* of one core, 0.01 for 1 % */
	double cost_ns;	  /* of one hit */
	double credit_ns; /* below 0: debt, paid off before the next slice */
	double load;	  /* what probes cost while they were in, the last time: cores */
	double slice_ns;  /* what this slice has cost so far */
	double low_ns;	  /* the deepest debt since it began: what it cost after it was to end */
	uint64_t now_ns, since_ns; /* last step; begin of the slice, or of the gap */
	bool on;
};

void gt_governor_init(struct gt_governor *g, double part, double cost_ns, uint64_t now_ns, bool on);
/* gt_governor_step: HITS more since the last call. Should probes be in? */
bool gt_governor_step(struct gt_governor *g, uint64_t now_ns, uint64_t hits);
/* gt_governor_switched: at NOW they are in, or out, as asked for. */
void gt_governor_switched(struct gt_governor *g, uint64_t now_ns, bool on);

#endif
