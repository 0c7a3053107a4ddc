/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How goroutines, places and stacks are written for people and for JSON. Strings of a trace
 * are hostile: what goes to a terminal passes gt_names_safe (control characters become '?');
 * the JSON writer escapes by itself.
 */
#ifndef GT_VIEW_NAMES_H
#define GT_VIEW_NAMES_H

#include <stdio.h>

#include "format/gtrace.h"
#include "replay/engine/engine.h"

#define GT_NAME_MAX 512 /* bytes of the buffers below */

/* gt_name_func: the function of PC as the program's source has it (innermost, with inlined
 * calls); "" where not known. Borrowed from the reader. */
const char *gt_name_func(const struct gt_reader *r, uint32_t pc);
/* gt_name_entry: entry function of G ("main.worker", also main.main.func1 and gowrap1 as they
 * are); "" where not known. Borrowed. */
const char *gt_name_entry(const struct gt_reader *r, const struct gt_goroutine *g);
/* gt_name_place: "function file:line" of PC in BUF; "" where not known. Raw bytes. */
const char *gt_name_place(const struct gt_reader *r, uint32_t pc, char buf[GT_NAME_MAX]);
/* gt_name_frame: the same of one frame. */
const char *gt_name_frame(const struct gt_frame *f, char buf[GT_NAME_MAX]);
/* gt_name_site: gt_name_place of the go statement that made G; "" for the main goroutine. */
const char *gt_name_site(const struct gt_reader *r, const struct gt_goroutine *g,
			 char buf[GT_NAME_MAX]);
/* gt_name_reason: the runtime's words for a wait ("chan receive"); "" where STATE is no wait or
 * the number is not known to the trace. Borrowed. */
const char *gt_name_reason(const struct gt_reader *r, uint32_t process, enum gt_gstate state,
			   uint8_t reason);
/* gt_name_wake: who or what woke a goroutine that no other goroutine woke: "timer",
 * "netpoll", "preempted", ...; "" where nothing is to be said. */
const char *gt_name_wake(enum gt_ra_class cls);
/* gt_name_cause: why events were lost (enum gt_loss_cause): "ring full", "throttled", ... */
const char *gt_name_cause(uint32_t cause);
/* gt_name_end: how P ended ("exited with status 2"), in BUF; "" where it did not. */
const char *gt_name_end(const struct gt_process *p, char buf[GT_NAME_MAX]);
/* gt_name_leaf: file name without its directories. */
const char *gt_name_leaf(const char *path);

/* gt_names_safe: S fit for a terminal, in BUF, cut to its size at a whole character. */
const char *gt_names_safe(const char *s, char buf[GT_NAME_MAX]);

/*
 * gt_name_is_inside: a frame of FUNC is not shown in a goroutine of the program's own: as in Go's
 * tracebacks, where the runtime's functions are left out that are no part of its interface
 * (runtime.gopark; but runtime.Gosched is shown) [src/runtime/traceback.go:showframe].
 */
bool gt_name_is_inside(const char *func);
/* gt_name_is_idle: REASON is the runtime's own idling (GC worker (idle), finalizer wait, ...),
 * not being blocked [src/runtime/runtime2.go, Go 1.17-1.26]. */
bool gt_name_is_idle(const char *reason);

#endif
