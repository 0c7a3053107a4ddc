/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors. The function that detects a failure fills the caller's struct gt_err; the
 * functions above it only pass the code on, or prefix the message. Libraries never print
 * and never exit; the mains print err.msg once and turn the code into an exit status.
 */
#ifndef GT_ERR_H
#define GT_ERR_H

#include <stdint.h>

#define GT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define GT_MUST_CHECK	     __attribute__((warn_unused_result))

/* Values are ABI: append, never renumber. */
enum gt_code {
	GT_OK = 0,
	GT_IO = -1,	     /* a system call failed; os_errno says why */
	GT_TRUNCATED = -2,   /* the input ends in the middle of something */
	GT_CORRUPT = -3,     /* the input contradicts itself or its checksum */
	GT_VERSION = -4,     /* a newer format than this reader knows */
	GT_LIMIT = -5,	     /* a stated maximum was exceeded */
	GT_NOMEM = -6,	     /* allocation failed */
	GT_USAGE = -7,	     /* the caller broke the contract; object unchanged */
	GT_UNSUPPORTED = -8, /* valid, but not something we handle (32-bit, no Go, ...) */
	GT_DENIED = -9,	     /* the environment says no: permission, kernel feature */
	GT_GONE = -10,	     /* the process went away */
};

struct gt_err {
	enum gt_code code;
	int os_errno;	 /* errno for GT_IO and GT_DENIED, else 0 */
	uint64_t offset; /* file offset of the damage where one is known, else 0 */
	char msg[256];
};

/* gt_fail: fill ERR (may be NULL) and return CODE, so that `return gt_fail(...)` reads well. */
int gt_fail(struct gt_err *err, enum gt_code code, const char *fmt, ...) GT_PRINTF(3, 4);

/* gt_fail_errno: as gt_fail with ": strerror(errno)" appended and os_errno set. */
int gt_fail_errno(struct gt_err *err, enum gt_code code, const char *fmt, ...) GT_PRINTF(3, 4);

/* gt_fail_prefix: put "PREFIX: " before err->msg; returns err->code (GT_IO for a NULL err). */
int gt_fail_prefix(struct gt_err *err, const char *fmt, ...) GT_PRINTF(2, 3);

/* gt_code_name: the code's name in lower case ("corrupt"), for messages and JSON. */
const char *gt_code_name(enum gt_code code);

#endif
