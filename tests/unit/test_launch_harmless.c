/* SPDX-License-Identifier: BSD-2-Clause */
/* record/launch does no harm: signals, job control, and whatever happens to the tracer. */
#include "launch_lab.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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
	assert_int_equal(lab_start(&l, &s, OPTS(0), &err, ARGV("sh", "-c", cmd)), 0);
	lab_until(l, lab_none_seized, NULL);
	assert_int_equal(s.gos, 1);
	assert_int_equal(lab_tracer(s.go_pid), 0);
	assert_int_equal(lab_tracer(gt_launch_pid(l)), 0);
	close(fds[1]);
	lab_until(l, lab_all_ended, NULL);
	close(fds[0]);
	gt_launch_free(l);
}

static void signals_go_through_unchanged(void **state)
{
	struct seen s = { 0 };

	(void)state;
	/* It queues 50 real-time signals with values to itself from a child and checks them. */
	assert_int_equal(lab_run(&s, OPTS(.follow = true), ARGV(lab_self, "signals")), 0);
}

static void job_control_works_while_seized(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(lab_run(&s, OPTS(.follow = true), ARGV(lab_self, "job")), 0);
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
	assert_int_equal(
		lab_start(&l, &s, OPTS(.follow = true), &err, ARGV(lab_self, "stopped", num)), 0);
	int said = fds[0];
	lab_until(l, quiet_after, &said);
	/* COMMAND has stopped itself with SIGSTOP; let lab_run it would be busy ('R'). */
	char st = lab_state(gt_launch_pid(l));
	assert_true(st == 't' || st == 'T');
	assert_true(gt_launch_signal(l, SIGCONT));
	lab_until(l, lab_all_ended, NULL);
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
	return gt_launch_seized(l) == 0 && lab_state(gt_launch_pid(l)) == 'T';
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
	assert_int_equal(
		lab_start(&l, &s, OPTS(.follow = true), &err, ARGV(lab_self, "stopped", num)), 0);
	int said = fds[0];
	lab_until(l, quiet_after, &said);
	gt_launch_release(l);
	lab_until(l, is_state_T, NULL);
	assert_true(gt_launch_signal(l, SIGCONT));
	lab_until(l, lab_all_ended, NULL);
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
	assert_int_equal(lab_start(&l, &s, OPTS(.follow = true), &err, ARGV(lab_self, "raise")), 0);
	assert_int_equal(gt_launch_step(l, &err), 0);
	/* It stops for the delivery of its SIGUSR1; we do not look yet. */
	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	while (lab_state(gt_launch_pid(l)) != 't')
		assert_true(lab_ms_left(&t0) > 0);
	gt_launch_release(l);
	lab_until(l, lab_all_ended, NULL);
	assert_true(gt_launch_ended(l, &st));
	assert_int_equal(st, 0);
	gt_launch_free(l);
}

/* The mask of NAME ("SigIgn") in the status file PATH, without the two signals that libc keeps. */
static unsigned long long mask_in(const char *path, const char *name)
{
	unsigned long long v = ~0ULL;
	char line[256];
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			v = strtoull(line + strlen(name) + 1, NULL, 16);
	(void)fclose(f);
	return v & ~(3ULL << 31);
}

static void the_command_gets_the_signal_state_that_gtrec_was_given(void **state)
{
	char path[PATH_MAX];
	struct seen s = { 0 };
	struct gt_signals sig = { .ignored = { [SIGHUP] = true } };
	sigset_t usr;

	(void)state;
	sigemptyset(&sig.mask);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &usr, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	int st = lab_run(&s, OPTS(.signals = &sig),
			 ARGV("cp", "/proc/self/status", lab_path(path, "status")));
	(void)sigprocmask(SIG_UNBLOCK, &usr, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(st, 0);
	assert_int_equal(mask_in(path, "SigIgn"), 1ULL << (SIGHUP - 1));
	assert_int_equal(mask_in(path, "SigBlk"), 0);
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
	assert_int_equal(lab_start(&l, &s, OPTS(0), &err, ARGV("touch", lab_path(path, "never"))),
			 0);
	assert_int_equal(gt_launch_step(l, &err), GT_DENIED);
	assert_string_equal(err.msg, "cannot attach");
	gt_launch_kill(l);
	lab_until(l, lab_all_ended, NULL);
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
	assert_int_equal(lab_start(&l, &s, OPTS(0), &err, ARGV("touch", lab_path(path, "late"))),
			 0);
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
	assert_int_equal(lab_start(&l, &s, OPTS(.follow = true), &err, ARGV("sh", "-c", cmd)), 0);
	while (s.execs < 2) {
		struct pollfd p = { gt_launch_fd(l), POLLIN, 0 };
		assert_int_equal(gt_launch_step(l, &err), 0);
		(void)poll(&p, 1, 20);
	}
	pid_t pid = gt_launch_pid(l);
	gt_launch_free(l);
	assert_int_equal(lab_tracer(pid), 0);
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

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
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

	return lab_main(argc, argv, tests, sizeof(tests) / sizeof(*tests));
}
