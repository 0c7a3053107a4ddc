/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record/golang and files that are not what they should be: stripped to the bone, obfuscated,
 * lying, damaged, cut off, or something else altogether.
 */
#include "gobin_fixture.h"
#include "gobin_exercise.h"
#include "tests/unit/rng.h"

#define SEEDS "tests/fuzz/corpus/fuzz_gobin"

/* ---- what is missing is found another way ---- */

static void same_frames(const struct gt_gobin *a, const struct gt_gobin *b)
{
	const struct gt_gobin_info *in = gt_gobin_info(a);
	uint64_t step = (in->etext - in->text) / 400 + 1;

	assert_int_equal(gt_gobin_info(b)->n_funcs, in->n_funcs);
	for (uint64_t pc = in->text; pc < in->etext; pc += step) {
		struct gt_frame x[64], y[64];
		uint32_t n = gt_gobin_frames(a, pc, x, NULL, 64);

		assert_int_equal(gt_gobin_frames(b, pc, y, NULL, 64), n);
		for (uint32_t i = 0; i < n; i++) {
			assert_string_equal(x[i].func, y[i].func);
			assert_string_equal(x[i].file, y[i].file);
			assert_int_equal(x[i].line, y[i].line);
		}
		assert_int_equal(gt_gobin_class(a, pc), gt_gobin_class(b, pc));
	}
}

static void same_sites(const struct gt_gobin *a, const struct gt_gobin *b)
{
	static const char *const funcs[] = { "runtime.casgstatus", "runtime.exitsyscall",
					     "runtime.startTheWorldWithSema" };

	for (size_t i = 0; i < LEN(funcs); i++) {
		struct gt_site x, y;

		assert_int_equal(gt_gobin_site(a, funcs[i], &x, NULL), GT_OK);
		assert_int_equal(gt_gobin_site(b, funcs[i], &y, NULL), GT_OK);
		assert_int_equal(x.delta, y.delta);
		assert_int_equal(x.ra_off, y.ra_off);
		assert_int_equal(x.insn_len, y.insn_len);
	}
}

/* Variables that B has to find in its code are where A's symbols say. */
static void same_globals(const struct gt_gobin *a, const struct gt_gobin *b)
{
	/* receivers lie on the stack there */
	bool on_stack = gt_gobin_info(a)->arch == GT_ARCH_ARM64 && gt_gobin_info(a)->minor < 18;
	uint64_t x, y;
	enum gt_how how;

	assert_true(gt_gobin_gomaxprocs(a, &x, &how));
	assert_true(gt_gobin_gomaxprocs(b, &y, &how));
	assert_int_equal(how, GT_HOW_SIGNATURE);
	assert_int_equal(x, y);
	if (on_stack)
		return;
	assert_true(gt_gobin_gc_controller(a, &x, &how));
	assert_true(gt_gobin_gc_controller(b, &y, &how));
	assert_int_equal(how, GT_HOW_SIGNATURE);
	assert_int_equal(x, y);
}

static void section_headers_are_not_needed(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		struct gt_gobin *a, *b;
		uint64_t x, y;
		enum gt_how how;
		uint8_t *p;
		size_t n;

		if (is_kind(&fixtures[i], "plugin"))
			continue;
		a = open_path(fixtures[i].path);
		p = load_file(fixtures[i].path, &n);
		drop_sections(p);
		b = must_open_bytes(p, n);
		free(p);
		assert_string_equal(gt_gobin_info(a)->version, gt_gobin_info(b)->version);
		assert_string_equal(gt_gobin_info(a)->go_build_id, gt_gobin_info(b)->go_build_id);
		assert_true(gt_gobin_info(b)->stripped);
		assert_int_equal(gt_gobin_info(a)->moduledata, gt_gobin_info(b)->moduledata);
		same_frames(a, b);
		same_sites(a, b);
		assert_true(gt_gobin_allgs(a, &x, &how));
		assert_true(gt_gobin_allgs(b, &y, &how));
		assert_int_equal(how, GT_HOW_SIGNATURE);
		assert_int_equal(x, y);
		assert_false(gt_gobin_symbol(b, "runtime.allgs", &x));
		same_globals(a, b);
		gt_gobin_free(a);
		gt_gobin_free(b);
	}
}

