/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sums behind every gtstat answer, from one walk over the engine's steps. Memory is
 * bounded by the goroutines that are alive at a time, the creation sites, the wait reasons
 * and the places of blocking, not by the number of events.
 *
 * Every duration is clipped to the asked span [from, to] where it is summed; a quantile counts
 * the intervals that ended within the span, each with its whole length. The runtime's own
 * goroutines are counted apart (n_system) and go into no other figure.
 */
#ifndef GT_TALLY_H
#define GT_TALLY_H

#include "format/base/err.h"
#include "gaps.h"
#include "hist.h"
#include "intern.h"
#include "replay/engine/engine.h"
#include "replay/view/filter.h"

/* What made a place or group what it is, in words of the trace; "" where not known. */
struct gt_place {
	const char *func, *file; /* borrowed from the reader */
	uint32_t line;
	bool mutex; /* a block place below sync's mutexes */
};

/* Time in one wait reason of one goroutine. */
struct gt_wait_sum {
	uint32_t reason; /* index of tally->reasons */
	uint64_t ns;
};

/* A goroutine that is alive, or has just ended. */
struct gt_gor {
	struct gt_goroutine g;
	uint64_t since_ns;	  /* begin of STATE; 0: before what is known */
	uint64_t ended_ns;	  /* 0: alive at the end of the span */
	uint64_t ns[GT_S_COUNT];  /* time in each state within the span */
	uint64_t longest_wait_ns; /* of those that ended */
	struct {
		struct gt_wait_sum *p; /* owned */
		size_t n, cap;
	} waits;
	uint32_t group;
	uint32_t stack;	 /* block stack, while waiting; 0 not known */
	uint32_t reason; /* index of tally->reasons, while waiting */
	uint8_t state;	 /* enum gt_gstate */
	uint8_t number;	 /* of the wait reason in the runtime of its process */
	bool used, created, system;
	bool sampled;	   /* a snapshot told that STATE began: when, is an estimate */
	bool found;	   /* and so its life */
	bool with_process; /* ended with it, in STATE; then it is kept only if it may be a leak */
};

/* Goroutines of one creation site and entry function (or, by func, of one entry function). */
struct gt_group {
	struct gt_place site; /* of the go statement */
	const char *func;     /* entry function; "" not known */
	uint64_t existed, created, exited, with_process, live;
	uint64_t ns[GT_S_COUNT];
	struct gt_hist life; /* of those created and ended within the span */
	uint64_t over, open_over;
	uint64_t runq_n, runq_ns, runq_max;
};

/* One wait reason. */
struct gt_reason_sum {
	const char *name;     /* borrowed from the intern table */
	struct gt_hist waits; /* that ended within the span */
	uint64_t total_ns;
	uint64_t open,
		open_max_ns;	   /* waiting at the end, of all or of their process; the longest */
	uint64_t now;		   /* goroutines that wait for it */
	struct gt_gap_sum in_gaps; /* of them, against all that wait */
	bool lock, peer, idle;	   /* waits for a lock; for another goroutine; runtime's idling */
};

/* Waits of one group for one reason at one place. */
struct gt_block_sum {
	uint32_t group, reason;
	uint32_t place;		      /* index of tally->places, or GT_NO_PLACE */
	uint64_t n, total_ns, max_ns; /* that ended; clipped; the longest, ended or not */
	uint64_t open;
};

/* One of the longest waits for a processor. */
struct gt_runq_wait {
	uint64_t gid, goid, begin_ns, ns;
	uint32_t group;
};

struct gt_tally_opts {
	const struct gt_reader *reader;
	struct gt_filter *filter; /* may be NULL: everything */
	uint64_t over_ns;	  /* lifetimes over it are counted */
	bool by_func;		  /* group by entry function alone */
	/* Told of each goroutine when it ends, and at the end of those alive. May be NULL. */
	int (*each)(void *ctx, const struct gt_gor *g, struct gt_err *err);
	void *ctx;
};

#define GT_WORST 16

