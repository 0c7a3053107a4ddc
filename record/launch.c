/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting COMMAND, asking about it, ending with it. The child waits on a pipe until it is
 * seized and then execs; a second, close-on-exec pipe brings back why an exec failed.
 */
#include "launch_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEIZE_OPTIONS                                                                              \
	(PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)
#define FREE_WAIT_MS 200 /* how long _free waits for running tracees to stop for their detach */

void gt_signals_save(struct gt_signals *ret)
{
	memset(ret, 0, sizeof(*ret));
	(void)sigprocmask(SIG_SETMASK, NULL, &ret->mask);
	(void)getrlimit(RLIMIT_NOFILE, &ret->files);
	for (int sig = 1; sig < 65; sig++) {
		struct sigaction sa;

		ret->ignored[sig] = !sigaction(sig, NULL, &sa) && sa.sa_handler == SIG_IGN;
	}
}

static void signals_restore(const struct gt_signals *s)
{
	for (int sig = 1; sig < 65; sig++)
		(void)signal(sig, s->ignored[sig] ? SIG_IGN : SIG_DFL);
	if (s->files.rlim_max)
		(void)setrlimit(RLIMIT_NOFILE, &s->files);
	(void)sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

int gt_launch_exec_status(int os_errno)
{
	return os_errno == ENOENT || os_errno == ENOTDIR ? 127 : 126;
}

/* ---- the child ------------------------------------------------------------------------ */

_Noreturn static void child_main(int go_fd, int err_fd, char *const argv[],
				 const struct gt_signals *signals,
				 const struct gt_launch_opts *opts)
{
	char c;
	int e;

	/* gtrec died or could not seize us: nothing was started */
	if (read(go_fd, &c, 1) != 1)
		_exit(125);
	signals_restore(signals);
	if (!opts->user || !gt_user_become(opts->user)) {
		if (opts->envp)
			environ = (char **)opts->envp;
		execvp(argv[0], argv);
	}
	e = errno;
	(void)!write(err_fd, &e, sizeof(e));
	_exit(gt_launch_exec_status(e));
}

/* ---- start ---------------------------------------------------------------------------- */

/* Reaps a child that could not be seized or whose exec failed. */
static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

static int ended_before_exec(int wstatus, int err_fd, const char *name, struct gt_err *err)
{
	int e = 0;

	if (read(err_fd, &e, sizeof(e)) == (ssize_t)sizeof(e)) {
		errno = e;
		return gt_fail_errno(err, GT_IO, "cannot execute '%s'", name);
	}
	if (WIFSIGNALED(wstatus))
		return gt_fail(err, GT_GONE, "'%s' was ended by signal %d before it was executed",
			       name, WTERMSIG(wstatus));
	return gt_fail(err, GT_GONE, "'%s' ended before it was executed", name);
}

/* Up to the first exec stop, which stays pending for the first step. */
static int await_exec(struct gt_launch *l, int err_fd, const char *name, struct gt_err *err)
{
	for (;;) {
		int wstatus;
		pid_t tid = waitpid(l->pid, &wstatus, __WALL);

		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return gt_fail_errno(err, GT_IO, "cannot wait for '%s'", name);
		if (!WIFSTOPPED(wstatus)) {
			l->ended = true;
			return ended_before_exec(wstatus, err_fd, name, err);
		}
		if (wstatus >> 16 == PTRACE_EVENT_EXEC) {
			l->first_exec = true;
			l->held = tid;
			return GT_OK;
		}
		int rc = gt_launch_on_stop(l, tid, wstatus, err);
		if (rc)
			return rc;
	}
}

static int seize(struct gt_launch *l, int *go_fd, struct gt_err *err)
{
	if (ptrace(PTRACE_SEIZE, l->pid, 0, SEIZE_OPTIONS)) {
		int rc = gt_fail_errno(err, GT_DENIED,
				       "cannot trace the command from its start with ptrace (in a "
				       "container: --cap-add SYS_PTRACE)");
		close(*go_fd); /* the child reads the end of the pipe and exits */
		*go_fd = -1;
		reap(l->pid);
		l->ended = true;
		return rc;
	}
	if (!gt_u64map_put(&l->seized, (uint64_t)l->pid, (uint64_t)l->pid))
		return gt_fail(err, GT_NOMEM, "out of memory");
	if (write(*go_fd, "", 1) != 1)
		return gt_fail_errno(err, GT_IO, "cannot start the command");
	return GT_OK;
}

static int spawn(struct gt_launch *l, char *const argv[], const struct gt_signals *signals,
		 const struct gt_launch_opts *opts, struct gt_err *err)
{
	int go[2] = { -1, -1 }, bad[2] = { -1, -1 };
	int rc;

	if (pipe2(go, O_CLOEXEC) || pipe2(bad, O_CLOEXEC)) {
		rc = gt_fail_errno(err, GT_IO, "cannot make a pipe");
		goto out;
	}
	l->pid = fork();
	if (l->pid == 0) {
		close(go[1]); /* else it would never see our end of it close */
		child_main(go[0], bad[1], argv, signals, opts);
	}
	if (l->pid < 0) {
		rc = gt_fail_errno(err, GT_IO, "cannot fork");
		goto out;
	}
	close(bad[1]);
	bad[1] = -1;
	rc = seize(l, &go[1], err);
	if (!rc)
		rc = await_exec(l, bad[0], argv[0], err);
out:
	for (int i = 0; i < 2; i++) {
		if (go[i] >= 0)
			close(go[i]);
		if (bad[i] >= 0)
			close(bad[i]);
	}
	return rc;
}

int gt_launch_start(struct gt_launch **out, char *const argv[], const struct gt_launch_ops *ops,
		    const struct gt_launch_opts *opts, struct gt_err *err)
{
	struct gt_signals now;
	sigset_t chld;
	struct gt_launch *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return gt_fail(err, GT_NOMEM, "out of memory");
	l->pid = -1;
	l->ops = *ops;
	l->follow = opts->follow;

	gt_signals_save(&now);
	/* An ignored SIGCHLD would hide stops and throw the exit status away. */
	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &chld, &l->old_mask);
	l->sigfd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->sigfd < 0)
		rc = gt_fail_errno(err, GT_IO, "cannot make a signalfd");
	else
		rc = spawn(l, argv, opts->signals ? opts->signals : &now, opts, err);
	if (rc) {
		if (l->pid > 0 && !l->ended) {
			(void)kill(l->pid, SIGKILL); /* it has not run a thing of its own */
			reap(l->pid);
		}
		gt_u64map_free(&l->seized);
		gt_launch_free(l);
		return rc;
	}
	*out = l;
	return GT_OK;
}

