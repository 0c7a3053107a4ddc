/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What record/golang knows by heart or by decoding: struct layouts, wait reasons, probe sites,
 * the roles of casgstatus's callers; for every version and kind of build that there is a
 * fixture of.
 */
#include "gobin_fixture.h"

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
	{ "runtime.gcMarkTermination",
	  { 67, 67, 67, 67, 18, 18, 18, 18, 18, 18 },
	  { 16, 16, 16, 16, 16, 16, 16, 16, 16, 16 } },
	{ "runtime.procresize",
	  { 46, 46, 46, 46, 15, 15, 15, 15, 15, 18 },
	  { 28, 28, 28, 28, 28, 28, 28, 28, 28, 16 } },
	{ "runtime.runqputslow",
	  { 74, 63, 63, 63, 18, 18, 18, 18, 18, 18 },
	  { 16, 16, 16, 16, 16, 16, 16, 16, 16, 16 } },
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
			/* rare ones on arm64: nothing that is simulated before the arguments go */
			bool stepped = arm && ((k == 4 && f->minor >= 22) || k == 5 || k == 7 ||
					       (k == 6 && f->minor >= 26));
			assert_int_equal(s.emulated, !stepped);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_what_dwarf_tells),
		cmocka_unit_test(wait_reasons_have_their_versions_numbers),
		cmocka_unit_test(probes_go_where_the_disassembly_says),
		cmocka_unit_test(casgstatus_site_tells_where_return_address_and_arguments_are),
		cmocka_unit_test(every_caller_of_casgstatus_has_a_role),
		cmocka_unit_test(functions_have_their_roles),
	};
	return cmocka_run_group_tests_name("gobin_tables", tests, find_fixtures, NULL);
}
