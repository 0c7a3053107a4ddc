/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output files that appear whole or not at all: written under another name in the same
 * folder, made durable and renamed at the end, unlinked on any other way out. "-" is stdout,
 * which passes through. A name that ends in .gz or .zst is compressed so.
 */
#ifndef GT_WHOLEFILE_H
#define GT_WHOLEFILE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct gt_wholefile;

/* gt_wholefile_open: nothing exists under PATH until the commit. Mode 0666 less the umask. */
int gt_wholefile_open(struct gt_wholefile **out, const char *path,
		      struct gt_err *err) GT_MUST_CHECK;
/* gt_wholefile_write: all N bytes, or GT_IO. */
int gt_wholefile_write(struct gt_wholefile *f, const void *p, size_t n,
		       struct gt_err *err) GT_MUST_CHECK;
/* gt_wholefile_commit: flush, fsync, rename onto PATH; after it only free. */
int gt_wholefile_commit(struct gt_wholefile *f, struct gt_err *err) GT_MUST_CHECK;
/* gt_wholefile_free: without a commit the file is removed. NULL is fine. */
void gt_wholefile_free(struct gt_wholefile *f);
/* gt_wholefile_bytes: written by the caller so far, before compression. */
uint64_t gt_wholefile_bytes(const struct gt_wholefile *f);

#endif
