/* SPDX-License-Identifier: BSD-2-Clause */
/* One recording: drain, encoder, file, and how they end. Its processes: session_proc.c. */
#include "session_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "calibrate.h"
#include "clock.h"
#include "drain.h"
#include "format/base/log.h"
#include "format/base/parse.h"
#include "format/base/vec.h"

#define STATS_EVERY_NS 1000000000u
#define CLOCK_EVERY_NS 10000000000u

/* First line of a file, "" when there is none. */
static void first_line(const char *path, char *buf, size_t n)
{
	FILE *f = fopen(path, "re");

	buf[0] = 0;
	if (f && fgets(buf, (int)n, f))
		buf[strcspn(buf, "\n")] = 0;
	if (f)
		(void)fclose(f);
}

/* Wall, boot and monotonic clock as close together as three tries allow. */
static int clock_row(struct gt_session *s, struct gt_err *err)
{
	uint64_t best = UINT64_MAX, mono = 0, boot = 0, wall = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t a = gt_clock_ns(CLOCK_MONOTONIC), w = gt_clock_ns(CLOCK_REALTIME);
		uint64_t b = gt_clock_ns(CLOCK_BOOTTIME), z = gt_clock_ns(CLOCK_MONOTONIC);
		if (z - a < best) {
			best = z - a;
			mono = a + (z - a) / 2;
			boot = b;
			wall = w;
		}
	}
	return gt_writer_clock(s->w, mono, boot, wall, best, err);
}

static int open_writer(struct gt_session *s, const struct gt_session_opts *o, struct gt_err *err)
{
	char boot[64], os[256];
	struct utsname u;
	struct gt_writer_opts wo = { .zstd_level = o->level,
				     .time_res_ns = (uint32_t)o->time_res_ns,
				     .boot_id = boot,
				     .os = os,
				     .tool = "gtrec " GTRACE_VERSION,
				     .comments = o->comments,
				     .n_cpus = s->n_cpus };

	if (uname(&u))
		return gt_fail_errno(err, GT_IO, "uname");
	(void)snprintf(os, sizeof(os), "%s %s %s", u.sysname, u.release, u.version);
	first_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	wo.hostname = u.nodename;
	wo.hardware = u.machine;
	if (getrandom(&wo.session, sizeof(wo.session), 0) != sizeof(wo.session) || !wo.session)
		wo.session = gt_clock_ns(CLOCK_REALTIME) | 1;
	wo.start_ns = s->start_ns = gt_clock_ns(CLOCK_MONOTONIC);
	wo.start_wall_ns = gt_clock_ns(CLOCK_REALTIME);
	s->sink = gt_outfile_sink(s->file);
	int rc = gt_writer_new(&s->w, &s->sink, &wo, err);
	s->next_stats_ns = s->start_ns + STATS_EVERY_NS;
	s->next_clock_ns = s->start_ns + CLOCK_EVERY_NS;
	return rc ? rc : clock_row(s, err);
}

/* Without probes the kernel is asked for nothing. */
static int cpus_and_rings(struct gt_session *s, const struct gt_session_opts *o, struct gt_err *err)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	int rc = o->passive ? GT_OK : gt_rings_new(&s->rings, o->buffer, err);

	s->n_cpus = s->rings ? s->rings->n : n > 0 ? (uint32_t)n : 1;
	return rc;
}

/* What the file has to say of how it came about. */
static int tell_budget(struct gt_session *s, struct gt_err *err)
{
	char text[160];

	if (!(s->part > 0))
		return GT_OK;
	(void)snprintf(
		text, sizeof(text),
		"traced in slices: at most %g %% of a core, at %.0f ns a hit (measured here)",
		100 * s->part, s->hit_ns);
	gt_log_debug("%s", text);
	return gt_writer_note(s->w, s->start_ns, text, err);
}

int gt_session_new(struct gt_session **out, const struct gt_session_opts *opts, struct gt_err *err)
{
	struct gt_session *s = calloc(1, sizeof(*s));
	int rc = GT_OK;

	if (!s)
		return gt_fail(err, GT_NOMEM, "out of memory");
	s->attach = opts->attach;
	s->snapshot_ns = opts->snapshot_ns;
	s->part = opts->part;
	if (s->part > 0)
		rc = gt_calibrate(&s->hit_ns, err);
	s->stop_ns = UINT64_MAX;
	if (!rc)
		rc = gt_outfile_open(&s->file, opts->out ? opts->out : "trace.gtr", opts->owner,
				     err);
	if (!rc)
		rc = cpus_and_rings(s, opts, err);
	if (!rc)
		rc = open_writer(s, opts, err);
	if (!rc)
		rc = tell_budget(s, err);
	if (!rc)
		rc = gt_encoder_new(&s->enc, s->w, s->n_cpus, err);
	if (!rc)
		rc = gt_detach_new(&s->detach, err);
	if (!rc && s->rings && s->attach.groups & GT_KERNEL_GROUPS)
		rc = gt_kernel_start(&s->kernel, s->rings, s->attach.groups, err);
	if (rc) {
		gt_session_free(s);
		return rc;
	}
	*out = s;
	return GT_OK;
}

