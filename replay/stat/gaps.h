/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far a share may be off that was partly sampled. While no probes are attached, each look at
 * memory stands for the time until the next one: the share X / Y over n such gaps has, as any
 * ratio of sums of samples, the standard error sqrt(n * var(x - R y)) / Y, in which R is the share
 * and Y all time, traced time too (that has no error). It takes the samples for independent: a load
 * with a period that is the sampling's own deceives it.
 */
#ifndef GT_GAPS_H
#define GT_GAPS_H

#include <stdbool.h>
#include <stdint.h>

struct gt_gaps {
	uint64_t n, ns, last_ns; /* how many, how long in all, where the last one ends */
	bool probed;		 /* there were events of probes since */
};

/* Sums over all gaps: x is the time in question, y the time it is a share of; in seconds. */
struct gt_gap_sum {
	double x, y, xx, xy, yy;
};

void gt_gap_sum_add(struct gt_gap_sum *s, double x, double y);
/*
 * gt_gap_error: half the width of the 95 % interval around the share R; ALL is what it is a share
 * of, in seconds, traced or not. 0 without gaps, NAN with fewer than three.
 */
double gt_gap_error(const struct gt_gap_sum *s, uint64_t n, double r, double all);

#endif
