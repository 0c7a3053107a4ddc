/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the log that are no goroutine's. */
#ifndef GT_SHOW_FACTS_H
#define GT_SHOW_FACTS_H

#include "format/base/json.h"
#include "replay/view/facts.h"
#include "show.h"

/* gt_show_is_fact: has EV a line of its own? */
bool gt_show_is_fact(const struct gt_event *ev);
/* gt_show_fact: that line. STOP is that of an STW; BY the goid of who asked for it, 0 none. */
void gt_show_fact(const struct gt_show *s, struct gt_json *j, const struct gt_event *ev,
		  const struct gt_stop *stop, uint64_t by);

#endif
