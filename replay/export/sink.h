/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the walk over a trace says to an export format. Every format fills the same table of
 * functions; it knows nothing of steps and engines, and the walk nothing of JSON.
 *
 * Promises of the walk: slices of one track follow each other or nest, to the nanosecond; a
 * track is told before it is used; each flow is told once, its ends lie within slices of their
 * tracks that are longer than nothing, and these have been told; times are ns from the start
 * of the trace; strings are borrowed for the call and may hold any bytes. Calls are not in the
 * order of time: a slice is told when it ends.
 */
#ifndef GT_SINK_H
#define GT_SINK_H

#include <stdbool.h>

#include "format/gtrace.h"
#include "replay/engine/engine.h"
#include "replay/engine/kthread.h"

/* Tracks stand in one group of their process. */
enum gt_track_group {
	GT_TG_OVERVIEW = 0, /* counters; has no tracks of its own */
	GT_TG_PROCESSORS,   /* who runs where; GC; losses */
	GT_TG_GOROUTINES,
	GT_TG_COUNT
};

struct gt_x_track {
	uint32_t id; /* from 1, dense */
	uint32_t process;
	enum gt_track_group group;
	int32_t sort; /* order within the group */
	const char *name;
};

enum gt_x_kind {
	GT_X_STATE,   /* a goroutine's state, on its own track */
	GT_X_RUN,     /* a goroutine running, on a processor's track */
	GT_X_SYSCALL, /* nested in GT_X_RUN */
	GT_X_STW,
	GT_X_GC,
	GT_X_LOST,
	GT_X_KTHREAD, /* what the kernel does with a thread, on its track */
};

#define GT_X_OPEN      0x01 /* goes on beyond the span */
#define GT_X_BEFORE    0x02 /* began before the span */
#define GT_X_UNCERTAIN 0x04 /* events may be missing in it */
#define GT_X_INFERRED  0x08 /* its end was not seen, only concluded */

struct gt_x_slice {
	uint32_t track;
	enum gt_x_kind kind;
	enum gt_gstate state;  /* GT_X_STATE */
	enum gt_kstate kstate; /* GT_X_KTHREAD */
	uint64_t begin_ns, end_ns;
	const char *name; /* what to aggregate by: "running", "chan receive", "main.worker G17" */
	uint32_t flags;	  /* GT_X_* */
	uint32_t stack;	  /* where it blocks, 0 not known */
	uint32_t tid;	  /* thread, 0 not known */
	uint64_t goid;	  /* of whom; 0 none */
	uint64_t waker;	  /* goid that ended the wait before a runnable state; 0 none */
	const char *why;  /* where no goroutine did: "timer", "netpoll", ...; "" none */
	uint64_t count;	  /* GT_X_LOST: events; 0 not known */
};

enum gt_x_instant_kind { GT_X_CREATED, GT_X_EXIT, GT_X_NOTE, GT_X_PROCESS_END };

struct gt_x_instant {
	uint32_t track; /* 0: the whole trace */
	enum gt_x_instant_kind kind;
	uint64_t ts_ns;
	const char *text;
	uint64_t goid; /* creator of GT_X_CREATED, 0 not known */
};

struct gt_x_flow {
	uint64_t id; /* unique */
	bool create; /* else a wake-up */
	uint32_t from_track, to_track;
	uint64_t from_ns, to_ns;
};

/* All series of one counter at one time. */
struct gt_x_counter {
	uint32_t process;
	const char *name;
	uint64_t ts_ns;
	uint32_t n;
	const char *const *series;
	const uint64_t *values;
};

/* What is known at the beginning. */
struct gt_x_info {
	const struct gt_reader *reader;
	uint64_t begin_ns, end_ns;
	uint32_t processes;
};

struct gt_x_out;  /* where the bytes go: outbuf.h */
struct gt_x_sink; /* a format's own state */

struct gt_x_ops {
	const char *name;				 /* of -f */
	const char *const *suffixes;			 /* of -o, NULL-terminated */
	struct gt_x_sink *(*make)(struct gt_x_out *out); /* NULL: no memory */
	void (*free)(struct gt_x_sink *s);
	/* Failures to write and to allocate stick in OUT and are seen there. */
	void (*begin)(struct gt_x_sink *s, const struct gt_x_info *i);
	void (*process)(struct gt_x_sink *s, const struct gt_process *p); /* maybe again, mended */
	void (*track)(struct gt_x_sink *s, const struct gt_x_track *t);
	void (*slice)(struct gt_x_sink *s, const struct gt_x_slice *x);
	void (*instant)(struct gt_x_sink *s, const struct gt_x_instant *x);
	void (*flow)(struct gt_x_sink *s, const struct gt_x_flow *x);
	void (*counter)(struct gt_x_sink *s, const struct gt_x_counter *x);
	void (*end)(struct gt_x_sink *s);
};

extern const struct gt_x_ops gt_x_chrome;

#endif
