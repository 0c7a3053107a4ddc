/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record/launch on real processes, without BPF: "Go" is whatever program the test says. The
 * binary is also its own helper program (argv[1] names a part to play).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/launch.h"

#define DEADLINE_MS 20000

static char self[PATH_MAX];
static char dir[] = "/tmp/gt-launch-XXXXXX";

/* ---- a recorder of what launch says ---------------------------------------------------- */

struct seen {
	const char *go; /* base name of the "Go" program; NULL none */
	int fail;	/* on_exec fails for it */
	int execs, gos, forks, exits;
	pid_t go_pid;
	char last[PATH_MAX];
	char state;	   /* of the process in on_exec, /proc/PID/stat */
	const char *probe; /* path that must not exist yet in on_exec */
	bool probe_existed;
};

static char proc_state(pid_t pid)
{
	char path[64], buf[512];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	char *p = strrchr(buf, ')');
	return p ? p[2] : 0;
}

static int proc_tracer(pid_t pid)
{
	char path[64], line[256];
	int tracer = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "TracerPid:", 10))
			tracer = atoi(line + 10);
	(void)fclose(f);
	return tracer;
}

static int on_exec(void *ctx, pid_t pid, struct gt_err *err)
{
	struct seen *s = ctx;
	char link[64];

	s->execs++;
	s->state = proc_state(pid);
	(void)snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	ssize_t n = readlink(link, s->last, sizeof(s->last) - 1);
	if (n < 0)
		return gt_fail(err, GT_IO, "no exe");
	s->last[n] = 0;
	if (s->probe)
		s->probe_existed = !access(s->probe, F_OK);
	const char *base = strrchr(s->last, '/');
	if (!s->go || strcmp(base + 1, s->go))
		return GT_EXEC_NOT_GO;
	s->gos++;
	s->go_pid = pid;
	return s->fail ? gt_fail(err, GT_DENIED, "cannot attach") : GT_EXEC_GO;
}

static void on_fork(void *ctx, pid_t parent, pid_t child)
{
	assert_true(parent > 0 && child > 0 && parent != child);
	((struct seen *)ctx)->forks++;
}

static void on_exit_(void *ctx, pid_t pid, int wstatus)
{
	(void)pid;
	(void)wstatus;
	((struct seen *)ctx)->exits++;
}

static int start(struct gt_launch **l, struct seen *s, struct gt_launch_opts o, struct gt_err *err,
		 const char *const *argv)
{
	struct gt_launch_ops ops = { on_exec, on_fork, on_exit_, s };

	return gt_launch_start(l, (char *const *)argv, &ops, &o, err);
}

#define ARGV(...)                                                                                  \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
#define OPTS(...)                                                                                  \
	(struct gt_launch_opts)                                                                    \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static int ms_left(const struct timespec *t0)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return DEADLINE_MS -
	       (int)((t.tv_sec - t0->tv_sec) * 1000 + (t.tv_nsec - t0->tv_nsec) / 1000000);
}

/* Steps until DONE says so; a test that hangs fails here. */
static void run_until(struct gt_launch *l, bool (*done)(struct gt_launch *, void *), void *ctx)
{
	struct timespec t0;
	struct gt_err err = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	for (;;) {
		if (gt_launch_step(l, &err))
			fail_msg("step: %s", err.msg);
		if (done(l, ctx))
			return;
		struct pollfd p = { gt_launch_fd(l), POLLIN, 0 };
		if (ms_left(&t0) <= 0)
			fail_msg("nothing happens: %zu seized, executed %s", gt_launch_seized(l),
				 gt_launch_executed(l));
		(void)poll(&p, 1, 20);
	}
}

static bool all_ended(struct gt_launch *l, void *ctx)
{
	(void)ctx;
	return gt_launch_ended(l, NULL) && !gt_launch_seized(l);
}

static bool none_seized(struct gt_launch *l, void *ctx)
{
	(void)ctx;
	return !gt_launch_seized(l);
}

/* The whole life of a command; its wait status. */
static int run(struct seen *s, struct gt_launch_opts o, const char *const *argv)
{
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	int wstatus = -1;

	if (start(&l, s, o, &err, argv))
		fail_msg("start: %s", err.msg);
	run_until(l, all_ended, NULL);
	assert_true(gt_launch_ended(l, &wstatus));
	gt_launch_free(l);
	return wstatus;
}

