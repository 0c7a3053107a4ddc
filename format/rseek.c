/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seeking: the index from the file or made by walking over the block headers, the tables that
 * lie before the goal, and the keyframe to start from. An index is a hint: what it points to
 * must be what it says, or it is thrown away and made anew.
 */
#include "reader.h"

#include <stdlib.h>

#include "joint.h"
#include "pcapng.h"

#define MIN_BLOCK  (GT_PCAP_EPB_HEAD + GT_BLK_HDR + 4u)
#define WALK_CHUNK 4096u

/* ---- the index of the file ---- */

/* The index block of LENGTH at OFFSET into BODY's buffer; false when it is none. */
static bool index_block(struct gt_reader *r, uint64_t offset, struct gt_index *x,
			struct gt_index_head *head, struct gt_err *err)
{
	struct gt_pcap_head h;
	const uint8_t *p;
	size_t n;

	if (gt_feed_at(&r->feed, offset, 12, &p, &n, err) || n < 12 || !gt_pcap_head(&h, p) ||
	    h.type != GT_PCAP_INDEX)
		return false;
	if (gt_feed_at(&r->feed, offset, h.length, &p, &n, err) || n < h.length ||
	    !gt_pcap_trailer(p, h.length))
		return false;
	if (gt_index_read(x, head, p + 8, h.length - 12, r->unpress, err))
		return false;
	return head->session == r->session && head->self == offset &&
	       x->n <= r->src->size / MIN_BLOCK;
}

static bool read_index(struct gt_reader *r, struct gt_index *x, struct gt_index_head *last)
{
	struct gt_err err;
	struct gt_index_head head;
	const uint8_t *p;
	uint64_t at;
	size_t n;
	struct gt_in in;

	if (r->src->size < MIN_BLOCK || gt_feed_at(&r->feed, r->src->size - 4, 4, &p, &n, &err) ||
	    n < 4)
		return false;
	in = gt_in_init(p, 4);
	at = gt_in_u32(&in);
	if (at > r->src->size)
		return false;
	at = r->src->size - at;
	if (!index_block(r, at, x, last, &err))
		return false;
	for (head = *last; head.prev != GT_INDEX_NO_PREV; at = head.self) {
		uint64_t prev = head.prev;

		if (prev >= at || !index_block(r, prev, x, &head, &err))
			return false;
	}
	return true;
}

int gt_r_load_index(struct gt_reader *r, struct gt_err *err)
{
	struct gt_index x = { 0 };
	struct gt_index_head last = { 0 };
	struct gt_found first = r->peeked;
	size_t size;
	const uint8_t *p;
	size_t n;
	int rc;

	if (read_index(r, &x, &last) && x.n) {
		size = x.cap * sizeof(*x.p);
		rc = gt_r_charge(r, size, err);
		if (rc) {
			gt_index_free(&x);
			return rc;
		}
		r->index = x;
		r->have_index = r->info.indexed = true;
		r->info.t_first = x.t_first;
		r->info.t_last = x.t_last;
		r->info.events = x.events;
		r->info.complete = x.p[x.n - 1].kind == GT_K_END;
	} else {
		gt_index_free(&x);
	}
	/* The first block was found before; its body lay in the window that has moved since. */
	rc = gt_feed_at(&r->feed, first.offset, first.length, &p, &n, err);
	if (!rc && n < first.length)
		rc = gt_fail(err, GT_IO, "the file shrinks while it is read");
	if (!rc)
		r->peeked.body = p + GT_PCAP_EPB_HEAD + first.h.head;
	return rc;
}

/* ---- an index made by walking ---- */

static void entry_of(struct gt_index_entry *e, const struct gt_found *f)
{
	*e = (struct gt_index_entry){
		.offset = f->offset,
		.length = f->length,
		.t_min = f->h.t_min,
		.t_max = f->h.t_max,
		.process = f->h.process,
		.seq = f->h.seq,
		.n = f->h.n,
		.lost = f->h.lost,
		.aux = f->h.aux,
		.kind = f->h.kind,
	};
}

