/* SPDX-License-Identifier: BSD-2-Clause */
/* The error of a share that was partly sampled. */
#include "gaps.h"

#include <math.h>

#define Z95    1.96
#define FEWEST 3 /* below that a variance is a guess */

void gt_gap_sum_add(struct gt_gap_sum *s, double x, double y)
{
	s->x += x;
	s->y += y;
	s->xx += x * x;
	s->xy += x * y;
	s->yy += y * y;
}

double gt_gap_error(const struct gt_gap_sum *s, uint64_t n, double r, double all)
{
	double count = (double)n, sum, squares, var;

	if (!n)
		return 0;
	if (n < FEWEST || !(all > 0) || isnan(r))
		return (double)NAN;
	sum = s->x - r * s->y;
	squares = s->xx - 2 * r * s->xy + r * r * s->yy;
	var = (squares - sum * sum / count) / (count - 1);
	return var > 0 ? Z95 * sqrt(count * var) / all : 0;
}
