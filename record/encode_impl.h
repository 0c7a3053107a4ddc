/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The insides of the encoder: encode.c is the flow from batches to events in order, encode_event.c
 * makes one event, encode_gor.c keeps the goroutine directory.
 */
#ifndef GT_ENCODE_IMPL_H
#define GT_ENCODE_IMPL_H

#include "bpf/wire.h"
#include "encode.h"
#include "format/base/u64map.h"
#include "format/base/vec.h"
#include "identity.h"
#include "merge.h"

/* From this minor version a goroutine that waits in name only says why; before, an old wait's
 * reason. */
#define GT_SELF_REASONS 20
/* A probe precedes its status change by at most this; as the engine's default. */
#define GT_SNAP_SLACK_NS 1000000u

/* The runtime of one process, between the records that tell of it. */
struct gt_enc_world {
	uint64_t began_ns; /* of the stop that goes on, where a record told; 0 none */
	enum gt_stw why;   /* of that */
	bool marked;	   /* marking has ended in it */
	uint32_t procs;	   /* GOMAXPROCS; 0 not known */
};

/* A thread, and the M that it runs: the same one for as long as it lives, but in C's threads. */
struct gt_enc_thread {
	struct gt_thread row; /* as told last; .m: its newest */
	uint64_t mptr;	      /* what it runs now; 0 none, or not known */
	int32_t m;	      /* its number, -1 */
};

/* What the encoder keeps for one process. */
struct gt_enc_proc {
	uint32_t number;
	struct gt_target *t;   /* borrowed; NULL: its end is in the file */
	struct gt_process row; /* strings are T's */
	struct gt_layout layout;
	int minor;
	uint64_t main_pc; /* runtime.main in memory: its goroutine was made by no go statement */
	uint64_t hits;	  /* records that came */
	uint64_t end_ns;  /* of it as this program; what is younger is not its own */
	bool begun;	  /* its main goroutine exists */
	uint64_t text, etext;	/* Go's code in memory */
	struct gt_u64map p_ids; /* P pointer -> P id, UINT32_MAX not known */
	struct gt_tidmap *tids;
	struct gt_u64map by_tid; /* tid of the records -> index into threads, + 1 */
	struct {
		struct gt_enc_thread *p;
		size_t n, cap;
	} threads;
	struct gt_enc_world world;
};

struct gt_encoder {
	struct gt_writer *w; /* borrowed */
	struct gt_engine *engine;
	struct gt_symbols *syms;
	struct gt_identity ids;
	struct gt_merge merge; /* queue by CPU; then snapshot rows, and last ends of processes */
	uint32_t snap_queue, end_queue;
	struct {
		struct gt_enc_proc *p;
		size_t n, cap;
	} procs;
	struct gt_encoder_counts counts;
	uint64_t end_ns; /* of the trace; what is younger is no part of it */
	uint64_t bad_g;
	uint32_t bad_process;
};

/* gt_enc_pc: the pc id of address PC, 0 for 0. */
static inline int gt_enc_pc(struct gt_encoder *e, struct gt_enc_proc *pr, uint64_t pc,
			    enum gt_pc_kind kind, uint32_t *ret, struct gt_err *err)
{
	return gt_symbols_pc(e->syms, pr->number, pr->t, pc, kind, ret, err);
}

/*
 * gt_enc_give: the event to the file, then to the engine under the time that the file gave it: so
 * a keyframe is what a replay of the file comes to.
 */
static inline int gt_enc_give(struct gt_encoder *e, struct gt_event *ev, struct gt_err *err)
{
	int rc = gt_writer_event(e->w, ev, err);

	if (rc)
		return rc;
	ev->ts = gt_writer_stored_ts(e->w);
	return gt_engine_event(e->engine, ev, err);
}

/* gt_enc_own: is W of PR as it was, not from after its end? Counts what is not. */
static inline bool gt_enc_own(struct gt_encoder *e, const struct gt_enc_proc *pr,
			      const struct gt_wire_event *w)
{
	bool own = w->ktime < pr->end_ns && pr->t;

	e->counts.after += !own;
	return own;
}

