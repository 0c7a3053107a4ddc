/* SPDX-License-Identifier: BSD-2-Clause */
/* One export: choose the format, choose the goroutines, walk, put the file in its place. */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/base/log.h"
#include "outbuf.h"
#include "spool.h"
#include "walk.h"

#define ARROWS_MAX 200000	/* without --flows=all */
#define BYTES_MAX  (1ull << 30) /* without --force */

static const struct gt_x_ops *const formats[] = { &gt_x_chrome, NULL };

const char *gt_export_formats(char *buf, size_t size)
{
	size_t n = 0;

	*buf = 0;
	for (size_t i = 0; formats[i] && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s, ", formats[i]->name);
	if (n < size)
		(void)snprintf(buf + n, size - n, "gtr");
	return buf;
}

static bool ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n > k && !strcmp(s + n - k, suffix);
}

static int find_format(const struct gt_export_opts *o, const struct gt_x_ops **ret,
		       struct gt_err *err)
{
	char all[128];

	for (size_t i = 0; formats[i]; i++) {
		if (o->format && !strcmp(o->format, formats[i]->name)) {
			*ret = formats[i];
			return GT_OK;
		}
		for (const char *const *s = formats[i]->suffixes; !o->format && *s; s++) {
			if (ends(o->out, *s)) {
				*ret = formats[i];
				return GT_OK;
			}
		}
	}
	gt_export_formats(all, sizeof(all));
	if (o->format)
		return gt_fail(err, GT_USAGE,
			       "-f: '%s' is no format that gtexport knows (there is %s)", o->format,
			       all);
	if (strcmp(o->out, "-") == 0)
		return gt_fail(err, GT_USAGE,
			       "which format? say -f FORMAT or -o FILE with a suffix that tells it "
			       "(there is %s)",
			       all);
	return gt_fail(err, GT_USAGE, "'%s' does not tell the format; say -f FORMAT (there is %s)",
		       o->out, all);
}

static int settle(const struct gt_export_opts *o, const struct gt_selection *sel,
		  struct gt_x_opts *ret, struct gt_err *err)
{
	bool all = !strcmp(o->flows, "all"), none = !strcmp(o->flows, "none");

	ret->by = !strcmp(o->by, "m") ? GT_X_BY_M : !strcmp(o->by, "cpu") ? GT_X_BY_CPU : GT_X_BY_P;
	ret->stride = none ? 0 : all ? 1 : (sel->arrows + ARROWS_MAX - 1) / ARROWS_MAX;
	if (!none && !ret->stride)
		ret->stride = 1;
	uint64_t bytes = gt_selection_bytes(sel, ret->stride ? sel->arrows / ret->stride : 0);
	char size[GT_DUR_MAX];
	if (bytes > BYTES_MAX && !o->force)
		return gt_fail(
			err, GT_USAGE,
			"the output would have about %s, more than viewers bear; take less of it "
			"(--from, --to, --top, --flows=none), or say --force",
			gt_format_size(size, bytes));
	return GT_OK;
}

/* What was left out, and how to get it. */
static void tell(const struct gt_export_opts *o, const struct gt_selection *sel,
		 const struct gt_x_opts *xo, const struct gt_x_stats *st, uint64_t bytes)
{
	char size[GT_DUR_MAX];

	if (strcmp(o->out, "-"))
		gt_log_note("wrote %s, %s: %" PRIu64 " goroutines, %" PRIu64 " arrows", o->out,
			    gt_format_size(size, bytes), sel->selected, st->arrows);
	if (sel->selected < sel->goroutines)
		gt_log_note("%" PRIu64 " of %" PRIu64
			    " goroutines have no row of their own (--top 0 shows all; -g, --func, "
			    "--site, --from and --to choose)",
			    sel->goroutines - sel->selected, sel->goroutines);
	if (xo->stride > 1)
		gt_log_note("one of %" PRIu64 " arrows is drawn (--flows=all draws %" PRIu64 ")",
			    xo->stride, sel->arrows);
}

