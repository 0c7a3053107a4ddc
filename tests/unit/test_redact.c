/* SPDX-License-Identifier: BSD-2-Clause */
/* Redaction: no secret of a trace is in its copy, in whatever block, and what is alike stays alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/scan.h"
#include "replay/export/copy.h"
#include "replay/export/redact.h"
#include "tests/unit/trace_file.h"

/* Each of these words is planted somewhere; all begin with "secret". */
static void write_secrets(struct gt_out *o)
{
	static const char *const comments[] = { "secretcomment", NULL };
	struct gt_writer_opts wo = file_opts(1);
	struct gt_sink sink = { mem_write, o };
	static const char *const reasons[] = { "", "chan receive" };
	struct gt_process p = { .process = 1,
				.pid = 100,
				.exe = "/home/secretuser/bin/secretexe",
				.build_id = "secretbuild",
				.gnu_build_id = "secretgnu",
				.go_version = "go1.26.8",
				.arch = "amd64",
				.cmdline0 = "secretarg",
				.reasons = reasons,
				.n_reasons = 2 };
	struct gt_frame f[] = {
		{ "secret.corp/x/secretpkg.(*secretType[secret.corp/y.secretArg]).secretDo.func1",
		  "/home/secretuser/src/secretfile.go", 10 },
		{ "slices.SortFunc[go.shape.struct { secretField int }]",
		  "/home/secretuser/go/src/slices/sort.go", 20 },
		{ "main.secretMain-fm", "secretdir/secretmain.go", 30 },
		{ "net/http.(*conn).serve", "/opt/secretgo/src/net/http/server.go", 40 },
	};
	const bool std[] = { false, true, false, true };
	struct gt_thread t = { .process = 1, .tid = 7, .m = 0, .comm = "secretcomm" };
	struct gt_goroutine g = { .gid = 1, .goid = 1, .gptr = 0xc000abcde0, .process = 1 };
	struct gt_event e = { .ts = START + 5,
			      .gid = 1,
			      .process = 1,
			      .kind = GT_EV_STATUS,
			      .new = GT_G_RUNNABLE,
			      .p = -1,
			      .m = -1,
			      .qlen = -1 };
	struct gt_writer *w = NULL;
	uint32_t pc = 0;

	wo.hostname = "secrethost";
	wo.boot_id = "secretboot";
	wo.os = "Linux secretkernel";
	wo.hardware = "secrethw";
	wo.tool = "secrettool";
	wo.comments = comments;
	assert_int_equal(gt_writer_new(&w, &sink, &wo, NULL), GT_OK);
	assert_int_equal(gt_writer_process(w, &p, NULL), GT_OK);
	assert_int_equal(gt_writer_thread(w, &t, NULL), GT_OK);
	assert_int_equal(gt_writer_pc(w, 1, 0x4712345, GT_RA_UNKNOWN, f, std, 4, &pc, NULL), GT_OK);
	g.start_pc = g.site_pc = pc;
	assert_int_equal(gt_writer_stack(w, &pc, 1, &g.stack, NULL), GT_OK);
	assert_int_equal(gt_writer_goroutine(w, &g, NULL), GT_OK);
	e.ra = pc;
	e.stack = g.stack;
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	assert_int_equal(gt_writer_note(w, START + 6, "secretnote", NULL), GT_OK);
	file_end(w, START + 9);
}

static void redact(const struct gt_out *from, struct gt_out *to, unsigned what)
{
	struct gt_mem mem = { from->p, from->n };
	struct gt_view v = { .to_ns = UINT64_MAX };
	struct gt_copy_opts co = { .session = 5 };
	struct gt_copy_stats st;
	struct gt_redact *x = NULL;
	struct gt_sink sink = { mem_write, to };
	struct gt_item it;

	gt_source_mem(&v.src, &mem);
	assert_int_equal(gt_reader_new(&v.reader, &v.src, NULL, NULL), GT_OK);
	v.info = gt_reader_info(v.reader);
	while (gt_reader_next(v.reader, &it, NULL) == 1)
		;
	assert_int_equal(gt_redact_new(&x, what, NULL), GT_OK);
	assert_int_equal(gt_redact_collect(x, v.reader, NULL), GT_OK);
	assert_int_equal(gt_reader_seek(v.reader, 0, NULL), GT_OK);
	co.redact = x;
	assert_int_equal(gt_copy_run(&v, &co, &sink, &st, NULL), GT_OK);
	gt_redact_free(x);
	gt_reader_free(v.reader);
}

