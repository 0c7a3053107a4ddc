/* SPDX-License-Identifier: BSD-2-Clause */
/* record/launch on real processes, without BPF: statuses, and finding the program. */
#include "launch_lab.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- exit status, failures to execute --------------------------------------------------- */

static void launch_reports_the_exit_code(void **state)
{
	struct seen s = { 0 };
	int st = lab_run(&s, OPTS(0), ARGV("sh", "-c", "exit 7"));

	(void)state;
	assert_true(WIFEXITED(st));
	assert_int_equal(WEXITSTATUS(st), 7);
	assert_int_equal(s.execs, 1);
	assert_int_equal(s.exits, 1);
}

static void launch_reports_the_fatal_signal(void **state)
{
	struct seen s = { 0 };
	int st = lab_run(&s, OPTS(0), ARGV("sh", "-c", "kill -TERM $$"));

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
	assert_int_equal(lab_start(&l, &s, OPTS(0), &err, ARGV("/nonexistent/prog")), GT_IO);
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
	assert_int_equal(lab_start(&l, &s, OPTS(0), &err, ARGV("/etc/passwd")), GT_IO);
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
	struct seen s = { .probe = lab_path(path, "touched") };
	int st = lab_run(&s, OPTS(0), ARGV("touch", path));

	(void)state;
	assert_int_equal(st, 0);
	assert_false(s.probe_existed);
	assert_int_equal(s.state, 't');
	assert_int_equal(access(path, F_OK), 0);
}

static void launch_finds_the_program_behind_wrappers(void **state)
{
	struct seen s = { .go = "sleep" };
	int st = lab_run(&s, OPTS(0), ARGV("sh", "-c", "env X=1 nice sleep 0; exit 4"));

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
	FILE *f = fopen(lab_path(path, "script"), "we");
	assert_non_null(f);
	(void)fputs("#!/bin/sh\n/bin/sleep 0\nexit 6\n", f);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(WEXITSTATUS(lab_run(&s, OPTS(0), ARGV(path))), 6);
	assert_int_equal(s.gos, 1);
}

static void launch_sees_every_program_of_a_pipeline(void **state)
{
	struct seen s = { 0 };
	int st = lab_run(&s, OPTS(0), ARGV("sh", "-c", "/bin/echo a | cat | cat | grep -q a"));

	(void)state;
	assert_int_equal(st, 0);
	assert_int_equal(s.execs, 5);
	assert_int_equal(s.forks, 4);
}

static void launch_stops_looking_after_the_first_go_program(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	assert_int_equal(lab_run(&s, OPTS(0), ARGV("sh", "-c", "sleep 0; sleep 0; true")), 0);
	assert_int_equal(s.gos, 1);
}

static void follow_sees_all_go_programs(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	assert_int_equal(
		lab_run(&s, OPTS(.follow = true), ARGV("sh", "-c", "sleep 0; sleep 0; true")), 0);
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
	assert_int_equal(
		lab_start(&l, &s, OPTS(0), &err,
			  ARGV("sh", "-c", "/bin/cat </dev/null; /bin/cat </dev/null; true")),
		0);
	lab_until(l, lab_all_ended, NULL);
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
	assert_int_equal(lab_start(&l, &s, OPTS(0), &err, ARGV(lab_self, "exec-thread")), 0);
	lab_until(l, lab_all_ended, NULL);
	assert_int_equal(s.gos, 1);
	assert_int_equal(s.go_pid, gt_launch_pid(l));
	gt_launch_free(l);
}

static void follow_survives_exec_from_another_thread(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	assert_int_equal(lab_run(&s, OPTS(.follow = true), ARGV(lab_self, "exec-thread")), 0);
	assert_int_equal(s.gos, 1);
	assert_int_equal(s.exits, 1);
}

static void launch_sees_vfork_and_exec(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	assert_int_equal(lab_run(&s, OPTS(0), ARGV(lab_self, "spawn")), 0);
	assert_int_equal(s.gos, 1);
	assert_int_equal(s.forks, 1);
}

static void launch_sees_a_daemon_after_the_command_ended(void **state)
{
	struct seen s = { .go = "sleep" };
	char go[PATH_MAX];

	(void)state;
	/* The grandchild waits for COMMAND's end before it execs. */
	assert_int_equal(lab_run(&s, OPTS(0), ARGV(lab_self, "daemon", lab_path(go, "daemon"))), 0);
	assert_int_equal(s.gos, 1);
	assert_int_not_equal(s.go_pid, 0);
	int st;
	if (waitpid(s.go_pid, &st, 0) > 0) /* we are its subreaper in some tests */
		assert_int_equal(st, 0);
}

static void launch_follows_many_short_processes(void **state)
{
	struct seen s = { 0 };
	int st = lab_run(&s, OPTS(0),
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
	assert_int_equal(lab_run(&s, OPTS(.follow = true), ARGV(lab_self, "killed-children")), 0);
	assert_int_equal(s.exits, 41);
}

static void launch_works_across_a_pid_namespace(void **state)
{
	struct seen s = { .go = "sleep" };

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(lab_run(&s, OPTS(0), ARGV("unshare", "-pf", "sh", "-c", "sleep 0; true")),
			 0);
	assert_int_equal(s.gos, 1);
}

static void setuid_wrappers_keep_their_rights(void **state)
{
	struct seen s = { 0 };
	struct gt_user nobody = { .uid = 65534, .gid = 65534, .other = true };
	char path[PATH_MAX], cmd[PATH_MAX * 3];
	struct statvfs fs;

	(void)state;
	if (geteuid() || statvfs(lab_dir, &fs) || (fs.f_flag & ST_NOSUID))
		skip();
	(void)snprintf(cmd, sizeof(cmd),
		       "chmod 755 %s && cp \"$(command -v id)\" %s && chmod 4755 %s", lab_dir,
		       lab_path(path, "suid-id"), path);
	assert_int_equal(system(cmd), 0);
	(void)snprintf(cmd, sizeof(cmd), "test \"$(id -u)\" = 65534 && test \"$(%s -u)\" = 0",
		       path);
	assert_int_equal(lab_run(&s, OPTS(.user = &nobody), ARGV("sh", "-c", cmd)), 0);
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
	};

	return lab_main(argc, argv, tests, sizeof(tests) / sizeof(*tests));
}
