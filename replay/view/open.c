/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a trace as the user asked, and what its damage means for the exit status. */
#include "open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/log.h"
#include "stream.h"

/* Bytes that are checked to the last block whatever was asked: a tenth of a second. */
#define CHECK_ALL (64ull << 20)

const struct gt_opt gt_view_opt_table[] = {
	GT_OPT(WHEN, 0, "from", "T", "begin at T: 1.5s, -2s (from the end), or RFC 3339",
	       struct gt_view_opts, from),
	GT_OPT(WHEN, 0, "to", "T", "end at T", struct gt_view_opts, to),
	GT_OPT(LIST, 'g', "goroutine", "ID[,ID]", "only these goroutines: GOID or PID:GOID",
	       struct gt_view_opts, filter.goids),
	GT_OPT(STR, 0, "func", "REGEX", "only goroutines whose entry function matches",
	       struct gt_view_opts, filter.func),
	GT_OPT(STR, 0, "site", "REGEX", "only goroutines whose creation site matches",
	       struct gt_view_opts, filter.site),
	GT_OPT(STR, 0, "state", "S[,S]", "only these states: runnable, running, waiting, ...",
	       struct gt_view_opts, filter.state),
	GT_OPT(LIST, 0, "reason", "R", "only waits for this reason: \"chan receive\", ...",
	       struct gt_view_opts, filter.reasons),
	GT_OPT(STR, 0, "process", "PID[,PID]", "only these processes", struct gt_view_opts,
	       filter.process),
	GT_OPT(FLAG, 'q', "quiet", NULL, "no progress and no remarks on stderr",
	       struct gt_view_opts, quiet),
	GT_OPT_END,
};

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

int gt_view_when(struct gt_view *v, const struct gt_when *w, uint64_t *ret, struct gt_err *err)
{
	uint64_t first, last;
	int rc;

	switch (w->kind) {
	case GT_WHEN_START: *ret = add(v->info->start_ns, w->ns); return GT_OK;
	case GT_WHEN_WALL:
		*ret = w->ns >= v->info->start_wall_ns
			       ? add(v->info->start_ns, w->ns - v->info->start_wall_ns)
			       : sub(v->info->start_ns, v->info->start_wall_ns - w->ns);
		return GT_OK;
	case GT_WHEN_END:
		rc = gt_reader_span(v->reader, &first, &last, err);
		if (rc == GT_UNSUPPORTED)
			return gt_fail(err, GT_USAGE,
				       "a time from the end needs a file, this is a stream");
		if (rc)
			return gt_fail_prefix(err, "a time from the end of the trace");
		*ret = sub(last, w->ns);
		return GT_OK;
	case GT_WHEN_NONE:
	default: return gt_fail(err, GT_USAGE, "no time given");
	}
}

static int open_span(struct gt_view *v, const struct gt_view_opts *o, struct gt_err *err)
{
	int rc = GT_OK;

	if (o->from.kind)
		rc = gt_view_when(v, &o->from, &v->from_ns, err);
	if (!rc && o->to.kind)
		rc = gt_view_when(v, &o->to, &v->to_ns, err);
	if (!rc && v->from_ns > v->to_ns)
		rc = gt_fail(err, GT_USAGE, "--from lies after --to");
	return rc;
}

static int open_more(struct gt_view *v, const struct gt_view_opts *o,
		     const struct gt_reader_opts *ro, struct gt_err *err)
{
	int rc = GT_OK;

	v->srcs = calloc(o->n_more + 1, sizeof(*v->srcs));
	if (!v->srcs)
		return gt_fail(err, GT_NOMEM, "no memory to open %u traces", o->n_more + 1);
	v->srcs[0] = v->src;
	for (v->n_srcs = 1; !rc && v->n_srcs <= o->n_more; v->n_srcs += !rc)
		rc = gt_source_open(&v->srcs[v->n_srcs], o->more[v->n_srcs - 1], err);
	return rc ? rc : gt_reader_join(&v->reader, v->srcs, v->n_srcs, ro, err);
}

int gt_view_open(struct gt_view *v, const char *path, const struct gt_view_opts *o,
		 struct gt_err *err)
{
	struct gt_reader_opts ro = { .ahead = sysconf(_SC_NPROCESSORS_ONLN) > 1,
				     .follow = o->follow,
				     .keyframes = o->keyframes,
				     .blocks = o->blocks };
	int rc;

	memset(v, 0, sizeof(*v));
	v->path = path ? path : "trace.gtr";
	v->to_ns = UINT64_MAX;
	v->quiet = o->quiet;
	v->follow = o->follow;
	rc = gt_filter_init(&v->filter, &o->filter, err);
	if (rc)
		return rc;
	rc = gt_source_open(&v->src, v->path, err);
	if (rc && !path)
		return gt_fail_prefix(err, "no trace is named");
	if (rc)
		return rc;
	v->opened = true;
	/* It may hold several recordings, which only a file tells; a growing one is read as it
	 * grows. */
	if (!o->follow)
		rc = gt_stream_keep(&v->src, err);
	if (rc)
		return rc;
	rc = o->n_more ? open_more(v, o, &ro, err) : gt_reader_new(&v->reader, &v->src, &ro, err);
	if (rc)
		return rc;
	v->info = gt_reader_info(v->reader);
	return open_span(v, o, err);
}

