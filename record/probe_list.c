/* SPDX-License-Identifier: BSD-2-Clause */
/* Which functions get a probe. */
#include "probe_list.h"

const struct gt_probe_fn gt_probe_fns[GT_N_PROBES] = {
	[GT_PROBE_STATUS] = { "runtime.casgstatus", 17, true, true, 0,
			      "every change of a goroutine's state" },
	[GT_PROBE_SYSENTER] = { "runtime.reentersyscall", 26, true, true, GT_PG_SYSCALL,
				"entry of system calls" },
	[GT_PROBE_SYSEXIT] = { "runtime.exitsyscall", 26, true, true, GT_PG_SYSCALL,
			       "return from system calls" },
	[GT_PROBE_PREEMPT] = { "runtime.casGToPreemptScan", 17, false, true, 0,
			       "preemption by the GC" },
};

bool gt_probe_wanted(const struct gt_gobin *b, uint32_t groups, int i)
{
	const struct gt_probe_fn *p = &gt_probe_fns[i];

	return gt_gobin_info(b)->minor >= p->since && (!p->group || (p->group & groups));
}

uint32_t gt_probe_inlined(const struct gt_gobin *b, uint32_t groups,
			  struct gt_inline_site ret[GT_MAX_INLINED])
{
	const char *names[GT_N_PROBES];
	uint32_t n = 0;

	for (int i = 0; i < GT_N_PROBES; i++)
		if (gt_probe_fns[i].moves && gt_probe_wanted(b, groups, i))
			names[n++] = gt_probe_fns[i].func;
	return gt_gobin_inlined(b, names, n, ret, GT_MAX_INLINED);
}

bool gt_probe_only_inlined(const struct gt_gobin *b, const char *func)
{
	uint64_t entry, size;
	struct gt_inline_site one;

	return !gt_gobin_func(b, func, &entry, &size) && gt_gobin_inlined(b, &func, 1, &one, 1) > 0;
}

int gt_probe_check(const struct gt_gobin *b, struct gt_err *err)
{
	struct gt_layout layout;
	struct gt_site site;

	for (int i = 0; i < GT_N_PROBES; i++) {
		const struct gt_probe_fn *p = &gt_probe_fns[i];
		if (!p->required || !gt_probe_wanted(b, UINT32_MAX, i))
			continue;
		int rc = gt_gobin_site(b, p->func, &site, err);
		if (rc && !gt_probe_only_inlined(b, p->func))
			return rc;
	}
	return gt_gobin_layout(b, &layout, err);
}
