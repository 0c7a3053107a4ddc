/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors: formatting into the caller's struct gt_err. */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct gt_err *err, enum gt_code code, int os_errno, const char *fmt, va_list ap)
{
	err->code = code;
	err->os_errno = os_errno;
	err->offset = 0;
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
}

int gt_fail(struct gt_err *err, enum gt_code code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		fill(err, code, 0, fmt, ap);
		va_end(ap);
	}
	return code;
}

int gt_fail_errno(struct gt_err *err, enum gt_code code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		fill(err, code, saved, fmt, ap);
		va_end(ap);
		size_t n = strlen(err->msg);
		(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror(saved));
	}
	return code;
}

int gt_fail_prefix(struct gt_err *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)];
	va_list ap;

	if (!err)
		return GT_IO;
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	size_t n = strlen(err->msg);
	(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", old);
	return err->code;
}

const char *gt_code_name(enum gt_code code)
{
	switch (code) {
	case GT_OK: return "ok";
	case GT_IO: return "io";
	case GT_TRUNCATED: return "truncated";
	case GT_CORRUPT: return "corrupt";
	case GT_VERSION: return "version";
	case GT_LIMIT: return "limit";
	case GT_NOMEM: return "no memory";
	case GT_USAGE: return "usage";
	case GT_UNSUPPORTED: return "unsupported";
	case GT_DENIED: return "denied";
	case GT_GONE: return "gone";
	}
	return "unknown";
}