/* ---- ask ------------------------------------------------------------------------------ */

int gt_launch_fd(const struct gt_launch *l)
{
	return l->sigfd;
}

pid_t gt_launch_pid(const struct gt_launch *l)
{
	return l->pid;
}

bool gt_launch_ended(const struct gt_launch *l, int *ret_wstatus)
{
	if (l->ended && ret_wstatus)
		*ret_wstatus = l->wstatus;
	return l->ended;
}

size_t gt_launch_seized(const struct gt_launch *l)
{
	return l->seized.n;
}

const char *gt_launch_executed(struct gt_launch *l)
{
	char more[32];

	gt_out_reset(&l->joined);
	for (size_t i = 0; i < l->n_paths; i++) {
		if (i)
			gt_out_bytes(&l->joined, ", ", 2);
		gt_out_bytes(&l->joined, l->paths[i], strlen(l->paths[i]));
	}
	if (l->more_paths) {
		int n = snprintf(more, sizeof(more), " and %zu more", l->more_paths);
		gt_out_bytes(&l->joined, more, (size_t)n);
	}
	gt_out_u8(&l->joined, 0);
	return l->joined.bad ? "" : (const char *)l->joined.p;
}

/* ---- end ------------------------------------------------------------------------------ */

bool gt_launch_signal(struct gt_launch *l, int sig)
{
	/* Not reaped yet, so the pid is still COMMAND's. */
	return !l->ended && kill(l->pid, sig) == 0;
}

void gt_launch_kill(struct gt_launch *l)
{
	for (size_t i = 0; i < l->seized.cap; i++)
		if (l->seized.used[i])
			(void)kill((pid_t)l->seized.slots[i].val, SIGKILL);
	(void)gt_launch_signal(l, SIGKILL);
}

/* Those that are stopped go at once; the others are interrupted and go at their stop. */
void gt_launch_release(struct gt_launch *l)
{
	l->releasing = true;
	if (l->held) { /* no new stop would come from this one */
		gt_launch_let_go(l, l->held, 0);
		l->held = 0;
		l->first_exec = false;
	}
	for (size_t i = 0; i < l->seized.cap; i++)
		if (l->seized.used[i])
			(void)ptrace(PTRACE_INTERRUPT, (pid_t)l->seized.slots[i].key, 0, 0);
}

void gt_launch_free(struct gt_launch *l)
{
	if (!l)
		return;
	if (l->seized.n) {
		gt_launch_release(l);
		for (int ms = 0; l->seized.n && ms < FREE_WAIT_MS; ms += 10) {
			if (gt_launch_step(l, NULL))
				break;
			struct pollfd p = { l->sigfd, POLLIN, 0 };
			if (l->seized.n)
				(void)poll(&p, 1, 10);
		}
	}
	if (l->sigfd >= 0)
		close(l->sigfd);
	if (!sigismember(&l->old_mask, SIGCHLD)) {
		sigset_t chld;

		sigemptyset(&chld);
		sigaddset(&chld, SIGCHLD);
		(void)sigprocmask(SIG_UNBLOCK, &chld, NULL);
	}
	gt_u64map_free(&l->seized);
	for (size_t i = 0; i < l->n_paths; i++)
		free(l->paths[i]);
	gt_out_free(&l->joined);
	free(l);
}

_Noreturn void gt_launch_exit_as(int wstatus)
{
	if (WIFSIGNALED(wstatus)) {
		int sig = WTERMSIG(wstatus);
		struct rlimit none = { 0, 0 };
		sigset_t set;

		(void)fflush(NULL);
		(void)setrlimit(RLIMIT_CORE, &none); /* the core is COMMAND's, not ours */
		(void)signal(sig, SIG_DFL);
		sigemptyset(&set);
		sigaddset(&set, sig);
		(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
		(void)raise(sig);
		exit(128 + sig);
	}
	exit(WEXITSTATUS(wstatus));
}
