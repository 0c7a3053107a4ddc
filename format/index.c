/* SPDX-License-Identifier: BSD-2-Clause */
/* The index: collecting entries, packing them into blocks, reading them back. */
#include "index.h"

#include <stdlib.h>

#include "base/vec.h"
#include "crc32c.h"
#include "pcapng.h"
#include "table.h"

#define MAGIC	  "GTRI"
#define END_MAGIC "GTREND01"
#define CRC_AT	  16u
#define F_ZSTD	  1u
#define F_END	  2u /* the last entry is the END block */

void gt_index_free(struct gt_index *x)
{
	GT_VEC_FREE(x);
	*x = (struct gt_index){ 0 };
}

static void count(struct gt_index *x, const struct gt_index_entry *e)
{
	if (e->kind != GT_K_EVENTS || !e->n)
		return;
	if (!x->events || e->t_min < x->t_first)
		x->t_first = e->t_min;
	if (!x->events || e->t_max > x->t_last)
		x->t_last = e->t_max;
	x->events += e->n;
}

int gt_index_add(struct gt_index *x, const struct gt_index_entry *e, struct gt_err *err)
{
	struct gt_index_entry *slot = GT_VEC_PUSH(x);

	if (!slot)
		return gt_fail(err, GT_NOMEM, "no memory for the index");
	*slot = *e;
	count(x, e);
	return GT_OK;
}

/* ---- writing ---- */

static void to_row(const struct gt_index_entry *e, uint64_t *v)
{
	v[GT_F_IX_OFFSET] = e->offset;
	v[GT_F_IX_LENGTH] = e->length;
	v[GT_F_IX_KIND] = e->kind;
	v[GT_F_IX_PROCESS] = e->process;
	v[GT_F_IX_SEQ] = e->seq;
	v[GT_F_IX_T_MIN] = e->t_min;
	v[GT_F_IX_T_MAX] = e->t_max;
	v[GT_F_IX_N] = e->n;
	v[GT_F_IX_LOST] = e->lost;
	v[GT_F_IX_AUX] = e->aux;
	v[GT_F_IX_GID_MIN] = e->gid_min;
	v[GT_F_IX_GID_MAX] = e->gid_max;
}

static void put_head(struct gt_out *o, const struct gt_index_head *h, uint32_t crc)
{
	gt_out_bytes(o, MAGIC, 4);
	gt_out_u16(o, GT_INDEX_HEAD);
	gt_out_u16(o, (uint16_t)((h->zstd ? F_ZSTD : 0) | (h->ends ? F_END : 0)));
	gt_out_u64(o, h->session);
	gt_out_u32(o, crc);
	gt_out_u32(o, h->n);
	gt_out_u64(o, h->prev);
	gt_out_u32(o, h->stored);
	gt_out_u32(o, h->raw);
	gt_out_u64(o, h->self);
	gt_out_u64(o, h->events);
	gt_out_u64(o, h->t_first);
	gt_out_u64(o, h->t_last);
}

static int pack_rows(const struct gt_index *x, size_t from, size_t n, struct gt_out *raw,
		     struct gt_press *press, const uint8_t **stored, struct gt_index_head *h,
		     struct gt_err *err)
{
	struct gt_table t;
	uint64_t v[GT_ROW_MAX] = { 0 };
	size_t marks[GT_ROW_MAX + 1], n_marks = 0, size;
	int rc = GT_OK;

	gt_table_init(&t, &gt_index_spec);
	for (size_t i = from; i < from + n && !rc; i++) {
		to_row(&x->p[i], v);
		rc = gt_table_add(&t, v, NULL, err);
	}
	if (!rc)
		rc = gt_table_pack(&t, raw, marks, &n_marks, err);
	gt_table_free(&t);
	if (rc)
		return rc;
	rc = gt_press_run(press, raw->p, raw->n, marks, n_marks, stored, &size, err);
	if (rc < 0)
		return rc;
	h->zstd = rc;
	h->n = (uint32_t)n;
	h->ends = n && x->p[from + n - 1].kind == GT_K_END;
	h->stored = (uint32_t)size;
	h->raw = (uint32_t)raw->n;
	return GT_OK;
}

