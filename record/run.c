/* SPDX-License-Identifier: BSD-2-Clause */
/* The poll loop of gtrec: signals, the command, the targets, the session, the clock. */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "format/base/log.h"
#include "format/base/opts.h"
#include "format/base/parse.h"

#define TICK_MS	   500 /* figures and clocks are written even when nothing happens */
#define MAX_POLLED 256 /* targets watched by descriptor; beyond, the tick looks after them */

struct run {
	const struct gt_run_opts *o;
	struct gt_session *s;
	struct gt_launch *l;
	int sigfd;
	uint64_t deadline_ns;	/* 0: none */
	enum gt_end_reason why; /* 0: going on */
	bool from_terminal;	/* the signal that ended us reached the command as well */
	bool dropped;
	bool no_exec;		    /* the command could not be executed */
	struct gt_err last_refusal; /* why the last executable was not traced */
	int exit_rc;		    /* on_exit failed; how is in ... */
	struct gt_err exit_err;
};

/* The probes are in: privileges go, then the drain thread starts. */
static int attached(struct run *r, struct gt_err *err)
{
	char kept[256];

	if (!r->dropped && !(r->l && r->o->follow)) {
		/* Under a budget probes go in again and again. */
		unsigned keep = (r->l ? GT_PRIV_SIGNAL : 0) |
				(r->o->session.part > 0 ? GT_PRIV_ATTACH | GT_PRIV_READ : 0);
		int rc = gt_priv_drop(&r->o->owner, keep, kept, sizeof(kept), err);
		if (rc)
			return rc;
		gt_log_debug("%s", kept);
		r->dropped = true;
	}
	return gt_session_start(r->s, err);
}

static int on_exec(void *ctx, pid_t pid, struct gt_err *err)
{
	struct run *r = ctx;

	if (!r->s)
		return GT_EXEC_NOT_GO;
	int rc = gt_session_add(r->s, pid, true, err);

	if (rc == GT_UNSUPPORTED || rc == GT_GONE) {
		r->last_refusal = *err;
		gt_log_debug("%s", err->msg);
		return GT_EXEC_NOT_GO;
	}
	if (!rc)
		rc = attached(r, err);
	return rc ? rc : GT_EXEC_GO;
}

static void on_end(void *ctx, pid_t pid, int wstatus)
{
	struct run *r = ctx;

	if (r->s && !r->exit_rc)
		r->exit_rc = gt_session_ended(r->s, pid, wstatus, &r->exit_err);
}

static int start(struct run *r, struct gt_err *err)
{
	const struct gt_run_opts *o = r->o;
	int rc = GT_OK;

	if (o->command) {
		struct gt_launch_ops ops = { .on_exec = on_exec, .on_exit = on_end, .ctx = r };
		struct gt_launch_opts lo = { .follow = o->follow,
					     .signals = o->signals,
					     .user = o->run_as };
		rc = gt_launch_start(&r->l, o->command, &ops, &lo, err);
		r->no_exec = rc == GT_IO && err->os_errno;
		return rc ? rc : gt_launch_step(r->l, err);
	}
	for (uint32_t i = 0; !rc && i < o->n_pids; i++)
		rc = gt_session_add(r->s, o->pids[i], false, err);
	return rc ? rc : attached(r, err);
}

static void on_signal(struct run *r)
{
	struct signalfd_siginfo si;

	if (read(r->sigfd, &si, sizeof(si)) != sizeof(si))
		return;
	r->why = GT_END_SIGNAL;
	/* From a terminal the kernel sends it to the whole foreground group. */
	r->from_terminal = si.ssi_code == SI_KERNEL;
}

static int look_for_end(struct run *r, struct gt_err *err)
{
	int wstatus;
	bool command_ended = !r->l || gt_launch_ended(r->l, &wstatus);
	uint32_t live;
	int rc = gt_session_live(r->s, &live, err);

	if (rc || r->why)
		return rc;
	if (r->deadline_ns && gt_clock_ns(CLOCK_MONOTONIC) >= r->deadline_ns)
		r->why = GT_END_DURATION;
	else if (!live && command_ended && (!r->l || !gt_launch_seized(r->l)))
		r->why = r->l && WIFSIGNALED(wstatus) ? GT_END_KILLED : GT_END_EXIT;
	return GT_OK;
}

