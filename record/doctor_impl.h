/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of `gtrec doctor` share: the report that checks write their lines into. */
#ifndef GT_DOCTOR_IMPL_H
#define GT_DOCTOR_IMPL_H

#include <stdbool.h>

#include "format/base/json.h"
#include "target.h"

enum gt_verdict { GT_DOC_OK, GT_DOC_WARN, GT_DOC_FAIL };

struct gt_doctor {
	struct gt_json json;
	bool as_json;
	int verbose;
	const char *area; /* "host", "target" */
	unsigned warns, fails;
};

/*
 * gt_doctor_say: one line: CHECK is a short stable name, SAYS what was found, MEND what to do
 * about it (NULL where there is nothing to do).
 */
void gt_doctor_say(struct gt_doctor *d, enum gt_verdict v, const char *check, const char *mend,
		   const char *says, ...) GT_PRINTF(5, 6);

void gt_doctor_host(struct gt_doctor *d);
/* gt_doctor_target: WHAT is a pid or a path. */
void gt_doctor_target(struct gt_doctor *d, const char *what);

#endif
