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

/* The index block at OFFSET, its entries into X if that is not NULL; false when it is none. */
static bool index_block(struct gt_reader *r, struct gt_feed *feed, uint64_t offset,
			struct gt_index *x, struct gt_index_head *head)
{
	struct gt_pcap_head h;
	struct gt_err err;
	const uint8_t *p;
	size_t n;

	if (gt_feed_at(feed, offset, 12, &p, &n, &err) || n < 12 || !gt_pcap_head(&h, p) ||
	    h.type != GT_PCAP_INDEX)
		return false;
	if (gt_feed_at(feed, offset, h.length, &p, &n, &err) || n < h.length ||
	    !gt_pcap_trailer(p, h.length))
		return false;
	if (x ? gt_index_read(x, head, p + 8, h.length - 12, r->unpress, &err)
	      : gt_index_check(head, p + 8, h.length - 12, &err))
		return false;
	return head->session == r->session && head->self == offset &&
	       (!x || x->n <= r->src->size / MIN_BLOCK);
}

/* The END block that stands before the index, at OFFSET: its time; 0 where it does not check. */
static uint64_t end_before(struct gt_reader *r, struct gt_feed *feed, uint64_t offset)
{
	const uint8_t *p, *packet;
	struct gt_blk h;
	struct gt_err err;
	struct gt_in in;
	uint32_t caplen;
	uint64_t len;
	size_t n;

	if (offset < MIN_BLOCK || gt_feed_at(feed, offset - 4, 4, &p, &n, &err) || n < 4)
		return 0;
	in = gt_in_init(p, 4);
	len = gt_in_u32(&in);
	if (len < MIN_BLOCK || len > offset || len > GT_PCAP_MAX_BLOCK ||
	    gt_feed_at(feed, offset - len, len, &p, &n, &err) || n < len)
		return 0;
	packet = gt_pcap_epb(p, (uint32_t)len, &caplen);
	return packet && gt_blk_check(&h, packet, caplen) == GT_BLK_OK && h.kind == GT_K_END &&
			       h.session == r->session
		       ? h.t_max
		       : 0;
}

/* From the last block, which the file ends with, back to the first. LAST: the head of the last. */
static bool read_chain(struct gt_reader *r, struct gt_feed *feed, struct gt_index *x,
		       struct gt_index_head *last)
{
	struct gt_index_head head;
	struct gt_err err;
	const uint8_t *p;
	uint64_t at;
	size_t n;
	struct gt_in in;

	if (r->src->size < MIN_BLOCK || gt_feed_at(feed, r->src->size - 4, 4, &p, &n, &err) ||
	    n < 4)
		return false;
	in = gt_in_init(p, 4);
	at = gt_in_u32(&in);
	if (at > r->src->size)
		return false;
	at = r->src->size - at;
	if (!index_block(r, feed, at, x, last))
		return false;
	for (head = *last; head.prev != GT_INDEX_NO_PREV; at = head.self) {
		uint64_t prev = head.prev;

		if (prev >= at || !index_block(r, feed, prev, x, &head))
			return false;
	}
	r->end_ts = last->ends ? end_before(r, feed, head.self) : 0;
	return true;
}

static bool read_index(struct gt_reader *r, struct gt_index *x, struct gt_index_head *last)
{
	struct gt_feed feed; /* of its own: somebody may hold bytes of the reader's */
	bool ok;

	gt_feed_init(&feed, r->src, WALK_CHUNK);
	ok = read_chain(r, &feed, x, last);
	gt_feed_free(&feed);
	return ok;
}

void gt_r_find_index(struct gt_reader *r)
{
	struct gt_index_head last = { 0 };

	if (!read_index(r, NULL, &last) || !last.n)
		return;
	r->info.indexed = true;
	r->info.t_first = last.t_first;
	r->info.t_last = last.t_last;
	r->info.events = last.events;
	r->info.complete = last.ends;
}