/*
 * gt_enc_process_end: PR has ended at its end_ns; all its records before that are encoded. Lets go
 * of its target. No effect the second time.
 */
int gt_enc_process_end(struct gt_encoder *e, struct gt_enc_proc *pr, struct gt_err *err);

/* ---- encode_kinds.c ---- */

/* What makes events of the record W; what belongs to it lies behind it. */
typedef int gt_enc_fn(struct gt_encoder *e, const struct gt_wire_event *w, uint16_t cpu,
		      struct gt_err *err);
/* gt_enc_valid: is the record at BODY one of ours, whole, of a process that we know? */
bool gt_enc_valid(const struct gt_encoder *e, const void *body, uint32_t len);
/* gt_enc_fn_of: for a record that is valid. */
gt_enc_fn *gt_enc_fn_of(const struct gt_wire_event *w);

/* ---- encode_event.c ---- */

/* gt_enc_record: a change of a goroutine's status. */
gt_enc_fn gt_enc_record;
/* gt_enc_snapshot: one goroutine of a snapshot, at the time it was read. */
int gt_enc_snapshot(struct gt_encoder *e, const struct gt_snap_row *r, struct gt_err *err);

/* ---- encode_kernel.c ---- */

/* gt_enc_kernel: what the kernel says of a thread. */
gt_enc_fn gt_enc_kernel;

/* ---- encode_thread.c ---- */

/* gt_enc_p_id: P id of a P pointer: read once from the target; -1, from then on, if that fails. */
int32_t gt_enc_p_id(struct gt_enc_proc *pr, uint64_t pptr);
/* What a record says of the M that its thread runs. */
enum gt_enc_m { GT_M_SAME, GT_M_AUX /* the one at aux */, GT_M_DROPPED /* none from now on */ };
/*
 * gt_enc_where: tid and M of EV, which W tells of; the thread's row is written when it, or its M,
 * is met first. Its number in the file is the host's, or gtrec's where gtrec is in a pid namespace.
 */
int gt_enc_where(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		 enum gt_enc_m says, struct gt_event *ev, struct gt_err *err);

/* ---- encode_runtime.c: stops of the world, the heap, GOMAXPROCS, run queues ---- */

gt_enc_fn gt_enc_stw_begins, gt_enc_stw_ends, gt_enc_mark_ends, gt_enc_procs, gt_enc_overflow;

/* ---- encode_gor.c: EV is the event in the making, as far as it is known ---- */

/* gt_enc_gid_at: gid at GPTR, 0 when none is known there. */
uint64_t gt_enc_gid_at(struct gt_encoder *e, struct gt_enc_proc *pr, uint64_t gptr);
/* gt_enc_birth: a goroutine is born: `go` statement, iter.Pull, or a C thread that enters Go. */
int gt_enc_birth(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_wire_event *w,
		 const struct gt_wire_create *c, const struct gt_wire_stack *st,
		 struct gt_event *ev, struct gt_goroutine **ret, struct gt_err *err);
/* gt_enc_whose: the goroutine that EV speaks of, met for the first time or confirmed by its goid.
 */
int gt_enc_whose(struct gt_encoder *e, struct gt_enc_proc *pr, uint64_t gptr, uint64_t goid,
		 struct gt_event *ev, struct gt_goroutine **ret, struct gt_err *err);
/*
 * gt_enc_torn: was row R read while the struct of G changed hands? Then the events of both tell
 * better than the row, which may have half of each.
 */
bool gt_enc_torn(struct gt_encoder *e, const struct gt_snap_row *r, const struct gt_goroutine *g);
/*
 * gt_enc_whose_row: as gt_enc_whose, for row R. Where an earlier life was met at its address whose
 * goid was never told (Go <= 1.23), it is known by where it was made.
 */
int gt_enc_whose_row(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_snap_row *r,
		     struct gt_event *ev, struct gt_goroutine **ret, struct gt_err *err);
/* gt_enc_complete: what R knows of its goroutine, where the directory does not have it yet. */
int gt_enc_complete(struct gt_encoder *e, struct gt_enc_proc *pr, const struct gt_snap_row *r,
		    struct gt_goroutine *g, struct gt_err *err);

#endif
