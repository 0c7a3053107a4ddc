/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation failure in what makes files of files: the first, second, ... allocation fails while a
 * trace is copied, redacted or drawn; each time it is said, nothing crashes, and nothing leaks
 * (under AddressSanitizer). Linked with --wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "replay/export/copy.h"
#include "replay/export/outbuf.h"
#include "replay/export/redact.h"
#include "replay/export/walk.h"
#include "sample_trace.h"

static long until_failure = -1; /* allocations that still work; -1: all */
static bool failed;
static char paths[3][32], *path; /* the traces, and the one at hand */

static bool may_fail(void)
{
	if (until_failure < 0)
		return false;
	if (until_failure-- > 0)
		return false;
	until_failure = -1;
	failed = true;
	return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
	return may_fail() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return may_fail() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return may_fail() ? NULL : __real_realloc(p, n);
}

static int swallow(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	(void)p;
	(void)err;
	*(size_t *)ctx += n;
	return GT_OK;
}

static int collect(struct gt_redact *x, struct gt_err *err)
{
	struct gt_view_opts vo = { .blocks = true };
	struct gt_view v = { 0 };
	struct gt_item it;
	int rc = gt_view_open(&v, path, &vo, err);

	while (!rc && (rc = gt_reader_next(v.reader, &it, err)) == 1)
		rc = 0;
	rc = rc ? rc : gt_redact_collect(x, v.reader, err);
	gt_view_close(&v);
	return rc;
}

static int copy_it(bool redact)
{
	struct gt_view_opts vo = { .blocks = true };
	struct gt_copy_opts o = { .session = 7 };
	struct gt_redact *x = NULL;
	struct gt_copy_stats st = { 0 };
	struct gt_view v = { 0 };
	struct gt_err err = { 0 };
	size_t bytes = 0;
	struct gt_sink sink = { swallow, &bytes };
	int rc = redact ? gt_redact_new(&x, GT_RD_ALL, &err) : GT_OK;

	if (!rc && redact)
		rc = collect(x, &err);
	o.redact = x;
	rc = rc ? rc : gt_view_open(&v, path, &vo, &err);
	rc = rc ? rc : gt_copy_run(&v, &o, &sink, &st, &err);
	gt_view_close(&v);
	gt_redact_free(x);
	if (!failed)
		assert_true(st.events && bytes > 1000);
	assert_true(!rc || err.msg[0]);
	return rc;
}

static int copy_whole(void)
{
	return copy_it(false);
}

static int copy_redacted(void)
{
	return copy_it(true);
}

static int draw(void)
{
	static struct gt_x_out out;
	struct gt_view first = { 0 }, v = { 0 };
	struct gt_view_opts vo = { 0 };
	struct gt_selection sel = { 0 };
	struct gt_x_opts xo = { .stride = 1 };
	struct gt_x_stats st = { 0 };
	struct gt_x_sink *sink = NULL;
	struct gt_err err = { 0 };
	int rc;

	out.n = 0;
	out.rc = GT_OK;
	rc = gt_wholefile_open(&out.file, path, &err);
	if (rc)
		return rc;
	rc = gt_view_open(&first, path, &vo, &err);
	rc = rc ? rc : gt_select(&sel, &first, 20, &err);
	rc = rc ? rc : gt_view_open(&v, path, &vo, &err);
	if (!rc && !(sink = gt_x_chrome.make(&out)))
		rc = GT_NOMEM;
	if (!rc) {
		rc = gt_x_walk(&v, &sel, &gt_x_chrome, sink, &out, &xo, &st, &err);
		gt_x_flush(&out);
		rc = rc ? rc : out.rc;
	}
	if (sink)
		gt_x_chrome.free(sink);
	gt_selection_free(&sel);
	gt_view_close(&first);
	gt_view_close(&v);
	if (!failed)
		assert_true(gt_wholefile_bytes(out.file) > 1000);
	gt_wholefile_free(out.file); /* not committed: the trace stays */
	return rc;
}

/* Until one run takes no more allocations than are granted. */
static void with_every_failure(int (*run)(void), uint32_t trace, long least)
{
	long n, unheard = 0;

	path = paths[trace];

	for (n = 0;; n++) {
		int rc;

		failed = false;
		until_failure = n;
		rc = run();
		until_failure = -1;
		if (!failed) {
			assert_int_equal(rc, GT_OK);
			break;
		}
		/* Some memory is only wished for: an index, a larger buffer of the C library. */
		assert_true(rc == GT_NOMEM || rc == GT_OK || rc == GT_IO);
		unheard += rc == GT_OK;
	}
	assert_true(n > least);
	assert_true(unheard < n / 2);
}

static void a_copy_without_memory_says_so(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		with_every_failure(copy_whole, i, 40);
}

static void a_redaction_without_memory_says_so(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		with_every_failure(copy_redacted, i, 60);
}

static void a_drawing_without_memory_says_so(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		with_every_failure(draw, i, 40);
}

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sample s;
		int fd;

		(void)snprintf(paths[i], sizeof(paths[i]), "/tmp/gtrace-nomem-XXXXXX");
		fd = mkstemp(paths[i]);
		if (fd < 0)
			return -1;
		close(fd);
		sample_open(&s, paths[i], 64);
		if (i == 0)
			sample_pool(&s, true);
		else if (i == 1)
			sample_attached(&s);
		else
			sample_crowd(&s, 150);
		sample_close(&s, true);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(paths[0]) || unlink(paths[1]) || unlink(paths[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_without_memory_says_so),
		cmocka_unit_test(a_redaction_without_memory_says_so),
		cmocka_unit_test(a_drawing_without_memory_says_so),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
