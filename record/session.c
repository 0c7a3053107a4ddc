/* SPDX-License-Identifier: BSD-2-Clause */
/* One recording: processes, drain, encoder, file. */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "detach.h"
#include "drain.h"
#include "format/base/log.h"
#include "format/base/parse.h"
#include "format/base/vec.h"
#include "snapshot.h"

#define STATS_EVERY_NS 1000000000u
#define CLOCK_EVERY_NS 10000000000u
#define SETTLE_MS      100 /* the rings are not drained meanwhile */
#define FILES_EACH     96  /* descriptors that one more process may take: 20, more with PGO */

/* One process under trace. */
struct member {
	struct gt_target *t; /* NULL: it is gone, and all that it did is encoded */
	struct gt_attach *a; /* NULL: the process is gone, its probes and losses are dealt with */
	uint64_t allgs;	     /* where its list of goroutines is; 0 not known */
	bool launched, gone, checked;
};

struct gt_session {
	struct gt_outfile *file;
	struct gt_sink sink;
	struct gt_rings *rings;
	struct gt_drain *drain;
	struct gt_detach *detach;
	struct gt_writer *w;
	struct gt_encoder *enc;
	struct gt_attach_opts attach;
	struct {
		struct member *p;
		size_t n, cap;
	} members;
	uint64_t start_ns, next_stats_ns, next_clock_ns, drain_cpu_ns;
	uint64_t stop_ns, end_ns;   /* UINT64_MAX until it stops; 0 until it ended */
	uint64_t lost, lost_places; /* as told in the file */
	uint64_t lost_after;	    /* after the end of the trace */
	bool committed;
};

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
				     .n_cpus = s->rings->n };

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

int gt_session_new(struct gt_session **out, const struct gt_session_opts *opts, struct gt_err *err)
{
	struct gt_session *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return gt_fail(err, GT_NOMEM, "out of memory");
	s->attach = opts->attach;
	s->stop_ns = UINT64_MAX;
	rc = gt_outfile_open(&s->file, opts->out ? opts->out : "trace.gtr", opts->owner, err);
	if (!rc)
		rc = gt_rings_new(&s->rings, opts->buffer, err);
	if (!rc)
		rc = open_writer(s, opts, err);
	if (!rc)
		rc = gt_encoder_new(&s->enc, s->w, s->rings->n, err);
	if (!rc)
		rc = gt_detach_new(&s->detach, err);
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
	gt_detach_free(s->detach);
	for (size_t i = 0; i < s->members.n; i++)
		gt_attach_free(s->members.p[i].a);
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

/* ---- processes ------------------------------------------------------------------------ */

static int snap_row(void *ctx, const struct gt_snap_row *r, struct gt_err *err)
{
	struct gt_session *s = ctx;

	return gt_encoder_snap(s->enc, r, err);
}

/* All goroutines of a member; what cannot be read is told, and is no reason to stop. */
static int take_snapshot(struct gt_session *s, uint32_t i, struct gt_err *err)
{
	struct member *m = &s->members.p[i];
	struct gt_snapshot_stats st;
	struct gt_err why;
	int rc = gt_snapshot_take(m->t, i + 1, &m->allgs, snap_row, s, &st, &why);

	if (rc == GT_NOMEM) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc)
		gt_log_warn("%s, ignoring", why.msg);
	else
		gt_log_debug("pid %d: %llu goroutines read in %llu us (%llu unreadable, %llu torn)",
			     (int)m->t->pid, (unsigned long long)st.goroutines,
			     (unsigned long long)st.took_ns / 1000,
			     (unsigned long long)st.unreadable, (unsigned long long)st.torn);
	return GT_OK;
}

/* Its probes go: at the end of the trace, or of the process. */
static void gone(struct gt_session *s, uint32_t i)
{
	struct member *m = &s->members.p[i];

	if (m->gone)
		return;
	m->gone = true;
	/* The trap went with its memory, but each hit elsewhere still asks for this consumer. */
	if (m->a)
		gt_detach_put(s->detach, m->a);
}

