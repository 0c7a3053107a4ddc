/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record/golang reads real Go binaries as their symbol tables and DWARF data say, for every
 * version and kind of build that there is a fixture of.
 */
#include "gobin_fixture.h"

/* ---- what a binary is ---- */

static void every_fixture_tells_version_and_kind(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		const struct fixture *f = &fixtures[i];
		const struct gt_gobin_info *in;
		struct gt_gobin *b;

		if (is_kind(f, "plugin"))
			continue;
		b = open_path(f->path);
		in = gt_gobin_info(b);
		assert_string_equal(in->version, f->version);
		assert_int_equal(in->version_how, GT_HOW_BUILDINFO);
		assert_int_equal(in->minor, f->minor);
		assert_int_equal(in->arch, is_kind(f, "arm64") ? GT_ARCH_ARM64 : GT_ARCH_AMD64);
		assert_int_equal(in->pie, is_kind(f, "pie") || is_kind(f, "shared"));
		assert_int_equal(in->shared, is_kind(f, "shared"));
		assert_int_equal(in->race, is_kind(f, "race"));
		/* since 1.20 -race needs no cgo; to 1.19 the fixture program's C is compiled too */
		if (!is_kind(f, "race"))
			assert_int_equal(in->cgo, is_kind(f, "cgo") || is_kind(f, "shared"));
		assert_int_equal(in->stripped, is_kind(f, "stripped") || is_kind(f, "cgo-pie"));
		assert_string_equal(in->main_path, "example.com/fixture");
		assert_true(strlen(in->go_build_id) > 40);
		assert_true(in->text < in->etext && in->n_funcs > 1000);
		gt_gobin_free(b);
	}
}

/* ---- functions ---- */

/* The same name, but for type arguments: to Go 1.20, pclntab has "[...]" for them. */
static bool same_name(const char *a, const char *b)
{
	const char *x = strchr(a, '['), *y = strchr(b, '['), *p = strrchr(a, ']'),
		   *q = strrchr(b, ']');

	if (!strcmp(a, b))
		return true;
	return x && y && p && q && x - a == y - b && !memcmp(a, b, (size_t)(x - a)) &&
	       !strcmp(p, q) && (!strncmp(x, "[...]", 5) || !strncmp(y, "[...]", 5));
}

struct symbol {
	uint64_t addr, size;
	char name[256];
};

static bool next_symbol(FILE *f, struct symbol *s)
{
	char line[4096];

	while (fgets(line, sizeof(line), f)) {
		char *p, *q;

		s->addr = strtoull(line, &p, 16);
		s->size = strtoull(p, &q, 10);
		q[strcspn(q, "\n")] = 0;
		if (strlen(q + 1) < sizeof(s->name)) {
			memcpy(s->name, q + 1, strlen(q + 1) + 1);
			return true;
		}
	}
	return false;
}

static void each_symbol_is_the_function_at_its_address(void **state)
{
	unsigned n = 0;

	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		FILE *truth = open_truth(&fixtures[i], "funcs");
		struct symbol s;
		struct gt_gobin *b;

		if (!truth || is_kind(&fixtures[i], "plugin"))
			continue;
		b = open_path(fixtures[i].path);
		while (next_symbol(truth, &s)) {
			struct gt_frame fr[64];
			uint32_t depth = gt_gobin_frames(b, s.addr + s.size - 1, fr, NULL, 64);

			if (strstr(s.name, "dwrap"))
				continue; /* 1.17: the symbol table has dots for its middle dots */
			if (!depth || !same_name(fr[depth - 1].func, s.name))
				fail_msg("%s: %s is '%s'", fixtures[i].path, s.name,
					 depth ? fr[depth - 1].func : "nothing");
			assert_int_equal(gt_gobin_frames(b, s.addr, fr, NULL, 0),
					 gt_gobin_frames(b, s.addr, fr, NULL, 64));
			n++;
		}
		fclose(truth);
		gt_gobin_free(b);
	}
	assert_true(n > 1000);
}

