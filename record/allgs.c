/* SPDX-License-Identifier: BSD-2-Clause */
/* runtime.allgs in a process's memory: found, and read. */
#include "allgs.h"

#include <stdlib.h>
#include <string.h>

#define PIECE	   (256u << 10) /* bytes of data looked through at a time */
#define MAX_RANGES 16
#define PROOF	   4 /* elements that must look like goroutines */

/* Does ADDR hold a runtime.g? Its sched.g names itself and its status exists. */
static bool is_g(const struct gt_target *t, const struct gt_layout *l, uint64_t addr)
{
	uint64_t self;
	uint32_t status;

	return addr && !(addr & 7) &&
	       !gt_target_read(t, addr + l->g_sched_g, &self, sizeof(self), NULL) && self == addr &&
	       !gt_target_read(t, addr + l->g_atomicstatus, &status, sizeof(status), NULL) &&
	       (status & ~0x1000u) <= 11;
}

/* Do the three words look like a slice of goroutines? The first few elements prove it. */
static bool is_allgs(const struct gt_target *t, const struct gt_layout *l, const uint64_t w[3])
{
	uint64_t g[PROOF];
	uint64_t n = w[1] < PROOF ? w[1] : PROOF;

	if (!w[0] || (w[0] & 7) || !w[1] || w[1] > w[2] || w[2] > GT_ALLGS_MAX)
		return false;
	if (gt_target_read(t, w[0], g, n * sizeof(*g), NULL))
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!is_g(t, l, g[i]))
			return false;
	/* With one or two elements any *g with a length behind it would do. */
	return n >= PROOF;
}

static bool scan(const struct gt_target *t, const struct gt_layout *l, uint64_t *ret)
{
	uint64_t ranges[MAX_RANGES][2];
	uint32_t n = gt_gobin_data_ranges(t->bin, ranges, MAX_RANGES);
	uint64_t *buf = malloc(PIECE);
	bool found = false;

	for (uint32_t r = 0; buf && r < n && r < MAX_RANGES && !found; r++) {
		uint64_t lo = (ranges[r][0] + 7) & ~7ull, hi = ranges[r][1];
		/* Pieces overlap by two words, as a slice may lie across the border. */
		for (uint64_t a = lo; a + 24 <= hi && !found; a += PIECE - 16) {
			size_t len = hi - a < PIECE ? (hi - a) & ~7ull : PIECE;
			if (gt_target_read(t, a + t->bias, buf, len, NULL))
				continue;
			for (size_t i = 0; i + 3 <= len / 8 && !found; i++)
				if (buf[i + 1] && buf[i + 1] <= buf[i + 2] &&
				    is_allgs(t, l, &buf[i])) {
					*ret = a + t->bias + i * 8;
					found = true;
				}
		}
	}
	free(buf);
	return found;
}

static int find(const struct gt_target *t, const struct gt_layout *l, uint64_t *at,
		enum gt_how *how, struct gt_err *err)
{
	uint64_t addr;

	if (gt_gobin_allgs(t->bin, &addr, how)) {
		*at = addr + t->bias;
		return GT_OK;
	}
	if (scan(t, l, at)) {
		*how = GT_HOW_SCAN;
		return GT_OK;
	}
	return gt_fail(err, GT_UNSUPPORTED,
		       "pid %d: cannot find runtime.allgs in its memory, so goroutines that exist "
		       "already appear only with their first event",
		       (int)t->pid);
}

int gt_allgs_read(const struct gt_target *t, const struct gt_layout *l, uint64_t *at,
		  enum gt_how *how, uint64_t **ret, size_t *ret_n, struct gt_err *err)
{
	/* The array may be replaced by a larger one, and the old one be freed, while we read. */
	for (int attempt = 0; attempt < 5; attempt++) {
		uint64_t len, ptr;
		int rc = *at ? GT_OK : find(t, l, at, how, err);
		if (rc)
			return rc;
		/* The length first, as the runtime's own atomicAllG does: the array only grows. */
		rc = gt_target_read(t, *at + 8, &len, sizeof(len), err);
		if (!rc)
			rc = gt_target_read(t, *at, &ptr, sizeof(ptr), err);
		if (rc)
			return rc;
		if (len > GT_ALLGS_MAX)
			return gt_fail(err, GT_LIMIT, "pid %d: runtime.allgs makes no sense",
				       (int)t->pid);
		uint64_t *list = malloc(len ? len * sizeof(*list) : 1);
		if (!list)
			return gt_fail(err, GT_NOMEM, "out of memory");
		if (!len || !gt_target_read(t, ptr, list, len * sizeof(*list), err)) {
			*ret = list;
			*ret_n = len;
			return GT_OK;
		}
		free(list);
	}
	return gt_fail_prefix(err, "runtime.allgs");
}
