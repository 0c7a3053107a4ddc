/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is the rest of the file whole too? A reading that began at a keyframe, or ended before the file
 * did, has not met all blocks. Here the sums of all of them are checked; nothing is unpacked. It
 * takes a millisecond for each megabyte, so who asks says how large a file is worth it.
 */
#include "joint.h"

#define CHECK_CHUNK (1u << 20)

static void worse(uint64_t *have, uint64_t found)
{
	if (found > *have)
		*have = found;
}

/* What the reading has met is among what was found now; it may have told more of it. */
static void merge(struct gt_damage *d, const struct gt_damage *found)
{
	worse(&d->bad_blocks, found->bad_blocks);
	worse(&d->bad_bytes, found->bad_bytes);
	worse(&d->missing_blocks, found->missing_blocks);
	worse(&d->missing_end, found->missing_end);
	if (found->first[0])
		gt_damage_note(d, "%s", found->first);
}

static int check_all(const struct gt_reader *r, struct gt_damage *found, struct gt_err *err)
{
	struct gt_feed feed;
	struct gt_scan s;
	struct gt_found f;
	uint32_t next_seq = 0;
	bool end = false, gap = false, first = true;
	int rc;

	gt_feed_init(&feed, r->src, CHECK_CHUNK);
	gt_scan_init(&s, &feed, found);
	while ((rc = gt_scan_next(&s, &f, err)) != 0) {
		/* A block of a later version: told when it is read. */
		if (rc == GT_VERSION || rc == GT_UNSUPPORTED)
			continue;
		if (rc < 0)
			break;
		gap |= f.gap;
		if (f.h.session != r->session)
			continue;
		if (!gap && f.h.seq > next_seq && !(first && f.h.kind == GT_K_META)) {
			found->missing_blocks += f.h.seq - next_seq;
			gt_damage_note(found, "%u blocks are missing before offset %llu",
				       f.h.seq - next_seq, (unsigned long long)f.offset);
		}
		next_seq = f.h.seq + 1;
		gap = first = false;
		end |= f.h.kind == GT_K_END;
	}
	gt_feed_free(&feed);
	found->missing_end = !end;
	return rc < 0 ? rc : GT_OK;
}

static bool read_through(const struct gt_reader *r)
{
	return r->opts.follow || (r->ended && !r->skipped);
}

uint64_t gt_reader_unread(const struct gt_reader *r)
{
	uint64_t n = 0;

	if (!r->joint)
		return read_through(r) || !gt_feed_seekable(&r->feed) ? 0 : r->src->size;
	for (size_t i = 0; i < r->joint->parts.n; i++)
		n += gt_reader_unread(r->joint->parts.p[i].r);
	return n;
}

int gt_reader_check(struct gt_reader *r, bool all, struct gt_err *err)
{
	struct gt_damage found = { 0 };
	struct gt_err local;
	int rc;

	err = err ? err : &local;
	if (r->joint)
		return gt_j_check(r, all, err);
	if (!gt_feed_seekable(&r->feed))
		return gt_fail(err, GT_UNSUPPORTED, "a stream cannot be checked: use a file");
	if (read_through(r))
		return GT_OK;
	rc = all ? GT_OK : gt_r_load_index(r, err);
	if (rc)
		return rc;
	/* Without an index that was read or made nothing is known of the end. */
	if (all || !r->have_index)
		rc = check_all(r, &found, err);
	else if (r->info.indexed)
		found.missing_end = !r->info.complete;
	if (rc)
		return rc;
	merge(&r->damage, &r->walked);
	merge(&r->damage, &found);
	return GT_OK;
}
