/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A streaming JSON writer: every --json and the Chrome export. It keeps track of commas and
 * nesting, writes integers exactly, and makes any byte string valid UTF-8 JSON (bad bytes
 * become U+FFFD, control characters are escaped). Output errors stick and are told by _end.
 */
#ifndef GT_JSON_H
#define GT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"

#define GT_JSON_DEPTH 32

struct gt_json {
	FILE *f; /* borrowed */
	unsigned depth;
	bool more[GT_JSON_DEPTH]; /* an item was written at this depth */
	bool after_key;
};

void gt_json_init(struct gt_json *j, FILE *f);
void gt_json_object(struct gt_json *j); /* { */
void gt_json_object_end(struct gt_json *j);
void gt_json_array(struct gt_json *j); /* [ */
void gt_json_array_end(struct gt_json *j);
void gt_json_key(struct gt_json *j, const char *key);
void gt_json_str(struct gt_json *j, const char *s); /* NULL writes null */
void gt_json_strn(struct gt_json *j, const char *s, size_t n);
void gt_json_u64(struct gt_json *j, uint64_t v);
void gt_json_i64(struct gt_json *j, int64_t v);
void gt_json_f64(struct gt_json *j, double v);	 /* NaN and infinities write null */
void gt_json_us(struct gt_json *j, uint64_t ns); /* ns as microseconds with three decimals */
void gt_json_bool(struct gt_json *j, bool v);
void gt_json_null(struct gt_json *j);
/* gt_json_line: end of a one-object-a-line record; depth must be 0. */
void gt_json_line(struct gt_json *j);
/* gt_json_finish: flush; GT_IO when anything could not be written. */
int gt_json_finish(struct gt_json *j, struct gt_err *err) GT_MUST_CHECK;

/* key and value in one */
static inline void gt_json_kstr(struct gt_json *j, const char *k, const char *s)
{
	gt_json_key(j, k);
	gt_json_str(j, s);
}

static inline void gt_json_ku64(struct gt_json *j, const char *k, uint64_t v)
{
	gt_json_key(j, k);
	gt_json_u64(j, v);
}

static inline void gt_json_ki64(struct gt_json *j, const char *k, int64_t v)
{
	gt_json_key(j, k);
	gt_json_i64(j, v);
}

static inline void gt_json_kbool(struct gt_json *j, const char *k, bool v)
{
	gt_json_key(j, k);
	gt_json_bool(j, v);
}

/* A member that is there where it is so. */
static inline void gt_json_ktrue(struct gt_json *j, const char *k, bool so)
{
	if (so)
		gt_json_kbool(j, k, true);
}

/* gt_text_safe: S for a terminal: control characters and bad UTF-8 become '?', in place. */
void gt_text_safe(char *s);

#endif