/* Sleep until something happens; -1 never, in milliseconds otherwise. */
static void wait_for_something(struct run *r)
{
	struct pollfd p[3 + MAX_POLLED];
	nfds_t n = 0;
	int timeout = TICK_MS;

	p[n++] = (struct pollfd){ .fd = r->sigfd, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = gt_session_fd(r->s), .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = r->l ? gt_launch_fd(r->l) : -1, .events = POLLIN };
	for (uint32_t i = 0; i < gt_session_processes(r->s) && n < 3 + MAX_POLLED; i++) {
		int fd = gt_session_pidfd(r->s, i);
		if (fd >= 0)
			p[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	uint64_t now = gt_clock_ns(CLOCK_MONOTONIC), due = gt_session_due(r->s);
	if (r->deadline_ns && r->deadline_ns < due)
		due = r->deadline_ns;
	uint64_t ms = now >= due ? 0 : (due - now) / 1000000 + 1;
	if (ms < TICK_MS)
		timeout = (int)ms;
	if (poll(p, n, timeout) > 0 && (p[0].revents & POLLIN))
		on_signal(r);
}

static int loop(struct run *r, struct gt_err *err)
{
	int rc = GT_OK;

	if (r->o->duration_ns)
		r->deadline_ns = gt_clock_ns(CLOCK_MONOTONIC) + r->o->duration_ns;
	while (!rc) {
		if (r->l)
			rc = gt_launch_step(r->l, err);
		if (!rc && r->exit_rc) {
			*err = r->exit_err;
			rc = r->exit_rc;
		}
		if (!rc)
			rc = gt_session_pump(r->s, err);
		if (!rc)
			rc = look_for_end(r, err);
		if (rc || r->why)
			break;
		wait_for_something(r);
	}
	return rc;
}

static void report(const struct run *r)
{
	struct gt_session_report rep;
	char size[GT_DUR_MAX], span[GT_DUR_MAX];
	const char *out = r->o->session.out ? r->o->session.out : "trace.gtr";

	gt_session_get_report(r->s, &rep);
	double n = rep.events ? (double)rep.events : 1;
	gt_log_note("%" PRIu64 " events of %u process%s in %s, %" PRIu64
		    " lost, %s (%.2f B/event), "
		    "gtrec took %.1f %% of a CPU -> %s",
		    rep.events, rep.processes, rep.processes == 1 ? "" : "es",
		    gt_format_duration(span, rep.wall_ns), rep.lost,
		    gt_format_size(size, rep.bytes), (double)rep.bytes / n,
		    100.0 * (double)rep.cpu_ns / (double)(rep.wall_ns ? rep.wall_ns : 1), out);
	uint64_t flagged = rep.counts.unreadable + rep.counts.goid_zero + rep.counts.bad_status +
			   rep.counts.resync;
	if (flagged)
		gt_log_warn("kept but flagged: %" PRIu64 " with an unreadable field, %" PRIu64
			    " without goid, %" PRIu64 " with an unknown status, %" PRIu64
			    " resynchronised",
			    rep.counts.unreadable, rep.counts.goid_zero, rep.counts.bad_status,
			    rep.counts.resync);
}

/* The command runs on after the file is closed, until it ends; its waitpid status. */
static int end_command(struct run *r, bool ours)
{
	int wstatus = 0;

	if (ours && !gt_launch_ended(r->l, &wstatus) && !r->from_terminal)
		(void)gt_launch_signal(r->l, SIGTERM);
	gt_launch_release(r->l);
	while (!gt_launch_ended(r->l, &wstatus)) {
		struct pollfd p[2] = { { .fd = gt_launch_fd(r->l), .events = POLLIN },
				       { .fd = r->sigfd, .events = POLLIN } };
		struct signalfd_siginfo si;
		if (poll(p, 2, -1) > 0 && (p[1].revents & POLLIN) &&
		    read(r->sigfd, &si, sizeof(si)) == sizeof(si) && si.ssi_code != SI_KERNEL)
			(void)gt_launch_signal(r->l, (int)si.ssi_signo);
		if (gt_launch_step(r->l, NULL))
			break;
	}
	return wstatus;
}

/* A recording in which nothing was traced is a failure, and says what was run instead. */
static bool traced_nothing(struct run *r)
{
	if (gt_session_processes(r->s))
		return false;
	gt_log_error("no Go program was run, so there is no trace; executed: %s%s%s%s",
		     gt_launch_executed(r->l), r->last_refusal.msg[0] ? " (" : "",
		     r->last_refusal.msg, r->last_refusal.msg[0] ? ")" : "");
	return true;
}

static int finish(struct run *r)
{
	bool ours = r->why == GT_END_SIGNAL || r->why == GT_END_DURATION;
	int status = 0, wstatus;
	struct gt_err err;

	if (r->l && gt_launch_ended(r->l, &wstatus))
		status = WIFSIGNALED(wstatus) ? WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
	bool nothing = r->l && traced_nothing(r);
	int rc = nothing ? GT_OK : gt_session_finish(r->s, ours, r->why, status, &err);
	if (rc)
		gt_log_error("%s", err.msg);
	else if (!nothing)
		report(r);
	struct gt_session_report rep;
	gt_session_get_report(r->s, &rep);
	if (!nothing && r->l && !rep.events) {
		gt_log_error("no goroutine event was recorded; executed: %s",
			     gt_launch_executed(r->l));
		nothing = true;
	}
	gt_session_free(r->s);
	r->s = NULL;
	if (!r->l)
		return rc ? GT_EXIT_ENV : GT_EXIT_OK;
	wstatus = end_command(r, ours);
	if (rc || nothing)
		return GT_EXIT_RECORDER;
	if (ours)
		return GT_EXIT_OK;
	gt_launch_exit_as(wstatus);
}

/* We cannot go on: what was recorded is closed as well as it can be, the command lives on. */
static int give_up(struct run *r, const struct gt_err *why)
{
	bool recorded = r->s && gt_session_processes(r->s);

	gt_log_error("%s", why->msg);
	if (recorded) {
		enum gt_end_reason end = why->os_errno == ENOSPC ? GT_END_NOSPACE : GT_END_ERROR;
		if (gt_session_finish(r->s, false, end, 0, NULL))
			gt_log_warn("the trace has no proper end, but is readable up to its last "
				    "block");
	}
	gt_session_free(r->s);
	r->s = NULL;
	if (r->l && !recorded)
		gt_launch_kill(r->l);
	if (r->l) /* what is at work already runs on: that we failed is not its affair */
		(void)end_command(r, false);
	gt_launch_free(r->l);
	return r->o->command ? GT_EXIT_RECORDER : GT_EXIT_ENV;
}

int gt_run(const struct gt_run_opts *o)
{
	struct run r = { .o = o, .sigfd = -1 };
	struct gt_err err = { 0 };
	sigset_t set;

	int rc = gt_session_new(&r.s, &o->session, &err);
	if (!rc) {
		(void)sigemptyset(&set);
		(void)sigaddset(&set, SIGINT);
		(void)sigaddset(&set, SIGTERM);
		(void)sigaddset(&set, SIGHUP);
		(void)sigprocmask(SIG_BLOCK, &set, NULL);
		(void)signal(SIGPIPE, SIG_IGN);
		(void)signal(SIGXFSZ, SIG_IGN);
		r.sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
		if (r.sigfd < 0)
			rc = gt_fail_errno(&err, GT_IO, "signalfd");
	}
	if (!rc)
		rc = start(&r, &err);
	if (!rc)
		rc = loop(&r, &err);
	int code;
	if (rc) {
		int os_errno = err.os_errno;
		code = give_up(&r, &err);
		if (r.no_exec)
			code = gt_launch_exec_status(os_errno);
	} else {
		code = finish(&r);
		gt_launch_free(r.l);
	}
	if (r.sigfd >= 0)
		(void)close(r.sigfd);
	return code;
}
