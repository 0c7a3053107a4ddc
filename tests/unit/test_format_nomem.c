/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation failure: the first, second, ... allocation of a writer and of a reader fails; each
 * says so, crashes nowhere and leaks nothing (under AddressSanitizer). Linked with --wrap.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/trace_file.h"

static long until_failure = -1; /* allocations that still work; -1: all */
static bool failed;

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

static int fill(struct gt_writer *w, struct gen *g)
{
	const struct gt_frame frame = { "main.work", "/src/main.go", 12 };
	static const char *const reasons[] = { "", "select" };
	struct gt_process pr = {
		.process = 1, .exe = "/bin/x", .reasons = reasons, .n_reasons = 2
	};
	struct gt_end end = { .ts = START + 100000000 };
	uint32_t pc, stack;
	int rc = gt_writer_process(w, &pr, NULL);

	if (!rc)
		rc = gt_writer_pc(w, 1, 9, GT_RA_PARK, &frame, NULL, 1, &pc, NULL);
	if (!rc)
		rc = gt_writer_stack(w, &pc, 1, &stack, NULL);
	for (uint32_t i = 0; i < 900 && !rc; i++) {
		struct gt_event e = gen_event(g);
		struct gt_goroutine gr = { .gid = i + 1, .process = 1 };

		rc = gt_writer_goroutine(w, &gr, NULL);
		if (!rc)
			rc = gt_writer_event(w, &e, NULL);
		if (!rc && i == 500) {
			struct gt_key k = { .g = { .gid = 1 }, .p = -1 };

			rc = gt_writer_keyframe_begin(w, g->ts, NULL);
			rc = rc ? rc : gt_writer_key(w, &k, NULL);
			rc = rc ? rc : gt_writer_keyframe_end(w, NULL);
		}
	}
	rc = rc ? rc : gt_writer_note(w, START, "x", NULL);
	return rc ? rc : gt_writer_finish(w, &end, NULL);
}

static int write_it(struct gt_out *o)
{
	struct gen g = { .rng = 3, .ts = START, .cpus = 3, .processes = 1, .gids = 9, .step = 90 };
	struct gt_writer_opts opts = file_opts(1);
	struct gt_sink sink = { mem_write, o };
	struct gt_writer *w = NULL;
	int rc = gt_writer_new(&w, &sink, &opts, NULL);

	if (rc)
		return rc;
	rc = fill(w, &g);
	if (rc) /* it stays dead, and says so */
		assert_true(gt_writer_flush(w, START, NULL) != 0 || rc == GT_NOMEM);
	gt_writer_free(w);
	return rc;
}

static int read_it(const struct gt_out *o)
{
	struct gt_reader_opts opts = { .keyframes = true };
	struct gt_mem mem = { o->p, o->n };
	struct gt_source src;
	struct gt_reader *r = NULL;
	struct gt_item it;
	uint32_t events = 0;
	int rc;

	gt_source_mem(&src, &mem);
	rc = gt_reader_new(&r, &src, &opts, NULL);
	if (rc)
		return rc;
	while ((rc = gt_reader_next(r, &it, NULL)) == 1)
		events += it.type == GT_IT_EVENT;
	if (!rc)
		rc = gt_reader_seek(r, START + 100000000, NULL);
	while (!rc && (rc = gt_reader_next(r, &it, NULL)) == 1)
		rc = 0;
	if (!rc && !failed)
		assert_int_equal(events, 900);
	gt_reader_free(r);
	return rc;
}

static void a_writer_without_memory_says_so(void **state)
{
	long n;

	(void)state;
	for (n = 0;; n++) {
		struct gt_out o = { 0 };
		int rc;

		failed = false;
		until_failure = n;
		rc = write_it(&o);
		until_failure = -1;
		gt_out_free(&o);
		if (!failed)
			break;
		assert_int_equal(rc, GT_NOMEM);
	}
	assert_true(n > 50);
}

static void a_reader_without_memory_says_so(void **state)
{
	struct gt_out o = { 0 };
	long n;

	(void)state;
	assert_int_equal(write_it(&o), 0);
	for (n = 0;; n++) {
		int rc;

		failed = false;
		until_failure = n;
		rc = read_it(&o);
		until_failure = -1;
		if (!failed)
			break;
		/* The index is an offer: without memory for it, the trace is read all the same. */
		assert_true(rc == GT_NOMEM || rc == 0);
	}
	assert_true(n > 20);
	gt_out_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_writer_without_memory_says_so),
		cmocka_unit_test(a_reader_without_memory_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
