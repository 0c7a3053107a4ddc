/* SPDX-License-Identifier: BSD-2-Clause */
/* format/base/wholefile: all of a file, or what was there before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#include "format/base/wholefile.h"

static char dir[] = "/tmp/gt-whole-XXXXXX";
static char path[64], gz[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/out", dir);
	(void)snprintf(gz, sizeof(gz), "%s/out.gz", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(gz);
	return rmdir(dir);
}

static int entries(void)
{
	DIR *d = opendir(dir);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n - 2;
}

static void put(const char *to, const char *text)
{
	FILE *f = fopen(to, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void is(const char *at, const char *text)
{
	char buf[64];
	gzFile f = gzopen(at, "rb"); /* reads plain files too */

	assert_non_null(f);
	int n = gzread(f, buf, sizeof(buf));
	(void)gzclose(f);
	assert_int_equal(n, (int)strlen(text));
	assert_memory_equal(buf, text, (size_t)n);
}

static void nothing_is_seen_before_the_commit(void **state)
{
	struct gt_wholefile *f;
	struct stat st;
	(void)state;
	put(path, "old");
	assert_int_equal(gt_wholefile_open(&f, path, NULL), GT_OK);
	assert_int_equal(gt_wholefile_write(f, "new", 3, NULL), GT_OK);
	is(path, "old");
	assert_int_equal(gt_wholefile_commit(f, NULL), GT_OK);
	is(path, "new");
	assert_int_equal(gt_wholefile_bytes(f), 3);
	gt_wholefile_free(f);
	is(path, "new");
	assert_int_equal(entries(), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void without_a_commit_all_is_as_before(void **state)
{
	struct gt_wholefile *f;
	(void)state;
	put(path, "old");
	assert_int_equal(gt_wholefile_open(&f, path, NULL), GT_OK);
	assert_int_equal(gt_wholefile_write(f, "new", 3, NULL), GT_OK);
	gt_wholefile_free(f);
	is(path, "old");
	assert_int_equal(entries(), 1);
	gt_wholefile_free(NULL);
}

static void a_name_in_gz_is_compressed(void **state)
{
	struct gt_wholefile *f;
	struct stat st;
	(void)state;
	(void)unlink(path);
	assert_int_equal(gt_wholefile_open(&f, gz, NULL), GT_OK);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(gt_wholefile_write(f, "a", 1, NULL), GT_OK);
	assert_int_equal(gt_wholefile_bytes(f), 10000);
	assert_int_equal(gt_wholefile_commit(f, NULL), GT_OK);
	gt_wholefile_free(f);
	assert_int_equal(stat(gz, &st), 0);
	assert_true(st.st_size < 1000);
	assert_int_equal(entries(), 1);
}

static void failures_name_the_file(void **state)
{
	struct gt_wholefile *f = NULL;
	struct gt_err err;
	(void)state;
	assert_int_equal(gt_wholefile_open(&f, "/nonexistent/x", &err), GT_IO);
	assert_non_null(strstr(err.msg, "/nonexistent/x"));
	assert_null(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_seen_before_the_commit),
		cmocka_unit_test(without_a_commit_all_is_as_before),
		cmocka_unit_test(a_name_in_gz_is_compressed),
		cmocka_unit_test(failures_name_the_file),
	};
	(void)umask(027);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