/* Functions that exist twice, as themselves and as a wrapper for the other calling convention. */
static void a_function_is_found_by_name_and_not_its_wrapper(void **state)
{
	static const char *const names[] = {
		"runtime.casgstatus",  "runtime.park_m",	 "runtime.newproc",
		"runtime.newproc1",    "runtime.goexit1",	 "runtime.entersyscall",
		"runtime.exitsyscall", "runtime.dropm",		 "runtime.reentersyscall",
		"runtime.allgadd",     "runtime.gcBgMarkWorker",
	};
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		FILE *truth = open_truth(&fixtures[i], "funcs");
		uint64_t size[LEN(names)] = { 0 }, addr[LEN(names)] = { 0 }, e, n;
		struct symbol s;
		struct gt_gobin *b;

		if (!truth || is_kind(&fixtures[i], "plugin"))
			continue;
		while (next_symbol(truth, &s))
			for (size_t k = 0; k < LEN(names); k++)
				if (!strcmp(s.name, names[k]) && s.size > size[k]) {
					size[k] = s.size;
					addr[k] = s.addr;
				}
		fclose(truth);
		b = open_path(fixtures[i].path);
		for (size_t k = 0; k < LEN(names); k++) {
			assert_int_equal(gt_gobin_func(b, names[k], &e, &n), size[k] != 0);
			if (!size[k])
				continue;
			assert_int_equal(e, addr[k]);
			assert_in_range(n, size[k], size[k] + 63);
		}
		assert_false(gt_gobin_func(b, "runtime.casgstatu", &e, &n));
		assert_false(gt_gobin_func(b, "asgstatus", &e, &n));
		gt_gobin_free(b);
	}
}

/* ---- frames ---- */

/* One line of truth: does it hold? *PHYSICAL: at least the outermost function's name does. */
static bool frames_match(const struct gt_gobin *b, char *line, bool *physical)
{
	struct gt_frame fr[64];
	char *save, *word = strtok_r(line, "\t\n", &save), *name = "";
	uint32_t n = gt_gobin_frames(b, strtoull(word, NULL, 16), fr, NULL, 64), k = 0;
	bool same = true;

	while ((name = strtok_r(NULL, "\t\n", &save))) {
		char *file = strtok_r(NULL, "\t\n", &save);
		char *number = strtok_r(NULL, "\t\n", &save);

		if (!file || !number)
			break; /* "?" without a file: a line that says less */
		same = same && k < n && same_name(fr[k].func, name) && !strcmp(fr[k].file, file) &&
		       fr[k].line == strtoul(number, NULL, 10);
		*physical = n && same_name(fr[n - 1].func, name);
		k++;
	}
	return same && k == n;
}

static void frames_are_those_that_dwarf_tells(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		FILE *truth = open_truth(&fixtures[i], "frames");
		unsigned n = 0, equal = 0, physical = 0, inlined = 0;
		char line[16384];
		struct gt_gobin *b;

		if (!truth || is_kind(&fixtures[i], "plugin"))
			continue;
		b = open_path(fixtures[i].path);
		while (fgets(line, sizeof(line), truth)) {
			unsigned tabs = 0;
			bool phys = false;

			for (char *p = line; *p; p++)
				tabs += *p == '\t';
			n++;
			inlined += tabs > 3;
			equal += frames_match(b, line, &phys);
			physical += phys;
		}
		fclose(truth);
		gt_gobin_free(b);
		/* the two differ at prologues and at code that no line accounts for */
		if (n < 300 || equal < n - n / 100 || physical < n)
			fail_msg("%s: of %u pcs %u equal, %u in the right function",
				 fixtures[i].path, n, equal, physical);
		if (!is_kind(&fixtures[i], "noopt"))
			assert_true(inlined > 20);
	}
}

static void standard_library_is_told_from_the_users_own(void **state)
{
	static const struct {
		const char *func;
		bool std;
	} want[] = {
		{ "runtime.park_m", true },
		{ "fmt.Fprintln", true },
		{ "main.main", false },
		{ "main.worker", false },
	};
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		struct gt_gobin *b;

		if (is_kind(&fixtures[i], "plugin"))
			continue;
		b = open_path(fixtures[i].path);
		for (size_t k = 0; k < LEN(want); k++) {
			struct gt_frame fr[8];
			bool std[8];
			uint64_t e, n;

			assert_true(gt_gobin_func(b, want[k].func, &e, &n));
			assert_in_range(gt_gobin_frames(b, e, fr, std, 8), 1, 8);
			assert_int_equal(std[0], want[k].std);
		}
		gt_gobin_free(b);
	}
}

