/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The goroutine state machine: events in, state changes out. It is pure: no clock, no files,
 * no globals; the same items give the same states and the same steps. gtrec drives it while
 * recording (keyframes, snapshots), the readers while replaying, so there is one state table.
 *
 * The rules R1-R19 are the table in states.c; what they had to mend is counted by rule.
 */
#ifndef GT_ENGINE_H
#define GT_ENGINE_H

#include <stddef.h>

#include "format/base/err.h"
#include "format/model.h"

/* What a goroutine is doing. Values stand in keyframes: append, never renumber. */
enum gt_gstate {
	GT_S_UNKNOWN = 0,
	GT_S_IDLE = 1, /* struct allocated, no goroutine yet; or an idle extra-M g */
	GT_S_RUNNABLE = 2,
	GT_S_RUNNING = 3,
	GT_S_SELFWAIT = 4, /* status "waiting", but on its CPU, working on g0; shown as running */
	GT_S_SYSCALL = 5,
	GT_S_WAITING = 6,
	GT_S_PREEMPTED = 7, /* stopped for a GC stack scan */
	GT_S_DEAD = 8,
	GT_S_COUNT
};

/* What a rule had to mend; index of gt_engine_repairs. Names: gt_repair_name. */
enum gt_repair {
	GT_R_NONE = 0,
	GT_R_UNSEEN_PREEMPT,  /* B1: 4->1 of a running goroutine: preempted for a stack scan */
	GT_R_UNSEEN_CORO,     /* B2: a coroutine switch nobody saw */
	GT_R_UNSEEN_SYSENTER, /* B3: 3->x of a running goroutine */
	GT_R_UNSEEN_SYSEXIT,  /* B3: 2->x of a goroutine in a syscall */
	GT_R_ABORTED_PARK,    /* R6: park_m undid its own park */
	GT_R_THREAD_TAKEN,  /* R14: two goroutines on one thread; the older one closed as unknown */
	GT_R_GOID_MISMATCH, /* R17 */
	GT_R_BAD_STATUS,    /* R16 */
	GT_R_SNAPSHOT_DIFFERS, /* a snapshot contradicts the believed state with no race to explain
				  it */
	GT_R_LOST_BEFORE,      /* old does not match and none of the rules above explains it */
	GT_R_DUPLICATE,	       /* R15: probe and casgstatus told the same transition twice */
	GT_R_AFTER_LOSS,       /* what else were THREAD_TAKEN, GOID_MISMATCH, SNAPSHOT_DIFFERS or
				  LOST_BEFORE; but a loss that is known explains it */
	GT_R_COUNT
};

/* One goroutine as the engine knows it. Read-only for callers, valid until the next feed. */
struct gt_gor_state {
	struct gt_key k; /* who it is, state, since, ... */
};

/* One change of state of one goroutine. An event makes none, one, or (repairs) several. */
struct gt_step {
	uint64_t ts;
	uint64_t gid;
	uint64_t waker; /* gid, where to == RUNNABLE and a goroutine did it; creator at creation */
	uint64_t since_ns; /* when the state FROM began; 0 before the trace */
	uint32_t tid;
	uint32_t stack, pc;
	int32_t p, m, qlen;
	uint16_t cpu;
	uint8_t from, to;	     /* enum gt_gstate */
	uint8_t from_reason, reason; /* wait reason numbers of FROM and TO where they are waits */
	uint8_t wake_class;	     /* enum gt_ra_class, where to == RUNNABLE */
	uint8_t repair; /* enum gt_repair: this step was inferred (ABORTED_PARK: seen, but no wait)
			 */
	uint8_t event_flags; /* GT_EVF_* of the event */
	bool created;	     /* first step of a goroutine created in the trace */
	bool with_process;   /* to DEAD because its process ended: it has not exited itself */
	/* Told by a snapshot, not by an event. From UNKNOWN with since_ns 0: in TO since before. */
	bool snapshot;
	bool sampled;	/* so, while no probes were attached: it happened at some time before */
	bool uncertain; /* events may be lost between since_ns and ts: FROM may be untrue */
};

struct gt_engine;

struct gt_engine_opts {
	/* Called for each step, in order. The goroutine can be asked for with gt_engine_get. */
	void (*step)(void *ctx, const struct gt_step *s);
	void *ctx;
	/* Class of a pc id; needed, as rules turn on who called. */
	enum gt_ra_class (*pc_class)(void *ctx, uint32_t pc);
	void *pc_ctx;
	uint64_t snap_slack_ns; /* default 1 ms: a probe precedes its status change */
};

int gt_engine_new(struct gt_engine **out, const struct gt_engine_opts *opts,
		  struct gt_err *err) GT_MUST_CHECK;
void gt_engine_free(struct gt_engine *e);

/* Items in file order. Each returns GT_OK, GT_NOMEM or GT_LIMIT. */
int gt_engine_event(struct gt_engine *e, const struct gt_event *ev,
		    struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_engine_soon: these N events come next; of use for up to GT_ENGINE_SOON. Changes nothing, but
 * fetches what they need: with many goroutines most of an event's time is waiting for memory.
 */
#define GT_ENGINE_SOON 16
void gt_engine_soon(const struct gt_engine *e, const struct gt_event *ev, size_t n);
/* gt_engine_mute: from now on steps are not told (of a time that nobody asks for), or again. */
void gt_engine_mute(struct gt_engine *e, bool mute);
int gt_engine_goroutine(struct gt_engine *e, const struct gt_goroutine *g,
			struct gt_err *err) GT_MUST_CHECK;
int gt_engine_loss(struct gt_engine *e, const struct gt_loss *l, struct gt_err *err) GT_MUST_CHECK;
/* Keyframe: reset, then load each row. */
void gt_engine_reset(struct gt_engine *e, uint64_t as_of);
int gt_engine_key(struct gt_engine *e, const struct gt_key *k, struct gt_err *err) GT_MUST_CHECK;

/* gt_engine_get: NULL for a gid not known, or dead and forgotten (in its own last step it is DEAD).
 */
const struct gt_gor_state *gt_engine_get(const struct gt_engine *e, uint64_t gid);
/* gt_engine_next: the live goroutine with the smallest gid > AFTER; NULL at the end. */
const struct gt_gor_state *gt_engine_next(const struct gt_engine *e, uint64_t after);
/* gt_engine_next_key: the same for writing keyframes: with those of which only the directory
 * row was fed so far (GT_KF_PENDING), as their rows will not be read again after a seek. */
const struct gt_gor_state *gt_engine_next_key(const struct gt_engine *e, uint64_t after);
uint64_t gt_engine_live(const struct gt_engine *e);
/* gt_engine_on_thread: gid that runs on (process, tid), 0 none. */
uint64_t gt_engine_on_thread(const struct gt_engine *e, uint32_t process, uint32_t tid);
/* gt_engine_get_on_thread: gt_engine_get of that one; NULL: none. */
static inline const struct gt_gor_state *gt_engine_get_on_thread(const struct gt_engine *e,
								 uint32_t process, uint32_t tid)
{
	return gt_engine_get(e, gt_engine_on_thread(e, process, tid));
}
/* gt_engine_repairs: how often each repair was made since new or reset. */
const uint64_t *gt_engine_repairs(const struct gt_engine *e);
/* gt_engine_check: the invariants (one goroutine a thread, one thread a goroutine, ...). */
int gt_engine_check(const struct gt_engine *e, struct gt_err *err) GT_MUST_CHECK;

const char *gt_gstate_name(enum gt_gstate s); /* cli.md's words: "runnable", "running", ... */
const char *gt_repair_name(enum gt_repair r);

#endif
