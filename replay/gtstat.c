/* SPDX-License-Identifier: BSD-2-Clause */
/* gtstat: ask a trace. Parses the command line; the questions are replay/stat/. */
#include <stdio.h>
#include <string.h>

#include "format/base/log.h"
#include "replay/stat/run.h"

static const struct gt_opt table[] = {
	GT_OPT(U64, 'n', "top", "N", "rows of a listing, 0 is all (default: 20; goroutines: all)",
	       struct gt_ask_opts, top),
	GT_OPT(STR, 0, "over", "DUR", "count lifetimes longer than DUR (default: 300ms)",
	       struct gt_ask_opts, over),
	GT_OPT(STR, 0, "by", "WHAT", "one row for each site, or each func (default: site)",
	       struct gt_ask_opts, by),
	GT_OPT(STR, 0, "max-loss", "N", "exit 1 if more than N events were lost",
	       struct gt_ask_opts, max_loss),
	GT_OPT(FLAG, 0, "json", NULL, "JSON instead of text", struct gt_ask_opts, view.json),
	GT_OPT_SUB(gt_view_opt_table, struct gt_ask_opts, view),
	GT_OPT_END,
};

static const struct gt_usage usage = {
	.name = "gtstat",
	.usage = "gtstat [options] [QUESTION] [FILE]",
	.examples = "gtstat                              health at a glance of trace.gtr\n"
		    "gtstat leaks app.gtr                goroutines that do not come back\n"
		    "gtstat blocks --site handler        what those made in handler wait for\n"
		    "gtstat goroutines --top 50          the 50 that were blocked longest\n"
		    "gtstat runq --from 2s --to 3s       waits for a processor in that second\n"
		    "gtstat --json | jq .goroutines      for programs\n",
	.footer =
		"QUESTION is one of\n"
		"  summary (default)   health at a glance, leaks and contended locks\n"
		"  goroutines          one row each: who made it, where, how long in which state\n"
		"  lifetimes           how long goroutines live, by creation site\n"
		"  blocks              what they wait for, and where\n"
		"  runq                how long ready goroutines wait for a processor\n"
		"  sched               threads: on a CPU, or waiting for one (gtrec "
		"--events=sched)\n"
		"  gc                  collections, the heap, stops of the world and why\n"
		"  leaks               goroutines that do not come back\n"
		"FILE is trace.gtr unless named; - is stdin.\n",
};

int main(int argc, char **argv)
{
	struct gt_ask_opts o = { .top = UINT64_MAX, .over = "300ms", .by = "site" };
	const struct gt_question *q = NULL;
	int first;

	gt_log_init("gtstat", false, 0);
	switch (gt_opts_parse(&usage, table, &o, argc, argv, true, &first, NULL)) {
	case GT_OPTS_EXIT_OK: return GT_EXIT_OK;
	case GT_OPTS_EXIT_USAGE: return GT_EXIT_USAGE;
	case GT_OPTS_RUN: break;
	}
	gt_log_init("gtstat", o.view.quiet, 0);
	if (first < argc && (q = gt_stat_question(argv[first])))
		first++;
	if (argc - first > 1) {
		if (q)
			gt_log_error("one trace at a time: '%s' is too much", argv[first + 1]);
		else
			gt_log_error("'%s' is no question that gtstat knows (see gtstat --help)",
				     argv[first]);
		return GT_EXIT_USAGE;
	}
	return gt_stat_run(q ? q : gt_stat_questions[0], argv[first], &o, stdout);
}
