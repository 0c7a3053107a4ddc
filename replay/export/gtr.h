/* SPDX-License-Identifier: BSD-2-Clause */
/* gtexport -f gtr: a trace from a trace: repaired, cut, compressed anew. */
#ifndef GT_GTR_H
#define GT_GTR_H

#include "run.h"

/* gt_gtr_wanted: the options ask for a trace. */
bool gt_gtr_wanted(const struct gt_export_opts *o);
/* gt_gtr_run: as gt_export_run. */
int gt_gtr_run(const char *path, const struct gt_export_opts *o);

#endif