void gt_session_free(struct gt_session *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->members.n; i++)
		gt_slice_free(s->members.p[i].slice);
	gt_detach_free(s->detach);
	for (size_t i = 0; i < s->members.n; i++)
		gt_attach_free(s->members.p[i].a);
	gt_kernel_free(s->kernel);
	gt_drain_stop(s->drain, NULL);
	gt_encoder_free(s->enc);
	gt_writer_free(s->w);
	for (size_t i = 0; i < s->members.n; i++)
		gt_target_free(s->members.p[i].t);
	GT_VEC_FREE(&s->members);
	gt_rings_free(s->rings);
	gt_outfile_free(s->file);
	free(s);
}

int gt_session_fd(const struct gt_session *s)
{
	return s->drain ? gt_drain_event_fd(s->drain) : -1;
}

int gt_session_loss(void *ctx, const struct gt_loss *l, struct gt_err *err)
{
	struct gt_session *s = ctx;
	char from[GT_DUR_MAX], span[GT_DUR_MAX];

	if (l->t0 > s->stop_ns) {
		s->lost_after += l->count;
		return GT_OK;
	}
	/* The first one at once; the rest in one line at the end, as they may be many. */
	if (!s->lost_places++)
		gt_log_warn("lost %llu events on cpu %u in %s at %s (a larger --buffer helps)",
			    (unsigned long long)l->count, l->cpu,
			    gt_format_duration(span, l->t1 - l->t0),
			    gt_format_duration(from, l->t0 - s->start_ns));
	s->lost += l->count;
	gt_session_resync_after(s, l->process, l->t1);
	return gt_encoder_loss(s->enc, l, err);
}

static int stats_row(struct gt_session *s, struct gt_err *err)
{
	const struct gt_encoder_counts *c = gt_encoder_get_counts(s->enc);
	struct gt_writer_stats ws;

	gt_writer_get_stats(s->w, &ws);
	struct gt_stats row = { .ts = gt_clock_ns(CLOCK_MONOTONIC),
				.events = c->events,
				.lost = s->lost,
				.goid_zero = c->goid_zero,
				.unreadable = c->unreadable,
				.bad_status = c->bad_status,
				.resync = c->resync,
				.bytes = ws.bytes,
				.recorder_cpu_ns = gt_clock_ns(CLOCK_PROCESS_CPUTIME_ID) };
	return gt_writer_stats_row(s->w, &row, err);
}

/* A status that no runtime has: are the offsets still right for this process? Told once. */
static void check_offsets(struct gt_session *s)
{
	uint32_t process;
	uint64_t g = gt_encoder_bad(s->enc, &process), self = 0;

	if (!g || s->members.p[process - 1].checked || !s->members.p[process - 1].t)
		return;
	struct gt_member *m = &s->members.p[process - 1];
	struct gt_layout l;
	m->checked = true;
	bool fits = !gt_gobin_layout(m->t->bin, &l, NULL) &&
		    !gt_target_read(m->t, g + l.g_sched_g, &self, sizeof(self), NULL) && self == g;
	gt_log_warn(
		"pid %d: a goroutine status that no Go runtime has was seen; the struct offsets "
		"%s (kept raw and counted)",
		(int)m->t->pid, fits ? "were checked again and fit" : "do NOT fit this binary");
}

/*
 * Losses are told before the records that were taken before them: all that failed until then is
 * counted by now, so that whoever replays knows of a loss before he meets what follows from it.
 */
static int take(struct gt_session *s, struct gt_err *err)
{
	struct gt_batch *b = s->drain ? gt_drain_take(s->drain) : NULL, *next;
	int rc = GT_OK;

	for (size_t i = 0; !rc && i < s->members.n; i++)
		if (s->members.p[i].a)
			rc = gt_attach_losses(s->members.p[i].a, gt_session_loss, s, err);
	if (!rc && s->kernel)
		rc = gt_kernel_losses(s->kernel, gt_session_loss, s, err);
	for (; b; b = next) {
		next = b->next;
		if (rc)
			gt_batch_free(b);
		else
			rc = gt_encoder_batch(s->enc, b, err);
	}
	return rc;
}

