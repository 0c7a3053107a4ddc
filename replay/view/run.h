/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one loop over a trace: feeds its items to an engine and tells the caller what happened
 * within the asked span. It goes to --from by keyframe, so that a look at the end of a long
 * trace is quick, and the states are the same as after a replay from the start.
 */
#ifndef GT_VIEW_RUN_H
#define GT_VIEW_RUN_H

#include "open.h"
#include "replay/engine/engine.h"
#include "replay/engine/kthread.h"

/*
 * What the caller wants to hear; any may be NULL. CTX is passed on. What a callback is given
 * lives until it returns. A callback that returns anything but GT_OK ends the run with that.
 */
struct gt_run_ops {
	/* Once, when the engine holds the state as of FROM_NS: the later of --from and the trace's
	 * first item. Goroutines that are alive then: gt_engine_next. */
	int (*begin)(void *ctx, uint64_t from_ns, struct gt_err *err);
	/* One change of state with from_ns <= ts <= to_ns; since_ns may lie before from_ns. */
	int (*step)(void *ctx, const struct gt_step *s, struct gt_err *err);
	/* As step, of a thread: where the kernel's view was recorded. */
	int (*kstep)(void *ctx, const struct gt_kstep *s, struct gt_err *err);
	/* Each event, before its steps (so also what changes no state: STW, RUNQ, ...). */
	int (*event)(void *ctx, const struct gt_event *ev, struct gt_err *err);
	int (*loss)(void *ctx, const struct gt_loss *l, struct gt_err *err);
	int (*note)(void *ctx, const struct gt_note *n, struct gt_err *err);
	int (*stats)(void *ctx, const struct gt_stats *s, struct gt_err *err);
	int (*process)(void *ctx, const struct gt_process *p, struct gt_err *err);
	int (*thread)(void *ctx, const struct gt_thread *t, struct gt_err *err);
	/* A directory row, new or mended; told for all rows, also those before --from. */
	int (*goroutine)(void *ctx, const struct gt_goroutine *g, struct gt_err *err);
	/* Before each wait for more of a growing trace: flush what was written. */
	int (*wait)(void *ctx, struct gt_err *err);
	/* Once, at the end of the span: END_NS is the smaller of --to and the time of the last
	 * event (or END block). END is NULL where the file has none within the span. */
	int (*end)(void *ctx, uint64_t end_ns, const struct gt_end *end, struct gt_err *err);
};

struct gt_run {
	struct gt_view *view;
	struct gt_engine *engine; /* owned; gt_run_open makes it */
	struct gt_kthreads kthreads;
	const struct gt_run_ops *ops;
	void *ctx;
	uint64_t now_ns;	 /* time of the last event fed */
	uint64_t end_ns;	 /* once .ended: of the trace's end, or --to */
	uint64_t n_events;	 /* events within the span */
	uint64_t first_ns;	 /* first event within the span; 0 none yet */
	uint32_t told_processes; /* up to this number */
	bool begun, ended, follow;
	struct gt_item held; /* read, but later than asked for */
	bool has_held, have_end;
	struct gt_end end;  /* the END block, where it was met */
	int rc;		    /* what a step callback wants the run to end with */
	struct gt_err *err; /* of the call under way */
};

/* gt_run_open: V must outlive R, which must not move; close it also after failure. */
int gt_run_open(struct gt_run *r, struct gt_view *v, const struct gt_run_ops *ops, void *ctx,
		struct gt_err *err) GT_MUST_CHECK;
void gt_run_close(struct gt_run *r);

/*
 * gt_run_all: the whole span. With --follow it waits for more at the end of a growing file,
 * until END, or a callback ends it. gt_run_until: feed what lies up to T (inclusive) and stop;
 * may be called again with a later T; *ret_more is false once the span has ended.
 */
int gt_run_all(struct gt_run *r, struct gt_err *err) GT_MUST_CHECK;
int gt_run_until(struct gt_run *r, uint64_t t, bool *ret_more, struct gt_err *err) GT_MUST_CHECK;

#endif