struct gt_tally {
	struct gt_tally_opts o;
	bool by_state;		 /* the filter asks for some states or reasons only */
	uint64_t from_ns, to_ns; /* the span; to_ns UINT64_MAX until the end is told */
	uint64_t last_ns;
	bool observed; /* an event was met, or states were known at the begin */
	uint64_t existed, created, exited, with_process, live, live_max;
	uint64_t n_system; /* alive */
	uint64_t open_over, over;
	uint64_t ns[GT_S_COUNT];
	uint64_t now[GT_S_COUNT]; /* goroutines in each state */
	struct gt_gaps gaps;
	struct gt_gap_sum blocked; /* in gaps, against those that do not queue */
	struct gt_hist life, runq, syscall, qlen;
	uint64_t runq_open, runq_open_max_ns;
	struct gt_runq_wait worst[GT_WORST]; /* unordered */
	uint32_t n_worst;
	struct {
		struct gt_gor *p;
		size_t n, cap;
	} gors;
	struct {
		uint32_t *p;
		size_t n, cap;
	} free_gors;
	struct gt_u64map by_gid;
	struct {
		struct gt_group *p;
		size_t n, cap;
	} groups;
	struct {
		struct gt_reason_sum *p;
		size_t n, cap;
	} reasons;
	struct {
		struct gt_block_sum *p;
		size_t n, cap;
	} blocks;
	struct {
		struct gt_place *p;
		size_t n, cap;
	} places;
	struct gt_intern group_names, reason_names, place_names;
	struct gt_u64map group_of_pcs, reason_of, block_of, place_of_stack;
};

/* gt_tally_init: T may hold anything before; free it also after failure. Borrows all of O. */
void gt_tally_init(struct gt_tally *t, const struct gt_tally_opts *o);
void gt_tally_free(struct gt_tally *t);

/* gt_tally_begin: the span begins at FROM. Then gt_tally_alive for each that is alive. */
void gt_tally_begin(struct gt_tally *t, uint64_t from_ns);
int gt_tally_alive(struct gt_tally *t, const struct gt_key *k, struct gt_err *err) GT_MUST_CHECK;
/* gt_tally_step: WHO is asked only for goroutines not met before; may be NULL otherwise. */
int gt_tally_step(struct gt_tally *t, const struct gt_step *s, const struct gt_engine *who,
		  struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_tally_event: before the steps of EV. Takes block stacks from snapshots, which change no
 * state; the first event of a trace moves the span's begin to where something is known.
 */
void gt_tally_event(struct gt_tally *t, const struct gt_event *ev);
/* gt_tally_gap: no probes were attached from T0 to T1, so states are those of the last sample. */
void gt_tally_gap(struct gt_tally *t, uint64_t t0, uint64_t t1);
/* gt_tally_goroutine: a directory row, new or mended. */
int gt_tally_goroutine(struct gt_tally *t, const struct gt_goroutine *g,
		       struct gt_err *err) GT_MUST_CHECK;
/* gt_tally_end: close what is open at END. */
int gt_tally_end(struct gt_tally *t, uint64_t end_ns, struct gt_err *err) GT_MUST_CHECK;

/*
 * Names to rows, made at first use (label.c). Group and reason: index, or -1 when memory is
 * short. Place: of the call that blocks in STACK, outside runtime, sync and their like.
 */
long gt_tally_group(struct gt_tally *t, const struct gt_goroutine *g);
long gt_tally_reason(struct gt_tally *t, uint32_t process, uint8_t number);
#define GT_NO_PLACE UINT32_MAX
uint32_t gt_tally_place(struct gt_tally *t, uint32_t stack);

/* Sums that several answers need. */
uint64_t gt_tally_running(const uint64_t ns[GT_S_COUNT]); /* with the self-waits */
/* gt_tally_block_ratio: (waiting + syscall) / (running + waiting + syscall); NAN for 0/0. */
double gt_tally_block_ratio(const uint64_t ns[GT_S_COUNT]);
/*
 * Half the width of the 95 % interval around the block ratio, and around the share that reason R
 * has in all waits: 0 where all was traced, NAN where there are too few samples to tell.
 */
double gt_tally_block_ratio_error(const struct gt_tally *t);
double gt_tally_share_error(const struct gt_tally *t, const struct gt_reason_sum *r);

#endif
