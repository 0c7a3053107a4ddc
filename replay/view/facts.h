/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts of the runtime as a whole: the words for them, and which stop a STOPPED event is of. */
#ifndef GT_VIEW_FACTS_H
#define GT_VIEW_FACTS_H

#include "format/model.h"

/* gt_name_stw: the runtime's own words for why the world was stopped; never "". */
const char *gt_name_stw(uint8_t reason);
/* gt_name_phase: "mark", "mark termination", "sweep"; never "". */
const char *gt_name_phase(uint8_t phase);

/* One stop of the world. Times are of the trace's clock. */
struct gt_stop {
	uint32_t process;
	uint64_t begin_ns;   /* when it was asked for; end_ns where that is not known */
	uint64_t stopped_ns; /* when all stood still; 0 not known */
	uint64_t end_ns;
	uint8_t reason; /* enum gt_stw */
};

struct gt_stops {
	struct gt_event stopped; /* waits for its STW */
};

/* gt_stops_event: true, and RET filled, where EV ends a stop. S is zero at first. */
bool gt_stops_event(struct gt_stops *s, const struct gt_event *ev, struct gt_stop *ret);

#endif
