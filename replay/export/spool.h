/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream that is to be read twice: kept in an unlinked file. */
#ifndef GT_SPOOL_H
#define GT_SPOOL_H

#include "replay/view/stream.h"

struct gt_spool {
	bool kept;
	int fd; /* owned where something was kept */
	char name[GT_STREAM_NAME];
};

/*
 * gt_spool_stdin: where *PATH is "-", keep what stdin holds and make *PATH the name under which
 * it can be opened until gt_spool_close; else nothing.
 */
int gt_spool_stdin(struct gt_spool *s, const char **path, struct gt_err *err) GT_MUST_CHECK;
void gt_spool_close(struct gt_spool *s);

#endif
