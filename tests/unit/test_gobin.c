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

static FILE *open_truth(const struct fixture *f, const char *suffix)
{
	char path[600];

	snprintf(path, sizeof(path), "%.511s.%.31s", f->path, suffix);
	return fopen(path, "r");
}

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

/* ---- layout ---- */

#define FIELD(f)                                                                                   \
	{                                                                                          \
#f, offsetof(struct gt_layout, f)                                                  \
	}

static const struct {
	const char *name;
	size_t at;
} layout_fields[] = {
	FIELD(g_stack_lo),    FIELD(g_stack_hi),   FIELD(g_m),
	FIELD(g_sched_sp),    FIELD(g_sched_pc),   FIELD(g_sched_g),
	FIELD(g_sched_bp),    FIELD(g_syscallpc),  FIELD(g_atomicstatus),
	FIELD(g_goid),	      FIELD(g_waitreason), FIELD(g_lockedm),
	FIELD(g_parent_goid), FIELD(g_gopc),	   FIELD(g_startpc),
	FIELD(g_labels),      FIELD(g_coroarg),	   FIELD(g_size),
	FIELD(m_procid),      FIELD(m_curg),	   FIELD(m_p),
	FIELD(m_id),	      FIELD(p_id),	   FIELD(p_status),
	FIELD(p_m),	      FIELD(p_runqhead),   FIELD(p_runqtail),
	FIELD(p_runnext),
};

static void layout_is_what_dwarf_tells(void **state)
{
	unsigned files = 0;

	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		FILE *truth = open_truth(&fixtures[i], "layout");
		char name[64];
		struct gt_layout l;
		struct gt_gobin *b;
		unsigned seen = 0;
		long want;

		if (!truth || is_kind(&fixtures[i], "plugin"))
			continue;
		b = open_path(fixtures[i].path);
		assert_int_equal(gt_gobin_layout(b, &l, NULL), GT_OK);
		assert_int_equal(l.how, GT_HOW_TABLE);
		while (fscanf(truth, "%63s %ld", name, &want) == 2)
			for (size_t k = 0; k < LEN(layout_fields); k++) {
				uint32_t got;

				if (strcmp(layout_fields[k].name, name) != 0)
					continue;
				memcpy(&got, (char *)&l + layout_fields[k].at, sizeof(got));
				if (got != (uint32_t)want)
					fail_msg("%s: %s is %u, not %ld", fixtures[i].path, name,
						 got, want);
				seen++;
			}
		assert_int_equal(seen, LEN(layout_fields));
		fclose(truth);
		gt_gobin_free(b);
		files++;
	}
	assert_true(files > 0);
}

static void wait_reasons_have_their_versions_numbers(void **state)
{
	static const struct {
		int from, to;
		uint32_t number;
		const char *word;
	} want[] = {
		{ 17, 25, 14, "chan receive" },	   { 26, 26, 19, "chan receive" },
		{ 17, 26, 2, "IO wait" },	   { 17, 24, 19, "sleep" },
		{ 25, 25, 20, "sleep" },	   { 26, 26, 14, "sleep" },
		{ 20, 24, 21, "sync.Mutex.Lock" }, { 25, 26, 22, "sync.Mutex.Lock" },
	};
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		const char *const *words;
		struct gt_gobin *b;
		uint32_t n;

		if (strcmp(fixtures[i].kind, "amd64") != 0)
			continue;
		b = open_path(fixtures[i].path);
		words = gt_gobin_reasons(b, &n);
		for (size_t k = 0; k < LEN(want); k++)
			if (fixtures[i].minor >= want[k].from && fixtures[i].minor <= want[k].to) {
				assert_true(want[k].number < n);
				assert_string_equal(words[want[k].number], want[k].word);
			}
		gt_gobin_free(b);
	}
}

/* ---- sites ---- */

/*
 * Where the probes go, by version from 1.17: what disassembling each version's functions gave.
 * -1: no such function in the fixture. On arm64 since 1.22 startTheWorldWithSema's fourth
 * argument is gone before the first instruction that is simulated, hence the single step at +12.
 */
static const struct {
	const char *func;
	int amd64[10], arm64[10];
} sites[] = {
	{ "runtime.casgstatus",
	  { 31, 31, 31, 31, 0, 0, 0, 0, 0, 0 },
	  { 16, 24, 24, 24, 24, 24, 24, 24, 24, 24 } },
	{ "runtime.reentersyscall",
	  { 55, 55, 55, 55, 0, 0, 0, 0, 0, 0 },
	  { 64, 56, 56, 56, 56, 24, 24, 24, 24, 92 } },
	{ "runtime.exitsyscall",
	  { 36, 36, 36, 36, 0, 0, 0, 0, 0, 0 },
	  { 40, 40, 40, 40, 40, 40, 40, 40, 40, 40 } },
	{ "runtime.casGToPreemptScan",
	  { 23, 23, 23, 23, 6, 6, 6, 6, 6, 6 },
	  { 36, 32, 28, 28, 28, 28, 28, 28, 28, 28 } },
	{ "runtime.startTheWorldWithSema",
	  { 32, 32, 32, 32, 10, 10, 10, 10, 10, 10 },
	  { 56, 60, 56, 60, 56, 12, 12, 12, 12, 12 } },
	{ "runtime.newproc1",
	  { 34, 35, 47, 42, 10, 10, 10, 10, 10, 10 },
	  { 32, 28, 40, 36, 36, 36, 44, 44, 44, 44 } },
	{ "runtime.coroswitch_m",
	  { -1, -1, -1, -1, -1, -1, 10, 15, 15, 15 },
	  { -1, -1, -1, -1, -1, -1, 28, 32, 32, 32 } },
};

