/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the engine: engine.c takes items in, move.c carries out changes of state,
 * snapshot.c merges what was read from memory, check.c states the invariants. Nothing here is
 * for other rooms.
 */
#ifndef GT_ENGINE_CORE_H
#define GT_ENGINE_CORE_H

#include "goroutine.h"
#include "states.h"
#include "thread.h"

#define GT_PROCESSES_KEPT 1024 /* of which losses are told apart */

struct gt_engine {
	struct gt_engine_opts opts;
	struct gt_states states;
	struct gt_gors gors;
	struct gt_threads threads;
	struct gt_u64map by_gptr; /* (process, g pointer) -> gid alive there */
	uint64_t n_live;	  /* goroutines with .alive */
	/*
	 * Events up to here may be lost, by process; [0] is for all of them. A goroutine heard of
	 * last before that is uncertain.
	 */
	uint64_t horizon[GT_PROCESSES_KEPT];
	uint64_t horizon_max;
	uint64_t repairs[GT_R_COUNT];
	bool mute; /* nobody is told of steps */
	bool oom;  /* an allocation failed within the item under way */
};

/* One change of state while an event is applied. */
struct gt_move {
	const struct gt_event *ev;
	enum gt_input in;
	enum gt_ra_class cls;
	uint64_t ts;	/* of the event, but never before the goroutine's last change */
	uint8_t reason; /* wait reason where the event has none: a coroutine's */
	bool snapshot;
	bool found; /* a snapshot's first sight of a goroutine that was made since the one before */
	bool again; /* into the same state anew: a step is told */
	bool with_process; /* the event is the end of the whole process */
	bool counted;	   /* the repair is part of one that is counted already */
};

/* move.c */
void gt_core_count(struct gt_engine *e, enum gt_repair r);
/* gt_core_horizon: events of G's process up to here may be lost. */
uint64_t gt_core_horizon(const struct gt_engine *e, const struct gt_gor *g);

static inline bool gt_core_uncertain(const struct gt_engine *e, const struct gt_gor *g)
{
	return g->pub.k.last_ns < e->horizon_max && g->pub.k.last_ns < gt_core_horizon(e, g);
}

/* gt_core_explain: R, or AFTER_LOSS where a loss that is known explains it. */
enum gt_repair gt_core_explain(const struct gt_engine *e, const struct gt_gor *g,
			       const struct gt_event *ev, enum gt_repair r);
/* gt_core_born: G is heard of for the first time; whoever had its address is gone. */
void gt_core_born(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m);
/* gt_core_move: to belief TO, with one step where the state changes. G may be dead after it. */
void gt_core_move(struct gt_engine *e, struct gt_gor *g, const struct gt_move *m, enum gt_belief to,
		  enum gt_repair repair);
/* gt_core_apply: what the table says for M's input; also drops G when it died. */
void gt_core_apply(struct gt_engine *e, struct gt_gor *g, struct gt_move *m);
/* gt_core_recount: keep n_live true after G's state changed. */
void gt_core_recount(struct gt_engine *e, struct gt_gor *g);
/* gt_core_forget: drop G, silently. */
void gt_core_forget(struct gt_engine *e, struct gt_gor *g);
/* gt_core_link: enter G's address; false when memory is short. */
bool gt_core_link(struct gt_engine *e, struct gt_gor *g);
void gt_core_unlink(struct gt_engine *e, struct gt_gor *g);

/* snapshot.c */
void gt_core_snapshot(struct gt_engine *e, struct gt_gor *g, const struct gt_event *ev);

#endif
