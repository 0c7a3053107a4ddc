/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layout of the runtime's structs: our table for a known version, DWARF for a newer one
 * that has it, else the newest table, said to be a guess.
 */
#include "gobin.h"

static const struct {
	int minor;
	struct gt_layout l;
} table[] = {
#include "offsets.inc"
};

#define N_TABLE (sizeof(table) / sizeof(*table))

int gt_gobin_layout(const struct gt_gobin *b, struct gt_layout *ret, struct gt_err *err)
{
	struct gt_layout l = { 0 };

	for (size_t i = 0; i < N_TABLE; i++) {
		if (table[i].minor != b->info.minor)
			continue;
		l = table[i].l;
		l.how = GT_HOW_TABLE;
		l.m_size = UINT32_MAX; /* patch releases have changed it */
		*ret = l;
		return GT_OK;
	}
	if (b->info.minor < GT_GO_NEWEST)
		return gt_fail(err, GT_UNSUPPORTED, "'%s': no struct layout for %s", b->img.path,
			       b->info.version);
	if (gt_gobin_dwarf_layout(b, &l)) {
		l.how = GT_HOW_DWARF;
	} else {
		l = table[N_TABLE - 1].l;
		l.how = GT_HOW_NEWEST;
		l.m_size = UINT32_MAX;
	}
	*ret = l;
	return GT_OK;
}