static void probes_go_where_the_disassembly_says(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		const struct fixture *f = &fixtures[i];
		bool arm = is_kind(f, "arm64");
		struct gt_gobin *b;

		/* unoptimised code has other prologues */
		if (is_kind(f, "plugin") || is_kind(f, "noopt"))
			continue;
		b = open_path(f->path);
		for (size_t k = 0; k < LEN(sites); k++) {
			int want = (arm ? sites[k].arm64 : sites[k].amd64)[f->minor - 17];
			struct gt_site s;
			uint64_t e, n;
			int rc = gt_gobin_site(b, sites[k].func, &s, NULL);

			if (want < 0) {
				assert_int_equal(rc, GT_UNSUPPORTED);
				continue;
			}
			assert_int_equal(rc, GT_OK);
			if ((int)s.delta != want)
				fail_msg("%s: %s+%u, not +%d", f->path, sites[k].func, s.delta,
					 want);
			assert_int_equal(s.emulated, !(arm && k == 4 && f->minor >= 22));
			assert_true(gt_gobin_func(b, sites[k].func, &e, &n));
			assert_int_equal(s.vaddr, e + s.delta);
			assert_int_equal(s.how, GT_HOW_PCLNTAB);
		}
		gt_gobin_free(b);
	}
}

static void casgstatus_site_tells_where_return_address_and_arguments_are(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		const struct fixture *f = &fixtures[i];
		bool arm = is_kind(f, "arm64"), stack = arm && f->minor == 17;
		struct gt_gobin *b;
		struct gt_site s;

		if (is_kind(f, "plugin"))
			continue;
		b = open_path(f->path);
		assert_int_equal(gt_gobin_site(b, "runtime.casgstatus", &s, NULL), GT_OK);
		assert_true(s.emulated);
		assert_int_equal(s.args_on_stack, stack);
		assert_int_equal(s.arg_off, stack ? 0x58 : 0);
		if (arm || f->minor >= 21) {
			assert_int_equal(s.ra_off, 0);
		} else { /* the frame's size is in the entry's sub $imm8,%rsp */
			int fd = open(f->path, O_RDONLY | O_CLOEXEC);
			uint8_t code[4];

			assert_int_equal(pread(fd, code, 4, (off_t)(s.offset - s.delta)), 4);
			close(fd);
			assert_memory_equal(code, "\x48\x83\xec", 3);
			assert_int_equal(s.ra_off, code[3]);
			assert_int_equal(s.ra_off,
					 is_kind(f, "noopt") && f->minor == 20 ? 0x48 : 0x40);
		}
		gt_gobin_free(b);
	}
}

/* ---- roles ---- */

/* Every call of casgstatus in the code has a role: none of its callers was forgotten. */
static void every_caller_of_casgstatus_has_a_role(void **state)
{
	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		const struct fixture *f = &fixtures[i];
		bool arm = is_kind(f, "arm64");
		const struct gt_gobin_info *in;
		unsigned calls = 0;
		struct gt_gobin *b;
		uint64_t target, n, off;
		size_t size;
		uint8_t *file;

		if (is_kind(f, "plugin"))
			continue;
		b = open_path(f->path);
		in = gt_gobin_info(b);
		file = load_file(f->path, &size);
		assert_true(gt_gobin_func(b, "runtime.casgstatus", &target, &n));
		assert_true(gt_gobin_file_offset(b, in->text, &off));
		assert_true(off + (in->etext - in->text) <= size);
		for (uint64_t at = 0; at + 5 <= in->etext - in->text; at += arm ? 4 : 1) {
			const uint8_t *c = file + off + at;
			uint32_t w = (uint32_t)c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 |
				     (uint32_t)c[3] << 24;
			uint64_t to, ra;

			if (arm) {
				if (w >> 26 != 0x25) /* bl */
					continue;
				to = in->text + at + (uint64_t)((int64_t)(int32_t)(w << 6) >> 4);
				ra = in->text + at + 4;
			} else {
				if (c[0] != 0xe8) /* call */
					continue;
				ra = in->text + at + 5;
				to = ra +
				     (uint64_t)(int64_t)(int32_t)(w >> 8 | (uint32_t)c[4] << 24);
			}
			if (to != target)
				continue;
			calls++;
			if (gt_gobin_class(b, ra) == GT_RA_UNKNOWN) {
				struct gt_frame fr[64];
				uint32_t d = gt_gobin_frames(b, ra - 1, fr, NULL, 64);

				fail_msg("%s: no role: %s", f->path, d ? fr[d - 1].func : "?");
			}
		}
		assert_true(calls >= 20);
		free(file);
		gt_gobin_free(b);
	}
}

