/* SPDX-License-Identifier: BSD-2-Clause */
/* All goroutines of a process, read from its memory in chunks. */
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "allgs.h"
#include "clock.h"

#define CHUNK	    128	 /* goroutines read at a time */
#define G_BYTES	    512	 /* of a runtime.g: more than any version has */
#define WINDOW	    2048 /* bytes of a parked stack read at once, from sp up */
#define MAX_DEPTH   64	 /* frames */
#define STATUS_SCAN 0x1000u
#define MAX_M	    (1u << 24) /* no program has so many threads */
#define MAX_STACK   (1u << 30) /* 1 GB [runtime/proc.go: maxstacksize] */

/* One goroutine on its way into a row. */
struct one {
	uint64_t addr;
	uint8_t g[G_BYTES];
	uint8_t window[WINDOW];
	uint64_t window_at; /* address of window[0]; 0: not read */
	uint32_t window_n;
	uint64_t procid, m_id; /* of the thread it is on; 0 none */
	uint8_t again[40];     /* status and goid once more, after the stack */
	uint64_t lo_again;
	bool read, alive, parked, read_m;
};

struct snap {
	const struct gt_target *t;
	struct gt_layout l;
	struct one one[CHUNK];
	struct gt_read reads[CHUNK * 3];
	struct gt_snapshot_stats *stats;
	bool dead; /* rows of unused structs too */
};

static uint64_t u64_at(const uint8_t *p, uint32_t off)
{
	uint64_t v = 0;

	if (off <= G_BYTES - sizeof(v))
		memcpy(&v, p + off, sizeof(v));
	return v;
}

static uint32_t u32_at(const uint8_t *p, uint32_t off)
{
	uint32_t v = 0;

	if (off <= G_BYTES - sizeof(v))
		memcpy(&v, p + off, sizeof(v));
	return v;
}

static uint32_t status_of(const struct snap *s, const struct one *o)
{
	return u32_at(o->g, s->l.g_atomicstatus) & ~STATUS_SCAN;
}

/* Read N structs; those that are no living goroutine are marked so. */
static int read_structs(struct snap *s, size_t n, struct gt_err *err)
{
	uint32_t size = s->l.g_size < G_BYTES ? s->l.g_size : G_BYTES;

	for (size_t i = 0; i < n; i++)
		s->reads[i] = (struct gt_read){ s->one[i].addr, s->one[i].g, size, false };
	int rc = gt_target_read_many(s->t, s->reads, n, err);
	for (size_t i = 0; !rc && i < n; i++) {
		struct one *o = &s->one[i];
		uint32_t st = status_of(s, o);
		o->alive = o->parked = o->read_m = false;
		o->read = s->reads[i].ok;
		o->window_at = 0;
		o->procid = 0;
		if (!s->reads[i].ok || st > 11 || st == 5 || st == 7)
			s->stats->unreadable++;
		else if (st == GT_G_IDLE || st == GT_G_DEAD || st == GT_G_DEADEXTRA)
			s->stats->dead++;
		else if (u64_at(o->g, s->l.g_sched_g) != o->addr)
			s->stats->unreadable++;
		else
			o->alive = true;
		o->parked = o->alive && (st == GT_G_WAITING || st == GT_G_RUNNABLE ||
					 st == GT_G_LEAKED || st == GT_G_PREEMPTED);
	}
	return rc;
}

