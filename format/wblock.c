/* SPDX-License-Identifier: BSD-2-Clause */
/* The writer's way out: section header, META, blocks, index; all that reaches the sink. */
#include "writer.h"

#include "pcapng.h"

int gt_w_push(struct gt_writer *w, struct gt_err *err)
{
	int rc = GT_OK;

	if (w->out.bad)
		rc = gt_fail(err, GT_NOMEM, "no memory for a block of the trace");
	else if (w->out.n)
		rc = w->sink.write(w->sink.ctx, w->out.p, w->out.n, err);
	if (rc)
		w->dead = rc;
	gt_out_reset(&w->out);
	return rc;
}

/* Never before the block before it, so that the file is in strict time order for pcapng tools. */
static uint64_t wall_of(struct gt_writer *w, uint64_t t)
{
	uint64_t wall;

	if (t >= w->opts.start_ns)
		wall = w->opts.start_wall_ns + (t - w->opts.start_ns);
	else if (w->opts.start_ns - t <= w->opts.start_wall_ns)
		wall = w->opts.start_wall_ns - (w->opts.start_ns - t);
	else
		wall = 0;
	if (wall < w->last_wall)
		wall = w->last_wall;
	w->last_wall = wall;
	return wall;
}

/*
 * How long after its t_max a block is written: microseconds of event time, rounded up. So a
 * reader can tell up to when events may have been in the blocks that were lost before it.
 */
static uint32_t lag(const struct gt_writer *w, uint64_t t_max)
{
	uint64_t now = gt_w_now(w), us = now > t_max ? (now - t_max + 999) / 1000 : 0;

	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static bool holds_strings(enum gt_block_kind kind)
{
	return kind == GT_K_STRINGS || kind == GT_K_META;
}

int gt_w_stored(struct gt_writer *w, const struct gt_wblock *b, const uint8_t *body,
		uint32_t stored, uint32_t raw, bool zstd, struct gt_err *err)
{
	uint8_t head[GT_BLK_HDR];
	uint32_t lost = w->lost > UINT32_MAX ? UINT32_MAX : (uint32_t)w->lost, length;
	uint32_t aux = b->kind == GT_K_KEYFRAME ? b->aux : lag(w, b->t_max);
	struct gt_blk h = {
		.kind = (uint8_t)b->kind,
		.flags = (uint16_t)((zstd ? GT_BF_ZSTD : 0) |
				    (w->opts.rewritten ? GT_BF_REWRITTEN : 0) |
				    (holds_strings(b->kind) ? GT_BF_SENSITIVE : 0)),
		.session = w->opts.session,
		.seq = w->seq,
		.t_min = b->t_min,
		.t_max = b->t_max,
		.watermark = w->watermark,
		.stored = stored,
		.raw = raw,
		.n = b->n,
		.lost = lost,
		.process = b->process,
		.aux = aux,
	};
	struct gt_index_entry e = {
		.offset = w->stats.bytes,
		.t_min = b->t_min,
		.t_max = b->t_max,
		.gid_min = b->gid_min,
		.gid_max = b->gid_max,
		.process = b->process,
		.seq = w->seq,
		.n = b->n,
		.lost = lost,
		.aux = aux,
		.kind = (uint8_t)b->kind,
	};

	gt_blk_pack(head, &h, body);
	length = gt_pcap_put_epb(&w->out, b->process, wall_of(w, b->t_min), head, sizeof(head),
				 body, stored, w->lost);
	if (w->out.bad) {
		w->dead = GT_NOMEM;
		return gt_fail(err, GT_NOMEM, "no memory for a block of the trace");
	}
	e.length = length;
	w->seq++;
	w->lost = 0;
	w->stats.bytes += length;
	w->stats.blocks++;
	return gt_index_add(&w->index, &e, err);
}

int gt_w_block(struct gt_writer *w, const struct gt_wblock *b, const struct gt_out *body,
	       const size_t *marks, size_t n_marks, struct gt_err *err)
{
	const uint8_t *stored;
	size_t n_stored;
	int zstd;

	if (body->n > GT_BLK_MAX_BODY)
		return gt_fail(err, GT_LIMIT, "a block of %zu bytes is too large", body->n);
	zstd = gt_press_run(w->press, body->p, body->n, marks, n_marks, &stored, &n_stored, err);
	/* A ratio that readers take for a bomb: store it as it is. */
	if (zstd == 1 && body->n / GT_BLK_MAX_RATIO > n_stored) {
		stored = body->p;
		n_stored = body->n;
		zstd = 0;
	}
	if (zstd < 0)
		return zstd;
	return gt_w_stored(w, b, stored, (uint32_t)n_stored, (uint32_t)body->n, zstd, err);
}

static void meta_number(struct gt_out *o, enum gt_meta_tag tag, uint64_t v)
{
	size_t len = 1;

	for (uint64_t rest = v; rest >= 0x80; rest >>= 7)
		len++;
	gt_out_varint(o, tag);
	gt_out_varint(o, len);
	gt_out_varint(o, v);
}

static void meta_text(struct gt_out *o, enum gt_meta_tag tag, const char *s)
{
	size_t len = s ? strnlen(s, 4096) : 0;

	if (!len)
		return;
	gt_out_varint(o, tag);
	gt_out_varint(o, len);
	gt_out_bytes(o, s, len);
}

int gt_w_meta(struct gt_writer *w, struct gt_err *err)
{
	const struct gt_writer_opts *o = &w->opts;
	struct gt_pcap_section s = { o->hardware, o->os, o->tool, o->comments };
	struct gt_wblock b = {
		.kind = GT_K_META, .n = 1, .t_min = o->start_ns, .t_max = o->start_ns
	};

	gt_pcap_put_shb(&w->out, &s);
	gt_pcap_put_idb(&w->out, "gtrace", "Go scheduler trace");
	w->stats.bytes = w->out.n;
	gt_out_reset(&w->raw);
	meta_number(&w->raw, GT_M_VERSION, GT_FORMAT_VERSION);
	meta_number(&w->raw, GT_M_COMPAT, 0);
	meta_number(&w->raw, GT_M_RO_COMPAT, 0);
	meta_number(&w->raw, GT_M_INCOMPAT, 0);
	meta_number(&w->raw, GT_M_QUANTUM, o->time_res_ns);
	meta_number(&w->raw, GT_M_CLOCK, 1);
	meta_number(&w->raw, GT_M_START, o->start_ns);
	meta_number(&w->raw, GT_M_START_WALL, o->start_wall_ns);
	meta_number(&w->raw, GT_M_CPUS, o->n_cpus);
	meta_text(&w->raw, GT_M_BOOT_ID, o->boot_id);
	meta_text(&w->raw, GT_M_HOSTNAME, o->hostname);
	meta_text(&w->raw, GT_M_OS, o->os);
	meta_text(&w->raw, GT_M_HARDWARE, o->hardware);
	meta_text(&w->raw, GT_M_TOOL, o->tool);
	for (const char *const *c = o->comments; c && *c; c++)
		meta_text(&w->raw, GT_M_COMMENT, *c);
	if (w->raw.bad || w->out.bad)
		return gt_fail(err, GT_NOMEM, "no memory for the head of the trace");
	return gt_w_block(w, &b, &w->raw, NULL, 0, err);
}

int gt_w_index(struct gt_writer *w, struct gt_err *err)
{
	size_t before = w->out.n;
	int rc = gt_index_pack(&w->index, w->opts.session, w->stats.bytes, w->press, &w->out, err);

	w->stats.bytes += w->out.n - before;
	return rc;
}
