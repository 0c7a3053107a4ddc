/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing what makes files of files: any trace, damaged or not, is copied (repaired), copied with
 * other names, and drawn. What comes of it is no matter, but a copy must be sound: it checks to
 * its last block, holds as many events as the copier says, in order, and its copy has the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blocks.h"
#include "replay/export/copy.h"
#include "replay/export/outbuf.h"
#include "replay/export/redact.h"
#include "replay/export/walk.h"

#define EVENTS_MAX 200000 /* a bit in a count costs a second otherwise */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gt_err failure; /* of what may fail */

struct file {
	int fd;
	char name[32];
};

static void fail(const char *what, const char *more)
{
	(void)fprintf(stderr, "fuzz_export: %s%s\n", what, more);
	abort();
}

static bool file_of(struct file *f, const struct gt_out *o)
{
	f->fd = memfd_create("fuzz", MFD_CLOEXEC);
	(void)snprintf(f->name, sizeof(f->name), "/proc/self/fd/%d", f->fd);
	return f->fd >= 0 && write(f->fd, o->p, o->n) == (ssize_t)o->n;
}

static int collect(void *ctx, const void *p, size_t n, struct gt_err *err)
{
	gt_out_bytes(ctx, p, n);
	return ((struct gt_out *)ctx)->bad ? gt_fail(err, GT_NOMEM, "no memory") : GT_OK;
}

static uint64_t count(const struct gt_out *o)
{
	struct gt_reader_opts opts = { .keyframes = true };
	struct gt_mem mem = { o->p, o->n };
	const struct gt_damage *d;
	struct gt_source src;
	struct gt_reader *r;
	struct gt_item it;
	uint64_t n = 0, last = 0;
	int rc;

	gt_source_mem(&src, &mem);
	if (gt_reader_new(&r, &src, &opts, &failure))
		fail("a copy does not open: ", failure.msg);
	if (!gt_reader_info(r)->indexed)
		fail("a copy has no index", "");
	while ((rc = gt_reader_next(r, &it, &failure)) == 1) {
		if (it.type != GT_IT_EVENT)
			continue;
		if (it.u.ev.ts < last)
			fail("a copy is out of order", "");
		last = it.u.ev.ts;
		n++;
	}
	d = gt_reader_damage(r);
	if (rc || d->bad_blocks || d->missing_blocks || d->missing_end)
		fail("a copy is damaged: ", rc ? failure.msg : d->first);
	gt_reader_free(r);
	return n;
}

/* The copy in OUT; false where there is none to be had of this input. */
static bool copy(struct gt_out *out, const char *path, struct gt_redact *x, bool cut)
{
	struct gt_copy_opts o = { .redact = x, .session = 7 };
	struct gt_view_opts vo = { .blocks = true };
	struct gt_sink sink = { collect, out };
	struct gt_copy_stats st;
	struct gt_view v = { 0 };
	int rc;

	if (cut)
		vo.from = (struct gt_when){ .kind = GT_WHEN_START, .ns = 5000 };
	rc = gt_view_open(&v, path, &vo, &failure);
	if (!rc)
		rc = gt_copy_run(&v, &o, &sink, &st, &failure);
	gt_view_close(&v);
	if (rc && rc != GT_CORRUPT && rc != GT_TRUNCATED)
		return false;
	if (out->n && count(out) != st.events)
		fail("a copy has other events than it says", "");
	return out->n != 0;
}

static void copies(const char *path)
{
	struct gt_out once = { 0 }, twice = { 0 }, other = { 0 };
	struct gt_redact *x = NULL;
	struct gt_view v = { 0 };
	struct gt_view_opts vo = { 0 };
	struct gt_item it;
	struct file f = { .fd = -1 };

	if (copy(&once, path, NULL, false) && file_of(&f, &once)) {
		if (!copy(&twice, f.name, NULL, false) || count(&twice) != count(&once))
			fail("the copy of a copy differs", "");
		twice.n = 0;
		(void)copy(&twice, f.name, NULL, true);
		if (!gt_view_open(&v, f.name, &vo, &failure) &&
		    !gt_redact_new(&x, GT_RD_ALL, &failure)) {
			while (gt_reader_next(v.reader, &it, &failure) == 1)
				;
			if (!gt_redact_collect(x, v.reader, &failure) &&
			    copy(&other, f.name, x, false) && count(&other) != count(&once))
				fail("a redacted copy has other events", "");
		}
		gt_view_close(&v);
	}
	if (f.fd >= 0)
		close(f.fd);
	gt_redact_free(x);
	gt_out_free(&once);
	gt_out_free(&twice);
	gt_out_free(&other);
}

static void draw(const char *path)
{
	struct gt_x_out *out = calloc(1, sizeof(*out));
	struct gt_view first = { 0 }, v = { 0 };
	struct gt_view_opts vo = { 0 };
	struct gt_selection sel = { 0 };
	struct gt_x_opts xo = { .stride = 1 };
	struct gt_x_stats st = { 0 };
	struct gt_x_sink *sink;

	if (!out || gt_wholefile_open(&out->file, "/dev/shm/gt-fuzz", &failure)) {
		free(out);
		return;
	}
	if (!gt_view_open(&first, path, &vo, &failure))
		(void)!gt_select(&sel, &first, 20, &failure);
	if (!gt_view_open(&v, path, &vo, &failure) && (sink = gt_x_chrome.make(out))) {
		(void)!gt_x_walk(&v, &sel, &gt_x_chrome, sink, out, &xo, &st, &failure);
		gt_x_flush(out);
		gt_x_chrome.free(sink);
	}
	gt_view_close(&first);
	gt_view_close(&v);
	gt_selection_free(&sel);
	gt_wholefile_free(out->file); /* not committed: it goes */
	free(out);
}

static bool small(const char *path)
{
	struct gt_view v = { 0 };
	struct gt_view_opts vo = { 0 };
	struct gt_item it;
	long n = 0;

	if (!gt_view_open(&v, path, &vo, &failure))
		while (n <= EVENTS_MAX && gt_reader_next(v.reader, &it, &failure) == 1)
			n++;
	gt_view_close(&v);
	return n && n <= EVENTS_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_out o = { 0 };
	struct file f = { .fd = -1 };

	if (!size)
		return 0;
	if (data[0] == 0x0a) /* as every trace begins */
		gt_out_bytes(&o, data, size);
	else
		fuzz_trace(&o, data + 1, size - 1);
	if (!o.bad && file_of(&f, &o) && small(f.name)) {
		copies(f.name);
		draw(f.name);
	}
	if (f.fd >= 0)
		close(f.fd);
	gt_out_free(&o);
	return 0;
}
