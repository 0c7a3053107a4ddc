/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every gtstat question is given, and the questions. All are answered from the same
 * sums (tally.h); each is one file that prints them, for people or as JSON.
 */
#ifndef GT_ASK_H
#define GT_ASK_H

#include <stdio.h>

#include "format/base/json.h"
#include "ksum.h"
#include "replay/view/open.h"
#include "runtime.h"
#include "suspect.h"
#include "tally.h"

/* One place of loss, for the confidence line. */
#define GT_LOSSES_KEPT 32

struct gt_ask_opts {
	struct gt_view_opts view;
	uint64_t top;	      /* rows of a listing */
	const char *over;     /* a duration; kept as it was said, it is part of a metric's name */
	const char *by;	      /* "site" or "func" */
	const char *max_loss; /* N, or NULL: no gate */
};

struct gt_ask {
	const struct gt_ask_opts *o;
	struct gt_view *view;
	struct gt_tally tally;
	struct gt_ksum ksum;
	struct gt_suspects suspects;
	struct gt_runtime_sums runtime;
	uint32_t groups; /* GT_PG_* that were recorded of any process that was asked for */
	struct gt_json json;
	FILE *out;
	bool colour;
	uint64_t events, top;
	uint64_t losses, lost; /* places and events of loss within the span */
	bool lost_unknown;     /* a loss without a count was among them */
	struct gt_loss loss[GT_LOSSES_KEPT];
	void *own; /* the question's */
};

struct gt_question {
	const char *name, *help;
	/* Before the walk and for each goroutine's end, where the question streams; or NULL. */
	int (*start)(struct gt_ask *a, struct gt_err *err);
	int (*each)(void *ask, const struct gt_gor *g, struct gt_err *err);
	/* After the walk. */
	int (*answer)(struct gt_ask *a, struct gt_err *err);
};

extern const struct gt_question gt_q_summary, gt_q_goroutines, gt_q_lifetimes, gt_q_blocks,
	gt_q_runq, gt_q_sched, gt_q_gc, gt_q_leaks;

/* ---- what they share in printing (text.c) ---- */

#define GT_TEXT_MAX 600

/* gt_text_place: "func dir/file.go:42" fit for a terminal; "(not known)" for nothing. */
/* A quantile of H in BUF, "-" where nothing was counted. */
const char *gt_text_quantile(const struct gt_hist *h, double q, char buf[GT_DUR_MAX]);
const char *gt_text_place(const struct gt_place *p, char buf[GT_TEXT_MAX]);
/* gt_text_maker: what a group is called in a listing: its site, else its entry function. */
const char *gt_text_maker(const struct gt_tally *t, const struct gt_group *g,
			  char buf[GT_TEXT_MAX]);
/* gt_json_place: "func file:line", null where not known. */
void gt_json_place(struct gt_json *j, const char *key, const struct gt_place *p);
/* gt_json_share: V, null for NAN. */
void gt_json_share(struct gt_json *j, const char *key, double v);
/* gt_json_hist: "p50" and so on as an object's members; null while H is empty. */
void gt_json_hist(struct gt_json *j, const struct gt_hist *h);
/* gt_reason_key: the reason in metric names, "chan receive" -> "chan_receive". */
const char *gt_reason_key(const char *reason, char buf[GT_TEXT_MAX]);
/* gt_text_head: what was looked at and how far it can be trusted. */
void gt_text_head(const struct gt_ask *a);
/* gt_json_losses: "events", "lost", "losses" as members. */
void gt_json_losses(struct gt_ask *a);
/* Indices of groups, or of reasons, by what WEIGHT says, falling; owned by the caller. */
size_t *gt_sorted(size_t n, const void *ctx, uint64_t (*weight)(const void *ctx, size_t i));
/* A listing in that order, as the user wants it: TEXT or JSON is called with it. */
int gt_ask_sorted(struct gt_ask *a, size_t n, uint64_t (*weight)(const void *tally, size_t i),
		  void (*text)(struct gt_ask *a, const size_t *order),
		  void (*json)(struct gt_ask *a, const size_t *order),
		  struct gt_err *err) GT_MUST_CHECK;
/* Members of "lifetime", and the object "wait" of the run queues. */
void gt_json_lives(struct gt_ask *a, const struct gt_hist *h, uint64_t over, uint64_t open_over);
void gt_json_queueing(struct gt_ask *a);
/* What the kernel said: members "thread" and "faults", and lines for people (sched.c). */
void gt_json_thread_waits(struct gt_ask *a);
void gt_json_faults(struct gt_ask *a);
void gt_text_kernel(const struct gt_ask *a);
/* The findings, as text and as JSON members "leaks" and "locks". */
void gt_text_leak(const struct gt_ask *a, const struct gt_leak *l);
void gt_text_lock(const struct gt_ask *a, const struct gt_lock *l);
void gt_json_suspects(struct gt_ask *a);

#endif
