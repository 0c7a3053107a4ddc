/* SPDX-License-Identifier: BSD-2-Clause */
/* Which functions of the Go runtime get a probe: one list for attach, list and doctor. */
#ifndef GT_PROBE_LIST_H
#define GT_PROBE_LIST_H

#include <stdbool.h>

#include "record/golang/golang.h"

struct gt_probe_fn {
	const char *func;
	int since, until; /* first and last Go minor version that needs it; until 0: no last */
	bool required;	  /* no trace without it, where its group is asked for */
	bool moves;	  /* changes a goroutine's status; so do copies that were inlined */
	bool reads;	  /* its arguments, in registers: not in Go 1.17 on arm64 */
	uint32_t group;	  /* GT_PG_*: only with that group of facts; 0: always */
	const char *what; /* for people: what it tells */
};

enum {
	GT_PROBE_STATUS,
	GT_PROBE_SYSENTER,
	GT_PROBE_SYSEXIT,
	GT_PROBE_PREEMPT,
	GT_PROBE_WORLD_STOPS,
	GT_PROBE_WORLD_STARTS,
	GT_PROBE_MARK_ENDS,
	GT_PROBE_PROCS,
	GT_PROBE_OVERFLOW,
	GT_N_PROBES
};
extern const struct gt_probe_fn gt_probe_fns[GT_N_PROBES];

#define GT_MAX_INLINED 64 /* as many copies as the programs have room for */

/* gt_probe_wanted: is this probe, number I, for the binary, with these GROUPS (GT_PG_*)? */
bool gt_probe_wanted(const struct gt_gobin *b, uint32_t groups, int i);
/*
 * gt_probe_inlined: copies of the wanted functions that profile-guided optimisation inlined. How
 * many; fills at most GT_MAX_INLINED.
 */
uint32_t gt_probe_inlined(const struct gt_gobin *b, uint32_t groups,
			  struct gt_inline_site ret[GT_MAX_INLINED]);
/* gt_probe_only_inlined: is the function missing because all its callers have copies of it? */
bool gt_probe_only_inlined(const struct gt_gobin *b, const char *func);

/* gt_probe_check: has the binary all that a trace needs: sites and layout? The error says what not.
 */
int gt_probe_check(const struct gt_gobin *b, struct gt_err *err) GT_MUST_CHECK;

#endif