static int pack_block(const struct gt_index *x, size_t from, size_t n, struct gt_index_head *h,
		      struct gt_press *press, struct gt_out *out, struct gt_err *err)
{
	struct gt_out raw = { 0 }, body = { 0 };
	const uint8_t *stored = NULL;
	int rc = pack_rows(x, from, n, &raw, press, &stored, h, err);

	if (!rc) {
		put_head(&body, h, 0);
		gt_out_bytes(&body, stored, h->stored);
		if (!body.bad) {
			uint32_t crc = gt_crc32c(0, body.p, body.n);

			for (int i = 0; i < 4; i++)
				body.p[CRC_AT + i] = (uint8_t)(crc >> 8 * i);
		}
		while (body.n % 4 && !body.bad)
			gt_out_u8(&body, 0);
		gt_out_u64(&body, h->self);
		gt_out_bytes(&body, END_MAGIC, 8);
		if (!body.bad)
			gt_pcap_put_local(out, GT_PCAP_INDEX, body.p, body.n);
		if (body.bad || out->bad)
			rc = gt_fail(err, GT_NOMEM, "no memory for the index");
	}
	gt_out_free(&raw);
	gt_out_free(&body);
	return rc;
}

int gt_index_pack(const struct gt_index *x, uint64_t session, uint64_t offset,
		  struct gt_press *press, struct gt_out *out, struct gt_err *err)
{
	size_t start = out->n, done = 0;
	struct gt_index_head h = { .session = session, .prev = GT_INDEX_NO_PREV };

	h.events = x->events;
	h.t_first = x->t_first;
	h.t_last = x->t_last;
	do {
		size_t n = x->n - done < GT_MAX_INDEX_ROWS ? x->n - done : GT_MAX_INDEX_ROWS;
		int rc;

		h.self = offset + (out->n - start);
		rc = pack_block(x, done, n, &h, press, out, err);
		if (rc)
			return rc;
		h.prev = h.self;
		done += n;
	} while (done < x->n);
	return GT_OK;
}

/* ---- reading ---- */

static bool read_head(struct gt_index_head *h, uint32_t *crc, const uint8_t *body, size_t n)
{
	struct gt_in in = gt_in_init(body, n);
	const uint8_t *magic = gt_in_bytes(&in, 4);
	uint32_t size = gt_in_u16(&in), flags = gt_in_u16(&in);

	h->session = gt_in_u64(&in);
	*crc = gt_in_u32(&in);
	h->n = gt_in_u32(&in);
	h->prev = gt_in_u64(&in);
	h->stored = gt_in_u32(&in);
	h->raw = gt_in_u32(&in);
	h->self = gt_in_u64(&in);
	h->events = gt_in_u64(&in);
	h->t_first = gt_in_u64(&in);
	h->t_last = gt_in_u64(&in);
	h->zstd = flags & F_ZSTD;
	h->ends = flags & F_END;
	return !in.bad && !memcmp(magic, MAGIC, 4) && size == GT_INDEX_HEAD &&
	       flags <= (F_ZSTD | F_END) && n >= GT_INDEX_HEAD + GT_INDEX_TAIL &&
	       h->stored <= n - GT_INDEX_HEAD - GT_INDEX_TAIL && h->n <= GT_MAX_INDEX_ROWS &&
	       h->raw <= GT_MAX_INDEX_RAW && (h->zstd || h->raw == h->stored);
}

static uint32_t sum(const uint8_t *body, size_t n)
{
	static const uint8_t zero[4];
	uint32_t crc = gt_crc32c(0, body, CRC_AT);

	crc = gt_crc32c(crc, zero, sizeof(zero));
	return gt_crc32c(crc, body + CRC_AT + 4, n - CRC_AT - 4);
}

