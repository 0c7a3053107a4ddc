/* SPDX-License-Identifier: BSD-2-Clause */
/* gtreplay: rebuild what goroutines did. Parses the command line; the views are replay/show/. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/base/log.h"
#include "replay/show/show.h"

static const struct gt_opt table[] = {
	GT_OPT(WHEN, 0, "at", "T", "every goroutine at T, laid out as Go's own traceback",
	       struct gt_show_opts, at),
	GT_OPT(FLAG, 0, "system", NULL, "with --at: also the runtime's own goroutines",
	       struct gt_show_opts, system),
	GT_OPT(FLAG, 0, "verify", NULL, "check the file and the history; report",
	       struct gt_show_opts, verify),
	GT_OPT(FLAG, 'f', "follow", NULL, "go on as the trace grows", struct gt_show_opts,
	       view.follow),
	GT_OPT(STR, 0, "states", "FORMAT", "print the state table as dot or md; needs no trace",
	       struct gt_show_opts, states),
	GT_OPT(FLAG, 0, "json", NULL, "JSON instead of text", struct gt_show_opts, view.json),
	GT_OPT_SUB(gt_view_opt_table, struct gt_show_opts, view),
	GT_OPT_END,
};

static const struct gt_usage usage = {
	.name = "gtreplay",
	.usage = "gtreplay [options] [FILE]\n"
		 "gtreplay --at T [options] [FILE]\n"
		 "gtreplay -g ID [options] [FILE]\n"
		 "gtreplay --verify [FILE]\n"
		 "gtreplay --follow FILE|-",
	.examples =
		"gtreplay | less                      the log of trace.gtr\n"
		"gtreplay --at 1.5s app.gtr           all goroutines 1.5 s after the start\n"
		"gtreplay -g 18 app.gtr               the life of goroutine 18\n"
		"gtreplay --from -1s --state waiting  who blocked in the last second\n"
		"gtreplay --verify app.gtr            is the file whole, the history possible?\n"
		"gtreplay --json | jq 'select(.waker == 7)'\n",
	.footer = "FILE is trace.gtr unless named; - is stdin. -g alone shows lives; with --at,\n"
		  "--json or --follow it restricts what these show.\n"
		  "Exit status: 0 fine, 1 --verify found something, 2 usage, 3 damaged or not a\n"
		  "trace (what could be read was shown), 4 the environment says no.\n",
};

static int show(struct gt_show *s, int *ret_status, struct gt_err *err)
{
	const struct gt_show_opts *o = s->o;

	if (o->verify)
		return gt_show_verify(s, ret_status, err);
	if (o->at.kind)
		return gt_show_at(s, err);
	if (o->view.filter.goids.n && !o->view.json && !o->view.follow)
		return gt_show_life(s, err);
	return gt_show_log(s, err);
}

static int run(const struct gt_show_opts *o, const char *path)
{
	struct gt_view view = { 0 };
	struct gt_show s = { .o = o, .view = &view, .out = stdout };
	struct gt_err err = { 0 };
	int found = GT_EXIT_OK, status;
	int rc = gt_view_open(&view, path, &o->view, &err);

	s.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && !o->view.json;
	if (!rc)
		rc = show(&s, &found, &err);
	status = gt_view_finish(&view, rc, &err);
	gt_view_close(&view);
	return status ? status : found;
}

static int print_states(const char *format)
{
	struct gt_err err = { 0 };
	int rc = gt_show_states(format, stdout, &err);

	if (rc)
		gt_log_error("%s", err.msg);
	return gt_view_exit((enum gt_code)rc);
}

/* Options that would have to be ignored: the user means something that is not done. */
static bool contradict(const struct gt_show_opts *o)
{
	const struct gt_filter_opts *f = &o->view.filter;
	bool some = f->goids.n || f->func || f->site || f->state || f->reasons.n || f->process;
	bool span = o->view.from.kind || o->view.to.kind;
	const char *what = NULL;

	if (o->verify && (o->at.kind || o->view.follow))
		what = "--verify goes with neither --at nor --follow";
	else if (o->verify && (some || span))
		what = "--verify is of the whole trace: it goes with no option that chooses a part";
	else if (o->at.kind && o->view.follow)
		what = "--at does not go with --follow";
	else if (o->at.kind && span)
		what = "--at is one time: it goes with neither --from nor --to";
	else if (o->system && !o->at.kind)
		what = "--system goes with --at only: the log and lives show all goroutines";
	if (what)
		gt_log_error("%s", what);
	return what;
}

int main(int argc, char **argv)
{
	struct gt_show_opts o = { 0 };
	int first;

	gt_log_init("gtreplay", false, 0);
	/* A reader that had enough ends us without a word, also where our parent ignores it. */
	(void)signal(SIGPIPE, SIG_DFL);
	switch (gt_opts_parse(&usage, table, &o, argc, argv, true, &first, NULL)) {
	case GT_OPTS_EXIT_OK: return GT_EXIT_OK;
	case GT_OPTS_EXIT_USAGE: return GT_EXIT_USAGE;
	case GT_OPTS_RUN: break;
	}
	gt_log_init("gtreplay", o.view.quiet, 0);
	if (argc - first > 1) {
		gt_log_error("one trace at a time: '%s' is too much", argv[first + 1]);
		return GT_EXIT_USAGE;
	}
	if (o.states)
		return print_states(o.states);
	if (contradict(&o))
		return GT_EXIT_USAGE;
	o.view.keyframes = o.verify;
	return run(&o, argv[first]);
}
