/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping a stream. */
#include "spool.h"

#include <string.h>
#include <unistd.h>

int gt_spool_stdin(struct gt_spool *s, const char **path, struct gt_err *err)
{
	struct gt_source in;
	int rc;

	if (!*path || strcmp(*path, "-"))
		return GT_OK;
	rc = gt_source_open(&in, "-", err);
	if (rc)
		return rc;
	rc = gt_stream_copy(&in, &s->fd, s->name, err);
	gt_source_close(&in);
	s->kept = !rc;
	if (!rc)
		*path = s->name;
	return rc;
}

void gt_spool_close(struct gt_spool *s)
{
	if (s->kept)
		(void)close(s->fd);
	s->kept = false;
}
