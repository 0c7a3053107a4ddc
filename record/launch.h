/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `gtrec -- COMMAND`: start it under ptrace, look at each executable that it becomes or
 * starts before that runs its first instruction, and get out of the way. ptrace is used for
 * nothing else: no registers, no memory, every signal goes through unchanged, group stops
 * are real stops, and when gtrec dies the command runs on.
 *
 * Without `follow`, everything is detached as soon as one executable was attached (on_exec
 * said GT_EXEC_GO); with it, the whole tree stays seized for fork, exec and exit.
 *
 * All calls from one thread (ptrace binds tracees to a thread), and gtrec must have no other
 * children: this module reaps whatever it finds.
 */
#ifndef GT_LAUNCH_H
#define GT_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "format/base/err.h"
#include "priv.h"

struct gt_launch;

/* Signals and limits that gtrec was started with: the command must get those, not gtrec's. */
struct gt_signals {
	sigset_t mask;
	bool ignored[65];
	struct rlimit files; /* RLIMIT_NOFILE; rlim_max 0: leave it */
};
/* gt_signals_save: first thing in main(), before anything is blocked or ignored. */
void gt_signals_save(struct gt_signals *ret);

/* Verdicts of on_exec; a gt_code < 0 is an error that gt_launch_step passes on. */
#define GT_EXEC_NOT_GO 0 /* let it run; go on looking */
#define GT_EXEC_GO     1 /* attached: without `follow` look no further */

struct gt_launch_ops {
	/*
	 * PID has just become a new executable (/proc/PID/exe) and is stopped before its first
	 * instruction. Called for each exec of each process of the tree while it is seized.
	 */
	int (*on_exec)(void *ctx, pid_t pid, struct gt_err *err);
	/* CHILD is a new process (no thread), a copy of PARENT, that has not run yet. NULL: not
	 * wanted. */
	void (*on_fork)(void *ctx, pid_t parent, pid_t child);
	/* A seized process, or COMMAND itself, ended; waitpid's status. NULL: not wanted. */
	void (*on_exit)(void *ctx, pid_t pid, int wstatus);
	void *ctx;
};

struct gt_launch_opts {
	bool follow;
	const struct gt_signals *signals; /* NULL: as now */
	const struct gt_user *user;	  /* run COMMAND as; NULL: as we are */
	char *const *envp;		  /* NULL: our environment */
};

/*
 * gt_launch_start: fork, seize, exec ARGV[0] (by PATH, as execvp). On success COMMAND is in
 * its first exec stop: it has not run an instruction of its own yet, and the next
 * gt_launch_step hands it to on_exec. OPS and OPTS are copied (USER and SIGNALS are only used
 * during the call). Blocks SIGCHLD
 * in the calling thread until gt_launch_free.
 *
 * Fails with GT_IO and err->os_errno of the exec (gt_launch_exec_status says 126 or 127),
 * GT_DENIED when ptrace is not allowed, GT_GONE when a signal ended it before the exec.
 */
int gt_launch_start(struct gt_launch **out, char *const argv[], const struct gt_launch_ops *ops,
		    const struct gt_launch_opts *opts, struct gt_err *err) GT_MUST_CHECK;
/* gt_launch_exec_status: exit status as of env(1) for a failed exec: 127 not found, else 126. */
int gt_launch_exec_status(int os_errno);

/* gt_launch_fd: readable when gt_launch_step has something to do (a signalfd for SIGCHLD). */
int gt_launch_fd(const struct gt_launch *l);
/*
 * gt_launch_step: handle all stops and exits that are pending; does not block. The first call
 * needs no event on the fd. An error is on_exec's (its process stays stopped: gt_launch_kill
 * or _free it) or GT_NOMEM.
 */
int gt_launch_step(struct gt_launch *l, struct gt_err *err) GT_MUST_CHECK;

/* gt_launch_pid: COMMAND's pid; also after its end. */
pid_t gt_launch_pid(const struct gt_launch *l);
/* gt_launch_ended: COMMAND itself has ended; its waitpid status. */
bool gt_launch_ended(const struct gt_launch *l, int *ret_wstatus);
/* gt_launch_seized: how many threads are still seized. 0 and no Go attached: nothing will come. */
size_t gt_launch_seized(const struct gt_launch *l);
/*
 * gt_launch_executed: "/bin/sh, /bin/true": what was executed, in order, each once, for "no
 * Go program was run"; borrowed until the next step.
 */
const char *gt_launch_executed(struct gt_launch *l);

/* gt_launch_signal: send COMMAND a signal; false when it has ended. Never hits another pid. */
bool gt_launch_signal(struct gt_launch *l, int sig);
/* gt_launch_release: let everything go, now or at its next stop; keep calling _step for it. */
void gt_launch_release(struct gt_launch *l);
/* gt_launch_kill: SIGKILL every process that is still seized, and COMMAND. */
void gt_launch_kill(struct gt_launch *l);
/* gt_launch_free: whatever is still seized runs on by itself. NULL is fine. */
void gt_launch_free(struct gt_launch *l);

/* gt_launch_exit_as: end gtrec as COMMAND ended: same status, or of the same signal (no core). */
_Noreturn void gt_launch_exit_as(int wstatus);

#endif