static void stripped_and_unstripped_agree(void **state)
{
	static const char *const pairs[][2] = {
		{ "amd64", "amd64-stripped" },
		{ "arm64", "arm64-stripped" },
		{ "amd64-pie", "amd64-pie-stripped" },
	};

	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++)
		for (size_t k = 0; k < LEN(pairs); k++) {
			const struct fixture *f = NULL;
			struct gt_gobin *a, *b;

			if (!strcmp(fixtures[i].kind, pairs[k][0]))
				f = fixture(fixtures[i].version, pairs[k][1]);
			if (!f)
				continue;
			a = open_path(fixtures[i].path);
			b = open_path(f->path);
			same_sites(a, b);
			/* addresses of data differ by the debug sections; the code's do not */
			if (gt_gobin_info(a)->text == gt_gobin_info(b)->text)
				same_frames(a, b);
			gt_gobin_free(a);
			gt_gobin_free(b);
		}
}

static void version_is_found_without_build_info(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		const struct gt_gobin_info *in;
		struct gt_gobin *b;
		uint8_t *p;
		size_t n;

		if (is_kind(&fixtures[i], "plugin"))
			continue;
		p = load_file(fixtures[i].path, &n);
		drop_sections(p);
		assert_true(replace(p, n, "\xff Go buildinf:", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 14));
		b = must_open_bytes(p, n);
		in = gt_gobin_info(b);
		assert_int_equal(in->version_how, GT_HOW_RUNTIME);
		assert_string_equal(in->version, fixtures[i].version);
		gt_gobin_free(b);
		/* nor that string: obfuscators replace it */
		replace(p, n, fixtures[i].version, "unknown and gone", strlen(fixtures[i].version));
		b = must_open_bytes(p, n);
		in = gt_gobin_info(b);
		assert_int_equal(in->version_how, GT_HOW_PCLNTAB);
		if (in->minor != fixtures[i].minor)
			fail_msg("%s: taken for 1.%d", fixtures[i].path, in->minor);
		assert_int_equal(in->patch, -1);
		gt_gobin_free(b);
		free(p);
	}
}

static void untrue_build_info_is_not_believed(void **state)
{
	const struct fixture *f = fixture("go1.26", "amd64-stripped");
	struct gt_gobin *b;
	uint8_t *p;
	size_t n;

	(void)state;
	if (!f) {
		print_message("no go1.26 fixture\n");
		skip();
	}
	p = load_file(f->path, &n);
	assert_true(replace(p, n, f->version, "go1.19.9", 8));
	b = must_open_bytes(p, n);
	assert_int_equal(gt_gobin_info(b)->minor, 26);
	assert_int_equal(gt_gobin_info(b)->version_how, GT_HOW_PCLNTAB);
	gt_gobin_free(b);
	free(p);
}

static void casgstatus_is_found_by_its_code_when_names_are_gone(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		const struct fixture *f = &fixtures[i];
		struct gt_site x, y;
		struct gt_gobin *b;
		struct gt_err err;
		uint8_t *p;
		size_t n;
		int rc;

		if (is_kind(f, "plugin"))
			continue;
		b = open_path(f->path);
		assert_int_equal(gt_gobin_site(b, "runtime.casgstatus", &x, NULL), GT_OK);
		gt_gobin_free(b);
		p = load_file(f->path, &n);
		assert_true(replace(p, n, "\0runtime.casgstatus\0", "\0untimer.Xasgstatus\0", 20));
		b = must_open_bytes(p, n);
		rc = gt_gobin_site(b, "runtime.casgstatus", &y, &err);
		if (is_kind(f, "arm64") && f->minor == 17) {
			assert_int_equal(rc, GT_UNSUPPORTED);
		} else {
			assert_int_equal(rc, GT_OK);
			assert_int_equal(x.vaddr, y.vaddr);
			assert_int_equal(y.how, GT_HOW_SIGNATURE);
		}
		gt_gobin_free(b);
		free(p);
	}
}

