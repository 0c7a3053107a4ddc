/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a goroutine waits, in the runtime's words, by number; the numbers differ by version. */
#include "gobin.h"

#include "reasons.inc"

#define ROW(minor)                                                                                 \
	{                                                                                          \
		minor, reasons_##minor, sizeof(reasons_##minor) / sizeof(*reasons_##minor)         \
	}

static const struct {
	int minor;
	const char *const *words;
	uint32_t n;
} table[] = {
	ROW(17), ROW(18), ROW(19), ROW(20), ROW(21), ROW(22), ROW(23), ROW(24), ROW(25), ROW(26),
};

#define N_TABLE (sizeof(table) / sizeof(*table))

const char *const *gt_gobin_reasons(const struct gt_gobin *b, uint32_t *ret_n)
{
	size_t i = 0;

	while (i < N_TABLE - 1 && table[i].minor < b->info.minor)
		i++;
	*ret_n = table[i].n;
	return table[i].words;
}