/* ---- entry functions ---- */

static void system_goroutines_are_the_runtimes_but_main(void **state)
{
	static const struct {
		const char *func;
		bool system;
	} want[] = {
		{ "runtime.main", false },	{ "runtime.corostart", false },
		{ "main.main", false },		{ "main.worker", false },
		{ "runtime.bgsweep", true },	{ "runtime.forcegchelper", true },
		{ "runtime.bgscavenge", true }, { "runtime.gcBgMarkWorker", true },
	};
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		struct gt_gobin *b;

		if (is_kind(&fixtures[i], "plugin"))
			continue;
		b = open_path(fixtures[i].path);
		for (size_t k = 0; k < LEN(want); k++) {
			uint64_t e, n;

			if (gt_gobin_func(b, want[k].func, &e, &n))
				assert_int_equal(gt_gobin_system(b, e), want[k].system);
		}
		assert_false(gt_gobin_system(b, 0));
		gt_gobin_free(b);
	}
}

/* `go worker(i, ...)` starts a wrapper, main.main.gowrap1 or so. */
static void the_entry_of_a_wrapped_go_statement_is_what_it_names(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		FILE *truth = open_truth(&fixtures[i], "funcs");
		unsigned found = 0;
		uint64_t worker, n;
		struct gt_gobin *b;
		struct symbol s;

		if (!truth || is_kind(&fixtures[i], "plugin"))
			continue;
		b = open_path(fixtures[i].path);
		assert_true(gt_gobin_func(b, "main.worker", &worker, &n));
		assert_int_equal(gt_gobin_entry(b, worker), worker);
		while (next_symbol(truth, &s))
			found += !strncmp(s.name, "main.main.", 10) &&
				 gt_gobin_entry(b, s.addr) == worker;
		assert_int_equal(found, fixtures[i].minor >= 18);
		fclose(truth);
		gt_gobin_free(b);
	}
}

/* ---- addresses ---- */

static void a_mapping_tells_the_load_bias(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), off, bias, shift = 0x7f1234560000;
		const struct gt_gobin_info *in;
		struct gt_gobin *b;

		if (is_kind(&fixtures[i], "plugin"))
			continue;
		b = open_path(fixtures[i].path);
		in = gt_gobin_info(b);
		assert_true(gt_gobin_file_offset(b, in->text, &off));
		/* the kernel would map the page of text there */
		assert_true(gt_gobin_bias(b, (in->text & ~(page - 1)) + shift, off & ~(page - 1),
					  &bias));
		assert_int_equal(bias, shift);
		assert_false(gt_gobin_bias(b, shift, 1ull << 40, &bias));
		assert_false(gt_gobin_file_offset(b, 1ull << 60, &off));
		gt_gobin_free(b);
	}
}

static void allgs_lies_in_the_data_ranges(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		uint64_t ranges[4][2], addr;
		bool in_range = false;
		struct gt_gobin *b;
		enum gt_how how;
		uint32_t n;

		if (is_kind(&fixtures[i], "plugin"))
			continue;
		b = open_path(fixtures[i].path);
		assert_true(gt_gobin_allgs(b, &addr, &how));
		assert_int_equal(how,
				 gt_gobin_info(b)->stripped ? GT_HOW_SIGNATURE : GT_HOW_SYMTAB);
		n = gt_gobin_data_ranges(b, ranges, 4);
		for (uint32_t k = 0; k < n; k++)
			in_range |= addr >= ranges[k][0] && addr + 24 <= ranges[k][1];
		assert_true(in_range);
		gt_gobin_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fixture_tells_version_and_kind),
		cmocka_unit_test(each_symbol_is_the_function_at_its_address),
		cmocka_unit_test(a_function_is_found_by_name_and_not_its_wrapper),
		cmocka_unit_test(frames_are_those_that_dwarf_tells),
		cmocka_unit_test(standard_library_is_told_from_the_users_own),
		cmocka_unit_test(system_goroutines_are_the_runtimes_but_main),
		cmocka_unit_test(the_entry_of_a_wrapped_go_statement_is_what_it_names),
		cmocka_unit_test(a_mapping_tells_the_load_bias),
		cmocka_unit_test(allgs_lies_in_the_data_ranges),
	};
	return cmocka_run_group_tests_name("gobin", tests, find_fixtures, NULL);
}