static void a_function_called_casgstatus_must_look_like_it(void **state)
{
	const struct fixture *f = fixture(NULL, "amd64");
	struct gt_err err = { 0 };
	struct gt_gobin *b;
	uint64_t entry, size, off;
	struct gt_site s;
	uint8_t *p;
	size_t n;

	(void)state;
	need_fixtures();
	p = load_file(f->path, &n);
	b = open_path(f->path);
	assert_true(gt_gobin_func(b, "runtime.casgstatus", &entry, &size));
	assert_true(gt_gobin_file_offset(b, entry, &off));
	gt_gobin_free(b);
	memset(p + off, 0x90, (size_t)size);
	b = must_open_bytes(p, n);
	assert_int_equal(gt_gobin_site(b, "runtime.casgstatus", &s, &err), GT_CORRUPT);
	assert_non_null(strstr(err.msg, "scan bit"));
	gt_gobin_free(b);
	free(p);
}

static void a_foreign_pclntab_magic_does_not_matter(void **state)
{
	static const uint8_t magics[][4] = { { 0xfa, 0xff, 0xff, 0xff },
					     { 0xf0, 0xff, 0xff, 0xff },
					     { 0xf1, 0xff, 0xff, 0xff } };

	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		struct gt_gobin *a, *b;
		uint8_t *p, old[8], new[8];
		unsigned count = 0;
		size_t n;

		if (is_kind(&fixtures[i], "plugin"))
			continue;
		a = open_path(fixtures[i].path);
		p = load_file(fixtures[i].path, &n);
		for (size_t k = 0; k < LEN(magics); k++) {
			memcpy(old, magics[k], 4);
			memcpy(old + 4, is_kind(&fixtures[i], "arm64") ? "\0\0\4\10" : "\0\0\1\10",
			       4);
			memcpy(new, old, 8);
			memcpy(new, "\x12\x34\x56\x78", 4);
			count += replace(p, n, old, new, 8);
		}
		assert_true(count > 0);
		b = must_open_bytes(p, n);
		same_frames(a, b);
		gt_gobin_free(a);
		gt_gobin_free(b);
		free(p);
	}
}

/* ---- relocations ---- */

static uint64_t get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* File offset of VADDR by the program headers. */
static uint64_t to_offset(const uint8_t *elf, uint64_t vaddr)
{
	const uint8_t *ph = elf + get64(elf + 32);

	for (unsigned i = 0; i < elf[56]; i++, ph += 56)
		if (ph[0] == 1 && vaddr >= get64(ph + 16) &&
		    vaddr - get64(ph + 16) < get64(ph + 32))
			return get64(ph + 8) + vaddr - get64(ph + 16);
	fail_msg("no segment holds %#llx", (unsigned long long)vaddr);
	return 0;
}

/* As lld links: nothing where a relative relocation puts its addend. How many there were. */
static unsigned clear_addends(uint8_t *elf, bool arm)
{
	const uint8_t *ph = elf + get64(elf + 32), *dyn;
	uint64_t rela = 0, size = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < elf[56] && ph[0] != 2; i++)
		ph += 56;
	for (dyn = elf + get64(ph + 8); get64(dyn); dyn += 16) {
		rela = get64(dyn) == 7 ? get64(dyn + 8) : rela;
		size = get64(dyn) == 8 ? get64(dyn + 8) : size;
	}
	for (uint8_t *r = elf + to_offset(elf, rela); size >= 24; size -= 24, r += 24)
		if ((uint32_t)get64(r + 8) == (arm ? 1027 : 8)) {
			memset(elf + to_offset(elf, get64(r)), 0, 8);
			count++;
		}
	return count;
}

