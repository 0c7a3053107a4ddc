/* SPDX-License-Identifier: BSD-2-Clause */
/* What goroutines waited for, one line a wait: ./example trace.gtr | sort | uniq -c | sort -rn */
#include <gtrace/gtrace.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct gt_source src;
	struct gt_reader *r = NULL;
	struct gt_item it;
	struct gt_err err = { .msg = "usage: example TRACE" };
	int rc;

	if (argc != 2 || gt_source_open(&src, argv[1], &err))
		return fprintf(stderr, "%s\n", err.msg), 1;
	rc = gt_reader_new(&r, &src, NULL, &err) ? -1 : 1;
	while (rc == 1 && (rc = gt_reader_next(r, &it, &err)) == 1) {
		if (it.type == GT_IT_LOSS)
			fprintf(stderr, "events are missing up to %ju\n", (uintmax_t)it.u.loss.t1);
		if (it.type != GT_IT_EVENT || it.u.ev.new != GT_G_WAITING)
			continue;
		const char *why = gt_reader_reason(r, it.u.ev.process, it.u.ev.reason);
		puts(why ? why : "?");
	}
	if (rc)
		fprintf(stderr, "%s\n", err.msg);
	gt_reader_free(r);
	gt_source_close(&src);
	return rc ? 1 : 0;
}
