/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping a stream. */
#include "spool.h"

#include <string.h>

int gt_spool_stdin(struct gt_spool *s, const char **path, struct gt_err *err)
{
	char part[1 << 16];
	size_t n;

	if (!*path || strcmp(*path, "-"))
		return GT_OK;
	s->f = tmpfile();
	if (!s->f)
		return gt_fail_errno(err, GT_IO, "cannot keep the stream in a temporary file");
	while ((n = fread(part, 1, sizeof(part), stdin)) > 0)
		if (fwrite(part, 1, n, s->f) != n)
			break;
	if (ferror(stdin) || fflush(s->f) || ferror(s->f))
		return gt_fail_errno(err, GT_IO, "cannot keep the stream in a temporary file");
	(void)snprintf(s->name, sizeof(s->name), "/proc/self/fd/%d", fileno(s->f));
	*path = s->name;
	return GT_OK;
}

void gt_spool_close(struct gt_spool *s)
{
	if (s->f)
		(void)fclose(s->f);
	s->f = NULL;
}
