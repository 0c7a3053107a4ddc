/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder, the runner, and the parts that test programs play for record/launch. */
#include "launch_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 20000

char lab_self[PATH_MAX];
char lab_dir[] = "/tmp/gt-launch-XXXXXX";

/* ---- a recorder of what launch says ---------------------------------------------------- */

char lab_state(pid_t pid)
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

long lab_tracer(pid_t pid)
{
	char path[64], line[256];
	long tracer = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "TracerPid:", 10))
			tracer = strtol(line + 10, NULL, 10);
	(void)fclose(f);
	return tracer;
}

static int on_exec(void *ctx, pid_t pid, struct gt_err *err)
{
	struct seen *s = ctx;
	char link[64];

	s->execs++;
	s->state = lab_state(pid);
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

int lab_start(struct gt_launch **l, struct seen *s, struct gt_launch_opts o, struct gt_err *err,
	      const char *const *argv)
{
	struct gt_launch_ops ops = { on_exec, on_fork, on_exit_, s };

	return gt_launch_start(l, (char *const *)argv, &ops, &o, err);
}

int lab_ms_left(const struct timespec *t0)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return DEADLINE_MS -
	       (int)((t.tv_sec - t0->tv_sec) * 1000 + (t.tv_nsec - t0->tv_nsec) / 1000000);
}

/* Steps until DONE says so; a test that hangs fails here. */
void lab_until(struct gt_launch *l, bool (*done)(struct gt_launch *, void *), void *ctx)
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
		if (lab_ms_left(&t0) <= 0)
			fail_msg("nothing happens: %zu seized, executed %s", gt_launch_seized(l),
				 gt_launch_executed(l));
		(void)poll(&p, 1, 20);
	}
}

bool lab_all_ended(struct gt_launch *l, void *ctx)
{
	(void)ctx;
	return gt_launch_ended(l, NULL) && !gt_launch_seized(l);
}

bool lab_none_seized(struct gt_launch *l, void *ctx)
{
	(void)ctx;
	return !gt_launch_seized(l);
}

/* The whole life of a command; its wait status. */
int lab_run(struct seen *s, struct gt_launch_opts o, const char *const *argv)
{
	struct gt_launch *l = NULL;
	struct gt_err err = { 0 };
	int wstatus = -1;

	if (lab_start(&l, s, o, &err, argv))
		fail_msg("start: %s", err.msg);
	lab_until(l, lab_all_ended, NULL);
	assert_true(gt_launch_ended(l, &wstatus));
	gt_launch_free(l);
	return wstatus;
}

const char *lab_path(char *buf, const char *name)
{
	(void)snprintf(buf, PATH_MAX, "%s/%s", lab_dir, name);
	return buf;
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

static const struct {
	const char *name;
	int (*play)(void);
} plays[] = {
	{ "exec-thread", part_exec_thread },
	{ "spawn", part_spawn },
	{ "daemon", part_daemon },
	{ "signals", part_signals },
	{ "job", part_job },
	{ "raise", part_raise },
	{ "killed-children", part_killed_children },
};

void lab_part(int argc, char **argv)
{
	/* _exit: no leak check, which does not work under ptrace */
	if (!strcmp(argv[1], "stopped") && argc > 2)
		_exit(part_stopped((int)strtol(argv[2], NULL, 10)));
	for (size_t i = 0; i < sizeof(plays) / sizeof(*plays); i++)
		if (!strcmp(argv[1], plays[i].name))
			_exit(plays[i].play());
	_exit(98);
}

int lab_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n)
{
	char cmd[64];
	ssize_t len = readlink("/proc/self/exe", lab_self, sizeof(lab_self) - 1);

	if (len < 0)
		return 1;
	if (argc > 1 && argv[1][0] != '-')
		lab_part(argc, argv);
	if (!mkdtemp(lab_dir))
		return 1;
	int rc = _cmocka_run_group_tests("launch", tests, n, NULL, NULL);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", lab_dir);
	return system(cmd) || rc;
}
