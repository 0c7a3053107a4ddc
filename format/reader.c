/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader: opening a trace, and items in time order. What a block says is believed only
 * after it checked; what does not check is skipped and told.
 */
#include "reader.h"

#include <stdlib.h>

#include "base/vec.h"
#include "joint.h"

#define MAX_MEMORY (4ull << 30)
#define READ_CHUNK (128u << 10)
#define HEAD_LIMIT (4u << 20) /* a trace shows itself within so many bytes */

/* ---- opening ---- */

/* What tcpdump writes: of a trace it keeps the packets, but not what is around them. */
static bool is_old_pcap(const uint8_t *p)
{
	static const uint32_t magics[] = { 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1 };
	struct gt_in in = gt_in_init(p, 4);
	uint32_t magic = gt_in_u32(&in);

	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if (magic == magics[i])
			return true;
	return false;
}

static int no_trace(struct gt_reader *r, struct gt_err *err)
{
	const uint8_t *p;
	size_t n;

	if (r->scan.pos == 0 && r->scan.at_end)
		return gt_fail(err, GT_TRUNCATED, "the file is empty");
	if (r->scan.foreign || (!r->damage.bad_blocks && r->scan.pos))
		return gt_fail(err, GT_UNSUPPORTED, "pcapng, but not a gtrace trace");
	if (gt_feed_seekable(&r->feed) && !gt_feed_at(&r->feed, 0, 4, &p, &n, NULL) && n >= 4) {
		if (!memcmp(p, "\x0a\x0d\x0d\x0a", 4))
			return gt_fail(err, GT_TRUNCATED, "the trace is cut off in its head");
		if (is_old_pcap(p))
			return gt_fail(err, GT_UNSUPPORTED,
				       "pcap of the old kind: editcap -F pcapng makes it readable");
	}
	return gt_fail(err, GT_UNSUPPORTED, "not a trace: no block of gtrace in it");
}

static int find_head(struct gt_reader *r, struct gt_err *err)
{
	int rc;

	r->scan.limit = r->session ? UINT64_MAX : HEAD_LIMIT;
	do {
		rc = gt_scan_next(&r->scan, &r->peeked, err);
	} while (rc == 1 && r->session && r->peeked.h.session != r->session);
	r->scan.limit = UINT64_MAX;
	if (rc < 0)
		return rc;
	if (!rc)
		return no_trace(r, err);
	r->have_peeked = true;
	r->have_session = true;
	r->session = r->info.session = r->peeked.h.session;
	return GT_OK;
}

static int start(struct gt_reader *r, struct gt_err *err)
{
	int rc = gt_unpress_new(&r->unpress, err);

	if (rc)
		return rc;
	r->rows_body = malloc(GT_BLK_MAX_BODY);
	if (!r->rows_body)
		return gt_fail(err, GT_NOMEM, "no memory to read a trace");
	rc = find_head(r, err);
	if (rc)
		return rc;
	if (r->peeked.h.kind == GT_K_META) {
		rc = gt_r_unpack(r, &r->peeked.h, r->peeked.body, r->rows_body, err);
		if (!rc)
			rc = gt_r_meta(r, r->rows_body, r->peeked.h.raw, err);
		if (rc && rc != GT_CORRUPT)
			return rc;
	}
	if (gt_feed_seekable(&r->feed))
		gt_r_find_index(r);
	return GT_OK;
}

static struct gt_reader *blank(const struct gt_source *src, const struct gt_reader_opts *opts)
{
	struct gt_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->src = src;
	if (opts)
		r->opts = *opts;
	if (!r->opts.max_memory)
		r->opts.max_memory = MAX_MEMORY;
	r->info.time_res_ns = 1;
	r->info.boot_id = r->info.hostname = r->info.os = r->info.hardware = r->info.tool = "";
	r->info.t_last = UINT64_MAX;
	r->want_key = UINT64_MAX;
	gt_feed_init(&r->feed, src, READ_CHUNK);
	gt_scan_init(&r->scan, &r->feed, &r->damage);
	r->scan.follow = r->opts.follow;
	return r;
}

static int end_new(struct gt_reader *r, int rc, struct gt_reader **out)
{
	if (rc)
		gt_reader_free(r);
	else
		*out = r;
	return rc;
}

int gt_r_new(struct gt_reader **out, const struct gt_source *src, const struct gt_reader_opts *opts,
	     uint64_t session, struct gt_err *err)
{
	struct gt_reader *r = blank(src, opts);

	if (!r)
		return gt_fail(err, GT_NOMEM, "no memory to read a trace");
	r->is_part = true;
	r->session = session;
	return end_new(r, start(r, err), out);
}

