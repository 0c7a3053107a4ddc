/* SPDX-License-Identifier: BSD-2-Clause */
/* gtexport: hand a trace on to other tools. Parses the command line; replay/export/ does it. */
#include <stdio.h>

#include "format/base/log.h"
#include "replay/export/gtr.h"
#include "replay/export/run.h"

static const struct gt_opt table[] = {
	GT_OPT(STR, 'f', "format", "FORMAT",
	       "chrome, gtr; may be left out where OUT's suffix says it", struct gt_export_opts,
	       format),
	GT_OPT(STR, 'o', "output", "OUT", "write to OUT, .gz and .zst compress (default: stdout)",
	       struct gt_export_opts, out),
	GT_OPT(U64, 'n', "top", "N",
	       "rows for the N most telling goroutines, 0: all (default: 200)",
	       struct gt_export_opts, top),
	GT_OPT(STR, 0, "by", "WHAT", "a row for each p, m or cpu (default: p)",
	       struct gt_export_opts, by),
	GT_OPT(STR, 0, "flows", "WHICH", "arrows: top (at most 200000), all, none (default: top)",
	       struct gt_export_opts, flows),
	GT_OPT(FLAG, 0, "force", NULL, "also where the output would have more than 1G",
	       struct gt_export_opts, force),
	GT_OPT(U64, 0, "level", "N", "gtr: compress with zstd level N, 1 to 19 (default: 1)",
	       struct gt_export_opts, level),
	GT_OPT(SIZE, 0, "fit", "SIZE", "gtr: cut stacks, then time, until it has at most SIZE",
	       struct gt_export_opts, fit),
	GT_OPT(MAYBE, 0, "redact", "WHAT",
	       "gtr: replace names,paths,args,host,comments,pcs (default: all); check: list",
	       struct gt_export_opts, redact),
	GT_OPT_SUB(gt_view_opt_table, struct gt_export_opts, view),
	GT_OPT_END,
};

static const struct gt_usage usage = {
	.name = "gtexport",
	.usage = "gtexport [-f FORMAT] [-o OUT] [options] [FILE]\n"
		 "gtexport -o OUT.gtr [options] FILE...",
	.examples = "gtexport -o app.json app.gtr        for ui.perfetto.dev (drag the file into "
		    "it)\n"
		    "gtexport -o app.json.gz             the same, compressed, of trace.gtr\n"
		    "gtexport -f chrome -g 17,18 > x     two goroutines\n"
		    "gtexport -o s.json --from 2s --to 2.5s --top 0\n"
		    "                                      everything in half a second\n"
		    "gtexport -o whole.gtr torn.gtr      a trace again: repaired; what is lost is "
		    "told\n"
		    "gtexport -o cut.gtr --from 2s -g 17  a piece of it to hand on\n",
	.footer = "FILE is trace.gtr unless named; - is stdin.\n",
};

int main(int argc, char **argv)
{
	struct gt_export_opts o = { .out = "-", .top = 200, .by = "p", .flows = "top" };
	int first;

	gt_log_init("gtexport", false, 0);
	switch (gt_opts_parse(&usage, table, &o, argc, argv, true, &first, NULL)) {
	case GT_OPTS_EXIT_OK: return GT_EXIT_OK;
	case GT_OPTS_EXIT_USAGE: return GT_EXIT_USAGE;
	case GT_OPTS_RUN: break;
	}
	gt_log_init("gtexport", o.view.quiet, 0);
	if (argc - first > 1 && gt_gtr_wanted(&o)) {
		o.view.more = argv + first + 1;
		o.view.n_more = (uint32_t)(argc - first - 1);
	} else if (argc - first > 1) {
		gt_log_error("one trace at a time: '%s' is too much (-f gtr makes one of several)",
			     argv[first + 1]);
		return GT_EXIT_USAGE;
	}
	return gt_gtr_wanted(&o) ? gt_gtr_run(argv[first], &o) : gt_export_run(argv[first], &o);
}
