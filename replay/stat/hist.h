/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log-linear histogram of durations. Count, sum, least and greatest are exact; quantiles
 * are exact up to 64 values and within 1 % beyond. Memory is 512 bytes for each octave that
 * has values in it, however many values there are. Merging is exact: the order and grouping
 * of what was added does not matter.
 */
#ifndef GT_HIST_H
#define GT_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define GT_HIST_SUB   64 /* buckets an octave: 1.6 % wide, so half of that off at most */
#define GT_HIST_EXACT 64

struct gt_hist {
	uint64_t n, min, max; /* min and max are valid while n > 0 */
	unsigned __int128 sum;
	uint64_t *exact;    /* owned; the values themselves while n <= GT_HIST_EXACT */
	uint64_t *seg[59];  /* owned; by octave, NULL where empty */
	bool bad;	    /* memory was short: quantiles would be wrong */
	uint64_t estimated; /* left out, as samples alone told when they began or ended */
};

/* gt_hist_add: memory being short sets bad, which sticks. */
void gt_hist_add(struct gt_hist *h, uint64_t v);
/* gt_hist_merge: adds all of B to A. */
void gt_hist_merge(struct gt_hist *a, const struct gt_hist *b);
/* gt_hist_quantile: the value that the share Q in [0, 1] is not above (nearest rank); 0 if empty.
 */
uint64_t gt_hist_quantile(const struct gt_hist *h, double q);
/* gt_hist_mean: rounded down; 0 if empty. */
uint64_t gt_hist_mean(const struct gt_hist *h);
void gt_hist_free(struct gt_hist *h);

#endif