static const char *in_dir(char *buf, const char *name)
{
	(void)snprintf(buf, PATH_MAX, "%s/%s", dir, name);
	return buf;
}

/* ---- exit status, failures to execute --------------------------------------------------- */

static void launch_reports_the_exit_code(void **state)
{
	struct seen s = { 0 };
	int st = run(&s, OPTS(0), ARGV("sh", "-c", "exit 7"));

	(void)state;
	assert_true(WIFEXITED(st));
	assert_int_equal(WEXITSTATUS(st), 7);
	assert_int_equal(s.execs, 1);
	assert_int_equal(s.exits, 1);
}

static void launch_reports_the_fatal_signal(void **state)
{
	struct seen s = { 0 };
	int st = run(&s, OPTS(0), ARGV("sh", "-c", "kill -TERM $$"));

	(void)state;
	assert_true(WIFSIGNALED(st));
	assert_int_equal(WTERMSIG(st), SIGTERM);
}

static void launch_says_127_for_a_missing_command(void **state)
{
	struct seen s = { 0 };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };

	(void)state;
	assert_int_equal(start(&l, &s, OPTS(0), &err, ARGV("/nonexistent/prog")), GT_IO);
	assert_null(l);
	assert_int_equal(gt_launch_exec_status(err.os_errno), 127);
	assert_non_null(strstr(err.msg, "/nonexistent/prog"));
	assert_int_equal(waitpid(-1, NULL, __WALL), -1); /* nothing left behind */
	assert_int_equal(errno, ECHILD);
}

static void launch_says_126_for_what_is_not_executable(void **state)
{
	struct seen s = { 0 };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };

	(void)state;
	assert_int_equal(start(&l, &s, OPTS(0), &err, ARGV("/etc/passwd")), GT_IO);
	assert_int_equal(gt_launch_exec_status(err.os_errno), 126);
}

static void exit_as_ends_the_same_way(void **state)
{
	int st;

	(void)state;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (!pid) {
			sigset_t all;
			sigfillset(&all);
			(void)sigprocmask(SIG_SETMASK, &all, NULL);
			gt_launch_exit_as(i ? SIGUSR1 : 3 << 8);
		}
		assert_int_equal(waitpid(pid, &st, 0), pid);
		if (i)
			assert_true(WIFSIGNALED(st) && WTERMSIG(st) == SIGUSR1);
		else
			assert_true(WIFEXITED(st) && WEXITSTATUS(st) == 3);
	}
}

/* ---- finding the program ---------------------------------------------------------------- */

static void exec_stop_comes_before_the_first_instruction(void **state)
{
	char path[PATH_MAX];
	struct seen s = { .probe = in_dir(path, "touched") };
	int st = run(&s, OPTS(0), ARGV("touch", path));

	(void)state;
	assert_int_equal(st, 0);
	assert_false(s.probe_existed);
	assert_int_equal(s.state, 't');
	assert_int_equal(access(path, F_OK), 0);
}

static void launch_finds_the_program_behind_wrappers(void **state)
{
	struct seen s = { .go = "sleep" };
	int st = run(&s, OPTS(0), ARGV("sh", "-c", "env X=1 nice sleep 0; exit 4"));

	(void)state;
	assert_int_equal(s.gos, 1);
	assert_int_equal(s.execs, 4); /* sh, env, nice, sleep */
	assert_int_equal(WEXITSTATUS(st), 4);
}

static void launch_finds_the_interpreter_of_a_script(void **state)
{
	char path[PATH_MAX];
	struct seen s = { .go = "sleep" };

	(void)state;
	FILE *f = fopen(in_dir(path, "script"), "we");
	assert_non_null(f);
	(void)fputs("#!/bin/sh\n/bin/sleep 0\nexit 6\n", f);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(WEXITSTATUS(run(&s, OPTS(0), ARGV(path))), 6);
	assert_int_equal(s.gos, 1);
}

static void launch_sees_every_program_of_a_pipeline(void **state)
{
	struct seen s = { 0 };
	int st = run(&s, OPTS(0), ARGV("sh", "-c", "/bin/echo a | cat | cat | grep -q a"));

	(void)state;
	assert_int_equal(st, 0);
	assert_int_equal(s.execs, 5);
	assert_int_equal(s.forks, 4);
}

