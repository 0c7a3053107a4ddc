/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our block: the header in front of every body, its checksum, and compression of bodies.
 */
#ifndef GT_BLOCK_H
#define GT_BLOCK_H

#include "base/err.h"
#include "base/in.h"
#include "base/out.h"
#include "spec.h"

struct gt_blk { /* header fields; docs/FORMAT.md section 4 */
	uint64_t session, t_min, t_max, watermark;
	uint32_t seq, crc, stored, raw, n, lost, process, aux;
	uint16_t flags;
	uint8_t kind;
	uint16_t head; /* bytes of the header: more than GT_BLK_HDR in later versions */
};

/* gt_blk_pack: 72 header bytes for B and its stored body, with the checksum of both. */
void gt_blk_pack(uint8_t *ret, const struct gt_blk *b, const void *body);

enum gt_blk_check {
	GT_BLK_OK,
	GT_BLK_FOREIGN, /* not ours: no magic */
	GT_BLK_FUTURE,	/* a later format: GTR2 ... */
	GT_BLK_BAD,	/* ours, but it does not check */
};

/* gt_blk_peek: the header alone, from N bytes of a packet of CAPLEN; the checksum is not tried. */
enum gt_blk_check gt_blk_peek(struct gt_blk *ret, const uint8_t *p, size_t n, uint32_t caplen);
/* gt_blk_check: gt_blk_peek for a whole packet, and its checksum. */
enum gt_blk_check gt_blk_check(struct gt_blk *ret, const uint8_t *p, uint32_t caplen);

/* ---- compression -------------------------------------------------------------------------- */

struct gt_press; /* one zstd context and its buffer */

/* gt_press_new: LEVEL as zstd counts; 0 means do not compress. */
int gt_press_new(struct gt_press **out, int level, struct gt_err *err) GT_MUST_CHECK;
void gt_press_free(struct gt_press *p);
/*
 * gt_press_run: compress RAW (N bytes), closing zstd's own block at each of the MARKS, so that
 * every column gets entropy tables of its own. Sets *RET, valid until the next call, and *RET_N;
 * points to RAW itself and returns 0 when that is not smaller, else 1; or a code.
 */
int gt_press_run(struct gt_press *p, const uint8_t *raw, size_t n, const size_t *marks,
		 size_t n_marks, const uint8_t **ret, size_t *ret_n,
		 struct gt_err *err) GT_MUST_CHECK;

struct gt_unpress;

int gt_unpress_new(struct gt_unpress **out, struct gt_err *err) GT_MUST_CHECK;
void gt_unpress_free(struct gt_unpress *u);
/*
 * gt_unpress_run: N stored bytes into RAW, which must come out as exactly N_RAW. The frame's
 * own idea of its size and window must agree before anything is decoded. GT_CORRUPT.
 */
int gt_unpress_run(struct gt_unpress *u, const uint8_t *p, size_t n, uint8_t *raw, size_t n_raw,
		   struct gt_err *err) GT_MUST_CHECK;

#endif
