/* SPDX-License-Identifier: BSD-2-Clause */
/* One question answered from one trace: what gtstat's main calls. */
#ifndef GT_STAT_RUN_H
#define GT_STAT_RUN_H

#include "ask.h"

/* gt_stat_questions: NULL-terminated; the first is the default. */
extern const struct gt_question *const gt_stat_questions[];
/* gt_stat_question: by name, NULL if there is none. */
const struct gt_question *gt_stat_question(const char *name);

/*
 * gt_stat_run: answer Q from the trace PATH (NULL: trace.gtr) on OUT. The exit status; what
 * went wrong has been said on stderr.
 */
int gt_stat_run(const struct gt_question *q, const char *path, const struct gt_ask_opts *o,
		FILE *out);

#endif