static int walk(struct gt_reader *r, struct gt_err *err)
{
	struct gt_damage ignored = { 0 };
	struct gt_feed feed;
	struct gt_scan s;
	struct gt_found f;
	int rc;

	gt_index_free(&r->index);
	r->have_index = r->info.indexed = false;
	gt_feed_init(&feed, r->src, WALK_CHUNK);
	gt_scan_init(&s, &feed, &ignored);
	s.peek = true;
	do {
		struct gt_index_entry e;

		rc = gt_scan_next(&s, &f, err);
		if (rc == GT_VERSION || rc == GT_UNSUPPORTED) {
			rc = 1;
			continue;
		}
		if (rc != 1 || f.h.session != r->session || f.offset + f.length > r->src->size)
			continue;
		entry_of(&e, &f);
		rc = gt_r_charge(r, sizeof(e), err);
		if (!rc)
			rc = gt_index_add(&r->index, &e, err);
		rc = rc ? rc : 1;
	} while (rc == 1);
	gt_feed_free(&feed);
	r->have_index = rc == 0;
	return rc;
}

static int need_index(struct gt_reader *r, struct gt_err *err)
{
	if (!gt_feed_seekable(&r->feed))
		return gt_fail(err, GT_UNSUPPORTED, "a stream cannot be searched: use a file");
	return r->have_index ? GT_OK : walk(r, err);
}

/* ---- blocks through the index ---- */

/*
 * The block of an entry: 1 when it is there and checks, 0 when not, or a code. *BODY lives
 * until the next use of the feed.
 */
static int fetch(struct gt_reader *r, const struct gt_index_entry *e, struct gt_blk *h,
		 const uint8_t **body, struct gt_err *err)
{
	const uint8_t *p, *packet;
	uint32_t caplen;
	size_t n;
	int rc = gt_feed_at(&r->feed, e->offset, e->length, &p, &n, err);

	if (rc)
		return rc;
	if (n < e->length || e->length < MIN_BLOCK)
		return 0;
	packet = gt_pcap_epb(p, e->length, &caplen);
	if (!packet || gt_blk_check(h, packet, caplen) != GT_BLK_OK)
		return 0;
	*body = packet + h->head;
	return h->session == r->session && h->seq == e->seq && h->kind == e->kind &&
	       h->t_max == e->t_max && h->aux == e->aux;
}

static int load_rows(struct gt_reader *r, const struct gt_blk *h, const uint8_t *body,
		     struct gt_err *err)
{
	uint64_t v[GT_ROW_MAX];
	struct gt_row_extra x;
	struct gt_item item;
	int rc = gt_r_unpack(r, h, body, r->rows_body, err);

	if (!rc)
		rc = gt_rows_init(&r->rows, gt_table_spec((enum gt_block_kind)h->kind),
				  r->rows_body, h->raw, h->n, h->t_min, err);
	while (!rc && (rc = gt_rows_next(&r->rows, v, &x, err)) == 1) {
		rc = gt_r_row(r, h->kind, v, &x, &item, err);
		if (rc > 0)
			rc = 0;
	}
	return rc == GT_CORRUPT ? GT_OK : rc; /* a linear reading will tell */
}

/* Tables of the blocks before GOAL that no reading has passed yet. 0: the index lied. */
static int load_tables(struct gt_reader *r, uint64_t goal, struct gt_err *err)
{
	for (size_t i = 0; i < r->index.n && r->index.p[i].offset < goal; i++) {
		const struct gt_index_entry *e = &r->index.p[i];
		const uint8_t *body;
		struct gt_blk h;
		int rc;

		if (e->offset < r->tables_to || !gt_r_is_table(e->kind))
			continue;
		rc = fetch(r, e, &h, &body, err);
		if (rc < 0)
			return rc;
		if (!rc && r->info.indexed)
			return 0;
		if (rc)
			rc = load_rows(r, &h, body, err);
		if (rc < 0)
			return rc;
	}
	if (goal > r->tables_to)
		r->tables_to = goal;
	return 1;
}

