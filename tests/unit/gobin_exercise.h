/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that record/golang offers, asked of one open binary: for files that may be anything.
 * The answers are only looked at where they must hold for any input.
 */
#ifndef GT_GOBIN_EXERCISE_H
#define GT_GOBIN_EXERCISE_H

#include <assert.h>
#include <string.h>

#include "record/golang/golang.h"

static inline void gt_exercise_pc(const struct gt_gobin *b, uint64_t pc)
{
	struct gt_frame fr[8];
	bool std[8];
	uint32_t n = gt_gobin_frames(b, pc, fr, std, 8);
	uint64_t off;
	size_t sum = 0;

	assert(n <= 65);
	for (uint32_t i = 0; i < n && i < 8; i++)
		sum += strlen(fr[i].func) + strlen(fr[i].file);
	assert(sum < 1 << 20);
	(void)gt_gobin_class(b, pc);
	(void)gt_gobin_system(b, gt_gobin_entry(b, pc));
	(void)gt_gobin_file_offset(b, pc, &off);
	(void)gt_gobin_bias(b, pc, pc & 0xfffff000, &off);
}

static inline void gt_exercise(const struct gt_gobin *b)
{
	static const char *const funcs[] = {
		"runtime.casgstatus",	     "runtime.reentersyscall",	      "runtime.exitsyscall",
		"runtime.casGToPreemptScan", "runtime.startTheWorldWithSema", "main.main",
	};
	const struct gt_gobin_info *in = gt_gobin_info(b);
	uint64_t ranges[4][2], e, n, a, step;
	const char *const *words;
	struct gt_layout l;
	enum gt_how how;
	uint32_t n_words, n_copies;
	struct gt_inline_site copies[4];

	assert(in->minor >= 17 && in->version[0]);
	for (size_t i = 0; i < sizeof(funcs) / sizeof(*funcs); i++) {
		struct gt_site s;

		if (gt_gobin_func(b, funcs[i], &e, &n)) {
			gt_exercise_pc(b, e);
			gt_exercise_pc(b, e + n - 1);
			gt_exercise_pc(b, e + n);
		}
		if (gt_gobin_site(b, funcs[i], &s, NULL) == GT_OK)
			assert(s.insn_len > 0 && s.insn_len <= 15);
	}
	n_copies = gt_gobin_inlined(b, funcs, sizeof(funcs) / sizeof(*funcs), copies, 4);
	for (uint32_t i = 0; i < n_copies && i < 4; i++)
		assert(!copies[i].usable || copies[i].gp.kind != GT_PLACE_NONE);
	step = (in->etext - in->text) / 61 + 1;
	a = in->text;
	for (int i = 0; i < 62; i++, a += step)
		gt_exercise_pc(b, a);
	if (gt_gobin_layout(b, &l, NULL) == GT_OK)
		assert(l.g_goid != UINT32_MAX && l.g_atomicstatus != UINT32_MAX);
	words = gt_gobin_reasons(b, &n_words);
	for (uint32_t i = 0; i < n_words; i++)
		assert(words[i]);
	(void)gt_gobin_allgs(b, &a, &how);
	(void)gt_gobin_symbol(b, "runtime.allglen", &a);
	assert(gt_gobin_data_ranges(b, ranges, 4) <= 4);
}

#endif