static void relocations_are_applied_where_addends_are_not_in_place(void **state)
{
	unsigned files = 0;

	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		struct gt_gobin *a, *b;
		uint8_t *p;
		size_t n;

		if (!is_kind(&fixtures[i], "pie"))
			continue;
		a = open_path(fixtures[i].path);
		p = load_file(fixtures[i].path, &n);
		assert_true(clear_addends(p, is_kind(&fixtures[i], "arm64")) > 1000);
		b = must_open_bytes(p, n);
		assert_string_equal(gt_gobin_info(b)->version, fixtures[i].version);
		same_frames(a, b);
		gt_gobin_free(a);
		gt_gobin_free(b);
		free(p);
		files++;
	}
	assert_true(files > 0);
}

/* ---- newer than we know ---- */

static void a_newer_version_gets_its_layout_from_dwarf(void **state)
{
	static const struct {
		const char *kind;
		enum gt_how how;
	} want[] = { { "amd64", GT_HOW_DWARF },
		     { "arm64", GT_HOW_DWARF },
		     { "amd64-stripped", GT_HOW_NEWEST } };

	(void)state;
	for (size_t i = 0; i < LEN(want); i++) {
		const struct fixture *f = fixture("go1.26", want[i].kind);
		struct gt_layout known, l;
		struct gt_gobin *b;
		char newer[32];
		uint8_t *p;
		size_t n;

		if (!f) {
			print_message("no go1.26 fixture\n");
			skip();
		}
		b = open_path(f->path);
		assert_int_equal(gt_gobin_layout(b, &known, NULL), GT_OK);
		gt_gobin_free(b);
		p = load_file(f->path, &n);
		memcpy(newer, f->version, sizeof(newer));
		newer[4] = '9'; /* go1.96.N */
		assert_true(replace(p, n, f->version, newer, strlen(newer)));
		b = must_open_bytes(p, n);
		assert_int_equal(gt_gobin_info(b)->minor, 96);
		assert_int_equal(gt_gobin_layout(b, &l, NULL), GT_OK);
		assert_int_equal(l.how, want[i].how);
		if (l.how == GT_HOW_DWARF)
			assert_true(l.m_size > 500 && l.m_size < 10000);
		l.how = known.how;
		l.m_size = known.m_size;
		assert_memory_equal(&l, &known, sizeof(l));
		gt_gobin_free(b);
		free(p);
	}
}

/* ---- refusals ---- */

static void refused(const uint8_t *p, size_t n, enum gt_code code, const char *word)
{
	struct gt_gobin *b = NULL;
	struct gt_err err = { 0 };

	assert_int_equal(open_bytes(p, n, &b, &err), code);
	assert_null(b);
	if (!strstr(err.msg, word))
		fail_msg("'%s' says not '%s'", err.msg, word);
}

static void what_is_no_go_program_is_refused_and_why(void **state)
{
	static const char script[] = "#!/bin/sh\nexit 0\n";
	uint8_t *p;
	size_t n;

	(void)state;
	refused((const uint8_t *)"", 0, GT_UNSUPPORTED, "no ELF");
	refused((const uint8_t *)script, sizeof(script), GT_UNSUPPORTED, "no ELF");
	p = load_file("/bin/true", &n);
	refused(p, n, GT_UNSUPPORTED, "no Go program");
	p[4] = 1;
	refused(p, n, GT_UNSUPPORTED, "32-bit");
	free(p);
}