/* ---- seeking ---- */

/* Do all shards of the keyframe that starts at entry I follow each other? */
static bool whole_keyframe(const struct gt_index *x, size_t i)
{
	uint32_t count = x->p[i].aux >> 16;

	if (x->p[i].kind != GT_K_KEYFRAME || x->p[i].aux & UINT16_MAX || !count || count > x->n - i)
		return false;
	for (uint32_t k = 1; k < count; k++)
		if (x->p[i + k].kind != GT_K_KEYFRAME || x->p[i + k].t_max != x->p[i].t_max ||
		    x->p[i + k].aux != (k | count << 16))
			return false;
	return true;
}

/* The last whole keyframe as of T or before, all of whose shards check; NULL when none. */
static int find_keyframe(struct gt_reader *r, uint64_t t, const struct gt_index_entry **ret,
			 struct gt_err *err)
{
	*ret = NULL;
	for (size_t i = r->index.n; i-- > 0;) {
		const struct gt_index_entry *e = &r->index.p[i];
		int rc = 1;

		if (e->kind != GT_K_KEYFRAME || e->t_max > t || !whole_keyframe(&r->index, i))
			continue;
		for (uint32_t k = 0; k < e->aux >> 16 && rc == 1; k++) {
			const uint8_t *body;
			struct gt_blk h;

			rc = fetch(r, e + k, &h, &body, err);
		}
		if (rc < 0)
			return rc;
		if (rc) {
			*ret = e;
			return 1;
		}
		if (r->info.indexed)
			return 0;
	}
	return 1;
}

static void go_to(struct gt_reader *r, const struct gt_index_entry *key)
{
	gt_r_merge_reset(r);
	gt_r_drop_shards(r);
	r->in_rows = r->state_known = false;
	r->have_peeked = false;
	r->end_seen = false;
	r->next_seq = 0;
	r->scan.pos = 0;
	r->scan.section = 0;
	r->want_key = UINT64_MAX;
	if (!key)
		return;
	r->scan.pos = key->offset;
	r->skipped = true;
	r->want_key = key->t_max;
	r->next_seq = key->seq;
	r->have_seq = true;
}

int gt_reader_seek(struct gt_reader *r, uint64_t t, struct gt_err *err)
{
	struct gt_err local;
	const struct gt_index_entry *key;
	int rc;

	err = err ? err : &local;
	if (r->joint)
		return gt_j_rewind(r, err);
	rc = need_index(r, err);
	if (rc)
		return rc;
	for (;;) {
		rc = find_keyframe(r, t, &key, err);
		if (rc == 1 && key)
			rc = load_tables(r, key->offset, err);
		if (rc)
			break;
		rc = walk(r, err); /* the index is wrong: make it anew */
		if (rc)
			return rc;
	}
	if (rc < 0)
		return rc;
	go_to(r, key);
	return GT_OK;
}

int gt_reader_span(struct gt_reader *r, uint64_t *ret_first, uint64_t *ret_last, struct gt_err *err)
{
	struct gt_err local;
	int rc = GT_OK;

	if (r->joint) {
		*ret_first = r->info.t_first;
		*ret_last = r->info.t_last;
		return GT_OK;
	}
	rc = need_index(r, err ? err : &local);
	if (rc)
		return rc;
	*ret_first = r->index.t_first;
	*ret_last = r->index.t_last;
	for (size_t i = r->index.n; i-- > 0;)
		if (r->index.p[i].kind == GT_K_END && r->index.p[i].t_max > *ret_last)
			*ret_last = r->index.p[i].t_max;
	return GT_OK;
}