void gt_r_moved(struct gt_reader *r, const struct gt_source *src)
{
	r->src = r->feed.src = src;
}

int gt_reader_join(struct gt_reader **out, const struct gt_source *srcs, size_t n,
		   const struct gt_reader_opts *opts, struct gt_err *err)
{
	struct gt_err local;
	struct gt_reader *r;

	if (n == 1)
		return gt_reader_new(out, srcs, opts, err);
	r = blank(srcs, opts);
	if (!r)
		return gt_fail(err, GT_NOMEM, "no memory to read traces");
	return end_new(r, gt_j_open(r, srcs, n, err ? err : &local), out);
}

/* An index is of one recording only; without one there may be several. */
static int look_for_more(struct gt_reader **r, struct gt_err *err)
{
	const struct gt_source *src = (*r)->src;
	struct gt_reader_opts opts = (*r)->opts;
	int rc;

	if (src->size == UINT64_MAX || opts.follow || (*r)->info.indexed)
		return GT_OK;
	rc = gt_j_several(src, err);
	if (rc <= 0)
		return rc;
	gt_reader_free(*r);
	*r = blank(src, &opts);
	if (!*r)
		return gt_fail(err, GT_NOMEM, "no memory to read a trace");
	return gt_j_open(*r, src, 1, err);
}

int gt_reader_new(struct gt_reader **out, const struct gt_source *src,
		  const struct gt_reader_opts *opts, struct gt_err *err)
{
	struct gt_reader *r = blank(src, opts);
	struct gt_err local;
	int rc;

	if (!r)
		return gt_fail(err, GT_NOMEM, "no memory to read a trace");
	err = err ? err : &local;
	rc = start(r, err);
	return end_new(r, rc ? rc : look_for_more(&r, err), out);
}

void gt_reader_free(struct gt_reader *r)
{
	if (!r)
		return;
	gt_j_free(r->joint);
	gt_r_keys_free(r);
	gt_r_merge_free(r);
	gt_ahead_free(r->ahead);
	gt_r_tables_free(r);
	gt_index_free(&r->index);
	gt_unpress_free(r->unpress);
	gt_feed_free(&r->feed);
	free(r->rows_body);
	free(r);
}

const struct gt_trace_info *gt_reader_info(const struct gt_reader *r)
{
	return &r->info;
}

const struct gt_damage *gt_reader_damage(const struct gt_reader *r)
{
	if (r->joint)
		gt_j_damage((struct gt_reader *)(uintptr_t)r);
	return &r->damage;
}

/* ---- damage ---- */

int gt_r_spoilt(struct gt_reader *r, const struct gt_blk *b, int rc, const struct gt_err *err)
{
	if (rc != GT_CORRUPT)
		return rc;
	r->damage.bad_blocks++;
	r->damage.bad_bytes += b->stored;
	gt_damage_note(&r->damage, "block %u: %s", b->seq, err->msg);
	return GT_OK;
}

/* Up to this time nothing can be missing. */
static uint64_t known_to(const struct gt_reader *r)
{
	uint64_t t = r->watermark > r->last_ts ? r->watermark : r->last_ts;

	return t > r->info.start_ns ? t : r->info.start_ns;
}

/* Events of the blocks between the last good one and the one at OFFSET, if the index knows. */
static uint64_t lost_events(struct gt_reader *r, uint64_t offset, uint32_t first_seq)
{
	struct gt_err ignored;
	uint64_t n = 0;
	size_t lo = 0, hi;

	if (gt_r_load_index(r, &ignored) || !r->have_index)
		return 0;
	hi = r->index.n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->index.p[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo-- > 0 && r->index.p[lo].seq >= first_seq)
		if (r->index.p[lo].kind == GT_K_EVENTS)
			n += r->index.p[lo].n;
	return n;
}

/*
 * When: nothing before the watermark is missing, and all that was lost had happened when the
 * next block was written.
 */
static int tell_gap(struct gt_reader *r, const struct gt_found *f, uint32_t missing,
		    struct gt_err *err)
{
	uint64_t t0 = known_to(r);
	uint64_t lag = f->h.kind == GT_K_KEYFRAME ? 0 : f->h.aux * 1000ull, t1 = f->h.t_max + lag;
	uint64_t n = lost_events(r, f->offset, r->next_seq);
	uint32_t cause = r->gap ? GT_LOSS_DAMAGED : GT_LOSS_MISSING;