void gt_view_close(struct gt_view *v)
{
	gt_reader_free(v->reader);
	if (v->opened)
		gt_source_close(&v->src);
	for (uint32_t i = 1; i < v->n_srcs; i++)
		gt_source_close(&v->srcs[i]);
	free(v->srcs);
	gt_filter_free(&v->filter);
	memset(v, 0, sizeof(*v));
}

uint64_t gt_view_rel(const struct gt_view *v, uint64_t ts)
{
	return sub(ts, v->info->start_ns);
}

uint32_t gt_view_pid(const struct gt_view *v, uint32_t number)
{
	const struct gt_process *p = gt_reader_process(v->reader, number);

	return p ? p->pid : 0;
}

int gt_view_exit(enum gt_code code)
{
	switch (code) {
	case GT_OK: return GT_EXIT_OK;
	case GT_USAGE: return GT_EXIT_USAGE;
	case GT_TRUNCATED:
	case GT_CORRUPT:
	case GT_VERSION:
	case GT_UNSUPPORTED: return GT_EXIT_DAMAGED;
	default: return GT_EXIT_ENV;
	}
}

static bool damaged(const struct gt_damage *d)
{
	return d->bad_blocks || d->bad_bytes || d->missing_blocks || d->missing_end;
}

static void tell_losses(const struct gt_view *v)
{
	unsigned long long n = v->lost_events, places = v->losses;
	char count[32] = "an unknown number of";

	if (n)
		(void)snprintf(count, sizeof(count), "%llu", n);
	gt_log_warn("%s event%s lost in %llu place%s; states near %s are uncertain", count,
		    n == 1 ? " was" : "s were", places, places == 1 ? "" : "s",
		    places == 1 ? "it" : "them");
}

static void tell_gaps(const struct gt_view *v)
{
	char span[GT_DUR_MAX];

	gt_log_note("for %s no probes were attached: states there are %llu samples, and times in "
		    "them estimates",
		    gt_format_duration(span, v->gaps_ns), (unsigned long long)v->gaps);
}

static void tell_damage(const struct gt_view *v, const struct gt_damage *d)
{
	if (damaged(d))
		gt_log_warn("'%s' is damaged: %s; shown is what could be read", v->path,
			    *d->first	     ? d->first
			    : d->missing_end ? "its end is missing"
					     : "blocks are bad or missing");
	if (d->unknown_blocks && !v->quiet)
		gt_log_note("'%s' has %llu blocks of kinds that this version does not know; "
			    "they were left out",
			    v->path, (unsigned long long)d->unknown_blocks);
}

/* An empty answer looks like a good one where it is a slip. */
static void tell_nothing_met(const struct gt_view *v)
{
	const struct gt_filter *f = &v->filter;

	if (gt_filter_active(f) && !f->met_goroutine)
		gt_log_note("no goroutine here is what -g, --func, --site or --process ask for "
			    "(gtstat goroutines lists them)");
	else if ((f->states || f->reasons.n) && !f->met_state)
		gt_log_note("no goroutine here was in a state that --state or --reason ask for "
			    "(gtstat blocks lists the reasons)");
}

/* A message about what the user said, or that names the file itself, needs no name before it. */
static void tell_failure(const struct gt_view *v, int rc, const struct gt_err *err)
{
	const char *name = v->path ? v->path : "trace";

	if (rc == GT_USAGE || strstr(err->msg, name))
		gt_log_error("%s", err->msg);
	else
		gt_log_error("%s: %s", name, err->msg);
}

int gt_view_finish(struct gt_view *v, int rc, struct gt_err *err)
{
	const struct gt_damage *d = v->reader ? gt_reader_damage(v->reader) : NULL;
	bool part = false;

	/* What was asked for may begin behind the damage, or end before it. */
	if (!rc && v->src.size != UINT64_MAX) {
		part = gt_reader_unread(v->reader) > CHECK_ALL;
		rc = gt_reader_check(v->reader, !part, err);
	}
	if (rc)
		tell_failure(v, rc, err);
	else if (!v->quiet)
		tell_nothing_met(v);
	if (part && !rc && !v->quiet)
		gt_log_note("what this answer depends on was checked, the rest of '%s' was not "
			    "(gtreplay --verify checks all)",
			    v->path);
	if (v->losses && !v->quiet)
		tell_losses(v);
	if (v->gaps && !v->quiet)
		tell_gaps(v);
	if (d)
		tell_damage(v, d);
	if (rc)
		return gt_view_exit((enum gt_code)rc);
	return d && damaged(d) ? GT_EXIT_DAMAGED : GT_EXIT_OK;
}
