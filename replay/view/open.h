/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all readers of traces share: the common options of the command line, opening the trace
 * with them, where the asked span of time lies, and the exit status that damage means. The
 * loop over the trace is run.h, what is shown of it filter.h, how it is written names.h.
 */
#ifndef GT_VIEW_OPEN_H
#define GT_VIEW_OPEN_H

#include "filter.h"
#include "format/base/opts.h"
#include "format/base/parse.h"
#include "format/gtrace.h"

/* The options every reader has. A tool embeds it and takes gt_view_opt_table in as a SUB. */
struct gt_view_opts {
	struct gt_when from, to;
	struct gt_filter_opts filter;
	bool json, quiet, follow;
	bool keyframes; /* not an option: deliver keyframes met in passing */
	bool blocks;	/* not an option: deliver blocks of unknown kinds */
	/* Not options: files to be read with the first as one trace; borrowed. */
	char *const *more;
	uint32_t n_more;
};

/* --from --to -g --func --site --state --reason --process --json -q */
extern const struct gt_opt gt_view_opt_table[];

/* An open trace. Zero it before gt_view_open. */
struct gt_view {
	struct gt_source src;
	struct gt_source *srcs; /* owned: where there are several, all of them; src is the first */
	uint32_t n_srcs;
	struct gt_reader *reader;
	const struct gt_trace_info *info;
	const char *path;	 /* borrowed; "-" is stdin */
	uint64_t from_ns, to_ns; /* the asked span, absolute; 0 and UINT64_MAX: all of it */
	struct gt_filter filter;
	uint64_t lost_events, losses; /* met so far by gt_run; count 0 of a loss adds nothing */
	uint64_t gaps, gaps_ns;	      /* the same, while no probes were in; they are no losses */
	bool opened, quiet, follow;
};

/*
 * gt_view_open: PATH is the trace, NULL means "trace.gtr". Fails with GT_USAGE for options that
 * contradict (--from after --to, a bad regular expression), GT_UNSUPPORTED for a time from the
 * end of a stream, else as the reader does. V must be closed also after failure.
 */
int gt_view_open(struct gt_view *v, const char *path, const struct gt_view_opts *o,
		 struct gt_err *err) GT_MUST_CHECK;
void gt_view_close(struct gt_view *v);

/* gt_view_when: a time as the user said it, as an absolute time of the trace. */
int gt_view_when(struct gt_view *v, const struct gt_when *w, uint64_t *ret,
		 struct gt_err *err) GT_MUST_CHECK;

/* gt_view_rel: ns from the start of the trace; what lies before it is 0. */
uint64_t gt_view_rel(const struct gt_view *v, uint64_t ts);
/* gt_view_pid: the process id of process NUMBER; 0 not known. */
uint32_t gt_view_pid(const struct gt_view *v, uint32_t number);

/*
 * gt_view_finish: check also what was not read, say on stderr what was lost and what was damaged,
 * and give the exit status for RC, the code that the reading ended with (GT_OK, or a failure that
 * ERR tells).
 */
int gt_view_finish(struct gt_view *v, int rc, struct gt_err *err);

/* gt_view_exit: the exit status for a failure (see docs/man, EXIT STATUS). */
int gt_view_exit(enum gt_code code);

#endif