	if (!r->gap) {
		r->damage.missing_blocks += missing;
		gt_damage_note(&r->damage, "%u blocks are missing before offset %llu", missing,
			       (unsigned long long)f->offset);
	}
	r->gap = false;
	return gt_r_pend_loss(r, cause, t0, t1 > t0 ? t1 : t0, n, err);
}

/* 1: go on with this block; 0: it is to be skipped. */
static int check_sequence(struct gt_reader *r, const struct gt_found *f, struct gt_err *err)
{
	uint32_t ahead = f->h.seq - r->next_seq;
	int rc = GT_OK;

	r->gap |= f->gap;
	if (!r->have_seq) { /* a trace begins with META, whose number is 0 but in later files of it
			     */
		r->next_seq = f->h.kind == GT_K_META ? f->h.seq : 0;
		r->have_seq = true;
	}
	if (ahead > INT32_MAX) {
		r->damage.bad_blocks++;
		r->damage.bad_bytes += f->length;
		gt_damage_note(&r->damage, "block %u at offset %llu is there twice, or misplaced",
			       f->h.seq, (unsigned long long)f->offset);
		return 0;
	}
	if (r->gap || ahead)
		rc = tell_gap(r, f, ahead, err);
	r->next_seq = f->h.seq + 1;
	return rc ? rc : 1;
}

/* ---- blocks ---- */

static int begin_rows(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored,
		      struct gt_err *err)
{
	int rc = gt_r_unpack(r, b, stored, r->rows_body, err);

	if (!rc)
		rc = gt_rows_init(&r->rows, gt_table_spec((enum gt_block_kind)b->kind),
				  r->rows_body, b->raw, b->n, b->t_min, err);
	r->in_rows = !rc;
	r->rows_of = *b;
	return rc;
}

static uint64_t item_of(struct gt_item *it, uint8_t kind, const uint64_t *v)
{
	switch (kind) {
	case GT_K_LOSS:
		it->type = GT_IT_LOSS;
		it->u.loss = (struct gt_loss){
			.process = (uint32_t)v[GT_F_LOSS_PROCESS],
			.cpu = (uint32_t)v[GT_F_LOSS_CPU] - 1,
			.cause = (uint32_t)v[GT_F_LOSS_CAUSE],
			.t0 = v[GT_F_LOSS_T0],
			.t1 = v[GT_F_LOSS_T1] < v[GT_F_LOSS_T0] ? v[GT_F_LOSS_T0] : v[GT_F_LOSS_T1],
			.count = v[GT_F_LOSS_COUNT],
		};
		return it->u.loss.t0;
	case GT_K_CLOCK:
		it->type = GT_IT_CLOCK;
		it->u.clock = (struct gt_clock){ v[GT_F_CLOCK_MONO], v[GT_F_CLOCK_BOOT],
						 v[GT_F_CLOCK_WALL], v[GT_F_CLOCK_ERROR] };
		return it->u.clock.mono_ns;
	case GT_K_STATS:
		it->type = GT_IT_STATS;
		it->u.stats = (struct gt_stats){
			.ts = v[GT_F_STAT_TS],
			.events = v[GT_F_STAT_EVENTS],
			.lost = v[GT_F_STAT_LOST],
			.goid_zero = v[GT_F_STAT_GOID_ZERO],
			.unreadable = v[GT_F_STAT_UNREADABLE],
			.bad_status = v[GT_F_STAT_BAD_STATUS],
			.resync = v[GT_F_STAT_RESYNC],
			.bytes = v[GT_F_STAT_BYTES],
			.recorder_cpu_ns = v[GT_F_STAT_CPU_NS],
			.hits = v[GT_F_STAT_HITS],
		};
		return it->u.stats.ts;
	case GT_K_NOTE:
		it->type = GT_IT_NOTE;
		it->u.note.ts = v[GT_F_NOTE_TS];
		return it->u.note.ts;
	default:
		it->type = GT_IT_END;
		it->u.end = (struct gt_end){
			.ts = v[GT_F_END_TS],
			.events = v[GT_F_END_EVENTS],
			.lost = v[GT_F_END_LOST],
			.reason = (uint32_t)v[GT_F_END_REASON],
			.status = (int32_t)(uint32_t)v[GT_F_END_STATUS],
		};
		return it->u.end.ts;
	}
}