static int ended(struct gt_session *s, uint32_t i, enum gt_process_end how, uint32_t status,
		 struct gt_err *err)
{
	gone(s, i);
	return gt_encoder_process_end(s->enc, i + 1, gt_clock_ns(CLOCK_MONOTONIC), how, status,
				      err);
}

/* The one that is PID and has not ended; -1 none. */
static long member_of(const struct gt_session *s, pid_t pid)
{
	for (size_t i = 0; i < s->members.n; i++)
		if (!s->members.p[i].gone && s->members.p[i].t->pid == pid)
			return (long)i;
	return -1;
}

int gt_session_ended(struct gt_session *s, pid_t pid, int wstatus, struct gt_err *err)
{
	long i = member_of(s, pid);

	if (i < 0)
		return GT_OK;
	return WIFSIGNALED(wstatus)
		       ? ended(s, (uint32_t)i, GT_PE_KILLED, (uint32_t)WTERMSIG(wstatus), err)
		       : ended(s, (uint32_t)i, GT_PE_EXITED, (uint32_t)WEXITSTATUS(wstatus), err);
}

/* T has ended, and nobody has told us how: it may be a child still, or a zombie that says it. */
static int ended_unseen(struct gt_session *s, uint32_t i, struct gt_err *err)
{
	struct gt_target *t = s->members.p[i].t;
	siginfo_t si = { 0 };
	int wstatus;

	if (!waitid(P_PIDFD, (id_t)t->pidfd, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) &&
	    si.si_pid)
		return si.si_code == CLD_EXITED
			       ? ended(s, i, GT_PE_EXITED, (uint32_t)si.si_status, err)
			       : ended(s, i, GT_PE_KILLED, (uint32_t)si.si_status, err);
	if (gt_target_exit(t, &wstatus))
		return gt_session_ended(s, t->pid, wstatus, err);
	return ended(s, i, GT_PE_UNKNOWN, 0, err);
}

static int bury(struct gt_session *s, bool wait, struct gt_err *err);

/*
 * Room for one more process: taking the probes out of those that have ended takes a while, and
 * until then they hold theirs. Where no room can be made, what fails next says so.
 */
static int make_room(struct gt_session *s, struct gt_err *err)
{
	int rc = bury(s, false, err);

	if (!rc && gt_priv_files() < FILES_EACH)
		rc = bury(s, true, err);
	return rc;
}