static void other_machines_and_file_types_are_refused(void **state)
{
	uint8_t *p;
	size_t n;

	(void)state;
	p = load_file(SEEDS "/seed-26-amd64", &n);
	p[18] = 21; /* e_machine: ppc64 */
	refused(p, n, GT_UNSUPPORTED, "machine");
	p[18] = 62;
	p[16] = 4; /* e_type: core */
	refused(p, n, GT_UNSUPPORTED, "core dump");
	p[16] = 1;
	refused(p, n, GT_UNSUPPORTED, "object file");
	p[16] = 2;
	memcpy(p + 240, "UPX!", 4);
	refused(p, n, GT_UNSUPPORTED, "packed with UPX");
	memset(p + 240, 0, 4);
	assert_true(replace(p, n, "go1.26.3", "go1.16.3", 8));
	refused(p, n, GT_UNSUPPORTED, "oldest");
	free(p);
}

static void a_plugin_is_refused(void **state)
{
	unsigned files = 0;

	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		uint8_t *p;
		size_t n;

		if (!is_kind(&fixtures[i], "plugin"))
			continue;
		p = load_file(fixtures[i].path, &n);
		refused(p, n, GT_UNSUPPORTED, "plugin");
		drop_sections(p);
		refused(p, n, GT_UNSUPPORTED, "plugin");
		free(p);
		files++;
	}
	if (!files)
		skip();
}

static void a_folder_is_refused(void **state)
{
	struct gt_gobin *b = NULL;
	struct gt_err err = { 0 };
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(gt_gobin_open(&b, fd, "/", &err), GT_UNSUPPORTED);
	assert_null(b);
	close(fd);
}

/* ---- the seeds, and damage ---- */

static void each_table_format_is_read_as_it_was_written(void **state)
{
	static const int minors[] = { 17, 19, 24, 26 };
	static const char *const archs[] = { "amd64", "arm64" };

	(void)state;
	for (size_t i = 0; i < LEN(minors); i++)
		for (size_t k = 0; k < LEN(archs); k++) {
			struct gt_frame fr[4];
			char path[128];
			struct gt_gobin *b;
			uint64_t e, n, allgs;
			enum gt_how how;
			bool std[4];

			snprintf(path, sizeof(path), SEEDS "/seed-%d-%s", minors[i], archs[k]);
			b = open_path(path);
			assert_int_equal(gt_gobin_info(b)->n_funcs, 4);
			assert_string_equal(gt_gobin_info(b)->main_path, "example.com/seed");
			assert_true(gt_gobin_func(b, "main.main", &e, &n));
			assert_int_equal(n, 0x40);
			assert_int_equal(gt_gobin_frames(b, e + 4, fr, std, 4), 2);
			assert_string_equal(fr[0].func, "main.inlined");
			assert_string_equal(fr[0].file, "/src/b.go");
			assert_int_equal(fr[0].line, 20);
			assert_string_equal(fr[1].func, "main.main");
			assert_string_equal(fr[1].file, "/src/a.go");
			assert_int_equal(fr[1].line, 30);
			assert_int_equal(gt_gobin_frames(b, e + 0x3c, fr, std, 4), 1);
			assert_int_equal(fr[0].line, 31);
			assert_int_equal(gt_gobin_frames(b, e + n, fr, std, 4), 0);
			assert_int_equal(gt_gobin_frames(b, gt_gobin_info(b)->text - 1, fr, std, 4),
					 0);
			assert_true(gt_gobin_allgs(b, &allgs, &how));
			assert_int_equal(allgs, 0x400000 + 0x900 + 0x640);
			assert_int_equal(gt_gobin_class(b, e + 1), GT_RA_UNKNOWN);
			gt_gobin_free(b);
		}
}

static void exercise_bytes(const uint8_t *p, size_t n)
{
	struct gt_gobin *b = NULL;
	struct gt_err err = { 0 };
	int rc = open_bytes(p, n, &b, &err);

	assert_int_equal(rc == GT_OK, b != NULL);
	assert_true(rc == GT_OK || (err.code == (enum gt_code)rc && err.msg[0]));
	if (b)
		gt_exercise(b);
	gt_gobin_free(b);
}

