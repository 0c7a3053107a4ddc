/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader's inside, shared by reader.c, rmerge.c, rtables.c and rseek.c; nobody else's. */
#ifndef GT_READER_H
#define GT_READER_H

#include "ahead.h"
#include "base/u64map.h"
#include "block.h"
#include "events.h"
#include "gtrace.h"
#include "index.h"
#include "scan.h"
#include "table.h"

/* ---- tables by id, in pages that exist only where there are rows ---- */

#define GT_PAGE 1024u

struct gt_idtab {
	void **p; /* owned: pages of GT_PAGE elements, owned too; NULL where no row is */
	size_t n, cap;
	size_t size; /* of an element */
};

struct gt_rstring {
	const char *s; /* in the arena; NULL: no such string */
	uint8_t cls;
};

struct gt_rpc {
	const uint32_t *frames; /* func, file, line of each, in the arena */
	uint64_t offset;
	uint32_t process, module;
	uint16_t n_frames;
	uint8_t cls;
	bool known;
};

struct gt_rstack {
	const uint32_t *pcs; /* in the arena */
	uint32_t parent;
	uint16_t n, depth; /* own pcs; with the parents' */
};

struct gt_rproc {
	struct gt_process p;
	bool known;
	uint32_t reason[GT_MAX_REASONS]; /* string ids */
};

struct gt_arena { /* memory that is given back only with the reader */
	struct gt_chunk *last;
	size_t left;
};

/* ---- blocks of events that wait for their turn ---- */

struct gt_ropen {
	struct gt_ropen *next;
	struct gt_blk h;
	uint8_t *body;	     /* uncompressed; owned with the node */
	struct gt_event *ev; /* instead of it: decoded ahead */
	size_t size;	     /* of all that, as charged */
};

struct gt_rstream { /* the blocks of one process */
	uint32_t process;
	struct gt_ropen *head, *tail;	 /* owned */
	struct gt_evdec *dec;		 /* owned; decodes HEAD when OPEN */
	const struct gt_event *ev, *end; /* decoded already; in DEC */
	bool open;
	uint64_t ts, place; /* of the next event, or what is known of it */
};

struct gt_rpending { /* an item that is no event but has a time */
	uint64_t ts, order;
	struct gt_item item;
	uint32_t text; /* string id of a note */
};

struct gt_rshard {
	struct gt_blk h;
	uint8_t *stored; /* owned */
};

struct gt_rkey { /* a keyframe */
	struct {
		struct gt_rshard *p;
		size_t n, cap;
	} shards;
	size_t at;     /* shards that were begun */
	bool in_rows;  /* of the last of these */
	bool have;     /* V is a row */
	uint8_t *body; /* GT_BLK_MAX_BODY bytes, owned; NULL until it is needed */
	struct gt_rows rows;
	uint64_t v[GT_ROW_MAX];
};

struct gt_reader {
	struct gt_joint *joint; /* owned; where set all else is in its parts' readers */
	const struct gt_source *src;
	struct gt_reader_opts opts;
	struct gt_feed feed;
	struct gt_scan scan;
	struct gt_unpress *unpress;
	struct gt_trace_info info;
	struct gt_damage damage;
	size_t memory; /* charged against opts.max_memory */
	uint64_t session, start_offset;
	bool have_session, have_meta;
	struct gt_found peeked; /* the first block, found when the trace was opened */
	bool have_peeked;

	/* tables */
	struct gt_idtab strings, pcs, stacks;
	struct {
		struct gt_rproc **p; /* owned, by number; NULL where not met */
		size_t n, cap;
	} procs;
	struct {
		struct gt_thread **p; /* owned by the arena */
		size_t n, cap;
	} threads;
	struct gt_u64map thread_at; /* process << 32 | tid -> position */
	struct gt_arena arena;
	struct {
		const char **p;
		size_t n, cap;
	} comments;
	uint64_t tables_to; /* tables of all blocks before this offset are loaded */

	/* the block whose rows are being given out */
	struct gt_rows rows;
	bool in_rows;
	struct gt_blk rows_of;
	uint8_t *rows_body; /* GT_BLK_MAX_BODY bytes, owned */

	/* merging */
	struct {
		struct gt_rstream **p; /* owned */
		size_t n, cap;
	} streams;
	struct {
		struct gt_evdec **p; /* owned: idle decoders */
		size_t n, cap;
	} idle;
	struct {
		struct gt_rpending *p;
		size_t n, cap;
	} pending; /* a heap: earliest first, ties as they came */
	uint64_t n_pended;
	size_t n_open, open_bytes;
	struct gt_ahead
		*ahead; /* owned; NULL until some blocks were read, or where there is none */
	bool no_ahead;
	struct gt_rstream *current; /* its events come until the limit */
	uint64_t limit_ts, limit_place;
	uint64_t clear_to; /* before this time nothing but events of CURRENT comes */
	uint64_t watermark, last_ts, skip_to;
	uint32_t next_seq;
	bool have_seq, ended, end_seen;
	bool skipped; /* a seek has passed over blocks */

	/* keyframes */
	struct gt_rkey key, base; /* the one at hand; the whole one that it builds on */
	bool key_ready, in_key;
	bool state_known;  /* an event or a keyframe was met: what follows changes a state */
	bool block_ready;  /* rows_body holds the body of an unknown block, rows_of its header */
	uint64_t want_key; /* as_of of the keyframe to give out in any case; UINT64_MAX none */

	/* trouble to tell */
	bool gap; /* damage since the last good block */
	uint64_t other_blocks, other_session;
	bool other_told, is_part; /* is_part: others read the other sessions */