static void launch_stops_looking_after_the_first_go_program(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	assert_int_equal(run(&s, OPTS(0), ARGV("sh", "-c", "sleep 0; sleep 0; true")), 0);
	assert_int_equal(s.gos, 1);
}

static void follow_sees_all_go_programs(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	assert_int_equal(run(&s, OPTS(.follow = true), ARGV("sh", "-c", "sleep 0; sleep 0; true")),
			 0);
	assert_int_equal(s.gos, 2);
	assert_int_equal(s.exits, 3);
}

static void launch_lists_what_was_executed(void **state)
{
	struct seen s = { 0 };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	char want[2 * PATH_MAX + 2], sh[PATH_MAX], tr[PATH_MAX];

	(void)state;
	assert_int_equal(start(&l, &s, OPTS(0), &err,
			       ARGV("sh", "-c", "/bin/cat </dev/null; /bin/cat </dev/null; true")),
			 0);
	run_until(l, all_ended, NULL);
	assert_non_null(realpath("/bin/sh", sh));
	assert_non_null(realpath("/bin/cat", tr));
	(void)snprintf(want, sizeof(want), "%s, %s", sh, tr);
	assert_string_equal(gt_launch_executed(l), want);
	gt_launch_free(l);
}

static void launch_sees_exec_from_another_thread(void **state)
{
	struct seen s = { .go = "sleep" };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };

	(void)state;
	assert_int_equal(start(&l, &s, OPTS(0), &err, ARGV(self, "exec-thread")), 0);
	run_until(l, all_ended, NULL);
	assert_int_equal(s.gos, 1);
	assert_int_equal(s.go_pid, gt_launch_pid(l));
	gt_launch_free(l);
}

static void follow_survives_exec_from_another_thread(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	assert_int_equal(run(&s, OPTS(.follow = true), ARGV(self, "exec-thread")), 0);
	assert_int_equal(s.gos, 1);
	assert_int_equal(s.exits, 1);
}

static void launch_sees_vfork_and_exec(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	assert_int_equal(run(&s, OPTS(0), ARGV(self, "spawn")), 0);
	assert_int_equal(s.gos, 1);
	assert_int_equal(s.forks, 1);
}

static void launch_sees_a_daemon_after_the_command_ended(void **state)
{
	struct seen s = { .go = "sleep" };
	char go[PATH_MAX];

	(void)state;
	/* The grandchild waits for COMMAND's end before it execs. */
	assert_int_equal(run(&s, OPTS(0), ARGV(self, "daemon", in_dir(go, "daemon"))), 0);
	assert_int_equal(s.gos, 1);
	assert_int_not_equal(s.go_pid, 0);
	int st;
	if (waitpid(s.go_pid, &st, 0) > 0) /* we are its subreaper in some tests */
		assert_int_equal(st, 0);
}

static void launch_follows_many_short_processes(void **state)
{
	struct seen s = { 0 };
	int st = run(&s, OPTS(0),
		     ARGV("sh", "-c",
			  "i=0; while [ $i -lt 100 ]; do /bin/true & i=$((i+1)); done; wait"));

	(void)state;
	assert_int_equal(st, 0);
	assert_int_equal(s.execs, 101);
	assert_int_equal(s.exits, 101);
}

static void launch_survives_children_that_are_killed(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(run(&s, OPTS(.follow = true), ARGV(self, "killed-children")), 0);
	assert_int_equal(s.exits, 41);
}

static void launch_works_across_a_pid_namespace(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(run(&s, OPTS(0), ARGV("unshare", "-pf", "sh", "-c", "sleep 0; true")), 0);
	assert_int_equal(s.gos, 1);
}

