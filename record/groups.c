// SPDX-License-Identifier: BSD-2-Clause
/* What --events chooses from. */
#include "groups.h"

#include <stdio.h>
#include <string.h>

#include "format/model.h"

const struct gt_group gt_groups[] = {
	{ "gc", GT_PG_GC, true, "stops of the world, collections, the heap, GOMAXPROCS" },
	{ "syscall", GT_PG_SYSCALL, true, "begin and end of system calls" },
	{ "runq", GT_PG_RUNQ, true, "M, P and its run queue at each execution; full run queues" },
	{ "sched", GT_PG_SCHED, false, "threads on and off their CPUs, as the kernel has it" },
	{ "fault", GT_PG_FAULT, false, "major page faults" },
	{ 0 },
};

static uint32_t bits(const char *name, size_t n)
{
	bool all = n == 3 && !strncmp(name, "all", n);
	bool usual = n == 7 && !strncmp(name, "default", n);
	uint32_t found = 0;

	for (const struct gt_group *g = gt_groups; g->name; g++)
		if (all || (usual && g->by_default) ||
		    (strlen(g->name) == n && !strncmp(name, g->name, n)))
			found |= g->bit;
	return found;
}

int gt_groups_parse(const char *list, uint32_t *ret, struct gt_err *err)
{
	uint32_t chosen = 0;

	for (const char *p = list ? list : "default";; p++) {
		size_t n = strcspn(p, ",");
		uint32_t more = bits(p, n);
		if (!more && !(n == 4 && !strncmp(p, "none", n))) {
			char names[128] = "";
			for (const struct gt_group *g = gt_groups; g->name; g++) {
				size_t at = strlen(names);
				(void)snprintf(names + at, sizeof(names) - at, "%s, ", g->name);
			}
			return gt_fail(err, GT_USAGE,
				       "--events=%s: '%.*s' is no group of events; there are "
				       "%snone, default and all",
				       list, (int)n, p, names);
		}
		chosen |= more;
		p += n;
		if (!*p)
			break;
	}
	*ret = chosen;
	return GT_OK;
}
