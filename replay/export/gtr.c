/* SPDX-License-Identifier: BSD-2-Clause */
/* gtexport -f gtr: opens, chooses, copies, and says what it did. */
#include "gtr.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "copy.h"
#include "fit.h"
#include "format/base/log.h"
#include "format/base/wholefile.h"
#include "keep.h"
#include "redact.h"
#include "redact_check.h"
#include "spool.h"

struct job {
	const char *path;
	const struct gt_export_opts *o;
	struct gt_view_opts view;
	struct gt_u64map gids;
	struct gt_redact *redact; /* owned */
	struct gt_copy_opts copy;
	struct gt_copy_stats st;
	char remark[200], fitted[200]; /* what was cut */
};

static bool ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n > k && !strcmp(s + n - k, suffix);
}

static bool only_checks(const struct gt_export_opts *o)
{
	return o->redact && !strcmp(o->redact, "check");
}

bool gt_gtr_wanted(const struct gt_export_opts *o)
{
	if (only_checks(o))
		return true;
	return o->format ? !strcmp(o->format, "gtr")
			 : ends(o->out, ".gtr") || ends(o->out, ".gtr.gz") ||
				   ends(o->out, ".gtr.zst");
}

static int to_file(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	return gt_wholefile_write(ctx, p, n, err);
}

static int check(const struct gt_export_opts *o, struct gt_err *err)
{
	const struct gt_filter_opts *f = &o->view.filter;

	if (f->state || f->reasons.n)
		return gt_fail(
			err, GT_USAGE,
			"a trace holds whole lives: -f gtr takes no --state and no --reason");
	if (o->level > 19)
		return gt_fail(err, GT_USAGE, "--level: 1 to 19");
	if (!strcmp(o->out, "-") && isatty(STDOUT_FILENO))
		return gt_fail(err, GT_USAGE, "a trace is not for a terminal (say -o FILE.gtr)");
	return GT_OK;
}

static uint64_t new_session(void)
{
	uint64_t id = 0;

	while (!id)
		if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
			id = 0;
	return id;
}

static bool chooses(const struct gt_filter_opts *f)
{
	return f->goids.n || f->func || f->site || f->process;
}

static int read_through(struct gt_view *v, struct gt_err *err)
{
	struct gt_item it;
	int rc;

	while ((rc = gt_reader_next(v->reader, &it, err)) == 1)
		;
	return rc == GT_NOMEM || rc == GT_LIMIT ? rc : GT_OK;
}

/* All names are known only when all was read. */
static int collect(struct job *j, struct gt_view *v, struct gt_err *err)
{
	unsigned what = GT_RD_ALL;
	int rc = *j->o->redact ? gt_redact_parse(j->o->redact, &what, err) : GT_OK;

	if (!rc)
		rc = gt_redact_new(&j->redact, what, err);
	if (!rc)
		rc = gt_redact_collect(j->redact, v->reader, err);
	j->copy.redact = j->redact;
	return rc;
}

static int choose(struct job *j, struct gt_err *err)
{
	struct gt_view v = { 0 };
	struct gt_view_opts all = j->view;
	bool some = chooses(&j->view.filter);
	int rc;

	if (!some && !j->o->redact)
		return GT_OK;
	all.from.kind = all.to.kind = GT_WHEN_NONE;
	rc = gt_view_open(&v, j->path, &all, err);
	if (!rc)
		rc = some ? gt_keep_find(&v, &j->gids, err) : read_through(&v, err);
	if (!rc && j->o->redact)
		rc = collect(j, &v, err);
	gt_view_close(&v);
	j->copy.gids = some ? &j->gids : NULL;
	return rc;
}

/* What was cut stands in the copy, for those who get it without its story. */
static void remark(struct job *j, const struct gt_view *v)
{
	char from[GT_DUR_MAX], to[GT_DUR_MAX];
	bool cut = v->from_ns > v->info->start_ns || v->to_ns != UINT64_MAX;

	if (!cut && !j->copy.gids && !j->copy.no_stacks)
		return;
	gt_format_duration(from, gt_view_rel(v, v->from_ns));
	gt_format_duration(to, gt_view_rel(v, v->to_ns));
	(void)snprintf(j->remark, sizeof(j->remark), "cut by gtexport%s%s%s%s%s%s",
		       cut ? ": from " : "", cut ? from : "",
		       cut && v->to_ns != UINT64_MAX ? " to " : "",
		       cut && v->to_ns != UINT64_MAX ? to : "",
		       j->copy.gids ? "; some goroutines only" : "",
		       j->copy.no_stacks ? "; without stacks" : "");
	j->copy.remark = j->remark;
}

static void tell(const struct job *j)
{
	char size[GT_DUR_MAX];

	if (strcmp(j->o->out, "-"))
		gt_log_note("wrote %s, %s: %" PRIu64 " events", j->o->out,
			    gt_format_size(size, j->st.bytes), j->st.events);
	if (*j->fitted)
		gt_log_note("to fit: %s", j->fitted);
	if (j->st.blocks_dropped)
		gt_log_note("%" PRIu64 " blocks of unknown kinds were left out",
			    j->st.blocks_dropped);
}

static int copy(struct job *j, struct gt_view *v, struct gt_err *err)
{
	struct gt_wholefile *file = NULL;
	int rc = gt_view_open(v, j->path, &j->view, err);

	if (rc)
		return rc;
	remark(j, v);
	rc = gt_wholefile_open(&file, j->o->out, err);
	if (rc)
		return rc;
	struct gt_sink sink = { to_file, file };
	rc = gt_copy_run(v, &j->copy, &sink, &j->st, err);
	if (!rc || rc == GT_CORRUPT || rc == GT_TRUNCATED) {
		int late = gt_wholefile_commit(file, err);

		rc = late ? late : rc;
		if (!late)
			tell(j);
	}
	gt_wholefile_free(file);
	v->losses = j->st.losses;
	v->lost_events = j->st.lost;
	v->filter.met_goroutine = j->gids.n != 0;
	return rc;
}

static int list_clear(struct job *j, struct gt_view *v, uint64_t *clear, struct gt_err *err)
{
	int rc = gt_view_open(v, j->path, &j->view, err);

	return rc ? rc : gt_redact_check(v, stdout, clear, err);
}

int gt_gtr_run(const char *path, const struct gt_export_opts *o)
{
	struct job j = { .path = path ? path : "trace.gtr", .o = o, .view = o->view };
	struct gt_spool spool = { 0 };
	struct gt_view view = { 0 };
	struct gt_err err = { 0 };
	uint64_t clear = 0;
	int status, rc = only_checks(o) ? GT_OK : check(o, &err);

	j.view.blocks = true;
	j.copy.level = (int)o->level;
	j.copy.session = new_session();
	if (!rc)
		rc = gt_spool_stdin(&spool, &j.path, &err);
	if (only_checks(o)) {
		rc = rc ? rc : list_clear(&j, &view, &clear, &err);
	} else {
		rc = rc ? rc : choose(&j, &err);
		if (!rc && o->fit)
			rc = gt_fit(j.path, &j.view, &j.copy, o->fit, j.fitted, &err);
		rc = rc ? rc : copy(&j, &view, &err);
	}
	status = gt_view_finish(&view, rc, &err);
	if (status == GT_EXIT_OK && clear)
		status = GT_EXIT_FOUND;
	gt_view_close(&view);
	gt_redact_free(j.redact);
	gt_u64map_free(&j.gids);
	gt_spool_close(&spool);
	return status;
}