/* The lowest part of each parked stack, and the thread of each goroutine that has one. */
static int read_stacks(struct snap *s, size_t n, struct gt_err *err)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		struct one *o = &s->one[i];
		uint64_t hi = u64_at(o->g, s->l.g_stack_hi), sp = u64_at(o->g, s->l.g_sched_sp);
		uint64_t m = u64_at(o->g, s->l.g_m);
		if (!o->alive)
			continue;
		if (o->parked && sp >= u64_at(o->g, s->l.g_stack_lo) && sp < hi) {
			o->window_at = sp;
			o->window_n = hi - sp < WINDOW ? (uint32_t)(hi - sp) : WINDOW;
			s->reads[k++] = (struct gt_read){ sp, o->window, o->window_n, false };
		}
		if (m) {
			o->read_m = true;
			s->reads[k++] = (struct gt_read){ m + s->l.m_procid, &o->procid, 8, false };
			s->reads[k++] = (struct gt_read){ m + s->l.m_id, &o->m_id, 8, false };
		}
	}
	int rc = gt_target_read_many(s->t, s->reads, k, err);
	k = 0;
	for (size_t i = 0; !rc && i < n; i++) {
		struct one *o = &s->one[i];
		if (o->window_at && !s->reads[k++].ok)
			o->window_at = 0;
		if (o->read_m) {
			if (!s->reads[k].ok || !s->reads[k + 1].ok || o->procid > UINT32_MAX) {
				o->procid = 0; /* on which thread it is, nobody knows */
				s->stats->unreadable++;
			}
			k += 2;
		}
	}
	return rc;
}

/* Status, goid and stack once more: a stack counts only if all is as it was. */
static int read_again(struct snap *s, size_t n, struct gt_err *err)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		struct one *o = &s->one[i];
		if (!o->window_at)
			continue;
		s->reads[k++] = (struct gt_read){ o->addr + s->l.g_atomicstatus, o->again,
						  sizeof(o->again), false };
		s->reads[k++] = (struct gt_read){ o->addr + s->l.g_stack_lo, &o->lo_again, 8,
						  false };
	}
	int rc = gt_target_read_many(s->t, s->reads, k, err);
	k = 0;
	for (size_t i = 0; !rc && i < n; i++) {
		struct one *o = &s->one[i];
		if (!o->window_at)
			continue;
		uint32_t was = status_of(s, o);
		bool same = s->reads[k].ok && s->reads[k + 1].ok &&
			    (u32_at(o->again, 0) & ~STATUS_SCAN) == was &&
			    u64_at(o->again, s->l.g_goid - s->l.g_atomicstatus) ==
				    u64_at(o->g, s->l.g_goid) &&
			    o->lo_again == u64_at(o->g, s->l.g_stack_lo);
		k += 2;
		if (!same) {
			o->window_at = 0;
			s->stats->torn++;
		}
	}
	return rc;
}

/* Frame {caller's fp, return address} at FP: from the window, else from memory. */
static bool frame_at(const struct snap *s, const struct one *o, uint64_t fp, uint64_t ret[2])
{
	if (fp >= o->window_at && fp + 16 <= o->window_at + o->window_n) {
		memcpy(ret, o->window + (fp - o->window_at), 16);
		return true;
	}
	return !gt_target_read(s->t, fp, ret, 16, NULL);
}

/* *RET_CUT: its stack goes on where the walk had to end. */
static uint32_t walk(const struct snap *s, const struct one *o, uint64_t pcs[MAX_DEPTH],
		     bool *ret_cut)
{
	uint64_t hi = u64_at(o->g, s->l.g_stack_hi), fp = u64_at(o->g, s->l.g_sched_bp);
	uint64_t frame[2], lowest = o->window_at;
	uint32_t n = 0;

	/* A goroutine that never ran stands at its entry: there is no call to show. */
	uint64_t pc = u64_at(o->g, s->l.g_sched_pc);
	*ret_cut = false;
	if (!o->window_at || pc == u64_at(o->g, s->l.g_startpc))
		return 0;
	pcs[n++] = pc;
	while (n < MAX_DEPTH && fp >= lowest && fp <= hi - 16 && !(fp & 7)) {
		if (!frame_at(s, o, fp, frame) || !frame[1])
			break;
		pcs[n++] = frame[1];
		lowest = fp + 1;
		fp = frame[0];
	}
	*ret_cut = fp != 0;
	return n;
}

/* A struct that no goroutine uses: read well, and so. */
static bool is_free(const struct snap *s, size_t i)
{
	uint32_t st = status_of(s, &s->one[i]);

	return s->one[i].read && (st == GT_G_DEAD || st == GT_G_DEADEXTRA);
}

