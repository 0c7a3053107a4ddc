/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace file as it is written: mode 0600, owned by the invoking user, never through a
 * symlink, in whole blocks. Until gt_outfile_commit nothing under the user's name changes: the
 * bytes go to a hidden file beside it, and a start that fails leaves everything as it was.
 *
 * SIGPIPE and SIGXFSZ must be blocked or ignored by the caller.
 */
#ifndef GT_OUTFILE_H
#define GT_OUTFILE_H

#include <stdint.h>

#include "format/gtrace.h"
#include "priv.h"

struct gt_outfile;

/*
 * gt_outfile_open: PATH as given by -o: a file to be; an existing regular file (becomes PATH.old at
 * commit); a fifo or character device (opened as it is; a fifo waits for its reader: call
 * this before signals are blocked); "-" or /dev/stdout, /dev/fd/N: that descriptor. Refuses
 * symlinks, terminals, directories, block devices. OWNER: whose file (gt_user_invoker); files are
 * touched with that user's rights only. GT_IO, GT_DENIED, GT_USAGE.
 */
int gt_outfile_open(struct gt_outfile **out, const char *path, const struct gt_user *owner,
		    struct gt_err *err) GT_MUST_CHECK;

/*
 * gt_outfile_sink: the sink for gt_writer_new; lives as long as O. A write is done in full or
 * not at all: on ENOSPC, EDQUOT, EFBIG a regular file is cut back to its last whole block (GT_IO,
 * os_errno says which), and a later, smaller write may succeed. EPIPE: GT_IO, "the reader has
 * gone".
 */
struct gt_sink gt_outfile_sink(struct gt_outfile *o);
uint64_t gt_outfile_bytes(const struct gt_outfile *o); /* written in whole blocks so far */
bool gt_outfile_is_regular(const struct gt_outfile *o);

/* gt_outfile_commit: the trace has begun: PATH -> PATH.old, our file -> PATH. Once. */
int gt_outfile_commit(struct gt_outfile *o, struct gt_err *err) GT_MUST_CHECK;
/* gt_outfile_close: all data handed to the kernel, late errors (NFS, quota) told. */
int gt_outfile_close(struct gt_outfile *o, struct gt_err *err) GT_MUST_CHECK;
/* gt_outfile_free: closes; what was not committed is removed without a trace. NULL is fine. */
void gt_outfile_free(struct gt_outfile *o);

#endif