static void setuid_wrappers_keep_their_rights(void **state)
{
	struct seen s = { 0 };
	struct gt_user nobody = { .uid = 65534, .gid = 65534, .other = true };
	char path[PATH_MAX], cmd[PATH_MAX * 3];
	struct statvfs fs;

	(void)state;
	if (geteuid() || statvfs(dir, &fs) || (fs.f_flag & ST_NOSUID))
		skip();
	(void)snprintf(cmd, sizeof(cmd),
		       "chmod 755 %s && cp \"$(command -v id)\" %s && chmod 4755 %s", dir,
		       in_dir(path, "suid-id"), path);
	assert_int_equal(system(cmd), 0);
	(void)snprintf(cmd, sizeof(cmd), "test \"$(id -u)\" = 65534 && test \"$(%s -u)\" = 0",
		       path);
	assert_int_equal(run(&s, OPTS(.user = &nobody), ARGV("sh", "-c", cmd)), 0);
}

/* ---- out of the way --------------------------------------------------------------------- */

static void nothing_stays_traced_after_the_go_program(void **state)
{
	struct seen s = { .go = "cat" };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	int fds[2];
	char cmd[64];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	(void)snprintf(cmd, sizeof(cmd), "cat <&%d; true", fds[0]);
	assert_int_equal(start(&l, &s, OPTS(0), &err, ARGV("sh", "-c", cmd)), 0);
	run_until(l, none_seized, NULL);
	assert_int_equal(s.gos, 1);
	assert_int_equal(proc_tracer(s.go_pid), 0);
	assert_int_equal(proc_tracer(gt_launch_pid(l)), 0);
	close(fds[1]);
	run_until(l, all_ended, NULL);
	close(fds[0]);
	gt_launch_free(l);
}

static void signals_go_through_unchanged(void **state)
{
	struct seen s = { 0 };

	(void)state;
	/* It queues 50 real-time signals with values to itself from a child and checks them. */
	assert_int_equal(run(&s, OPTS(.follow = true), ARGV(self, "signals")), 0);
}

static void job_control_works_while_seized(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(run(&s, OPTS(.follow = true), ARGV(self, "job")), 0);
}

static bool quiet_after(struct gt_launch *l, void *ctx)
{
	char c;
	struct pollfd p = { gt_launch_fd(l), POLLIN, 0 };

	if (*(int *)ctx >= 0 && read(*(int *)ctx, &c, 1) == 1) /* the helper says: stopped */
		*(int *)ctx = -1;
	return *(int *)ctx < 0 && poll(&p, 1, 50) == 0;
}

static void a_group_stop_is_a_real_stop(void **state)
{
	struct seen s = { 0 };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	int fds[2];
	char num[16];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	(void)snprintf(num, sizeof(num), "%d", fds[1]);
	assert_int_equal(start(&l, &s, OPTS(.follow = true), &err, ARGV(self, "stopped", num)), 0);
	int said = fds[0];
	run_until(l, quiet_after, &said);
	/* COMMAND has stopped itself with SIGSTOP; let run it would be busy ('R'). */
	char st = proc_state(gt_launch_pid(l));
	assert_true(st == 't' || st == 'T');
	assert_true(gt_launch_signal(l, SIGCONT));
	run_until(l, all_ended, NULL);
	int wstatus;
	assert_true(gt_launch_ended(l, &wstatus));
	assert_int_equal(wstatus, 0);
	gt_launch_free(l);
	close(fds[0]);
	close(fds[1]);
}

static bool is_state_T(struct gt_launch *l, void *ctx)
{
	(void)ctx;
	return gt_launch_seized(l) == 0 && proc_state(gt_launch_pid(l)) == 'T';
}

static void a_stopped_process_stays_stopped_when_released(void **state)
{
	struct seen s = { 0 };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	int fds[2];
	char num[16];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	(void)snprintf(num, sizeof(num), "%d", fds[1]);
	assert_int_equal(start(&l, &s, OPTS(.follow = true), &err, ARGV(self, "stopped", num)), 0);
	int said = fds[0];
	run_until(l, quiet_after, &said);
	gt_launch_release(l);
	run_until(l, is_state_T, NULL);
	assert_true(gt_launch_signal(l, SIGCONT));
	run_until(l, all_ended, NULL);
	gt_launch_free(l);
	close(fds[0]);
	close(fds[1]);
}

