/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Go binaries that tests/scripts/go-fixtures builds, for the tests of record/golang. They lie
 * below $GT_GO_FIXTURES, else build/fixtures, one folder a version; tests skip without them.
 */
#ifndef GT_GOBIN_FIXTURE_H
#define GT_GOBIN_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "record/golang/golang.h"

#define LEN(a)	     (sizeof(a) / sizeof(*(a)))
#define MAX_FIXTURES 400

struct fixture {
	char path[512];	  /* DIR/go1.24.11/arm64-stripped */
	char version[32]; /* go1.24.11 */
	char kind[64];	  /* arm64-stripped */
	int minor;
};

static struct fixture fixtures[MAX_FIXTURES];
static size_t n_fixtures;

static inline bool is_kind(const struct fixture *f, const char *word)
{
	return strstr(f->kind, word) != NULL;
}

static inline void find_in(const char *dir, const char *version)
{
	char path[400];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%.300s/%.31s", dir, version);
	d = opendir(path);
	while (d && (e = readdir(d)) && n_fixtures < MAX_FIXTURES) {
		struct fixture *f = &fixtures[n_fixtures];

		if (strchr(e->d_name, '.'))
			continue; /* the truths have suffixes */
		snprintf(f->path, sizeof(f->path), "%s/%.63s", path, e->d_name);
		snprintf(f->version, sizeof(f->version), "%.31s", version);
		snprintf(f->kind, sizeof(f->kind), "%.63s", e->d_name);
		f->minor = (int)strtol(version + 4, NULL, 10);
		n_fixtures++;
	}
	if (d)
		closedir(d);
}

static inline int find_fixtures(void **state)
{
	const char *dir = getenv("GT_GO_FIXTURES");
	struct dirent *e;
	DIR *d = opendir(dir = dir ? dir : "build/fixtures");

	(void)state;
	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, "go1.", 4))
			find_in(dir, e->d_name);
	if (d)
		closedir(d);
	return 0;
}

/* The fixture VERSION_PREFIX/KIND ("go1.26"), any version for NULL; NULL when missing. */
static inline const struct fixture *fixture(const char *version, const char *kind)
{
	for (size_t i = 0; i < n_fixtures; i++)
		if ((!version || !strncmp(fixtures[i].version, version, strlen(version))) &&
		    !strcmp(fixtures[i].kind, kind))
			return &fixtures[i];
	return NULL;
}

static inline struct gt_gobin *open_path(const char *path)
{
	struct gt_gobin *b = NULL;
	struct gt_err err = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	if (gt_gobin_open(&b, fd, path, &err) != GT_OK)
		fail_msg("%s: %s", path, err.msg);
	close(fd); /* stays the caller's: the gobin must not need it */
	return b;
}

/* A file's bytes, to be changed; freed by the caller. */
static inline uint8_t *load_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p;
	long size;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	rewind(f);
	p = malloc((size_t)size);
	assert_non_null(p);
	assert_int_equal(fread(p, 1, (size_t)size, f), size);
	fclose(f);
	*n = (size_t)size;
	return p;
}

/* gt_gobin_open on N bytes. */
static inline int open_bytes(const uint8_t *p, size_t n, struct gt_gobin **ret, struct gt_err *err)
{
	int fd = memfd_create("gobin", MFD_CLOEXEC), rc;

	assert_true(fd >= 0);
	for (size_t done = 0; done < n;) {
		ssize_t w = write(fd, p + done, n - done);

		assert_true(w > 0);
		done += (size_t)w;
	}
	rc = gt_gobin_open(ret, fd, "bytes", err);
	close(fd);
	return rc;
}

static inline struct gt_gobin *must_open_bytes(const uint8_t *p, size_t n)
{
	struct gt_gobin *b = NULL;
	struct gt_err err = { 0 };

	if (open_bytes(p, n, &b, &err) != GT_OK)
		fail_msg("%s", err.msg);
	return b;
}

/* As sstrip does: no section headers. */
static inline void drop_sections(uint8_t *elf)
{
	memset(elf + 0x28, 0, 8); /* e_shoff */
	memset(elf + 0x3c, 0, 4); /* e_shnum, e_shstrndx */
}

/* Every place of the N_OLD bytes OLD becomes NEW; how many there were. */
static inline unsigned replace(uint8_t *p, size_t n, const void *old, const void *new, size_t len)
{
	unsigned count = 0;
	uint8_t *at = p;

	while ((at = memmem(at, n - (size_t)(at - p), old, len))) {
		memcpy(at, new, len);
		at += len;
		count++;
	}
	return count;
}

/* What a fixture's symbol table or DWARF data say, NULL where it is stripped. */
static inline FILE *open_truth(const struct fixture *f, const char *suffix)
{
	char path[600];

	snprintf(path, sizeof(path), "%.511s.%.31s", f->path, suffix);
	return fopen(path, "r");
}

static inline void need_fixtures(void)
{
	if (!n_fixtures) {
		print_message("no Go fixtures: run tests/scripts/go-fixtures build/fixtures\n");
		skip();
	}
}

#endif