int gt_session_pump(struct gt_session *s, struct gt_err *err)
{
	uint64_t now = gt_clock_ns(CLOCK_MONOTONIC);
	int rc = take(s, err);

	check_offsets(s);
	if (!rc)
		rc = gt_session_govern(s, err);
	if (!rc)
		rc = gt_session_look(s, err);
	if (!rc && !s->rings)
		rc = gt_encoder_advance(s->enc, gt_clock_ns(CLOCK_MONOTONIC), err);
	if (!rc)
		rc = gt_session_bury(s, false, err);
	if (!rc && now >= s->next_stats_ns) {
		s->next_stats_ns = now + STATS_EVERY_NS;
		rc = stats_row(s, err);
		/* A killed recorder loses at most what is open: about a second. */
		if (!rc)
			rc = gt_writer_flush(s->w, gt_encoder_get_counts(s->enc)->last_ns, err);
	}
	if (!rc && now >= s->next_clock_ns) {
		s->next_clock_ns = now + CLOCK_EVERY_NS;
		rc = clock_row(s, err);
	}
	return rc;
}

/*
 * The trace ends before the first probe goes: taking them out takes a while, one after the other,
 * and what comes meanwhile has gaps that nobody could explain.
 */
static int stop(struct gt_session *s, struct gt_err *err)
{
	int rc = take(s, err);

	s->stop_ns = gt_clock_ns(CLOCK_MONOTONIC);
	for (uint32_t i = 0; !rc && i < s->members.n; i++)
		if (!s->members.p[i].gone)
			rc = gt_session_gap(s, i, s->stop_ns, err);
	gt_encoder_end(s->enc, s->stop_ns);
	for (uint32_t i = 0; i < s->members.n; i++)
		gt_session_let_go(s, i);
	if (s->kernel)
		gt_kernel_stop(s->kernel);
	int rc2 = gt_session_bury(s, true, rc ? NULL : err);
	rc = rc ? rc : rc2;
	if (s->drain && !gt_drain_sync(s->drain))
		gt_log_warn("the rings could not be drained to the end");
	rc2 = gt_session_pump(s, rc ? NULL : err);
	gt_drain_stop(s->drain, &s->drain_cpu_ns);
	s->drain = NULL;
	return rc ? rc : rc2;
}

int gt_session_finish(struct gt_session *s, bool snapshot, enum gt_end_reason why, int status,
		      struct gt_err *err)
{
	const struct gt_encoder_counts *c = gt_encoder_get_counts(s->enc);
	int rc = GT_OK;

	for (uint32_t i = 0; snapshot && !rc && i < s->members.n; i++)
		if (!s->members.p[i].gone && gt_target_alive(s->members.p[i].t))
			rc = gt_session_snapshot(s, i, err);
	int rc2 = stop(s, rc ? NULL : err);
	rc = rc ? rc : rc2;
	if (!rc)
		rc = gt_encoder_finish(s->enc, err);
	if (!rc)
		rc = clock_row(s, err);
	if (!rc)
		rc = stats_row(s, err);
	struct gt_end end = { .ts = s->stop_ns > c->last_ns ? s->stop_ns : c->last_ns,
			      .events = c->events,
			      .lost = s->lost,
			      .reason = why,
			      .status = status };
	s->end_ns = end.ts;
	if (s->lost_places > 1)
		gt_log_warn("lost %llu events in all, in %llu places (a larger --buffer helps)",
			    (unsigned long long)s->lost, (unsigned long long)s->lost_places);
	gt_log_debug("left out: %llu events, and %llu lost ones, from after the end of the trace; "
		     "%llu records refused",
		     (unsigned long long)c->after, (unsigned long long)s->lost_after,
		     (unsigned long long)c->refused);
	if (c->refused)
		gt_log_warn("%llu records of the kernel made no sense and were left out",
			    (unsigned long long)c->refused);
	if (!rc)
		rc = gt_writer_finish(s->w, &end, err);
	if (!rc && s->committed)
		rc = gt_outfile_close(s->file, err);
	return rc;
}

void gt_session_get_report(const struct gt_session *s, struct gt_session_report *ret)
{
	struct gt_writer_stats ws;

	gt_writer_get_stats(s->w, &ws);
	*ret = (struct gt_session_report){ .counts = *gt_encoder_get_counts(s->enc),
					   .lost = s->lost,
					   .gap_ns = s->gap_total_ns,
					   .events = ws.events,
					   .bytes = ws.bytes,
					   .live = gt_encoder_live(s->enc),
					   .wall_ns = s->end_ns - s->start_ns,
					   .cpu_ns = gt_clock_ns(CLOCK_PROCESS_CPUTIME_ID),
					   .processes = (uint32_t)s->members.n };
}