static void no_cut_or_flipped_bit_does_harm(void **state)
{
	struct dirent *e;
	DIR *d = opendir(SEEDS);

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d))) {
		char path[400];
		uint8_t *p, *q;
		size_t n;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), SEEDS "/%.255s", e->d_name);
		p = load_file(path, &n);
		q = malloc(n);
		assert_non_null(q);
		for (size_t cut = 0; cut < n; cut += 97)
			exercise_bytes(p, cut);
		for (int round = 0; round < 300; round++) {
			memcpy(q, p, n);
			for (uint64_t k = rng() % 4 + 1; k; k--)
				q[rng() % n] = (uint8_t)(rng() % 3 ? rng() : rng() % 2 ? 0xff : 0);
			exercise_bytes(q, n);
		}
		free(p);
		free(q);
	}
	closedir(d);
}

static void a_cut_or_damaged_real_program_does_no_harm(void **state)
{
	static const char *const kinds[] = { "amd64", "arm64-stripped", "amd64-pie" };

	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		bool wanted = false;
		uint8_t *p;
		size_t n;

		for (size_t k = 0; k < LEN(kinds); k++)
			wanted |= !strcmp(fixtures[i].kind, kinds[k]);
		if (!wanted || fixtures[i].minor % 3 != 2)
			continue;
		p = load_file(fixtures[i].path, &n);
		for (int k = 1; k < 12; k++)
			exercise_bytes(p, n * (size_t)k / 12);
		for (int round = 0; round < 8; round++) {
			for (int k = 0; k < 20000; k++)
				p[64 + rng() % (n - 64)] = (uint8_t)rng();
			exercise_bytes(p, n);
		}
		free(p);
	}
}

/* A file that shrinks while we look at it costs answers, never a signal. */
static void a_file_that_shrinks_under_us_does_no_harm(void **state)
{
	const struct fixture *f = fixture(NULL, "amd64");
	struct gt_gobin *b = NULL;
	struct gt_frame fr[8];
	uint64_t text, n_pcs = 0;
	uint8_t *p;
	size_t n;
	int fd;

	(void)state;
	need_fixtures();
	p = load_file(f->path, &n);
	fd = memfd_create("shrink", MFD_CLOEXEC);
	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(gt_gobin_open(&b, fd, "shrink", NULL), GT_OK);
	assert_int_equal(ftruncate(fd, 4096), 0);
	text = gt_gobin_info(b)->text;
	for (uint64_t pc = text; pc < gt_gobin_info(b)->etext; pc += 4096)
		n_pcs += gt_gobin_frames(b, pc, fr, NULL, 8) == 0;
	assert_true(n_pcs > 10);
	gt_exercise(b);
	gt_gobin_free(b);
	close(fd);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_headers_are_not_needed),
		cmocka_unit_test(stripped_and_unstripped_agree),
		cmocka_unit_test(version_is_found_without_build_info),
		cmocka_unit_test(untrue_build_info_is_not_believed),
		cmocka_unit_test(casgstatus_is_found_by_its_code_when_names_are_gone),
		cmocka_unit_test(a_function_called_casgstatus_must_look_like_it),
		cmocka_unit_test(a_foreign_pclntab_magic_does_not_matter),
		cmocka_unit_test(relocations_are_applied_where_addends_are_not_in_place),
		cmocka_unit_test(a_newer_version_gets_its_layout_from_dwarf),
		cmocka_unit_test(what_is_no_go_program_is_refused_and_why),
		cmocka_unit_test(other_machines_and_file_types_are_refused),
		cmocka_unit_test(a_plugin_is_refused),
		cmocka_unit_test(a_folder_is_refused),
		cmocka_unit_test(each_table_format_is_read_as_it_was_written),
		cmocka_unit_test(no_cut_or_flipped_bit_does_harm),
		cmocka_unit_test(a_cut_or_damaged_real_program_does_no_harm),
		cmocka_unit_test(a_file_that_shrinks_under_us_does_no_harm),
	};
	return cmocka_run_group_tests_name("gobin_hostile", tests, find_fixtures, NULL);
}
