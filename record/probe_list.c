/* SPDX-License-Identifier: BSD-2-Clause */
/* Which functions get a probe. */
#include "probe_list.h"

/* clang-format off */
const struct gt_probe_fn gt_probe_fns[GT_N_PROBES] = {
	[GT_PROBE_STATUS] = { "runtime.casgstatus", .since = 17, .required = true, .moves = true,
		.what = "every change of a goroutine's state" },
	[GT_PROBE_SYSENTER] = { "runtime.reentersyscall", .since = 26, .required = true,
		.moves = true, .group = GT_PG_SYSCALL, .what = "entry of system calls" },
	[GT_PROBE_SYSEXIT] = { "runtime.exitsyscall", .since = 26, .required = true, .moves = true,
		.group = GT_PG_SYSCALL, .what = "return from system calls" },
	[GT_PROBE_PREEMPT] = { "runtime.casGToPreemptScan", .since = 17, .moves = true,
		.what = "preemption by the GC" },
	[GT_PROBE_WORLD_STOPS] = { "runtime.stopTheWorldWithSema", .since = 17, .until = 21,
		.group = GT_PG_GC, .what = "begin of stops of the world" },
	[GT_PROBE_WORLD_STARTS] = { "runtime.startTheWorldWithSema", .since = 17,
		.group = GT_PG_GC, .what = "stops of the world, the heap" },
	[GT_PROBE_MARK_ENDS] = { "runtime.gcMarkTermination", .since = 17, .group = GT_PG_GC,
		.what = "the end of marking, the heap" },
	[GT_PROBE_PROCS] = { "runtime.procresize", .since = 17, .reads = true, .group = GT_PG_GC,
		.what = "GOMAXPROCS" },
	[GT_PROBE_OVERFLOW] = { "runtime.runqputslow", .since = 17, .reads = true,
		.group = GT_PG_RUNQ, .what = "full run queues" },
};
/* clang-format on */

bool gt_probe_wanted(const struct gt_gobin *b, uint32_t groups, int i)
{
	const struct gt_probe_fn *p = &gt_probe_fns[i];
	const struct gt_gobin_info *info = gt_gobin_info(b);

	/* [src/cmd/compile: the register ABI reached arm64 in 1.18] */
	if (p->reads && info->arch == GT_ARCH_ARM64 && info->minor < 18)
		return false;
	return info->minor >= p->since && (!p->until || info->minor <= p->until) &&
	       (!p->group || (p->group & groups));
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