int gt_session_add(struct gt_session *s, pid_t pid, bool launched, struct gt_err *err)
{
	struct gt_target *t = NULL;
	struct gt_process row;
	uint32_t n = (uint32_t)s->members.n + 1;
	/* It stands before the first instruction of a new program: what it was before has ended. */
	long before = launched ? member_of(s, pid) : -1;
	int rc = before >= 0 ? ended(s, (uint32_t)before, GT_PE_EXEC, 0, err) : GT_OK;

	if (!rc)
		rc = make_room(s, err);
	if (!rc)
		rc = gt_target_open(&t, pid, err);
	if (before >= 0 && rc == GT_UNSUPPORTED)
		gt_log_note("the trace of '%s' (pid %d) ends: it has executed another program (%s)",
			    s->members.p[before].t->comm, (int)pid, err->msg);
	if (rc)
		return rc;
	struct member *m = GT_VEC_PUSH(&s->members);
	if (!m) {
		gt_target_free(t);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	m->t = t;
	m->launched = launched;
	rc = gt_attach_start(&m->a, t, n, s->rings, &s->attach, err);
	if (rc) {
		gt_target_free(t);
		s->members.n--;
		return rc;
	}
	gt_target_process(t, &row);
	row.process = n;
	row.seen_ns = gt_clock_ns(CLOCK_MONOTONIC);
	row.launched = launched;
	rc = gt_writer_process(s->w, &row, err);
	if (!rc)
		rc = gt_encoder_process(s->enc, &row, t, err);
	if (!rc && !launched) {
		if (!gt_target_settle(t, SETTLE_MS))
			gt_log_debug("pid %d: some threads have not moved since", (int)pid);
		rc = take_snapshot(s, n - 1, err);
	}
	if (!rc && !s->committed) {
		rc = gt_outfile_commit(s->file, err);
		s->committed = !rc;
	}
	return rc;
}

int gt_session_start(struct gt_session *s, struct gt_err *err)
{
	return s->drain ? GT_OK : gt_drain_start(&s->drain, s->rings, err);
}

uint32_t gt_session_processes(const struct gt_session *s)
{
	return (uint32_t)s->members.n;
}

int gt_session_pidfd(const struct gt_session *s, uint32_t i)
{
	return s->members.p[i].gone ? -1 : s->members.p[i].t->pidfd;
}

int gt_session_live(struct gt_session *s, uint32_t *ret_n, struct gt_err *err)
{
	int rc = GT_OK;

	*ret_n = 0;
	for (uint32_t i = 0; !rc && i < s->members.n; i++) {
		struct member *m = &s->members.p[i];
		if (m->gone)
			continue;
		switch (gt_target_life(m->t)) {
		case GT_TL_LIVES: ++*ret_n; break;
		case GT_TL_ENDED: rc = ended_unseen(s, i, err); break;
		case GT_TL_EXECUTED:
			gt_log_note("the trace of '%s' (pid %d) ends: it has executed another "
				    "program%s",
				    m->t->comm, (int)m->t->pid,
				    m->launched ? " (gtrec -f goes on with that)" : "");
			rc = ended(s, i, GT_PE_EXEC, 0, err);
			break;
		}
	}
	return rc;
}

/* ---- flow ----------------------------------------------------------------------------- */

int gt_session_fd(const struct gt_session *s)
{
	return s->drain ? gt_drain_event_fd(s->drain) : -1;
}

static int tell_loss(void *ctx, const struct gt_loss *l, struct gt_err *err)
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
	struct member *m = &s->members.p[process - 1];
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
			rc = gt_attach_losses(s->members.p[i].a, tell_loss, s, err);
	for (; b; b = next) {
		next = b->next;
		if (rc)
			gt_batch_free(b);
		else
			rc = gt_encoder_batch(s->enc, b, err);
	}
	return rc;
}

/* Processes whose probes are out: their last losses, then what the kernel holds for them. */
static int bury(struct gt_session *s, bool wait, struct gt_err *err)
{
	struct gt_attach *a;
	int rc = GT_OK;

	while (!rc && (a = gt_detach_take(s->detach, wait))) {
		rc = gt_attach_losses(a, tell_loss, s, err);
		for (size_t i = 0; i < s->members.n; i++)
			if (s->members.p[i].a == a)
				s->members.p[i].a = NULL;
		gt_attach_free(a);
	}
	for (uint32_t i = 0; i < s->members.n; i++) {
		struct member *m = &s->members.p[i];
		if (m->a || !gt_encoder_ended(s->enc, i + 1))
			continue;
		gt_target_free(m->t);
		m->t = NULL;
	}
	return rc;
}

int gt_session_pump(struct gt_session *s, struct gt_err *err)
{
	uint64_t now = gt_clock_ns(CLOCK_MONOTONIC);
	int rc = take(s, err);

	check_offsets(s);
	if (!rc)
		rc = bury(s, false, err);
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
	gt_encoder_end(s->enc, s->stop_ns);
	for (uint32_t i = 0; i < s->members.n; i++)
		gone(s, i);
	int rc2 = bury(s, true, rc ? NULL : err);
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
			rc = take_snapshot(s, i, err);
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
	gt_log_debug("left out: %llu events, and %llu lost ones, from after the end of the trace",
		     (unsigned long long)c->after, (unsigned long long)s->lost_after);
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
					   .events = ws.events,
					   .bytes = ws.bytes,
					   .live = gt_encoder_live(s->enc),
					   .wall_ns = s->end_ns - s->start_ns,
					   .cpu_ns = gt_clock_ns(CLOCK_PROCESS_CPUTIME_ID),
					   .processes = (uint32_t)s->members.n };
}