	/* index */
	struct gt_index index;
	bool have_index;	 /* its entries are loaded */
	uint64_t end_ts;	 /* of the END block before the index, 0 none */
	struct gt_damage walked; /* what was found beside the reading itself */
};

/* ---- rtables.c ---- */

int gt_r_meta(struct gt_reader *r, const uint8_t *body, size_t n, struct gt_err *err) GT_MUST_CHECK;
/* gt_r_is_table: a kind whose rows are remembered. */
bool gt_r_is_table(uint8_t kind);
/*
 * gt_r_row: remember one row of a table. 1 when it is an item too (in RET), 0 when not,
 * GT_CORRUPT when the row is impossible, GT_NOMEM, GT_LIMIT.
 */
int gt_r_row(struct gt_reader *r, uint8_t kind, const uint64_t *v, const struct gt_row_extra *x,
	     struct gt_item *ret, struct gt_err *err) GT_MUST_CHECK;
void gt_r_goroutine(struct gt_goroutine *ret, const uint64_t *v);
void gt_r_tables_free(struct gt_reader *r);
/* gt_r_charge: N more bytes; GT_LIMIT when that is more than allowed. */
int gt_r_charge(struct gt_reader *r, size_t n, struct gt_err *err) GT_MUST_CHECK;

/* gt_r_idtab_get: the row of ID, NULL where none is. gt_r_text: "" where no such string is. */
void *gt_r_idtab_get(const struct gt_idtab *t, uint32_t id);
const char *gt_r_text(const struct gt_reader *r, uint64_t id);

/* ---- rmerge.c ---- */

/* gt_r_unpack: the body of a block, uncompressed, into RAW (b->raw bytes). */
int gt_r_unpack(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored, uint8_t *raw,
		struct gt_err *err) GT_MUST_CHECK;
/* gt_r_queued_to: t_max of the last block of PROCESS that waits, 0 when none does. */
uint64_t gt_r_queued_to(const struct gt_reader *r, uint32_t process);
/* gt_r_open: a block of events, which ends at END of the file, takes its place in the merge. */
int gt_r_open(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored, uint64_t end,
	      struct gt_err *err) GT_MUST_CHECK;
int gt_r_pend(struct gt_reader *r, uint64_t ts, const struct gt_item *item, uint32_t text,
	      struct gt_err *err) GT_MUST_CHECK;
/* gt_r_pend_loss: an item made by the reader. */
int gt_r_pend_loss(struct gt_reader *r, uint32_t cause, uint64_t t0, uint64_t t1, uint64_t count,
		   struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_r_take: 1 with the earliest event or pending item whose time is before BEFORE, 0 when there
 * is none, or a code.
 */
int gt_r_take(struct gt_reader *r, uint64_t before, struct gt_item *ret,
	      struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_r_event: the next event of r->current, which is open: 1, 0 when there was none to give
 * (told as damage, or before the time sought), or a code.
 */
int gt_r_event(struct gt_reader *r, struct gt_item *ret, struct gt_err *err) GT_MUST_CHECK;
/* gt_r_give: the next event of S, of which there are more in the batch. */
static inline void gt_r_give(struct gt_reader *r, struct gt_rstream *s, struct gt_item *ret)
{
	ret->type = GT_IT_EVENT;
	ret->u.ev = *s->ev++;
	r->last_ts = ret->u.ev.ts;
	s->ts = s->ev->ts;
	s->place = (uint64_t)s->ev->cpu << 32 | s->process;
}
/* gt_r_restart: what comes next has to be found out anew. */
static inline void gt_r_restart(struct gt_reader *r)
{
	r->current = NULL;
	r->clear_to = 0;
}
/* gt_r_crowded: so much is waiting that order must give way to memory. */
bool gt_r_crowded(const struct gt_reader *r);
void gt_r_merge_reset(struct gt_reader *r);
void gt_r_merge_free(struct gt_reader *r);

/* ---- rseek.c ---- */

/* gt_r_find_index: is there an index at the end of the file, and what does its head say? */
void gt_r_find_index(struct gt_reader *r);
/* gt_r_load_index: its entries too, when they are needed; without one that checks, nothing. */
int gt_r_load_index(struct gt_reader *r, struct gt_err *err) GT_MUST_CHECK;

/* ---- reader.c ---- */

/* gt_r_new: as gt_reader_new; of several sessions the given one, 0: the first. */
int gt_r_new(struct gt_reader **out, const struct gt_source *src, const struct gt_reader_opts *opts,
	     uint64_t session, struct gt_err *err) GT_MUST_CHECK;
/* gt_r_moved: the source lies elsewhere now. */
void gt_r_moved(struct gt_reader *r, const struct gt_source *src);
/* gt_r_spoilt: a block that checked but holds nonsense: told, not fatal. Other codes pass. */
int gt_r_spoilt(struct gt_reader *r, const struct gt_blk *b, int rc,
		const struct gt_err *err) GT_MUST_CHECK;

/* ---- rkey.c ---- */

/* gt_r_hold_shard: a block of a keyframe that may be of use. */
int gt_r_hold_shard(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored,
		    struct gt_err *err) GT_MUST_CHECK;
/* gt_r_hold_base: a block of the whole keyframe that the one sought builds on. */
int gt_r_hold_base(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored,
		   struct gt_err *err) GT_MUST_CHECK;
/* gt_r_begin_key, gt_r_next_key: a keyframe that is ready, item by item; always 1, or a code. */
int gt_r_begin_key(struct gt_reader *r, struct gt_item *ret);
int gt_r_next_key(struct gt_reader *r, struct gt_item *ret, struct gt_err *err) GT_MUST_CHECK;
void gt_r_keys_reset(struct gt_reader *r);
void gt_r_keys_free(struct gt_reader *r);

#endif
