/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tools say to people, on stderr: "gtrec: error: cannot open 'x': ... (next step)".
 * Only the mains and record/ use it; libraries fill a struct gt_err instead. Lower case,
 * quoted names, no full stop.
 */
#ifndef GT_LOG_H
#define GT_LOG_H

#include <stdbool.h>

#include "err.h"

/* gt_log_init: NAME is the tool; quiet drops notes, verbose lets debug lines through. */
void gt_log_init(const char *name, bool quiet, int verbose);
void gt_log_error(const char *fmt, ...) GT_PRINTF(1, 2);
void gt_log_warn(const char *fmt, ...) GT_PRINTF(1, 2);
void gt_log_note(const char *fmt, ...) GT_PRINTF(1, 2);
void gt_log_debug(const char *fmt, ...) GT_PRINTF(1, 2);

#endif
