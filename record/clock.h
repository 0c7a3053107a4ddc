/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks, as nanoseconds. */
#ifndef GT_CLOCK_H
#define GT_CLOCK_H

#include <stdint.h>
#include <time.h>

/* gt_clock_ns: CLOCK now, in ns. The probes' times are those of CLOCK_MONOTONIC. */
static inline uint64_t gt_clock_ns(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#endif
