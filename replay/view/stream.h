/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream that is to be read from any place, or twice: kept in an unlinked file. */
#ifndef GT_VIEW_STREAM_H
#define GT_VIEW_STREAM_H

#include "format/gtrace.h"

#define GT_STREAM_NAME 32

/*
 * gt_stream_copy: read SRC to its end into an unlinked file, and give its descriptor, the
 * caller's, and the NAME under which it can be opened until that is closed. GT_IO.
 */
int gt_stream_copy(struct gt_source *src, int *ret_fd, char name[GT_STREAM_NAME],
		   struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_stream_keep: read SRC to its end and make it a source that can seek, of the same bytes;
 * nothing where it can. On failure SRC is as far as it was read. GT_IO.
 */
int gt_stream_keep(struct gt_source *src, struct gt_err *err) GT_MUST_CHECK;

#endif
