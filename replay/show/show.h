/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What gtreplay shows: the log, all goroutines at one time, one life, the audit, the state
 * table. One file each; all print on OUT and tell errors in ERR.
 */
#ifndef GT_SHOW_H
#define GT_SHOW_H

#include <stdio.h>

#include "format/base/json.h"
#include "replay/view/names.h"
#include "replay/view/open.h"
#include "replay/view/run.h"

struct gt_show_opts {
	struct gt_view_opts view;
	struct gt_when at;  /* --at */
	const char *states; /* --states=dot|md */
	bool verify, system;
};

struct gt_show {
	const struct gt_show_opts *o;
	struct gt_view *view;
	FILE *out;
	bool colour; /* OUT is a terminal, and its user wants colour */
	bool many;   /* the trace has several processes: say which */
};

/* gt_show_log: the event log, as text or one JSON object a line. */
int gt_show_log(struct gt_show *s, struct gt_err *err) GT_MUST_CHECK;
/* gt_show_at: every goroutine at --at, in the layout of Go's own traceback. */
int gt_show_at(struct gt_show *s, struct gt_err *err) GT_MUST_CHECK;
/* gt_show_life: the lives of the goroutines that -g names. */
int gt_show_life(struct gt_show *s, struct gt_err *err) GT_MUST_CHECK;
/* gt_show_verify: the audit; wants a view opened with .keyframes. *ret_status is GT_EXIT_FOUND for
 * an impossible history; damage of the container is gt_view_finish's. */
int gt_show_verify(struct gt_show *s, int *ret_status, struct gt_err *err) GT_MUST_CHECK;
/* gt_show_states: the state table, FORMAT is "dot" or "md". */
int gt_show_states(const char *format, FILE *out, struct gt_err *err) GT_MUST_CHECK;

/* ---- what the kernel says of threads (kernel.c): one line, or one JSON object --------------- */

/* gt_show_kstep: a change of a thread, on which G is; NULL: none. */
void gt_show_kstep(struct gt_show *s, const struct gt_kstep *k, const struct gt_goroutine *g);
void gt_show_kstep_json(struct gt_show *s, struct gt_json *j, const struct gt_kstep *k,
			const struct gt_goroutine *g);
/* gt_show_fault: a major page fault; IN: pc id of what G had called, 0 none. */
void gt_show_fault(struct gt_show *s, const struct gt_event *ev, const struct gt_goroutine *g,
		   uint32_t in);
void gt_show_fault_json(struct gt_show *s, struct gt_json *j, const struct gt_event *ev,
			const struct gt_goroutine *g, uint32_t in);

/* ---- shared by the above (text.c) ------------------------------------------------------ */

enum gt_ink { GT_INK_NONE, GT_INK_DIM, GT_INK_GOOD, GT_INK_WARN, GT_INK_BAD };

/* gt_show_ink: the escape sequence for what follows; "" without colour. */
const char *gt_show_ink(const struct gt_show *s, enum gt_ink ink);
enum gt_ink gt_show_state_ink(enum gt_gstate state);
/* gt_show_who: "18 main.worker", "4711:18 main.worker" with several processes. */
const char *gt_show_who(const struct gt_show *s, const struct gt_goroutine *g,
			char buf[GT_NAME_MAX]);
/* gt_show_json_head: an object begins, with what each line of the log has; more may follow. */
void gt_show_json_head(const struct gt_show *s, struct gt_json *j, uint64_t ts, uint16_t cpu,
		       uint32_t process, uint32_t tid);
/* gt_show_stack: STACK's frames as Go's traceback has them, INDENT before each; the runtime's inner
 * functions only with ALL. gt_show_pc: those of one pc. */
void gt_show_stack(const struct gt_show *s, uint32_t stack, const char *indent, bool all);
void gt_show_pc(const struct gt_show *s, uint32_t pc, const char *indent, bool all);
/* gt_show_loss: "LOST 120 events on cpu 3 in 3.00ms (ring full)". */
void gt_show_loss(const struct gt_show *s, const struct gt_loss *l);
/* gt_show_goid: goid of the goroutine GID while it is known to E; 0 else. */
uint64_t gt_show_goid(const struct gt_engine *e, uint64_t gid);
/* gt_show_written: GT_OK, or GT_IO when OUT could not be written. */
int gt_show_written(const struct gt_show *s, struct gt_err *err) GT_MUST_CHECK;

#endif