/* Rows that have a time of their own take their place among the events. */
static int pend_rows(struct gt_reader *r, const struct gt_blk *b, const uint8_t *stored,
		     struct gt_err *err)
{
	uint64_t v[GT_ROW_MAX];
	struct gt_row_extra x;
	int rc = begin_rows(r, b, stored, err);

	r->in_rows = false;
	while (!rc && (rc = gt_rows_next(&r->rows, v, &x, err)) == 1) {
		struct gt_item it = { .type = GT_IT_LOSS };
		uint64_t ts = item_of(&it, b->kind, v);

		if (ts > GT_MAX_TIME)
			return gt_fail(err, GT_CORRUPT, "impossible time");
		rc = gt_r_pend(r, ts, &it, (uint32_t)v[GT_F_NOTE_TEXT], err);
		if (it.type == GT_IT_END)
			r->end_seen = r->info.complete = true;
	}
	return rc;
}

static int events_block(struct gt_reader *r, const struct gt_found *f, struct gt_err *err)
{
	const struct gt_blk *b = &f->h;

	if (!b->n || (r->skip_to && b->t_max <= r->skip_to))
		return GT_OK;
	r->state_known = true;
	if (b->t_min < r->last_ts || b->t_min < gt_r_queued_to(r, b->process)) {
		gt_fail(err, GT_CORRUPT, "events of a time that is over");
		return gt_r_pend_loss(r, GT_LOSS_DAMAGED, r->last_ts,
				      b->t_max > r->last_ts ? b->t_max : r->last_ts, b->n, err)
			       ? err->code
			       : GT_CORRUPT;
	}
	return gt_r_open(r, b, f->body, f->offset + f->length, err);
}

static int dispatch(struct gt_reader *r, const struct gt_found *f, struct gt_err *err)
{
	const struct gt_blk *b = &f->h;
	int rc = GT_OK;

	switch (b->kind) {
	case GT_K_META:
		rc = gt_r_unpack(r, b, f->body, r->rows_body, err);
		return rc ? rc : gt_r_meta(r, r->rows_body, b->raw, err);
	case GT_K_EVENTS: return events_block(r, f, err);
	case GT_K_KEYFRAME: return gt_r_hold_shard(r, b, f->body, err);
	case GT_K_STRINGS:
	case GT_K_PROCESS:
	case GT_K_PCS:
	case GT_K_STACKS:
	case GT_K_THREADS:
	case GT_K_GTAB: return begin_rows(r, b, f->body, err);
	case GT_K_LOSS:
	case GT_K_CLOCK:
	case GT_K_STATS:
	case GT_K_NOTE:
	case GT_K_END: return pend_rows(r, b, f->body, err);
	case GT_K_MODULES: return GT_OK;
	default: break;
	}
	r->damage.unknown_blocks++;
	if (b->flags & GT_BF_CRITICAL)
		return gt_fail(err, GT_VERSION,
			       "block %u is of kind %u, which this version needs to know", b->seq,
			       b->kind);
	if (!r->opts.blocks)
		return GT_OK;
	r->rows_of = *b;
	rc = gt_r_unpack(r, b, f->body, r->rows_body, err);
	r->block_ready = !rc;
	return rc;
}

static int give_block(struct gt_reader *r, struct gt_item *ret)
{
	const struct gt_blk *b = &r->rows_of;

	r->block_ready = false;
	ret->type = GT_IT_BLOCK;
	ret->u.block = (struct gt_raw_block){ b->kind,	b->process,   b->n,  b->t_min,
					      b->t_max, r->rows_body, b->raw };
	return 1;
}

/*
 * The file ends: say what that means. Without its END block anything may be missing from the
 * watermark on, also between the events that are there still.
 */
static int at_end(struct gt_reader *r, struct gt_err *err)
{
	uint64_t t0, t1;
	uint32_t cause;

	r->ended = true;
	r->damage.missing_end = !r->end_seen;
	if (r->end_seen) /* what is broken behind it held no events */
		return GT_OK;
	t0 = t1 = known_to(r);
	for (size_t i = 0; i < r->streams.n; i++)
		if (r->streams.p[i]->tail && r->streams.p[i]->tail->h.t_max > t1)
			t1 = r->streams.p[i]->tail->h.t_max;
	cause = r->gap ? GT_LOSS_DAMAGED : GT_LOSS_MISSING;
	r->gap = false;
	return gt_r_pend_loss(r, cause, t0, t1, 0, err);
}

