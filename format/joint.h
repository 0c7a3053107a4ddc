/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several recordings read as one trace: concatenated files, files that mergecap mixed, files of
 * several hosts. Each has a reader of its own; what they give is shifted onto one axis of time
 * (by the monotonic clock within one boot of a host, by the wall clock between hosts) and
 * their numbers are made different. joint.c opens and keeps the facts, jitems.c merges, jmap.c
 * changes the numbers.
 */
#ifndef GT_JOINT_H
#define GT_JOINT_H

#include "base/u64map.h"
#include "reader.h"

#define GT_J_ID_BITS   24u /* ids of pcs, stacks and strings are smaller; the part is above */
#define GT_J_MAX_PARTS 255u

struct gt_window { /* a stretch of a source */
	const struct gt_source *src;
	uint64_t from, to; /* to UINT64_MAX: its end */
};

struct gt_part {
	struct gt_window window;
	uint64_t session; /* to read of it; 0: the first */
	struct gt_source src;
	struct gt_reader *r;		  /* owned */
	uint64_t shift;			  /* added to its times, modulo 2^64 */
	uint64_t first, last;		  /* of its events, shifted */
	uint32_t host, cpu_shift, series; /* series: recordings that share their gids */
	struct {
		uint32_t *p; /* process number here -> in the whole; 0 not yet given */
		size_t n, cap;
	} procs;
	struct gt_u64map listed; /* goroutines that it found alive: who is not there has ended */
	struct gt_item head;	 /* the next item that has a time, mapped */
	uint64_t ts;
	bool has_head, ended, begun, follows; /* follows: goes on with a process of another part */
};

struct gt_jproc {
	struct gt_process p; /* mapped */
	uint32_t part;	     /* the last one that has it */
	bool known, told_gap;
};

struct gt_joint {
	struct {
		struct gt_part *p;
		size_t n, cap;
	} parts; /* by start */
	struct {
		struct gt_jproc *p;
		size_t n, cap;
	} procs; /* [0] unused */
	struct {
		struct gt_thread *p;
		size_t n, cap;
	} threads;
	struct gt_u64map thread_at; /* process << 32 | tid -> position */
	struct gt_u64map alive;	    /* process << 48 | goid -> gid */
	struct gt_u64map key_of;    /* gid -> its key in alive */
	struct gt_u64map alias;	    /* gid -> gid that the goroutine had in an earlier part */
	struct {
		struct gt_item *p;
		size_t n, cap;
	} queue; /* items made here, to be given first */
	size_t queued;
	char *text;	       /* owned: joined facts */
	const char **comments; /* owned */
	unsigned gid_bits;
	struct gt_end end;
	bool started, prefetched, have_end;
	uint64_t made, ends; /* events made here; END blocks met */
};

/* ---- joint.c ---- */

static inline int gt_j_no_memory(struct gt_err *err)
{
	return gt_fail(err, GT_NOMEM, "no memory to join traces");
}

/* gt_j_open: R becomes the reader of all recordings in the N sources; GT_OK also for one. */
int gt_j_open(struct gt_reader *r, const struct gt_source *srcs, size_t n,
	      struct gt_err *err) GT_MUST_CHECK;
/* gt_j_list: read recordings of one host through, for who is alive when each begins. */
int gt_j_list(struct gt_joint *j, struct gt_err *err) GT_MUST_CHECK;
/* gt_j_several: SRC holds blocks of more than one recording. 1, 0, or a code. */
int gt_j_several(const struct gt_source *src, struct gt_err *err) GT_MUST_CHECK;
void gt_j_free(struct gt_joint *j);
void gt_j_damage(struct gt_reader *r);
int gt_j_check(struct gt_reader *r, bool all, struct gt_err *err) GT_MUST_CHECK;

/* ---- jitems.c ---- */

int gt_j_next(struct gt_reader *r, struct gt_item *ret, struct gt_err *err) GT_MUST_CHECK;
int gt_j_rewind(struct gt_reader *r, struct gt_err *err) GT_MUST_CHECK;

/* ---- jmap.c ---- */

/* gt_j_map: IT of PART in the numbers of the whole. *RET_TS: its time, 0 where it has none. */
int gt_j_map(struct gt_joint *j, uint32_t part, struct gt_item *it, uint64_t *ret_ts,
	     struct gt_err *err) GT_MUST_CHECK;
/* gt_j_identity: by what a goroutine is known in all recordings of its process; 0: by nothing. */
uint64_t gt_j_identity(const struct gt_goroutine *g);
/* gt_j_process: the number of PROCESS of PART in the whole. */
int gt_j_process(struct gt_joint *j, uint32_t part, uint32_t process, uint32_t *ret,
		 struct gt_err *err) GT_MUST_CHECK;
uint64_t gt_j_gid(const struct gt_joint *j, uint32_t part, uint64_t gid);

/* The part that ID belongs to, and its own id there; NULL: none. */
static inline const struct gt_reader *gt_j_part(const struct gt_joint *j, uint32_t *id)
{
	uint32_t part = *id >> GT_J_ID_BITS;

	*id &= (1u << GT_J_ID_BITS) - 1;
	return part < j->parts.n ? j->parts.p[part].r : NULL;
}

static inline uint32_t gt_j_id(uint32_t part, uint32_t id)
{
	return id ? part << GT_J_ID_BITS | id : 0;
}

#endif
