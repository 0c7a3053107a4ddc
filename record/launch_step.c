/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ptrace stops of COMMAND's tree. For every stop there is one right way on (ptrace(2),
 * "Stopped states"):
 *
 *	signal delivery   go on with that same signal
 *	group stop        PTRACE_LISTEN: really stopped, until SIGCONT says otherwise
 *	fork, clone       note the child; it comes with a stop of its own, perhaps first
 *	exec              ask on_exec
 *	any, if releasing detach, with the signal that it was about to get
 *
 * A tracee may be killed at any moment, so ESRCH from ptrace is no error: its end is reported
 * by waitpid.
 */
#include "launch_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What /proc/TID/status says of a thread. */
struct ids {
	int tgid, ppid;
	int tracer; /* 0: nobody's tracee (any more) */
};

static bool task_ids(pid_t tid, struct ids *ret)
{
	char path[64], line[256];

	memset(ret, 0, sizeof(*ret));
	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Tgid:", 5))
			ret->tgid = (int)strtol(line + 5, NULL, 10);
		else if (!strncmp(line, "PPid:", 5))
			ret->ppid = (int)strtol(line + 5, NULL, 10);
		else if (!strncmp(line, "TracerPid:", 10))
			ret->tracer = (int)strtol(line + 10, NULL, 10);
	}
	(void)fclose(f);
	return ret->tgid > 0;
}

static void forget(struct gt_launch *l, pid_t tid)
{
	(void)gt_u64map_del(&l->seized, (uint64_t)tid);
}

static void go_on(pid_t tid, int sig)
{
	(void)ptrace(PTRACE_CONT, tid, 0, sig);
}

void gt_launch_let_go(struct gt_launch *l, pid_t tid, int sig)
{
	/* ESRCH: killed; its end will be reported, and COMMAND's is what we wait for anyway. */
	(void)ptrace(PTRACE_DETACH, tid, 0, sig);
	forget(l, tid);
}

static void remember_path(struct gt_launch *l, pid_t pid)
{
	char link[64], path[PATH_MAX];

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return;
	path[n] = 0;
	for (size_t i = 0; i < l->n_paths; i++)
		if (!strcmp(l->paths[i], path))
			return;
	if (l->n_paths == GT_LAUNCH_PATHS)
		l->more_paths++;
	else if ((l->paths[l->n_paths] = strdup(path)))
		l->n_paths++;
}

int gt_launch_on_exec(struct gt_launch *l, pid_t pid, struct gt_err *err)
{
	unsigned long former = 0;

	/* A thread other than the leader that execs takes the leader's id; its own is gone. */
	if (!ptrace(PTRACE_GETEVENTMSG, pid, 0, &former) && former && (pid_t)former != pid)
		forget(l, (pid_t)former);
	if (l->releasing) {
		gt_launch_let_go(l, pid, 0);
		return GT_OK;
	}
	remember_path(l, pid);
	l->held = pid;
	int rc = l->ops.on_exec(l->ops.ctx, pid, err);
	if (rc < 0)
		return rc;
	l->held = 0;
	if (rc == GT_EXEC_GO && !l->follow) {
		gt_launch_let_go(l, pid, 0);
		gt_launch_release(l);
	} else {
		go_on(pid, 0);
	}
	return GT_OK;
}

/* A thread or process that is new to us: it has stopped for the first time, or its parent tells. */
static int meet(struct gt_launch *l, pid_t tid, bool by_parent, struct gt_err *err)
{
	struct ids ids;

	if (gt_u64map_get(&l->seized, (uint64_t)tid))
		return GT_OK;
	bool known = task_ids(tid, &ids);
	/* The child can be faster than its parent's report: it may have run and ended by now. */
	if (by_parent && (!known || !ids.tracer))
		return GT_OK;
	if (!gt_u64map_put(&l->seized, (uint64_t)tid, (uint64_t)(known ? ids.tgid : tid)))
		return gt_fail(err, GT_NOMEM, "out of memory");
	if (known && ids.tgid == tid && l->ops.on_fork && !l->releasing)
		l->ops.on_fork(l->ops.ctx, ids.ppid, tid);
	return GT_OK;
}

static int on_fork(struct gt_launch *l, pid_t tid, struct gt_err *err)
{
	unsigned long child = 0;
	int rc = GT_OK;

	if (!ptrace(PTRACE_GETEVENTMSG, tid, 0, &child) && child)
		rc = meet(l, (pid_t)child, true, err);
	if (l->releasing)
		gt_launch_let_go(l, tid, 0);
	else
		go_on(tid, 0);
	return rc;
}

static bool is_stop_signal(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

int gt_launch_on_stop(struct gt_launch *l, pid_t tid, int wstatus, struct gt_err *err)
{
	int sig = WSTOPSIG(wstatus), event = wstatus >> 16;
	int rc = meet(l, tid, false, err);

	switch (event) {
	case PTRACE_EVENT_EXEC: return rc ? rc : gt_launch_on_exec(l, tid, err);
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE: return rc ? rc : on_fork(l, tid, err);
	case 0: break; /* signal delivery: sig goes through */
	default:
		if (event == PTRACE_EVENT_STOP && is_stop_signal(sig) && !l->releasing) {
			(void)ptrace(PTRACE_LISTEN, tid, 0, 0);
			return rc;
		}
		sig = 0; /* first stop, interrupt, or the end of a group stop */
	}
	if (l->releasing)
		gt_launch_let_go(l, tid, sig);
	else
		go_on(tid, sig);
	return rc;
}

void gt_launch_on_end(struct gt_launch *l, pid_t tid, int wstatus)
{
	uint64_t *tgid = gt_u64map_get(&l->seized, (uint64_t)tid);
	bool process = tgid && *tgid == (uint64_t)tid;

	forget(l, tid);
	if (tid == l->pid && !l->ended) {
		l->ended = process = true;
		l->wstatus = wstatus;
	}
	if (process && l->ops.on_exit)
		l->ops.on_exit(l->ops.ctx, tid, wstatus);
}

int gt_launch_step(struct gt_launch *l, struct gt_err *err)
{
	struct signalfd_siginfo drop[16];
	int rc = GT_OK;

	if (l->first_exec) {
		l->first_exec = false;
		rc = gt_launch_on_exec(l, l->pid, err);
	}
	/* Empty the fd first: what comes after makes it readable again. */
	while (read(l->sigfd, drop, sizeof(drop)) == (ssize_t)sizeof(drop))
		;
	while (!rc) {
		int wstatus;
		pid_t tid = waitpid(-1, &wstatus, __WALL | WNOHANG);

		if (tid < 0 && errno == EINTR)
			continue;
		if (tid <= 0)
			break;
		if (WIFSTOPPED(wstatus))
			rc = gt_launch_on_stop(l, tid, wstatus, err);
		else
			gt_launch_on_end(l, tid, wstatus);
	}
	return rc;
}