static int two_walks(struct gt_view *v, const char *path, const struct gt_export_opts *o,
		     const struct gt_x_ops *ops, struct gt_x_out *out, struct gt_err *err)
{
	struct gt_selection sel = { 0 };
	struct gt_x_stats st = { 0 };
	struct gt_x_sink *sink = NULL;
	struct gt_view first = { 0 };
	struct gt_x_opts xo;
	struct gt_err local; /* damage is met in both walks and told once, by the second */
	int rc = gt_view_open(&first, path, &o->view, err);

	if (!rc) {
		int walked = gt_select(&sel, &first, o->top, &local);
		if (walked == GT_NOMEM || walked == GT_LIMIT) {
			*err = local;
			rc = walked;
		}
	}
	gt_view_close(&first);
	if (!rc)
		rc = settle(o, &sel, &xo, err);
	if (!rc && !(sink = ops->make(out)))
		rc = gt_fail(err, GT_NOMEM, "no memory for the export");
	if (!rc) {
		rc = gt_x_walk(v, &sel, ops, sink, out, &xo, &st, err);
		gt_x_flush(out);
		if (out->rc && (!rc || rc == out->rc)) {
			rc = out->rc;
			*err = out->err;
		}
		if (!out->rc)
			tell(o, &sel, &xo, &st, gt_wholefile_bytes(out->file));
	}
	if (sink)
		ops->free(sink);
	gt_selection_free(&sel);
	return rc;
}

static int export(struct gt_view *v, const char *path, const struct gt_export_opts *o,
		  struct gt_err *err)
{
	const struct gt_x_ops *ops;
	struct gt_x_out *out = NULL;
	struct gt_wholefile *file = NULL;
	int rc = find_format(o, &ops, err);

	if (!rc)
		rc = gt_view_open(v, path, &o->view, err);
	if (rc)
		return rc;
	rc = gt_wholefile_open(&file, o->out, err);
	if (rc)
		return rc;
	out = calloc(1, sizeof(*out));
	if (!out) {
		rc = gt_fail(err, GT_NOMEM, "no memory for the export");
	} else {
		out->file = file;
		rc = two_walks(v, path, o, ops, out, err);
		/* What could be read of a damaged trace is worth having. */
		if (!out->rc && (!rc || rc == GT_CORRUPT || rc == GT_TRUNCATED)) {
			int late = gt_wholefile_commit(file, err);
			rc = late ? late : rc;
		}
	}
	free(out);
	gt_wholefile_free(file);
	return rc;
}

static int check(const struct gt_export_opts *o, struct gt_err *err)
{
	if (strcmp(o->by, "p") && strcmp(o->by, "m") && strcmp(o->by, "cpu"))
		return gt_fail(err, GT_USAGE, "--by: '%s' is none of p, m, cpu", o->by);
	if (strcmp(o->flows, "top") && strcmp(o->flows, "all") && strcmp(o->flows, "none"))
		return gt_fail(err, GT_USAGE, "--flows: '%s' is none of top, all, none", o->flows);
	if (!strcmp(o->out, "-") && isatty(STDOUT_FILENO))
		return gt_fail(err, GT_USAGE,
			       "the output is for a viewer, not for a terminal (say -o FILE.json)");
	return GT_OK;
}

int gt_export_run(const char *path, const struct gt_export_opts *o)
{
	struct gt_view view = { 0 };
	struct gt_err err = { 0 };
	struct gt_spool spool = { 0 };
	int status, rc = check(o, &err);

	if (!rc)
		rc = gt_spool_stdin(&spool, &path, &err);
	if (!rc)
		rc = export(&view, path, o, &err);
	status = gt_view_finish(&view, rc, &err);
	gt_view_close(&view);
	gt_spool_close(&spool);
	return status;
}
