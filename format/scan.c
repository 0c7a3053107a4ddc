/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding our blocks in a file: framing, damage, resynchronisation. */
#include "scan.h"

#include <stdarg.h>
#include <stdio.h>

#include "pcapng.h"

#define WINDOW	65536u			       /* bytes looked at in one go while searching */
#define MAX_EPB (GT_PCAP_MAX_PACKET + 131072u) /* with options that other tools may add */
#define HEADERS (GT_PCAP_EPB_HEAD + GT_BLK_HDR)

void gt_scan_init(struct gt_scan *s, struct gt_feed *feed, struct gt_damage *damage)
{
	*s = (struct gt_scan){ .feed = feed, .damage = damage, .index_at = UINT64_MAX };
	s->limit = UINT64_MAX;
}

void gt_damage_note(struct gt_damage *d, const char *fmt, ...)
{
	va_list ap;

	if (d->first[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(d->first, sizeof(d->first), fmt, ap);
	va_end(ap);
}

/* What became of one pcapng block. */
enum verdict {
	OURS,
	SKIP,	/* fine, not ours */
	BAD,	/* framed well, but its contents do not check */
	BROKEN, /* not even framed well */
	SHORT,	/* the file ends in it */
	FUTURE,
	BIG_ENDIAN,
	FAILED, /* I/O */
};

static enum verdict look_at_packet(const struct gt_scan *s, const uint8_t *p, size_t n,
				   const struct gt_pcap_head *head, struct gt_found *ret)
{
	uint32_t caplen;
	const uint8_t *packet = gt_pcap_epb(p, head->length, &caplen);
	bool framed = s->peek || gt_pcap_trailer(p, head->length);
	enum gt_blk_check c;

	if (!packet)
		return framed ? BAD : BROKEN;
	c = s->peek ? gt_blk_peek(&ret->h, packet, n - GT_PCAP_EPB_HEAD, caplen)
		    : gt_blk_check(&ret->h, packet, caplen);
	if (!framed)
		return BROKEN;
	switch (c) {
	case GT_BLK_OK: ret->body = s->peek ? NULL : packet + ret->h.head; return OURS;
	case GT_BLK_FUTURE: return FUTURE;
	case GT_BLK_BAD: return BAD;
	case GT_BLK_FOREIGN: break;
	}
	return SKIP;
}

static enum verdict look_at_section(const uint8_t *p)
{
	switch (gt_pcap_shb(p)) {
	case GT_SHB_OK: return SKIP;
	case GT_SHB_BIG_ENDIAN: return BIG_ENDIAN;
	case GT_SHB_VERSION: return FUTURE;
	case GT_SHB_BAD: break;
	}
	return BROKEN;
}

/* The block at s->pos. *HEAD is set unless the verdict is BROKEN, SHORT or FAILED. */
static enum verdict look(struct gt_scan *s, struct gt_pcap_head *head, struct gt_found *ret,
			 int *rc, struct gt_err *err)
{
	const uint8_t *p;
	size_t n, want;

	*rc = gt_feed_at(s->feed, s->pos, HEADERS, &p, &n, err);
	if (*rc)
		return FAILED;
	s->at_end = n == 0;
	if (n < 12)
		return SHORT;
	if (!gt_pcap_head(head, p))
		return head->type == GT_PCAP_SHB && n >= 16 && look_at_section(p) == BIG_ENDIAN
			       ? BIG_ENDIAN
			       : BROKEN;
	if (head->type == GT_PCAP_EPB && head->length > MAX_EPB)
		return BROKEN;
	want = s->peek && head->type == GT_PCAP_EPB && head->length >= HEADERS ? HEADERS
									       : head->length;
	*rc = gt_feed_at(s->feed, s->pos, want, &p, &n, err);
	if (*rc)
		return FAILED;
	if (n < want)
		return SHORT;
	if (head->type == GT_PCAP_EPB)
		return look_at_packet(s, p, want, head, ret);
	if (!gt_pcap_trailer(p, head->length))
		return BROKEN;
	if (head->type == GT_PCAP_SHB)
		return head->length >= 28 ? look_at_section(p) : BROKEN;
	return SKIP;
}

/* Could a block begin here? Cheap: only what 8 or 32 bytes tell. */
static bool looks_like_start(const uint8_t *p, size_t n)
{
	struct gt_in in = gt_in_init(p, n);
	uint32_t type = gt_in_u32(&in);

	if (type == GT_PCAP_EPB) {
		gt_in_bytes(&in, GT_PCAP_EPB_HEAD - 4);
		return (gt_in_u32(&in) & 0xffffff) == (GT_BLK_MAGIC & 0xffffff);
	}
	if (type == GT_PCAP_SHB) {
		gt_in_u32(&in);
		return gt_in_u32(&in) == GT_PCAP_ORDER;
	}
	return type == GT_PCAP_INDEX;
}

/* Search from s->pos + 4 on. 1: s->pos is at a block that checks; 0: at the end, there is none. */
static int resync(struct gt_scan *s, struct gt_err *err)
{
	uint64_t at = s->pos + 4;
	bool peek = s->peek;
	int rc = GT_OK, found = 0;

	s->peek = false;
	while (!rc && !found && at < s->limit) {
		const uint8_t *p;
		size_t n, i;

		rc = gt_feed_at(s->feed, at, WINDOW, &p, &n, err);
		if (rc || n < 32)
			break;
		for (i = 0; i + 32 <= n && !looks_like_start(p + i, 32); i += 4)
			;
		at += i;
		if (i + 32 > n)
			continue;
		struct gt_pcap_head head;
		struct gt_found f;
		enum verdict v;

		s->pos = at;
		v = look(s, &head, &f, &rc, err);
		found = v == OURS || v == SKIP;
		if (!found)
			at += 4;
	}
	s->peek = peek;
	s->at_end = false;
	s->pos = at;
	return rc ? rc : found;
}

static int broken(struct gt_scan *s, struct gt_found *ret, bool is_short, struct gt_err *err)
{
	uint64_t from = s->pos;
	int rc;

	if (is_short && s->follow)
		return 0;
	rc = resync(s, err);
	if (rc < 0)
		return rc;
	s->damage->bad_blocks++;
	ret->gap = true;
	if (rc) {
		s->damage->bad_bytes += s->pos - from;
		gt_damage_note(s->damage, "damaged at offset %llu, %llu bytes skipped",
			       (unsigned long long)from, (unsigned long long)(s->pos - from));
		return 1;
	}
	for (;;) { /* nothing more that checks: count to the end */
		const uint8_t *p;
		size_t n;

		rc = gt_feed_at(s->feed, s->pos, 1, &p, &n, err);
		if (rc)
			return rc;
		if (!n || s->pos >= s->limit)
			break;
		s->pos += n;
	}
	s->at_end = true;
	s->damage->bad_bytes += s->pos - from;
	gt_damage_note(s->damage, "cut off or damaged from offset %llu on",
		       (unsigned long long)from);
	return 0;
}

int gt_scan_next(struct gt_scan *s, struct gt_found *ret, struct gt_err *err)
{
	*ret = (struct gt_found){ 0 };
	while (s->pos < s->limit) {
		struct gt_pcap_head head = { 0 };
		uint64_t at = s->pos;
		int rc;
		enum verdict v = look(s, &head, ret, &rc, err);

		switch (v) {
		case FAILED: return rc;
		case SHORT:
		case BROKEN:
			if (s->at_end)
				return 0;
			rc = broken(s, ret, v == SHORT, err);
			if (rc <= 0)
				return rc;
			continue;
		case BAD:
			s->damage->bad_blocks++;
			s->damage->bad_bytes += head.length;
			gt_damage_note(s->damage, "block at offset %llu does not check",
				       (unsigned long long)at);
			ret->gap = true;
			break;
		case BIG_ENDIAN:
			s->pos += head.length >= 12 && head.length % 4 == 0 ? head.length : 12;
			return gt_fail(
				err, GT_UNSUPPORTED,
				"big-endian pcapng section at offset %llu: not a gtrace trace",
				(unsigned long long)at);
		case FUTURE:
			s->pos += head.length;
			return gt_fail(err, GT_VERSION,
				       "block at offset %llu is of a later format version",
				       (unsigned long long)at);
		case SKIP:
			if (head.type == GT_PCAP_SHB)
				s->section = at;
			else if (head.type == GT_PCAP_INDEX)
				s->index_at = at;
			else if (head.type == GT_PCAP_EPB)
				s->foreign++;
			break;
		case OURS:
			ret->offset = at;
			ret->length = head.length;
			s->pos += head.length;
			return 1;
		}
		s->pos += head.length;
	}
	return 0;
}
