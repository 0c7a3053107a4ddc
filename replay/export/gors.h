/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the walk keeps between steps: goroutines alive, processors' rows, counters; and how
 * they become tracks and slices. walk.c says when.
 */
#ifndef GT_X_GORS_H
#define GT_X_GORS_H

#include "rows.h"
#include "walk.h"

/* A goroutine that is alive. */
struct gt_x_gor {
	struct gt_goroutine g; /* gid 0: place unused */
	uint64_t since_ns;     /* begin of STATE; 0: before the span */
	uint64_t waker;	       /* goid that made it runnable, 0 none */
	uint64_t rank;
	char *name; /* owned: "main.worker G17"; NULL not made yet */
	struct gt_row row;
	struct gt_arrow_list out; /* arrows from the slice that is open */
	uint32_t in;		  /* arrow to its next slice, or GT_NO_ARROW */
	uint32_t proc;		  /* index of the processor's row it runs on + 1; 0 none */
	uint64_t back_ns; /* when it came back from a syscall onto a P not yet told; 0 none */
	uint32_t tid, stack;
	uint8_t state; /* SELFWAIT is RUNNING here */
	uint8_t reason;
	uint8_t wake_class;
	bool selected, system;
};

/* The counters of one process. */
struct gt_x_counts {
	uint64_t v[4];	/* running, runnable, waiting, syscall */
	uint64_t at_ns; /* when v became what it is */
	bool pending;
};

struct gt_x_state {
	struct gt_view *view;
	const struct gt_selection *sel;
	const struct gt_x_ops *ops;
	struct gt_x_sink *sink;
	struct gt_x_opts o;
	struct gt_arrows arrows;
	uint32_t tracks; /* told so far */
	uint64_t counter_gap_ns;
	struct gt_u64map by_gid, row_of;
	struct {
		struct gt_x_gor *p;
		size_t n, cap;
	} gors;
	struct gt_arrow_list unused; /* of gors */
	struct {
		struct gt_row *p;
		size_t n, cap;
	} rows; /* processors, GC, losses */
	struct {
		struct gt_x_counts *p;
		size_t n, cap;
	} counts; /* by process - 1 */
};

void gt_x_state_free(struct gt_x_state *x);

/* gt_x_find: NULL for a gid that is not alive, or not asked for. */
struct gt_x_gor *gt_x_find(const struct gt_x_state *x, uint64_t gid);
/* gt_x_meet: a place for G; NULL when memory is short. */
struct gt_x_gor *gt_x_meet(struct gt_x_state *x, const struct gt_goroutine *g);
/* gt_x_forget: it is dead, or the trace is over. */
void gt_x_forget(struct gt_x_state *x, struct gt_x_gor *g);
/* gt_x_name: "func G17", made when first needed. Valid until the goroutine is forgotten. */
const char *gt_x_name(struct gt_x_state *x, struct gt_x_gor *g);

/* gt_x_state_slice: the state that G is in ends at TS. On its own row; none if it has none. */
void gt_x_state_slice(struct gt_x_state *x, struct gt_x_gor *g, uint64_t ts, uint32_t flags);
void gt_x_mark(struct gt_x_state *x, struct gt_x_gor *g, enum gt_x_instant_kind kind, uint64_t ts);

/*
 * The row that G runs on by step S, told at first use: its index; GT_X_NO_MEMORY;
 * GT_X_NOT_TOLD where S does not say which P it is, but a later one will (a syscall's end is
 * seen before the runtime has found a P for it).
 */
#define GT_X_NO_MEMORY (-1)
#define GT_X_NOT_TOLD  (-2)
long gt_x_proc_row(struct gt_x_state *x, const struct gt_x_gor *g, const struct gt_step *s);
/* gt_x_back: G came back from a syscall at TS; on which P it runs will be told. */
void gt_x_back(struct gt_x_state *x, struct gt_x_gor *g, uint64_t ts);
/* gt_x_told: S is the first since that tells on which P G runs. False: no memory. */
bool gt_x_told(struct gt_x_state *x, struct gt_x_gor *g, const struct gt_step *s);
/* gt_x_untold: it leaves before that was told: its thread's row has to do. False: no memory. */
bool gt_x_untold(struct gt_x_state *x, struct gt_x_gor *g);
/* Rows of that group, by kind and number. */
enum gt_x_row {
	GT_XR_P,
	GT_XR_M,
	GT_XR_CPU,
	GT_XR_THREAD,
	GT_XR_STW,
	GT_XR_GC,
	GT_XR_LOST,
	GT_XR_KTHREAD
};
long gt_x_other_row(struct gt_x_state *x, uint32_t process, enum gt_x_row kind, uint32_t n,
		    int32_t sort, const char *name);
/* gt_x_put_slice: S on row I, where it does not overlap what is there. */
void gt_x_put_slice(struct gt_x_state *x, long i, struct gt_x_slice s);
/* G comes to run on row I at TS; enters and leaves a syscall there; stops. */
void gt_x_run(struct gt_x_state *x, struct gt_x_gor *g, uint32_t i, uint64_t ts);
void gt_x_syscall(struct gt_x_state *x, struct gt_x_gor *g, uint64_t ts);
void gt_x_stop(struct gt_x_state *x, struct gt_x_gor *g, uint64_t ts, uint32_t flags);

/* gt_x_count: one goroutine of PROCESS less in FROM, one more in TO, at TS. */
void gt_x_count(struct gt_x_state *x, uint32_t process, uint8_t from, uint8_t to, uint64_t ts);
void gt_x_count_end(struct gt_x_state *x, uint64_t ts);

/* ---- kthreads.c: rows of threads; false: no memory ---- */

/* gt_x_kstep: what the thread did until S. gt_x_kend: what they all do at END_NS. */
bool gt_x_kstep(struct gt_x_state *x, const struct gt_kstep *s);
bool gt_x_kend(struct gt_x_state *x, const struct gt_kthreads *t, uint64_t end_ns);

#endif