int gt_r_load_index(struct gt_reader *r, struct gt_err *err)
{
	struct gt_index x = { 0 };
	struct gt_index_head last = { 0 };
	int rc = GT_OK;

	if (r->have_index || !r->info.indexed)
		return GT_OK;
	r->info.indexed = read_index(r, &x, &last) && x.n;
	if (r->info.indexed)
		rc = gt_r_charge(r, x.cap * sizeof(*x.p), err);
	if (rc || !r->info.indexed) {
		gt_index_free(&x);
		return rc;
	}
	r->index = x;
	r->have_index = true;
	return GT_OK;
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

/* What the headers tell of damage; the reading itself may tell more. */
static void note_missing(struct gt_reader *r, const struct gt_index_entry *e)
{
	const struct gt_index_entry *last = r->index.n ? &r->index.p[r->index.n - 1] : NULL;

	if (e->kind == GT_K_END)
		r->walked.missing_end = 0;
	if (!last || e->seq <= last->seq + 1)
		return;
	r->walked.missing_blocks += e->seq - last->seq - 1;
	gt_damage_note(&r->walked, "%u blocks are missing before offset %llu",
		       e->seq - last->seq - 1, (unsigned long long)e->offset);
}

static void note_bad(struct gt_reader *r, const struct gt_index_entry *e)
{
	r->walked.bad_blocks++;
	r->walked.bad_bytes += e->length;
	gt_damage_note(&r->walked, "block at offset %llu does not check",
		       (unsigned long long)e->offset);
}

static int walk(struct gt_reader *r, struct gt_err *err)
{
	struct gt_feed feed;
	struct gt_scan s;
	struct gt_found f;
	int rc;

	gt_index_free(&r->index);
	r->have_index = r->info.indexed = false;
	r->walked = (struct gt_damage){ .missing_end = 1 };
	gt_feed_init(&feed, r->src, WALK_CHUNK);
	gt_scan_init(&s, &feed, &r->walked);
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
		note_missing(r, &e);
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
	int rc;

	if (!gt_feed_seekable(&r->feed))
		return gt_fail(err, GT_UNSUPPORTED, "a stream cannot be searched: use a file");
	rc = gt_r_load_index(r, err);
	return rc || r->have_index ? rc : walk(r, err);
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
		if (rc) {
			rc = load_rows(r, &h, body, err);
		} else {
			note_bad(r, e);
		}
		if (rc < 0)
			return rc;
	}
	if (goal > r->tables_to)
		r->tables_to = goal;
	return 1;
}

/* ---- seeking ---- */

/* Do all shards of the keyframe that starts at entry I follow each other? */
static bool all_there(const struct gt_index *x, size_t i)
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

/* 1 when all shards of the keyframe at E check; they are held if it is to be the BASE. */
static int shards_check(struct gt_reader *r, const struct gt_index_entry *e, bool base,
			struct gt_err *err)
{
	int rc = 1;

	for (uint32_t k = 0; k < e->aux >> 16 && rc == 1; k++) {
		const uint8_t *body;
		struct gt_blk h;

		rc = fetch(r, e + k, &h, &body, err);
		if (rc == 1 && base && (rc = gt_r_hold_base(r, &h, body, err)) == GT_OK)
			rc = 1;
	}
	return rc;
}

/* The whole keyframe that the one at entry I builds on is held: 1; it is not there: 0. */
static int hold_base(struct gt_reader *r, size_t i, struct gt_err *err)
{
	const struct gt_index_entry *key = &r->index.p[i];

	if (key->t_min == key->t_max)
		return 1;
	while (i-- > 0 && r->index.p[i].t_max >= key->t_min) {
		const struct gt_index_entry *e = &r->index.p[i];

		if (e->kind == GT_K_KEYFRAME && e->t_min == key->t_min && e->t_max == key->t_min &&
		    all_there(&r->index, i))
			return shards_check(r, e, true, err);
	}
	return 0;
}

/*
 * The last keyframe as of T or before, all of whose shards check; NULL when none. 0: the index
 * lied. The one that it builds on is held.
 */
static int find_keyframe(struct gt_reader *r, uint64_t t, const struct gt_index_entry **ret,
			 struct gt_err *err)
{
	*ret = NULL;
	for (size_t i = r->index.n; i-- > 0;) {
		const struct gt_index_entry *e = &r->index.p[i];
		int rc;

		if (e->kind != GT_K_KEYFRAME || e->t_max > t || !all_there(&r->index, i))
			continue;
		rc = shards_check(r, e, false, err);
		if (rc == 1) {
			gt_r_keys_reset(r);
			rc = hold_base(r, i, err);
		}
		if (rc < 0)
			return rc;
		if (rc) {
			*ret = e;
			return 1;
		}
		if (r->info.indexed)
			return 0;
		note_bad(r, e);
	}
	return 1;
}

static void go_to(struct gt_reader *r, const struct gt_index_entry *key)
{
	gt_r_merge_reset(r);
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
	gt_r_keys_reset(r);
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
	int rc;

	if (r->joint || r->info.indexed) {
		*ret_first = r->info.t_first;
		*ret_last = r->end_ts > r->info.t_last ? r->end_ts : r->info.t_last;
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