/* 1: a block was read; 0: none is there (yet). */
static int read_block(struct gt_reader *r, struct gt_err *err)
{
	struct gt_found f = r->peeked;
	int rc = 1;

	gt_r_restart(r);
	if (!r->have_peeked)
		rc = gt_scan_next(&r->scan, &f, err);
	r->have_peeked = false;
	if (rc < 0)
		return rc;
	if (!rc) {
		r->gap |= f.gap;
		return r->opts.follow && !r->end_seen ? 0 : at_end(r, err);
	}
	if (f.h.session != r->session) {
		r->other_session = f.h.session;
		r->gap |= f.gap;
		r->other_blocks++;
		return 1;
	}
	rc = check_sequence(r, &f, err);
	if (rc <= 0)
		return rc < 0 ? rc : 1;
	rc = gt_r_spoilt(r, &f.h, dispatch(r, &f, err), err);
	if (f.h.watermark > r->watermark && f.h.watermark <= (uint64_t)GT_MAX_TIME + 1)
		r->watermark = f.h.watermark;
	if (f.offset + f.length > r->tables_to)
		r->tables_to = f.offset + f.length;
	return rc ? rc : 1;
}

/* ---- items ---- */

/* 1: an item; 0: the block has no more rows. */
static int next_row(struct gt_reader *r, struct gt_item *ret, struct gt_err *err)
{
	uint64_t v[GT_ROW_MAX];
	struct gt_row_extra x;
	int rc;

	while ((rc = gt_rows_next(&r->rows, v, &x, err)) == 1) {
		rc = gt_r_row(r, r->rows_of.kind, v, &x, ret, err);
		if (rc)
			break;
	}
	if (rc == 1)
		return 1;
	r->in_rows = false;
	return gt_r_spoilt(r, &r->rows_of, rc, err);
}

static uint64_t may_come(const struct gt_reader *r)
{
	if (r->key_ready)
		return r->key.shards.p[0].h.t_max + 1;
	return r->ended || gt_r_crowded(r) ? UINT64_MAX : r->watermark;
}

static int tell_other(struct gt_reader *r, struct gt_err *err)
{
	if (!r->other_blocks || r->other_told || r->is_part)
		return 0;
	r->other_told = true;
	return gt_fail(
		err, GT_UNSUPPORTED,
		"the stream holds another trace too (session %016llx, %llu blocks), which can "
		"only be read from a file",
		(unsigned long long)r->other_session, (unsigned long long)r->other_blocks);
}

static int next_item(struct gt_reader *r, struct gt_item *ret, struct gt_err *err)
{
	for (;;) {
		int rc = 0;

		if (r->in_rows)
			rc = next_row(r, ret, err);
		else if (r->in_key)
			return gt_r_next_key(r, ret, err);
		if (rc)
			return rc;
		if (r->in_rows)
			continue;
		rc = gt_r_take(r, may_come(r), ret, err);
		if (rc)
			return rc;
		if (r->key_ready)
			return gt_r_begin_key(r, ret);
		if (r->ended)
			return tell_other(r, err);
		rc = read_block(r, err);
		if (rc < 0 || (!rc && !r->ended))
			return rc;
		if (r->block_ready)
			return give_block(r, ret);
	}
}

size_t gt_reader_events(struct gt_reader *r, uint64_t last, const struct gt_event **ret)
{
	struct gt_rstream *s = r->current;
	uint64_t to = last < UINT64_MAX && last + 1 < r->clear_to ? last + 1 : r->clear_to;
	const struct gt_event *from, *end;

	if (r->joint || !s || s->ts >= to || s->ts <= r->skip_to)
		return 0;
	/* The last one is left to gt_reader_next, which decodes more. */
	from = s->ev;
	end = s->end - 1;
	if (end > from && end[-1].ts >= to)
		for (end = from; end->ts < to; end++)
			;
	if (end == from)
		return 0;
	*ret = from;
	s->ev = end;
	s->ts = end->ts;
	s->place = (uint64_t)end->cpu << 32 | s->process;
	r->last_ts = end[-1].ts;
	return (size_t)(end - from);
}

int gt_reader_next(struct gt_reader *r, struct gt_item *ret, struct gt_err *err)
{
	struct gt_err local;
	int rc = 0;

	err = err ? err : &local;
	if (r->joint)
		return gt_j_next(r, ret, err);
	if (r->current && r->current->ts < r->clear_to) { /* nearly always */
		struct gt_rstream *s = r->current;

		if (s->end - s->ev > 1 && s->ts > r->skip_to) {
			gt_r_give(r, s, ret);
			return 1;
		}
		rc = gt_r_event(r, ret, err);
	}
	return rc ? rc : next_item(r, ret, err);
}
