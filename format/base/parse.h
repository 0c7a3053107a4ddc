/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place where numbers, times, durations and sizes are read from, and written for,
 * people [docs/man: "TIMES AND SIZES"]. All functions take whole strings: trailing bytes are
 * an error. Outputs are untouched on failure.
 */
#ifndef GT_PARSE_H
#define GT_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* A point in time as the user may say it. */
enum gt_when_kind {
	GT_WHEN_NONE = 0,
	GT_WHEN_START, /* ns from the start of the trace: "1.5s" */
	GT_WHEN_END,   /* ns before its end: "-2s" */
	GT_WHEN_WALL,  /* Unix ns: RFC 3339, "2026-11-23T18:05:00.5Z" */
};

struct gt_when {
	enum gt_when_kind kind;
	uint64_t ns;
};

/* gt_parse_duration: "90us", "1.5s", "2m", "1h30m", "0"; units ns us ms s m h; up to 2^63 ns. */
int gt_parse_duration(const char *s, uint64_t *ret_ns, struct gt_err *err) GT_MUST_CHECK;
/* gt_parse_size: "64M", "1G", "4096"; powers of 1024, K M G T P E, an optional B or iB behind. */
int gt_parse_size(const char *s, uint64_t *ret, struct gt_err *err) GT_MUST_CHECK;
/* gt_parse_u64: decimal in [min, max]. */
int gt_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret,
		 struct gt_err *err) GT_MUST_CHECK;
/* gt_parse_when: a duration or what gt_format_time writes, '-' before it, or RFC 3339 with zone. */
int gt_parse_when(const char *s, struct gt_when *ret, struct gt_err *err) GT_MUST_CHECK;

#define GT_DUR_MAX 24 /* bytes that gt_format_duration needs, with the NUL */

/* gt_format_duration: three significant digits and a unit, "1.23ms"; from a minute on "8m44s", from
 * an hour on "2h3m". gt_parse_duration takes it back. Returns BUF. */
char *gt_format_duration(char buf[GT_DUR_MAX], uint64_t ns);
/* gt_format_time: seconds with nine decimals from the start, "1.234567890"; returns BUF. */
char *gt_format_time(char buf[GT_DUR_MAX], uint64_t ns);
/* gt_format_size: "1.5M"; returns BUF. */
char *gt_format_size(char buf[GT_DUR_MAX], uint64_t bytes);

#endif
