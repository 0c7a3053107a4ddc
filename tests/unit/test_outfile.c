/* SPDX-License-Identifier: BSD-2-Clause */
/* record/outfile: what may be written to, what is left behind, whose it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/outfile.h"

static char dir[] = "/tmp/gt-outfile-XXXXXX";
static const struct gt_user us; /* nobody else */

static const char *at(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned n;

	n = (n + 1) % 4;
	(void)snprintf(path[n], PATH_MAX, "%s/%s", dir, name);
	return path[n];
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void assert_text(const char *path, const char *want)
{
	char buf[256] = "";
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	size_t n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = 0;
	(void)fclose(f);
	assert_string_equal(buf, want);
}

static unsigned entries(void)
{
	DIR *d = opendir(dir);
	unsigned n = 0;
	const struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	(void)closedir(d);
	return n;
}

static int clean(void **state)
{
	char cmd[PATH_MAX + 64];

	(void)state;
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s && mkdir -m 755 %s", dir, dir);
	return system(cmd);
}

static struct gt_outfile *must_open(const char *path)
{
	struct gt_outfile *o = NULL;
	struct gt_err err = { 0 };

	if (gt_outfile_open(&o, path, &us, &err))
		fail_msg("%s", err.msg);
	return o;
}

static void say(struct gt_outfile *o, const char *text)
{
	struct gt_sink s = gt_outfile_sink(o);
	struct gt_err err = { 0 };

	if (s.write(s.ctx, text, strlen(text), &err))
		fail_msg("%s", err.msg);
}

static void must_refuse(const char *path, const char *why)
{
	struct gt_outfile *o = NULL;
	struct gt_err err = { 0 };

	assert_int_not_equal(gt_outfile_open(&o, path, &us, &err), 0);
	assert_null(o);
	if (!strstr(err.msg, why))
		fail_msg("'%s' does not say '%s'", err.msg, why);
}

/* ---- files ------------------------------------------------------------------------------ */

static void a_new_file_is_private_and_whole(void **state)
{
	struct gt_outfile *o;
	struct stat st;

	(void)state;
	mode_t old = umask(0);
	o = must_open(at("t"));
	assert_int_equal(access(at("t"), F_OK), -1); /* not before commit */
	say(o, "abc");
	assert_int_equal(gt_outfile_commit(o, NULL), 0);
	say(o, "def");
	assert_int_equal(gt_outfile_bytes(o), 6);
	assert_int_equal(gt_outfile_close(o, NULL), 0);
	gt_outfile_free(o);
	(void)umask(old);
	assert_text(at("t"), "abcdef");
	assert_int_equal(stat(at("t"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(entries(), 1);
}

static void killed_before_commit_nothing_is_left(void **state)
{
	int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	int status;

	(void)state;
	if (fd < 0) {
		print_message("no nameless files in %s\n", dir);
		skip();
	}
	assert_int_equal(close(fd), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		say(must_open(at("t")), "abc");
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(entries(), 0);
}

static void an_existing_file_becomes_old(void **state)
{
	struct gt_outfile *o;

	(void)state;
	put(at("t"), "second");
	put(at("t.old"), "first");
	o = must_open(at("t"));
	say(o, "third");
	assert_text(at("t"), "second"); /* untouched until commit */
	assert_int_equal(gt_outfile_commit(o, NULL), 0);
	gt_outfile_free(o);
	assert_text(at("t"), "third");
	assert_text(at("t.old"), "second");
	assert_int_equal(entries(), 2);
}

static void a_failed_start_leaves_everything_as_it_was(void **state)
{
	struct gt_outfile *o;

	(void)state;
	put(at("t"), "second");
	put(at("t.old"), "first");
	o = must_open(at("t"));
	say(o, "third");
	gt_outfile_free(o);
	assert_text(at("t"), "second");
	assert_text(at("t.old"), "first");
	assert_int_equal(entries(), 2);
}

static void an_old_that_is_a_symlink_is_replaced_not_followed(void **state)
{
	struct gt_outfile *o;

	(void)state;
	put(at("t"), "mine");
	put(at("victim"), "precious");
	assert_int_equal(symlink(at("victim"), at("t.old")), 0);
	o = must_open(at("t"));
	assert_int_equal(gt_outfile_commit(o, NULL), 0);
	gt_outfile_free(o);
	assert_text(at("victim"), "precious");
	assert_text(at("t.old"), "mine");
}

static void a_symlink_is_refused(void **state)
{
	(void)state;
	put(at("victim"), "precious");
	assert_int_equal(symlink(at("victim"), at("t")), 0);
	must_refuse(at("t"), "symbolic link");
	assert_int_equal(unlink(at("t")), 0);
	assert_int_equal(symlink(at("nowhere"), at("t")), 0);
	must_refuse(at("t"), "symbolic link");
	assert_text(at("victim"), "precious");
	assert_int_equal(entries(), 2);
}

static void a_symlink_that_appears_before_commit_is_refused(void **state)
{
	struct gt_outfile *o;
	struct gt_err err = { 0 };

	(void)state;
	o = must_open(at("t"));
	put(at("victim"), "precious");
	assert_int_equal(symlink(at("victim"), at("t")), 0);
	say(o, "trace");
	assert_int_not_equal(gt_outfile_commit(o, &err), 0);
	gt_outfile_free(o);
	assert_text(at("victim"), "precious");
	assert_int_equal(entries(), 2);
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	must_refuse(dir, "directory");
	must_refuse(at(""), "directory");
	must_refuse(at("no/such/t"), "No such file");
	must_refuse("", "directory");
}

static void an_old_directory_fails_without_harm(void **state)
{
	struct gt_outfile *o;
	struct gt_err err = { 0 };

	(void)state;
	put(at("t"), "mine");
	assert_int_equal(mkdir(at("t.old"), 0755), 0);
	o = must_open(at("t"));
	assert_int_equal(gt_outfile_commit(o, &err), GT_IO);
	gt_outfile_free(o);
	assert_text(at("t"), "mine");
	assert_int_equal(entries(), 2);
}

static void the_file_follows_its_directory(void **state)
{
	struct gt_outfile *o;

	(void)state;
	assert_int_equal(mkdir(at("a"), 0755), 0);
	o = must_open(at("a/t"));
	assert_int_equal(rename(at("a"), at("b")), 0);
	say(o, "x");
	assert_int_equal(gt_outfile_commit(o, NULL), 0);
	gt_outfile_free(o);
	assert_text(at("b/t"), "x");
}

/* ---- not files -------------------------------------------------------------------------- */

static void dev_null_is_taken_as_it_is(void **state)
{
	struct gt_outfile *o = must_open("/dev/null");
	struct stat st;

	(void)state;
	say(o, "x");
	assert_int_equal(gt_outfile_commit(o, NULL), 0);
	assert_false(gt_outfile_is_regular(o));
	gt_outfile_free(o);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void *read_fifo(void *buf)
{
	int fd = open(at("fifo"), O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, buf, 5) != 5)
		return NULL;
	close(fd);
	return buf;
}

static void a_fifo_is_written_to_and_its_readers_end_is_told(void **state)
{
	char buf[8] = "";
	pthread_t th;
	void *got;

	(void)state;
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(pthread_create(&th, NULL, read_fifo, buf), 0);
	struct gt_outfile *o = must_open(at("fifo"));
	say(o, "hello");
	assert_int_equal(pthread_join(th, &got), 0);
	assert_ptr_equal(got, buf);
	assert_string_equal(buf, "hello");
	struct gt_sink s = gt_outfile_sink(o);
	struct gt_err err = { 0 };
	assert_int_equal(s.write(s.ctx, "x", 1, &err), GT_IO);
	assert_int_equal(err.os_errno, EPIPE);
	assert_non_null(strstr(err.msg, "the reader has gone"));
	gt_outfile_free(o);
	assert_int_equal(entries(), 1);
}

static void a_descriptor_path_means_that_descriptor(void **state)
{
	int fds[2];
	char name[32], buf[8] = "";

	(void)state;
	assert_int_equal(pipe(fds), 0);
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", fds[1]);
	struct gt_outfile *o = must_open(name);
	say(o, "abc");
	gt_outfile_free(o);
	assert_int_equal(read(fds[0], buf, 8), 3);
	assert_int_not_equal(fcntl(fds[1], F_GETFD), -1); /* ours was a copy */
	close(fds[0]);
	close(fds[1]);
}

static void a_terminal_is_refused(void **state)
{
	int pt = posix_openpt(O_RDWR | O_NOCTTY);
	char name[64];

	(void)state;
	if (pt < 0 || grantpt(pt) || unlockpt(pt) || ptsname_r(pt, name, sizeof(name)))
		skip();
	must_refuse(name, "terminal");
	int tty = open(name, O_RDWR | O_NOCTTY);
	assert_true(tty >= 0);
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", tty);
	must_refuse(name, "terminal");
	close(tty);
	close(pt);
}

/* ---- no room ---------------------------------------------------------------------------- */

static void a_write_without_room_leaves_whole_blocks(void **state)
{
	struct rlimit old, small;
	struct gt_outfile *o = must_open(at("t"));
	struct gt_sink s = gt_outfile_sink(o);
	struct gt_err err = { 0 };
	char block[4096];
	struct stat st;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	memset(block, 'x', sizeof(block));
	assert_int_equal(gt_outfile_commit(o, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 10000; /* two blocks and a half */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(s.write(s.ctx, block, sizeof(block), &err), 0);
	assert_int_equal(s.write(s.ctx, block, sizeof(block), &err), 0);
	int rc = s.write(s.ctx, block, sizeof(block), &err);
	int e = err.os_errno;
	int later = s.write(s.ctx, block, 100, &err);
	(void)setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rc, GT_IO);
	assert_int_equal(e, EFBIG);
	assert_int_equal(later, 0); /* a small END block still fits */
	assert_int_equal(gt_outfile_close(o, NULL), 0);
	gt_outfile_free(o);
	assert_int_equal(stat(at("t"), &st), 0);
	assert_int_equal(st.st_size, 2 * 4096 + 100);
}

static void dev_full_says_so(void **state)
{
	struct gt_outfile *o = must_open("/dev/full");
	struct gt_sink s = gt_outfile_sink(o);
	struct gt_err err = { 0 };

	(void)state;
	assert_int_equal(s.write(s.ctx, "x", 1, &err), GT_IO);
	assert_int_equal(err.os_errno, ENOSPC);
	assert_non_null(strstr(err.msg, "/dev/full"));
	gt_outfile_free(o);
}

/* ---- whose it is ------------------------------------------------------------------------ */

static void files_belong_to_the_invoking_user(void **state)
{
	struct gt_user nobody = { .uid = 65534, .gid = 65534, .name = "nobody", .other = true };
	struct gt_outfile *o = NULL;
	struct gt_err err = { 0 };
	struct stat st;

	(void)state;
	if (geteuid())
		skip();
	/* A directory of root's: nobody may not, although we are root. */
	assert_int_equal(gt_outfile_open(&o, at("t"), &nobody, &err), GT_DENIED);
	assert_non_null(strstr(err.msg, "as user 'nobody'"));
	assert_int_equal(chmod(dir, 0777), 0);
	if (gt_outfile_open(&o, at("t"), &nobody, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(gt_outfile_commit(o, &err), 0);
	gt_outfile_free(o);
	assert_int_equal(stat(at("t"), &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65534);
	/* and we are root again */
	put(at("r"), "x");
	assert_int_equal(stat(at("r"), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 0);
}

static void an_uncommitted_file_is_removed_after_the_drop_too(void **state)
{
	struct gt_user nobody = { .uid = 65534, .gid = 65534, .name = "nobody", .other = true };
	int st;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(chmod(dir, 0777), 0);
	pid_t pid = fork();
	if (!pid) {
		struct gt_outfile *o = NULL;
		if (gt_outfile_open(&o, at("t"), &nobody, NULL) ||
		    gt_priv_drop(&nobody, 0, NULL, 0, NULL) || geteuid() != 65534)
			_exit(1);
		gt_outfile_free(o);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	assert_int_equal(entries(), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup(f, clean)
		T(a_new_file_is_private_and_whole),
		T(killed_before_commit_nothing_is_left),
		T(an_existing_file_becomes_old),
		T(a_failed_start_leaves_everything_as_it_was),
		T(an_old_that_is_a_symlink_is_replaced_not_followed),
		T(a_symlink_is_refused),
		T(a_symlink_that_appears_before_commit_is_refused),
		T(what_is_no_file_is_refused),
		T(an_old_directory_fails_without_harm),
		T(the_file_follows_its_directory),
		T(dev_null_is_taken_as_it_is),
		T(a_fifo_is_written_to_and_its_readers_end_is_told),
		T(a_descriptor_path_means_that_descriptor),
		T(a_terminal_is_refused),
		T(a_write_without_room_leaves_whole_blocks),
		T(dev_full_says_so),
		T(files_belong_to_the_invoking_user),
		T(an_uncommitted_file_is_removed_after_the_drop_too),
	};
	char cmd[PATH_MAX];

	(void)signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) || rc;
}
