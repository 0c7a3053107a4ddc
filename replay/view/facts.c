/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts of the runtime as a whole. [src/runtime/proc.go: stwReasonStrings, Go 1.21-1.26] */
#include "facts.h"

const char *gt_name_stw(uint8_t reason)
{
	static const char *const names[] = {
		"unknown",
		"GC mark termination",
		"GC sweep termination",
		"write heap dump",
		"goroutine profile",
		"goroutine profile cleanup",
		"all goroutines stack trace",
		"read mem stats",
		"AllThreadsSyscall",
		"GOMAXPROCS",
		"start trace",
		"stop trace",
		"CountPagesInUse (test)",
		"ReadMetricsSlow (test)",
		"ReadMemStatsSlow (test)",
		"PageCachePagesLeaked (test)",
		"ResetDebugLog (test)",
	};

	return reason < sizeof(names) / sizeof(*names) ? names[reason] : names[0];
}

const char *gt_name_phase(uint8_t phase)
{
	switch (phase) {
	case GT_GC_MARK: return "mark";
	case GT_GC_MARK_TERM: return "mark termination";
	case GT_GC_SWEEP: return "sweep";
	default: return "unknown";
	}
}

bool gt_stops_event(struct gt_stops *s, const struct gt_event *ev, struct gt_stop *ret)
{
	if (ev->kind == GT_EV_STOPPED)
		s->stopped = *ev;
	if (ev->kind != GT_EV_STW || !ev->process)
		return false;
	bool known = s->stopped.kind && s->stopped.process == ev->process &&
		     s->stopped.ts == ev->ts && s->stopped.arg <= ev->arg;
	*ret = (struct gt_stop){ .process = ev->process,
				 .begin_ns = ev->arg < ev->ts ? ev->ts - ev->arg : 0,
				 .stopped_ns = known ? ev->ts - s->stopped.arg : 0,
				 .end_ns = ev->ts,
				 .reason = ev->reason };
	return true;
}