static const struct {
	const char *func;
	enum gt_ra_class class;
} roles[] = {
	{ "runtime.newproc1", GT_RA_NEWPROC },
	{ "runtime.execute", GT_RA_EXECUTE },
	{ "runtime.park_m", GT_RA_PARK },
	{ "runtime.ready", GT_RA_READY },
	{ "runtime.injectglist", GT_RA_INJECT },
	{ "runtime.findRunnable", GT_RA_FIND },
	{ "runtime.findrunnable", GT_RA_FIND },
	{ "runtime.(*gcControllerState).findRunnableGCWorker", GT_RA_FINDGC },
	{ "runtime.goschedImpl", GT_RA_GOSCHED },
	{ "runtime.goyield_m", GT_RA_GOYIELD },
	{ "runtime.reentersyscall", GT_RA_ENTERSYSCALL },
	{ "runtime.entersyscallblock", GT_RA_ENTERSYSBLOCK },
	{ "runtime.exitsyscall", GT_RA_EXITSYSCALL },
	{ "runtime.exitsyscall0", GT_RA_EXITSYSCALL_NOP },
	{ "runtime.exitsyscallNoP", GT_RA_EXITSYSCALL_NOP },
	{ "runtime.goexit0", GT_RA_GOEXIT },
	{ "runtime.gdestroy", GT_RA_GOEXIT },
	{ "runtime.needm", GT_RA_NEEDM },
	{ "runtime.dropm", GT_RA_DROPM },
	{ "runtime.oneNewExtraM", GT_RA_EXTRAM },
	{ "runtime.newstack", GT_RA_NEWSTACK },
	{ "runtime.coroswitch_m", GT_RA_CORO },
	{ "runtime.casGToWaiting", GT_RA_SELFWAIT },
	{ "runtime.casGToWaitingForSuspendG", GT_RA_SELFWAIT },
	{ "runtime.stopTheWorldWithSema", GT_RA_SELFWAIT },
	{ "runtime.stopTheWorld.func1", GT_RA_SELFWAIT },
	{ "runtime.forEachPInternal", GT_RA_SELFWAIT },
	{ "runtime.gcMarkTermination", GT_RA_SELFWAIT },
	{ "runtime.markroot", GT_RA_SELFWAIT },
	{ "runtime.gcBgMarkWorker", GT_RA_GCWORKER },
	{ "runtime.gcBgMarkWorker.func2", GT_RA_GCWORKER },
	{ "runtime.gcAssistAlloc1", GT_RA_GCASSIST },
	{ "runtime.findGoroutineLeaks", GT_RA_LEAKCHECK },
	{ "runtime.debugCallWrap", GT_RA_DEBUGCALL },
	{ "runtime.cgocall", GT_RA_CGO_PC },
	{ "runtime.asmcgocall", GT_RA_CGO_PC },
	{ "syscall.Syscall", GT_RA_SYSCALL_PC },
	{ "syscall.write", GT_RA_SYSCALL_PC },
	{ "main.main", GT_RA_UNKNOWN },
	{ "runtime.casgstatus", GT_RA_UNKNOWN },
	{ "runtime.goparkunlock", GT_RA_UNKNOWN },
	{ "runtime.readyWithTime", GT_RA_UNKNOWN },
};

static void functions_have_their_roles(void **state)
{
	unsigned found[LEN(roles)] = { 0 };

	(void)state;
	need_fixtures();
	for (size_t i = 0; i < n_fixtures; i++) {
		struct gt_gobin *b;

		if (is_kind(&fixtures[i], "plugin"))
			continue;
		b = open_path(fixtures[i].path);
		for (size_t k = 0; k < LEN(roles); k++) {
			uint64_t e, n;

			if (!gt_gobin_func(b, roles[k].func, &e, &n))
				continue;
			found[k]++;
			assert_int_equal(gt_gobin_class(b, e + 1), roles[k].class);
			assert_int_equal(gt_gobin_class(b, e + n), roles[k].class);
		}
		assert_int_equal(gt_gobin_class(b, 0), GT_RA_UNKNOWN);
		assert_int_equal(gt_gobin_class(b, UINT64_MAX), GT_RA_UNKNOWN);
		gt_gobin_free(b);
	}
	assert_true(found[0] && found[2] && found[29]);
}

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
		cmocka_unit_test(layout_is_what_dwarf_tells),
		cmocka_unit_test(wait_reasons_have_their_versions_numbers),
		cmocka_unit_test(probes_go_where_the_disassembly_says),
		cmocka_unit_test(casgstatus_site_tells_where_return_address_and_arguments_are),
		cmocka_unit_test(every_caller_of_casgstatus_has_a_role),
		cmocka_unit_test(functions_have_their_roles),
		cmocka_unit_test(system_goroutines_are_the_runtimes_but_main),
		cmocka_unit_test(a_mapping_tells_the_load_bias),
		cmocka_unit_test(allgs_lies_in_the_data_ranges),
	};
	return cmocka_run_group_tests_name("gobin", tests, find_fixtures, NULL);
}