/* The file as it lies there, and then the body of each block uncompressed. */
static void flatten(const struct gt_out *file, struct gt_out *flat)
{
	struct gt_mem mem = { file->p, file->n };
	struct gt_damage d = { 0 };
	struct gt_unpress *u = NULL;
	static uint8_t body[GT_BLK_MAX_BODY];
	struct gt_source src;
	struct gt_feed feed;
	struct gt_scan s;
	struct gt_found f;
	unsigned n = 0;

	gt_out_bytes(flat, file->p, file->n);
	gt_source_mem(&src, &mem);
	gt_feed_init(&feed, &src, 4096);
	gt_scan_init(&s, &feed, &d);
	assert_int_equal(gt_unpress_new(&u, NULL), GT_OK);
	for (; gt_scan_next(&s, &f, NULL) == 1; n++) {
		if (f.h.flags & GT_BF_ZSTD)
			assert_int_equal(gt_unpress_run(u, f.body, f.h.stored, body, f.h.raw, NULL),
					 GT_OK);
		else
			memcpy(body, f.body, f.h.raw);
		gt_out_bytes(flat, body, f.h.raw);
	}
	assert_true(n > 8);
	assert_false(flat->bad);
	gt_unpress_free(u);
	gt_feed_free(&feed);
}

static bool has(const struct gt_out *flat, const char *s)
{
	return memmem(flat->p, flat->n, s, strlen(s)) != NULL;
}

static void no_secret_is_left(void **state)
{
	struct gt_out from = { 0 }, to = { 0 }, flat = { 0 };

	(void)state;
	write_secrets(&from);
	flatten(&from, &flat);
	assert_true(has(&flat, "secretMain")); /* the search finds what is there */
	gt_out_reset(&flat);
	redact(&from, &to, GT_RD_ALL);
	flatten(&to, &flat);
	assert_false(has(&flat, "secret"));
	assert_false(has(&flat, "/home/"));
	/* What tells no secret is there still. */
	assert_true(has(&flat, "net/http.(*conn).serve"));
	assert_true(has(&flat, "net/http/server.go"));
	assert_true(has(&flat, "slices.SortFunc[...]"));
	assert_true(has(&flat, "chan receive"));
	assert_true(has(&flat, "go1.26.8"));
	assert_true(has(&flat, "main.fn1-fm"));
	assert_true(has(&flat, "pkg1.fn2.func1"));
	gt_out_free(&from);
	gt_out_free(&to);
	gt_out_free(&flat);
}

static void names_only_keeps_what_their_owner_needs(void **state)
{
	struct gt_out from = { 0 }, to = { 0 }, flat = { 0 };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;
	struct gt_item it;
	struct gt_pc pc;

	(void)state;
	write_secrets(&from);
	redact(&from, &to, GT_RD_NAMES);
	flatten(&to, &flat);
	assert_false(has(&flat, "secretMain"));
	assert_false(has(&flat, "secretType"));
	assert_false(has(&flat, "secretField"));
	assert_true(has(&flat, "secretbuild"));
	assert_true(has(&flat, "secrethost"));
	mem = (struct gt_mem){ to.p, to.n };
	gt_source_mem(&src, &mem);
	assert_int_equal(gt_reader_new(&r, &src, NULL, NULL), GT_OK);
	while (gt_reader_next(r, &it, NULL) == 1)
		;
	assert_true(gt_reader_pc(r, 1, &pc));
	assert_int_equal(pc.offset, 0x4712345);
	gt_reader_free(r);
	gt_out_free(&from);
	gt_out_free(&to);
	gt_out_free(&flat);
}

static void parts_of_go_names_are_found(void **state)
{
	static const struct {
		const char *name;
		size_t package, base;
	} cases[] = {
		{ "main.main", 4, 9 },
		{ "main.main.func1", 4, 9 },
		{ "main.main.func1.2", 4, 9 },
		{ "main.(*T).Do-fm", 4, 12 },
		{ "main.work.gowrap1", 4, 9 },
		{ "main.work-range1.func2", 4, 9 },
		{ "a.b/c.d.funcs", 5, 13 },
		{ "a.b/v2.(*X).func1", 6, 11 },
		{ "p.F[a.b/c.D]", 1, 12 },
		{ "noname", 6, 6 },
		{ "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(gt_rn_package(cases[i].name), cases[i].package);
		assert_int_equal(gt_rn_base(cases[i].name), cases[i].base);
	}
}

static void words_are_checked(void **state)
{
	unsigned what;

	(void)state;
	assert_int_equal(gt_redact_parse("names,paths", &what, NULL), GT_OK);
	assert_int_equal(what, GT_RD_NAMES | GT_RD_PATHS);
	assert_int_equal(gt_redact_parse("all", &what, NULL), GT_OK);
	assert_int_equal(what, GT_RD_ALL);
	assert_int_equal(gt_redact_parse("names,nonsense", &what, NULL), GT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_secret_is_left),
		cmocka_unit_test(names_only_keeps_what_their_owner_needs),
		cmocka_unit_test(parts_of_go_names_are_found),
		cmocka_unit_test(words_are_checked),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
