/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the ids of the trace that is read to those of the one that is written: processes, pcs and
 * stacks move over when something first refers to them, with their names, or other ones.
 */
#ifndef GT_COPY_IDS_H
#define GT_COPY_IDS_H

#include "format/base/u64map.h"
#include "format/gtrace.h"

struct gt_ids {
	const struct gt_reader *r;
	struct gt_writer *w;
	struct gt_redact *redact; /* NULL: names stay */
	bool no_stacks;
	uint32_t processes; /* written so far */
	struct gt_u64map process, pc, stack;
};

void gt_ids_free(struct gt_ids *x);
/* gt_ids_process: the number of PROCESS in the copy; writes its row when that is the first use. */
int gt_ids_process(struct gt_ids *x, uint32_t process, uint32_t *ret,
		   struct gt_err *err) GT_MUST_CHECK;
/* gt_ids_process_row: write its row again if it was written, as it was mended. */
int gt_ids_process_row(struct gt_ids *x, const struct gt_process *p,
		       struct gt_err *err) GT_MUST_CHECK;
int gt_ids_thread(struct gt_ids *x, const struct gt_thread *t, struct gt_err *err) GT_MUST_CHECK;
/* These replace the ids in what they are given. */
int gt_ids_event(struct gt_ids *x, struct gt_event *ev, struct gt_err *err) GT_MUST_CHECK;
int gt_ids_goroutine(struct gt_ids *x, struct gt_goroutine *g, struct gt_err *err) GT_MUST_CHECK;
int gt_ids_key(struct gt_ids *x, struct gt_key *k, struct gt_err *err) GT_MUST_CHECK;

#endif