static bool from_row(struct gt_index_entry *e, const uint64_t *v)
{
	*e = (struct gt_index_entry){
		.offset = v[GT_F_IX_OFFSET],
		.t_min = v[GT_F_IX_T_MIN],
		.t_max = v[GT_F_IX_T_MAX],
		.gid_min = v[GT_F_IX_GID_MIN],
		.gid_max = v[GT_F_IX_GID_MAX],
		.length = (uint32_t)v[GT_F_IX_LENGTH],
		.process = (uint32_t)v[GT_F_IX_PROCESS],
		.seq = (uint32_t)v[GT_F_IX_SEQ],
		.n = (uint32_t)v[GT_F_IX_N],
		.lost = (uint32_t)v[GT_F_IX_LOST],
		.aux = (uint32_t)v[GT_F_IX_AUX],
		.kind = (uint8_t)v[GT_F_IX_KIND],
	};
	return v[GT_F_IX_KIND] <= 255 && v[GT_F_IX_LENGTH] <= GT_PCAP_MAX_BLOCK &&
	       v[GT_F_IX_OFFSET] < (uint64_t)INT64_MAX && e->t_min <= e->t_max;
}

static int read_rows(struct gt_index *x, const struct gt_index_head *h, const uint8_t *raw,
		     struct gt_err *err)
{
	struct gt_rows *rows = malloc(sizeof(*rows));
	struct gt_row_extra extra;
	struct gt_index_entry e;
	uint64_t v[GT_ROW_MAX], end = 0;
	int rc;

	if (!rows)
		return gt_fail(err, GT_NOMEM, "no memory for the index");
	rc = gt_rows_init(rows, &gt_index_spec, raw, h->raw, h->n, 0, err);
	while (!rc && (rc = gt_rows_next(rows, v, &extra, err)) == 1) {
		if (!from_row(&e, v) || e.offset < end) {
			rc = gt_fail(err, GT_CORRUPT, "index names impossible blocks");
			break;
		}
		end = e.offset + e.length;
		rc = gt_index_add(x, &e, err);
	}
	free(rows);
	return rc;
}

/* Entries of an earlier block go in front; files with more than one index block are huge. */
static int prepend(struct gt_index *x, struct gt_index *front, struct gt_err *err)
{
	if (front->n && x->n && front->p[front->n - 1].offset >= x->p[0].offset)
		return gt_fail(err, GT_CORRUPT, "index blocks are out of order");
	for (size_t i = 0; i < x->n; i++) {
		int rc = gt_index_add(front, &x->p[i], err);

		if (rc)
			return rc;
	}
	gt_index_free(x);
	*x = *front;
	*front = (struct gt_index){ 0 };
	return GT_OK;
}

int gt_index_check(struct gt_index_head *ret, const uint8_t *body, size_t n, struct gt_err *err)
{
	uint32_t crc;

	if (!read_head(ret, &crc, body, n) || sum(body, GT_INDEX_HEAD + ret->stored) != crc)
		return gt_fail(err, GT_CORRUPT, "index does not check");
	return GT_OK;
}

int gt_index_read(struct gt_index *x, struct gt_index_head *ret, const uint8_t *body, size_t n,
		  struct gt_unpress *u, struct gt_err *err)
{
	struct gt_index front = { 0 };
	uint8_t *raw = NULL;
	int rc = gt_index_check(ret, body, n, err);

	if (rc)
		return rc;
	if (ret->zstd) {
		raw = malloc(ret->raw ? ret->raw : 1);
		if (!raw)
			return gt_fail(err, GT_NOMEM, "no memory for the index");
		rc = gt_unpress_run(u, body + GT_INDEX_HEAD, ret->stored, raw, ret->raw, err);
	}
	if (!rc)
		rc = read_rows(&front, ret, raw ? raw : body + GT_INDEX_HEAD, err);
	if (!rc)
		rc = prepend(x, &front, err);
	gt_index_free(&front);
	free(raw);
	return rc;
}