/* 0: not known, as that of a C thread's goroutine is the C thread's. */
static uint32_t stack_bytes(const struct snap *s, const struct one *o)
{
	uint64_t lo = u64_at(o->g, s->l.g_stack_lo), hi = u64_at(o->g, s->l.g_stack_hi);

	return hi > lo && hi - lo <= MAX_STACK ? (uint32_t)(hi - lo) : 0;
}

static int give_rows(struct snap *s, size_t n, uint32_t process, uint64_t t0,
		     int (*row)(void *ctx, const struct gt_snap_row *r, struct gt_err *err),
		     void *ctx, struct gt_err *err)
{
	uint64_t pcs[MAX_DEPTH], t1 = gt_clock_ns(CLOCK_MONOTONIC);
	int rc = GT_OK;

	for (size_t i = 0; !rc && i < n; i++) {
		struct one *o = &s->one[i];
		if (s->dead && is_free(s, i)) {
			struct gt_snap_row gone = { .process = process,
						    .t0 = t0,
						    .t1 = t1,
						    .gptr = o->addr,
						    .goid = u64_at(o->g, s->l.g_goid),
						    .status = (uint8_t)status_of(s, o) };
			rc = row(ctx, &gone, err);
		}
		if (!o->alive)
			continue;
		struct gt_snap_row r = { .process = process,
					 .t0 = t0,
					 .t1 = t1,
					 .gptr = o->addr,
					 .goid = u64_at(o->g, s->l.g_goid),
					 .gopc = u64_at(o->g, s->l.g_gopc),
					 .startpc = u64_at(o->g, s->l.g_startpc),
					 .procid = (uint32_t)o->procid,
					 .m = o->procid && o->m_id < MAX_M ? (int32_t)o->m_id : -1,
					 .stack_bytes = stack_bytes(s, o),
					 .status = (uint8_t)status_of(s, o),
					 .reason = o->g[s->l.g_waitreason],
					 .pcs = pcs };
		if (s->l.g_parent_goid != UINT32_MAX)
			r.parent_goid = u64_at(o->g, s->l.g_parent_goid);
		if (r.status == GT_G_SYSCALL)
			r.syscallpc = u64_at(o->g, s->l.g_syscallpc);
		r.locked = u64_at(o->g, s->l.g_lockedm) != 0;
		r.depth = walk(s, o, pcs, &r.cut);
		s->stats->goroutines++;
		rc = row(ctx, &r, err);
	}
	return rc;
}

int gt_snapshot_take(const struct gt_target *t, uint32_t process, bool dead, uint64_t *allgs,
		     int (*row)(void *ctx, const struct gt_snap_row *r, struct gt_err *err),
		     void *ctx, struct gt_snapshot_stats *ret, struct gt_err *err)
{
	struct gt_snapshot_stats stats = { 0 };
	uint64_t begin = gt_clock_ns(CLOCK_MONOTONIC), *list = NULL;
	size_t n = 0;
	struct snap *s = calloc(1, sizeof(*s));

	if (!s)
		return gt_fail(err, GT_NOMEM, "out of memory");
	s->t = t;
	s->dead = dead;
	s->stats = &stats;
	int rc = gt_gobin_layout(t->bin, &s->l, err);
	if (!rc && s->l.g_waitreason >= G_BYTES)
		rc = gt_fail(err, GT_UNSUPPORTED, "'%s': runtime.g is too large", t->image);
	if (!rc)
		rc = gt_allgs_read(t, &s->l, allgs, &stats.how, &list, &n, err);
	for (size_t i = 0; !rc && i < n; i += CHUNK) {
		size_t k = n - i < CHUNK ? n - i : CHUNK;
		for (size_t j = 0; j < k; j++)
			s->one[j].addr = list[i + j];
		uint64_t t0 = gt_clock_ns(CLOCK_MONOTONIC);
		rc = read_structs(s, k, err);
		if (!rc)
			rc = read_stacks(s, k, err);
		if (!rc)
			rc = read_again(s, k, err);
		if (!rc)
			rc = give_rows(s, k, process, t0, row, ctx, err);
	}
	stats.took_ns = gt_clock_ns(CLOCK_MONOTONIC) - begin;
	if (!rc)
		*ret = stats;
	free(list);
	free(s);
	return rc;
}
