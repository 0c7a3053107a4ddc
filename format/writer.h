/* SPDX-License-Identifier: BSD-2-Clause */
/* The writer's inside, shared by writer.c, wblock.c, wtables.c and wkey.c; nobody else's. */
#ifndef GT_WRITER_H
#define GT_WRITER_H

#include "base/u64map.h"
#include "block.h"
#include "events.h"
#include "gtrace.h"
#include "index.h"
#include "table.h"

struct gt_wproc {
	struct gt_evenc *enc; /* owned; NULL until its first event */
	uint64_t q_first;     /* of the open block */
	bool open;	      /* has events that are not in the file */
	uint32_t age;	      /* full blocks of others written since it was opened */
};

struct gt_wstring {
	size_t at; /* in the arena */
	uint32_t len;
	uint8_t cls;
};

struct gt_wstack {
	size_t at; /* of its pcs */
	uint32_t n;
};

struct gt_wshard {     /* a KEYFRAME block that waits for its brothers */
	uint8_t *body; /* owned */
	uint32_t stored, raw, n;
	bool zstd;
	uint64_t gid_min, gid_max;
};

struct gt_wbase { /* a row of the last whole keyframe */
	uint64_t gid;
	uint64_t directory, state; /* sums of what it said */
};

enum { GT_W_TABLES = GT_K_END + 1 };

struct gt_writer {
	struct gt_sink sink;
	struct gt_writer_opts opts; /* its pointers are not used after gt_writer_new */
	int dead;	   /* the code of the failure that ended it, or GT_USAGE when finished */
	struct gt_out out; /* whole blocks, not yet given to the sink */
	struct gt_out raw; /* the body in the making */
	struct gt_press *press;
	uint32_t seq;
	uint64_t watermark, last_wall, lost;
	struct gt_writer_stats stats;

	/* order */
	uint32_t shift;	     /* a quantum is 1 << shift ns */
	uint64_t last_ts;    /* as given */
	uint64_t last_q;     /* as stored, in quanta */
	uint64_t last_place; /* cpu << 32 | process of the last event */
	struct {
		struct gt_wproc *p;
		size_t n, cap;
	} procs; /* by process number; 0 is the trace itself */

	/* tables: rows not yet in the file, by block kind */
	struct gt_table table[GT_W_TABLES];
	struct {
		uint64_t t_min, t_max, gid_min, gid_max;
	} range[GT_W_TABLES];
	struct gt_out text;
	struct {
		struct gt_wstring *p;
		size_t n, cap;
	} strings;
	struct gt_u64map string_ids, stack_ids;
	struct {
		uint32_t *p;
		size_t n, cap;
	} stack_pcs;
	struct {
		struct gt_wstack *p;
		size_t n, cap;
	} stacks;
	uint32_t n_pcs;

	/* keyframes */
	bool in_keyframe;
	uint64_t as_of, key_gid, key_gid_min, key_gid_max;
	bool key_whole;	  /* the open one; else it says what changed since the last whole one */
	uint64_t base_ts; /* when that one was */
	size_t base_at;	  /* the first row of it that the open one has not come to */
	struct {
		struct gt_wbase *p;
		size_t n, cap;
	} base;						/* its rows, gids ascending */
	uint64_t base_size, base_rows;			/* of the last whole one */
	uint64_t n_changes, changes_size, last_changes; /* since; bytes; of the last */
	uint64_t last_round, last_round_rows; /* mean size in the round before, of so many rows */
	struct {
		struct gt_wshard *p;
		size_t n, cap;
	} shards;
	uint64_t last_key_ts, event_bytes, event_bytes_since_key, events_since_key;

	struct gt_index index;
};

/* gt_w_ready: GT_OK, or why this writer does not write any more. */
int gt_w_ready(const struct gt_writer *w, struct gt_err *err) GT_MUST_CHECK;
/* gt_w_now: the stored time of the last event, ns. */
uint64_t gt_w_now(const struct gt_writer *w);

/* ---- wblock.c ---- */

struct gt_wblock { /* what the caller knows of a block */
	enum gt_block_kind kind;
	uint32_t process, n, aux; /* aux of keyframes only */
	uint64_t t_min, t_max, gid_min, gid_max;
};

/* gt_w_block: compress BODY and append the block to w->out and the index. */
int gt_w_block(struct gt_writer *w, const struct gt_wblock *b, const struct gt_out *body,
	       const size_t *marks, size_t n_marks, struct gt_err *err) GT_MUST_CHECK;
/* gt_w_stored: as gt_w_block for a body that is already in its stored form. */
int gt_w_stored(struct gt_writer *w, const struct gt_wblock *b, const uint8_t *body,
		uint32_t stored, uint32_t raw, bool zstd, struct gt_err *err) GT_MUST_CHECK;
/* gt_w_push: give what is in w->out to the sink. */
int gt_w_push(struct gt_writer *w, struct gt_err *err) GT_MUST_CHECK;
/* gt_w_meta, gt_w_index: section header and META; the trailing index. */
int gt_w_meta(struct gt_writer *w, struct gt_err *err) GT_MUST_CHECK;
int gt_w_index(struct gt_writer *w, struct gt_err *err) GT_MUST_CHECK;

/* ---- wtables.c ---- */

/* gt_w_row: add a row to the pending table of KIND, which covers the times T0 to T1. */
int gt_w_row(struct gt_writer *w, enum gt_block_kind kind, const uint64_t *v,
	     const struct gt_row_extra *x, uint64_t t0, uint64_t t1,
	     struct gt_err *err) GT_MUST_CHECK;
/* gt_w_tables: write all pending rows, tables that others refer to first. */
int gt_w_tables(struct gt_writer *w, struct gt_err *err) GT_MUST_CHECK;
void gt_w_goroutine_row(const struct gt_writer *w, const struct gt_goroutine *g, uint64_t *v);

#endif