static void a_signal_that_is_on_its_way_survives_the_release(void **state)
{
	struct seen s = { 0 };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	struct timespec t0;
	int st;

	(void)state;
	assert_int_equal(start(&l, &s, OPTS(.follow = true), &err, ARGV(self, "raise")), 0);
	assert_int_equal(gt_launch_step(l, &err), 0);
	/* It stops for the delivery of its SIGUSR1; we do not look yet. */
	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	while (proc_state(gt_launch_pid(l)) != 't')
		assert_true(ms_left(&t0) > 0);
	gt_launch_release(l);
	run_until(l, all_ended, NULL);
	assert_true(gt_launch_ended(l, &st));
	assert_int_equal(st, 0);
	gt_launch_free(l);
}

static void the_command_gets_the_signal_state_that_gtrec_was_given(void **state)
{
	struct seen s = { 0 };
	struct gt_signals sig = { .ignored = { [SIGHUP] = true } };
	sigset_t usr;

	(void)state;
	sigemptyset(&sig.mask);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &usr, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	/* SIGHUP ignored (bit 0), SIGPIPE not; nothing blocked */
	int st = run(&s, OPTS(.signals = &sig),
		     ARGV("sh", "-c",
			  "grep -qx 'SigIgn:.0000000000000001' /proc/self/status && "
			  "grep -qx 'SigBlk:.0000000000000000' /proc/self/status"));
	(void)sigprocmask(SIG_UNBLOCK, &usr, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(st, 0);
}

/* ---- bad ends ---------------------------------------------------------------------------- */

static void a_failed_attach_leaves_the_command_to_be_killed(void **state)
{
	char path[PATH_MAX];
	struct seen s = { .go = "touch", .fail = 1 };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	int st;

	(void)state;
	assert_int_equal(start(&l, &s, OPTS(0), &err, ARGV("touch", in_dir(path, "never"))), 0);
	assert_int_equal(gt_launch_step(l, &err), GT_DENIED);
	assert_string_equal(err.msg, "cannot attach");
	gt_launch_kill(l);
	run_until(l, all_ended, NULL);
	assert_true(gt_launch_ended(l, &st));
	assert_true(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
	assert_int_equal(access(path, F_OK), -1);
	gt_launch_free(l);
}

static void a_failed_attach_can_be_let_run_too(void **state)
{
	char path[PATH_MAX];
	struct seen s = { .go = "touch", .fail = 1 };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	int st;

	(void)state;
	assert_int_equal(start(&l, &s, OPTS(0), &err, ARGV("touch", in_dir(path, "late"))), 0);
	assert_int_equal(gt_launch_step(l, &err), GT_DENIED);
	pid_t pid = gt_launch_pid(l);
	gt_launch_free(l);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	assert_int_equal(access(path, F_OK), 0);
}

static void freeing_lets_a_running_tree_run_on(void **state)
{
	struct seen s = { 0 };
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	int fds[2], st;
	char cmd[64];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	(void)snprintf(cmd, sizeof(cmd), "cat <&%d; exit 9", fds[0]);
	assert_int_equal(start(&l, &s, OPTS(.follow = true), &err, ARGV("sh", "-c", cmd)), 0);
	while (s.execs < 2) {
		struct pollfd p = { gt_launch_fd(l), POLLIN, 0 };
		assert_int_equal(gt_launch_step(l, &err), 0);
		(void)poll(&p, 1, 20);
	}
	pid_t pid = gt_launch_pid(l);
	gt_launch_free(l);
	assert_int_equal(proc_tracer(pid), 0);
	close(fds[1]);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(WEXITSTATUS(st), 9);
	close(fds[0]);
}

static int hang_in_exec(void *ctx, pid_t pid, struct gt_err *err)
{
	(void)err;
	(void)!write(*(int *)ctx, &pid, sizeof(pid));
	while (pause() < 0)
		;
	return GT_EXEC_NOT_GO;
}

static int tell_second_exec(void *ctx, pid_t pid, struct gt_err *err)
{
	static int n;

	(void)err;
	if (++n == 2)
		(void)!write(*(int *)ctx, &pid, sizeof(pid));
	return GT_EXEC_NOT_GO;
}

/* In a process of its own: a tracer that hangs where HOW says, to be killed. */
_Noreturn static void hanging_tracer(int tell, int how, const char *cmd)
{
	struct gt_launch_ops ops = { how ? tell_second_exec : hang_in_exec, NULL, NULL, &tell };
	struct gt_launch_opts o = { 0 };
	struct gt_launch *l;
	char *argv[] = { "sh", "-c", (char *)cmd, NULL };

	if (gt_launch_start(&l, argv, &ops, &o, NULL))
		_exit(1);
	for (;;) {
		struct pollfd p = { gt_launch_fd(l), POLLIN, 0 };
		if (gt_launch_step(l, NULL))
			_exit(1);
		(void)poll(&p, 1, 1000);
	}
}

static void the_command_runs_on_when_gtrec_is_killed(void **state)
{
	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	for (int how = 0; how < 2; how++) {
		int tell[2], gate[2], st;
		char cmd[128];
		pid_t who, cmd_pid = -1;

		assert_int_equal(pipe(tell) | pipe(gate), 0);
		(void)fcntl(gate[1], F_SETFD, FD_CLOEXEC);
		(void)snprintf(cmd, sizeof(cmd), "cat <&%d; /bin/true; exit 5", gate[0]);
		pid_t tracer = fork();
		if (!tracer) {
			close(gate[1]);
			hanging_tracer(tell[1], how, cmd);
		}
		assert_int_equal(read(tell[0], &who, sizeof(who)), sizeof(who));
		assert_int_equal(kill(tracer, SIGKILL), 0);
		assert_int_equal(waitpid(tracer, &st, 0), tracer);
		close(gate[1]); /* cat reads the end */
		while ((cmd_pid = waitpid(-1, &st, __WALL)) > 0)
			if (WIFEXITED(st) && WEXITSTATUS(st) == 5)
				break;
		assert_true(cmd_pid > 0);
		close(tell[0]);
		close(tell[1]);
		close(gate[0]);
	}
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

/* ---- the helper's parts ------------------------------------------------------------------ */

static void *thread_exec(void *arg)
{
	(void)arg;
	(void)execlp("sleep", "sleep", "0", (char *)NULL);
	_exit(99);
}

static void *thread_idle(void *arg)
{
	while (pause() < 0)
		;
	return arg;
}

static int part_exec_thread(void)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		if (pthread_create(&t, NULL, thread_idle, NULL))
			return 1;
	if (pthread_create(&t, NULL, thread_exec, NULL))
		return 1;
	(void)pthread_join(t, NULL);
	return 1;
}

static int part_spawn(void)
{
	char *argv[] = { "sleep", "0", NULL };
	pid_t pid;
	int st;

	if (posix_spawnp(&pid, "sleep", NULL, NULL, argv, environ))
		return 1;
	return waitpid(pid, &st, 0) != pid || st;
}

static int part_daemon(void)
{
	int up[2];
	char c;

	if (pipe2(up, O_CLOEXEC))
		return 1;
	pid_t pid = fork();
	if (pid)
		return pid < 0; /* exits: up[1] closes */
	close(up[1]);
	(void)setsid();
	if (read(up[0], &c, 1))
		_exit(1);
	if (fork())
		_exit(0);
	(void)execlp("sleep", "sleep", "0", (char *)NULL);
	_exit(99);
}

static volatile sig_atomic_t got, wrong;

static void on_rt(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	if (sig != SIGRTMIN || si->si_code != SI_QUEUE || si->si_value.sival_int != got ||
	    si->si_pid == getpid())
		wrong = 1;
	got++;
}

static int part_signals(void)
{
	struct sigaction sa = { .sa_sigaction = on_rt, .sa_flags = SA_SIGINFO };
	int st;

	(void)sigaction(SIGRTMIN, &sa, NULL);
	pid_t me = getpid(), pid = fork();
	if (!pid) {
		for (int i = 0; i < 50; i++)
			if (sigqueue(me, SIGRTMIN, (union sigval){ .sival_int = i }))
				_exit(1);
		_exit(0);
	}
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	return st || wrong || got != 50;
}

/* A small shell's view: stop, continue, end a child, and hear of each. */
static int part_job(void)
{
	int st;
	pid_t pid = fork();

	if (!pid)
		for (;;)
			(void)pause();
	static const int stops[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	for (int i = 0; i < 4; i++) {
		if (kill(pid, stops[i]) || waitpid(pid, &st, WUNTRACED) != pid || !WIFSTOPPED(st) ||
		    WSTOPSIG(st) != stops[i])
			return 10 + i;
		if (kill(pid, SIGCONT) || waitpid(pid, &st, WCONTINUED) != pid || !WIFCONTINUED(st))
			return 20 + i;
	}
	if (kill(pid, SIGTERM) || waitpid(pid, &st, 0) != pid || !WIFSIGNALED(st))
		return 30;
	return 0;
}

static void on_sig(int sig)
{
	(void)sig;
	got = 1;
}

/* Tells on FD, stops itself; busy until the SIGCONT handler has run. */
static int part_stopped(int fd)
{
	(void)signal(SIGCONT, on_sig);
	(void)!write(fd, "s", 1);
	(void)raise(SIGSTOP);
	while (!got)
		;
	return 0;
}

static int part_raise(void)
{
	(void)signal(SIGUSR1, on_sig);
	(void)raise(SIGUSR1);
	return !got;
}

static int part_killed_children(void)
{
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();
		if (!pid) {
			if (i % 2)
				(void)raise(SIGKILL);
			for (;;)
				(void)pause();
		}
		if (i % 2 == 0)
			(void)kill(pid, SIGKILL);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

static int helper(int argc, char **argv)
{
	if (!strcmp(argv[1], "exec-thread"))
		return part_exec_thread();
	if (!strcmp(argv[1], "spawn"))
		return part_spawn();
	if (!strcmp(argv[1], "daemon"))
		return part_daemon();
	if (!strcmp(argv[1], "signals"))
		return part_signals();
	if (!strcmp(argv[1], "job"))
		return part_job();
	if (!strcmp(argv[1], "stopped") && argc > 2)
		return part_stopped(atoi(argv[2]));
	if (!strcmp(argv[1], "raise"))
		return part_raise();
	if (!strcmp(argv[1], "killed-children"))
		return part_killed_children();
	return 98;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(launch_reports_the_exit_code),
		cmocka_unit_test(launch_reports_the_fatal_signal),
		cmocka_unit_test(launch_says_127_for_a_missing_command),
		cmocka_unit_test(launch_says_126_for_what_is_not_executable),
		cmocka_unit_test(exit_as_ends_the_same_way),
		cmocka_unit_test(exec_stop_comes_before_the_first_instruction),
		cmocka_unit_test(launch_finds_the_program_behind_wrappers),
		cmocka_unit_test(launch_finds_the_interpreter_of_a_script),
		cmocka_unit_test(launch_sees_every_program_of_a_pipeline),
		cmocka_unit_test(launch_stops_looking_after_the_first_go_program),
		cmocka_unit_test(follow_sees_all_go_programs),
		cmocka_unit_test(launch_lists_what_was_executed),
		cmocka_unit_test(launch_sees_exec_from_another_thread),
		cmocka_unit_test(follow_survives_exec_from_another_thread),
		cmocka_unit_test(launch_sees_vfork_and_exec),
		cmocka_unit_test(launch_sees_a_daemon_after_the_command_ended),
		cmocka_unit_test(launch_follows_many_short_processes),
		cmocka_unit_test(launch_survives_children_that_are_killed),
		cmocka_unit_test(launch_works_across_a_pid_namespace),
		cmocka_unit_test(setuid_wrappers_keep_their_rights),
		cmocka_unit_test(nothing_stays_traced_after_the_go_program),
		cmocka_unit_test(signals_go_through_unchanged),
		cmocka_unit_test(job_control_works_while_seized),
		cmocka_unit_test(a_group_stop_is_a_real_stop),
		cmocka_unit_test(a_stopped_process_stays_stopped_when_released),
		cmocka_unit_test(a_signal_that_is_on_its_way_survives_the_release),
		cmocka_unit_test(the_command_gets_the_signal_state_that_gtrec_was_given),
		cmocka_unit_test(a_failed_attach_leaves_the_command_to_be_killed),
		cmocka_unit_test(a_failed_attach_can_be_let_run_too),
		cmocka_unit_test(freeing_lets_a_running_tree_run_on),
		cmocka_unit_test(the_command_runs_on_when_gtrec_is_killed),
	};
	char cmd[64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return 1;
	if (argc > 1 && argv[1][0] != '-')
		_exit(helper(argc, argv)); /* no leak check: it does not work under ptrace */
	if (!mkdtemp(dir))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) || rc;
}
