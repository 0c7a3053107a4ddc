/* SPDX-License-Identifier: BSD-2-Clause */
/* gtexport --redact=check: what can be read in a trace in clear text. */
#ifndef GT_REDACT_CHECK_H
#define GT_REDACT_CHECK_H

#include <stdio.h>

#include "replay/view/open.h"

/*
 * gt_redact_check: one line on OUT for each text of the trace behind V: "clear" where --redact
 * would replace it, "kept" where not; what kind; the text. Reads the trace through. RET_CLEAR: how
 * many are "clear".
 */
int gt_redact_check(struct gt_view *v, FILE *out, uint64_t *ret_clear,
		    struct gt_err *err) GT_MUST_CHECK;

#endif
