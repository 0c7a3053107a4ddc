/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record/target on real processes. A Go process is had without building one: the go tool
 * itself, held in its exec stop by record/launch (skipped where there is no go).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/launch.h"
#include "record/target.h"

static char go[PATH_MAX];
static char dir[] = "/tmp/gt-target-XXXXXX";

/* ---- a child that does what it is told -------------------------------------------------- */

struct child {
	pid_t pid;
	int go_on; /* closing it ends the child */
};

static struct child spawn(void (*fn)(void))
{
	int up[2], down[2];
	char c;

	assert_int_equal(pipe2(up, O_CLOEXEC) | pipe2(down, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (!pid) {
		close(down[1]);
		if (fn)
			fn();
		(void)!write(up[1], "r", 1);
		(void)!read(down[0], &c, 1);
		_exit(0);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	close(up[0]);
	close(up[1]);
	close(down[0]);
	return (struct child){ pid, down[1] };
}

static void end(struct child *c)
{
	int st;

	if (c->go_on >= 0)
		close(c->go_on);
	c->go_on = -1;
	assert_int_equal(waitpid(c->pid, &st, 0), c->pid);
}

/* What gt_target_open makes, without Go: for the parts that need none. */
static struct gt_target bare(pid_t pid)
{
	struct gt_target t = { .pid = pid, .imagefd = -1 };
	char path[64];

	t.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	t.procfd = open(path, O_PATH | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	t.memfd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(t.pidfd >= 0 && t.procfd >= 0 && t.memfd >= 0);
	return t;
}

static void bare_close(struct gt_target *t)
{
	close(t->pidfd);
	close(t->procfd);
	close(t->memfd);
}

static void must_fail(pid_t pid, int code, const char *why)
{
	struct gt_target *t = NULL;
	struct gt_err err = { 0 };

	assert_int_equal(gt_target_open(&t, pid, &err), code);
	assert_null(t);
	if (!strstr(err.msg, why))
		fail_msg("'%s' does not say '%s'", err.msg, why);
}

/* ---- what is no target ------------------------------------------------------------------ */

static void a_dead_pid_is_gone(void **state)
{
	struct child c = spawn(NULL);

	(void)state;
	end(&c);
	must_fail(c.pid, GT_GONE, "no process");
}

static void a_zombie_is_gone(void **state)
{
	struct child c = spawn(NULL);
	siginfo_t si;
	int st;

	(void)state;
	close(c.go_on);
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &si, WEXITED | WNOWAIT), 0);
	must_fail(c.pid, GT_GONE, "zombie");
	assert_int_equal(waitpid(c.pid, &st, 0), c.pid);
}

static void a_kernel_thread_is_named_as_such(void **state)
{
	char comm[32] = "";
	FILE *f = fopen("/proc/2/comm", "re");

	(void)state;
	if (f) {
		(void)!fgets(comm, sizeof(comm), f);
		(void)fclose(f);
	}
	if (strcmp(comm, "kthreadd\n"))
		skip(); /* inside a pid namespace */
	must_fail(2, GT_UNSUPPORTED, "kernel thread");
}

static void another_program_is_not_go(void **state)
{
	struct child c = spawn(NULL);

	(void)state;
	must_fail(c.pid, GT_UNSUPPORTED, "no Go program");
	end(&c);
}

static pid_t a_tid;

static void *tell_tid(void *arg)
{
	__atomic_store_n(&a_tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	(void)pthread_mutex_lock(arg);
	(void)pthread_mutex_unlock(arg);
	return NULL;
}

static void a_threads_id_is_refused_with_its_process(void **state)
{
	pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;
	pthread_t th;
	char want[64];

	(void)state;
	(void)pthread_mutex_lock(&hold);
	assert_int_equal(pthread_create(&th, NULL, tell_tid, &hold), 0);
	while (!__atomic_load_n(&a_tid, __ATOMIC_SEQ_CST))
		(void)sched_yield();
	(void)snprintf(want, sizeof(want), "thread of process %d", (int)getpid());
	must_fail(a_tid, GT_UNSUPPORTED, want);
	(void)pthread_mutex_unlock(&hold);
	(void)pthread_join(th, NULL);
}

/* ---- memory ----------------------------------------------------------------------------- */

static char secret[64] = "before";

static void change_secret(void)
{
	(void)snprintf(secret, sizeof(secret), "the child's own");
}

static void memory_is_the_childs_not_ours(void **state)
{
	struct child c = spawn(change_secret);
	struct gt_target t = bare(c.pid);
	char buf[64] = "";
	struct gt_err err;

	(void)state;
	assert_int_equal(gt_target_read(&t, (uint64_t)(uintptr_t)secret, buf, sizeof(buf), &err),
			 0);
	assert_string_equal(buf, "the child's own");
	end(&c);
	bare_close(&t);
}

static void unmapped_memory_is_an_error_and_never_partial(void **state)
{
	struct child c = spawn(NULL);
	struct gt_target t = bare(c.pid);
	long page = sysconf(_SC_PAGESIZE);
	char buf[16];
	struct gt_err err = { 0 };

	(void)state;
	end(&c);
	bare_close(&t);
	char *p = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(munmap(p + page, (size_t)page), 0);
	c = spawn(NULL); /* has the same hole */
	t = bare(c.pid);
	uint64_t edge = (uint64_t)(uintptr_t)p + (uint64_t)page - 8;
	assert_int_equal(gt_target_read(&t, edge, buf, 8, &err), 0);
	assert_int_equal(gt_target_read(&t, edge, buf, 16, &err), GT_IO);
	assert_int_equal(err.os_errno, EFAULT);
	assert_int_equal(gt_target_read(&t, 0, buf, 8, &err), GT_IO);
	assert_int_equal(gt_target_read(&t, UINT64_MAX - 3, buf, 8, &err), GT_IO);
	assert_int_equal(gt_target_read(&t, 1ULL << 63, buf, 8, &err), GT_IO);
	end(&c);
	bare_close(&t);
	(void)munmap(p, (size_t)page);
}

static uint64_t numbers[3000];

static void fill_numbers(void)
{
	for (size_t i = 0; i < 3000; i++)
		numbers[i] = i * 7;
}

static void read_many_marks_each_read(void **state)
{
	struct child c = spawn(fill_numbers);
	struct gt_target t = bare(c.pid);
	static struct gt_read r[3000];
	static uint64_t got[3000];

	(void)state;
	/* Bad ones at both ends, in a row, and around the batch limit of the kernel. */
	for (size_t i = 0; i < 3000; i++) {
		bool bad = i == 0 || i == 2999 || (i >= 500 && i < 503) || i == 1023 || i == 1024 ||
			   i == 1026;
		r[i] = (struct gt_read){ bad ? 16 : (uint64_t)(uintptr_t)&numbers[i], &got[i], 8,
					 bad };
	}
	assert_int_equal(gt_target_read_many(&t, r, 3000, NULL), 0);
	for (size_t i = 0; i < 3000; i++) {
		bool bad = r[i].addr == 16;
		assert_int_equal(r[i].ok, !bad);
		if (!bad)
			assert_int_equal(got[i], i * 7);
	}
	end(&c);
	bare_close(&t);
}

static void memory_of_a_dead_process_is_gone(void **state)
{
	struct child c = spawn(NULL);
	struct gt_target t = bare(c.pid);
	uint64_t v;
	struct gt_read r = { (uint64_t)(uintptr_t)numbers, &v, 8, true };

	(void)state;
	assert_true(gt_target_alive(&t));
	end(&c);
	assert_false(gt_target_alive(&t));
	assert_int_equal(gt_target_read(&t, r.addr, &v, 8, NULL), GT_GONE);
	assert_int_equal(gt_target_read_many(&t, &r, 1, NULL), GT_GONE);
	bare_close(&t);
}

static void memory_after_exec_is_gone_not_another_programs(void **state)
{
	int up[2], gate[2];
	char c;
	struct gt_err err;
	int st;

	(void)state;
	assert_int_equal(pipe2(up, O_CLOEXEC) | pipe2(gate, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (!pid) {
		(void)!write(up[1], "r", 1);
		(void)!read(gate[0], &c, 1);
		(void)execlp("sleep", "sleep", "1000", (char *)NULL);
		_exit(1);
	}
	close(up[1]);
	assert_int_equal(read(up[0], &c, 1), 1);
	struct gt_target t = bare(pid);
	uint64_t v;
	struct gt_read r = { (uint64_t)(uintptr_t)numbers, &v, 8, true };
	assert_int_equal(gt_target_read(&t, r.addr, &v, 8, &err), 0);
	assert_int_equal(write(gate[1], "g", 1), 1);
	assert_int_equal(read(up[0], &c, 1), 0); /* closed by the exec */
	assert_int_equal(gt_target_read(&t, r.addr, &v, 8, &err), GT_GONE);
	assert_int_equal(gt_target_read_many(&t, &r, 1, &err), GT_GONE);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	bare_close(&t);
}

/* ---- threads ---------------------------------------------------------------------------- */

static pthread_barrier_t born;
static pid_t worker_tids[4];

static void *worker(void *arg)
{
	*(pid_t *)arg = (pid_t)syscall(SYS_gettid);
	(void)pthread_setname_np(pthread_self(), "a worker");
	(void)pthread_barrier_wait(&born);
	for (;;)
		(void)pause();
	return NULL;
}

static void make_threads(void)
{
	pthread_t th;

	(void)pthread_barrier_init(&born, NULL, 5);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&th, NULL, worker, &worker_tids[i]))
			_exit(1);
	(void)pthread_barrier_wait(&born);
}

static void count_task(void *ctx, const struct gt_task *task)
{
	unsigned *n = ctx;

	assert_true(task->tid && task->ns_tid);
	n[0]++;
	n[1] += !strcmp(task->comm, "a worker");
}

static void threads_are_listed_and_joined(void **state)
{
	struct child c = spawn(make_threads);
	struct gt_target t = bare(c.pid);
	struct gt_tidmap *m = NULL;
	struct gt_err err;
	unsigned n[2] = { 0 };
	pid_t tids[4];

	(void)state;
	assert_int_equal(gt_target_threads(&t, count_task, n, &err), 0);
	assert_int_equal(n[0], 5);
	assert_int_equal(n[1], 4);
	assert_int_equal(
		gt_target_read(&t, (uint64_t)(uintptr_t)worker_tids, tids, sizeof(tids), &err), 0);
	assert_int_equal(gt_tidmap_new(&m, &t, &err), 0);
	assert_null(gt_tidmap_by_procid(m, (uint32_t)tids[0]));
	assert_int_equal(gt_tidmap_refresh(m, &err), 0);
	for (int i = 0; i < 4; i++) {
		const struct gt_tid *e = gt_tidmap_by_procid(m, (uint32_t)tids[i]);
		assert_non_null(e);
		assert_int_equal(e->tid, tids[i]);
		assert_string_equal(e->comm, "a worker");
		if (gt_pidns_initial())
			assert_ptr_equal(gt_tidmap_get(m, (uint32_t)tids[i]), e);
		else
			assert_null(gt_tidmap_get(m, (uint32_t)tids[i]));
	}
	gt_tidmap_free(m);
	end(&c);
	assert_int_equal(gt_target_threads(&t, count_task, n, &err), GT_GONE);
	bare_close(&t);
}

/* ---- Go --------------------------------------------------------------------------------- */

struct look {
	int rc, code;
	struct gt_err err;
	uint32_t bits;
	uint32_t ns_pid;
	pid_t pid;
	bool text_matches;
	const char *replace; /* unlinked before the look */
	char exe[PATH_MAX], argv0[PATH_MAX];
};

/* Is the code at runtime.casgstatus in memory what the file says? Then the bias is right. */
static bool text_matches(const struct gt_target *t)
{
	struct gt_site s;
	struct gt_err err;
	uint8_t mem[16], file[16];

	if (gt_gobin_site(t->bin, "runtime.casgstatus", &s, &err) ||
	    gt_target_read(t, s.vaddr + t->bias, mem, 16, &err) ||
	    pread(t->imagefd, file, 16, (off_t)s.offset) != 16)
		return false;
	return !memcmp(mem, file, 16) && !memcmp(mem, s.insn, s.insn_len);
}

static int look_at_go(void *ctx, pid_t pid, struct gt_err *err)
{
	struct look *l = ctx;
	struct gt_target *t = NULL;

	(void)err;
	if (l->replace)
		(void)unlink(l->replace);
	l->code = gt_target_open(&t, pid, &l->err);
	if (l->code)
		return GT_EXEC_NOT_GO;
	l->pid = pid;
	l->bits = t->bits;
	l->ns_pid = t->ns_pid;
	l->text_matches = text_matches(t);
	(void)snprintf(l->exe, sizeof(l->exe), "%s", t->exe);
	(void)snprintf(l->argv0, sizeof(l->argv0), "%s", t->argv0);
	gt_target_free(t);
	return GT_EXEC_GO;
}

static int run_go(struct look *l, char *const argv[])
{
	struct gt_launch_ops ops = { look_at_go, NULL, NULL, l };
	struct gt_launch_opts o = { 0 };
	struct gt_launch *launch;
	int st = -1;

	if (gt_launch_start(&launch, argv, &ops, &o, &l->err))
		fail_msg("%s", l->err.msg);
	while (!gt_launch_ended(launch, &st) || gt_launch_seized(launch)) {
		struct pollfd p = { gt_launch_fd(launch), POLLIN, 0 };
		assert_int_equal(gt_launch_step(launch, &l->err), 0);
		if (!gt_launch_ended(launch, NULL))
			(void)poll(&p, 1, 1000);
	}
	gt_launch_free(launch);
	return st;
}

static void a_go_process_is_understood_in_its_exec_stop(void **state)
{
	struct look l = { 0 };
	char *argv[] = { "go", "version", NULL };
	int null = open("/dev/null", O_WRONLY), out = dup(1);

	(void)state;
	if (!*go)
		skip();
	(void)dup2(null, 1);
	int st = run_go(&l, argv);
	(void)dup2(out, 1);
	close(null);
	close(out);
	assert_int_equal(st, 0);
	if (l.code)
		fail_msg("%s", l.err.msg);
	assert_true(l.text_matches);
	assert_int_equal(l.bits, 0);
	assert_string_equal(l.exe, go);
	assert_string_equal(l.argv0, "go");
}

static void a_go_process_in_namespaces_is_understood(void **state)
{
	struct look l = { 0 };
	char cmd[PATH_MAX * 2];
	char *argv[] = { "unshare", "-m", "-p", "-f", "sh", "-c", cmd, NULL };

	(void)state;
	if (!*go || geteuid())
		skip();
	(void)snprintf(cmd, sizeof(cmd), "'%s' version >/dev/null; true", go);
	assert_int_equal(run_go(&l, argv), 0);
	if (!l.pid)
		fail_msg("%s", l.err.msg);
	assert_int_equal(l.bits, GT_TF_MNTNS | GT_TF_PIDNS);
	assert_int_equal(l.ns_pid, 2);
	assert_true(l.text_matches);
}

static void a_replaced_binary_is_still_the_running_one(void **state)
{
	char copy[PATH_MAX], cmd[PATH_MAX * 3];
	struct look l = { .replace = copy };
	char *argv[] = { copy, "version", NULL };
	int null = open("/dev/null", O_WRONLY), out = dup(1);

	(void)state;
	if (!*go)
		skip();
	(void)snprintf(copy, sizeof(copy), "%s/go", dir);
	(void)snprintf(cmd, sizeof(cmd), "cp '%s' '%s'", go, copy);
	assert_int_equal(system(cmd), 0);
	(void)dup2(null, 1);
	(void)run_go(&l, argv);
	(void)dup2(out, 1);
	close(null);
	close(out);
	if (l.code)
		fail_msg("%s", l.err.msg);
	assert_int_equal(l.bits, GT_TF_DELETED);
	assert_true(l.text_matches);
	assert_string_equal(l.exe, copy);
}

/* The go binary itself, behind links and wrappers; from the top of the tree. */
static void find_go(void)
{
	char path[PATH_MAX - 16], bin[PATH_MAX], dirs[3 * PATH_MAX];
	FILE *p = popen("GOTOOLCHAIN=local tests/scripts/go env GOROOT 2>/dev/null", "re");

	if (p && fgets(path, sizeof(path), p)) {
		path[strcspn(path, "\n")] = 0;
		(void)snprintf(bin, sizeof(bin), "%s/bin/go", path);
		(void)setenv("GOROOT", path, 1); /* for the copy that is far from it */
		if (!realpath(bin, go) || access(go, X_OK))
			*go = 0;
		(void)snprintf(dirs, sizeof(dirs), "%s/bin:%.4096s", path, getenv("PATH"));
		(void)setenv("PATH", dirs, 1);
	}
	if (p)
		(void)pclose(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dead_pid_is_gone),
		cmocka_unit_test(a_zombie_is_gone),
		cmocka_unit_test(a_kernel_thread_is_named_as_such),
		cmocka_unit_test(another_program_is_not_go),
		cmocka_unit_test(a_threads_id_is_refused_with_its_process),
		cmocka_unit_test(memory_is_the_childs_not_ours),
		cmocka_unit_test(unmapped_memory_is_an_error_and_never_partial),
		cmocka_unit_test(read_many_marks_each_read),
		cmocka_unit_test(memory_of_a_dead_process_is_gone),
		cmocka_unit_test(memory_after_exec_is_gone_not_another_programs),
		cmocka_unit_test(threads_are_listed_and_joined),
		cmocka_unit_test(a_go_process_is_understood_in_its_exec_stop),
		cmocka_unit_test(a_go_process_in_namespaces_is_understood),
		cmocka_unit_test(a_replaced_binary_is_still_the_running_one),
	};
	char cmd[64];

	find_go();
	(void)setenv("GOTOOLCHAIN", "local", 1);
	if (!mkdtemp(dir))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) || rc;
}
