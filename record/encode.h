/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place that turns what the probes say into events of the trace: records of all CPUs
 * are merged up to the watermark, goroutines get their gid, addresses their pc id, and each
 * event goes to the engine (for keyframes) and to the writer.
 */
#ifndef GT_ENCODE_H
#define GT_ENCODE_H

#include "drain.h"
#include "format/gtrace.h"
#include "replay/engine/engine.h"
#include "symbols.h"
#include "target.h"

struct gt_encoder;

/* One goroutine as read from memory; see snapshot.h. */
struct gt_snap_row {
	uint32_t process;
	uint64_t t0, t1; /* read between */
	uint64_t gptr, goid, parent_goid, gopc, startpc, syscallpc;
	uint32_t procid;      /* m.procid of the thread it is on; 0 none */
	int32_t m;	      /* m.id of it; -1 none */
	uint32_t stack_bytes; /* size of its stack; 0 not known */
	uint8_t status, reason;
	uint8_t kind; /* GT_EV_SNAP or GT_EV_GAP */
	bool locked;
	bool later; /* all were read before: who was not met yet was made since */
	bool cut;   /* the stack goes on */
	uint32_t depth;
	const uint64_t *pcs; /* return addresses, innermost first; copied */
};

/* gt_snap_is_free: is it of a struct that no goroutine uses? */
static inline bool gt_snap_is_free(const struct gt_snap_row *r)
{
	return r->status == GT_G_DEAD || r->status == GT_G_DEADEXTRA;
}

/* Counts since new. */
struct gt_encoder_counts {
	uint64_t events; /* given to the writer, snapshots not counted */
	uint64_t goid_zero, unreadable, bad_status, resync;
	uint64_t refused; /* records of the rings that made no sense: must be 0 */
	uint64_t late;	  /* records older than a watermark already used: must be 0 */
	uint64_t after;	  /* records from after the end: no part of the trace */
	uint64_t first_ns, last_ns;
};

/* gt_encoder_new: W must outlive it. N_CPUS possible CPUs. */
int gt_encoder_new(struct gt_encoder **out, struct gt_writer *w, uint32_t n_cpus,
		   struct gt_err *err) GT_MUST_CHECK;
void gt_encoder_free(struct gt_encoder *e);

/*
 * gt_encoder_process: process number ROW->process (from 1, in order) is T, borrowed until
 * gt_encoder_ended. Its records have that proc. ROW, already told to the writer, is copied.
 */
int gt_encoder_process(struct gt_encoder *e, const struct gt_process *row, struct gt_target *t,
		       struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_encoder_process_end: number N ended at NS, which no watermark has passed; later records of it
 * are left out (after an exec they are another program's). gt_encoder_ended: all before that is
 * encoded, the end too, and T not needed any more.
 */
int gt_encoder_process_end(struct gt_encoder *e, uint32_t n, uint64_t ns, enum gt_process_end how,
			   uint32_t status, struct gt_err *err) GT_MUST_CHECK;
bool gt_encoder_ended(const struct gt_encoder *e, uint32_t n);
/* gt_encoder_batch: takes B. Encodes all that its watermark allows. */
int gt_encoder_batch(struct gt_encoder *e, struct gt_batch *b, struct gt_err *err) GT_MUST_CHECK;
/* gt_encoder_advance: no batches come: encode what waits from before WATERMARK. */
int gt_encoder_advance(struct gt_encoder *e, uint64_t watermark, struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_encoder_snap: ROW waits for its place in time. One of an unused struct says that whoever is
 * believed to live there has gone.
 */
int gt_encoder_snap(struct gt_encoder *e, const struct gt_snap_row *row,
		    struct gt_err *err) GT_MUST_CHECK;
int gt_encoder_loss(struct gt_encoder *e, const struct gt_loss *l,
		    struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_encoder_end: the trace ends at NS; later records are counted and left out. To be called
 * before batches that may hold some are given.
 */
void gt_encoder_end(struct gt_encoder *e, uint64_t ns);
/* gt_encoder_finish: nothing more will come: encode what waits, whatever the watermark. */
int gt_encoder_finish(struct gt_encoder *e, struct gt_err *err) GT_MUST_CHECK;

/* gt_encoder_hits: records of process number N so far, as they came from the rings. */
uint64_t gt_encoder_hits(const struct gt_encoder *e, uint32_t n);
const struct gt_encoder_counts *gt_encoder_get_counts(const struct gt_encoder *e);
uint64_t gt_encoder_live(const struct gt_encoder *e);
/* gt_encoder_bad: address of a g whose status made no sense since the last call; 0 none. */
uint64_t gt_encoder_bad(struct gt_encoder *e, uint32_t *ret_process);

#endif
