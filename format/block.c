/* SPDX-License-Identifier: BSD-2-Clause */
/* Our block: header, checksum, compression. */
#include "block.h"

#include <stdlib.h>
#include <zstd.h>

#include "crc32c.h"

#define CRC_AT	   20u
#define WINDOW_LOG 20 /* more than any body; a frame that asks for more is refused */

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

void gt_blk_pack(uint8_t *ret, const struct gt_blk *b, const void *body)
{
	put32(ret, GT_BLK_MAGIC);
	ret[4] = GT_BLK_HDR / 8;
	ret[5] = b->kind;
	ret[6] = (uint8_t)b->flags;
	ret[7] = (uint8_t)(b->flags >> 8);
	put64(ret + 8, b->session);
	put32(ret + 16, b->seq);
	put32(ret + CRC_AT, 0);
	put64(ret + 24, b->t_min);
	put64(ret + 32, b->t_max);
	put64(ret + 40, b->watermark);
	put32(ret + 48, b->stored);
	put32(ret + 52, b->raw);
	put32(ret + 56, b->n);
	put32(ret + 60, b->lost);
	put32(ret + 64, b->process);
	put32(ret + 68, b->aux);
	put32(ret + CRC_AT, gt_crc32c(gt_crc32c(0, ret, GT_BLK_HDR), body, b->stored));
}

static void unpack(struct gt_blk *ret, struct gt_in *in)
{
	ret->head = (uint16_t)(gt_in_u8(in) * 8);
	ret->kind = gt_in_u8(in);
	ret->flags = gt_in_u16(in);
	ret->session = gt_in_u64(in);
	ret->seq = gt_in_u32(in);
	ret->crc = gt_in_u32(in);
	ret->t_min = gt_in_u64(in);
	ret->t_max = gt_in_u64(in);
	ret->watermark = gt_in_u64(in);
	ret->stored = gt_in_u32(in);
	ret->raw = gt_in_u32(in);
	ret->n = gt_in_u32(in);
	ret->lost = gt_in_u32(in);
	ret->process = gt_in_u32(in);
	ret->aux = gt_in_u32(in);
}

enum gt_blk_check gt_blk_peek(struct gt_blk *ret, const uint8_t *p, size_t n, uint32_t caplen)
{
	struct gt_in in = gt_in_init(p, n);
	uint32_t magic = gt_in_u32(&in);

	memset(ret, 0, sizeof(*ret));
	if ((magic & 0xffffff) != (GT_BLK_MAGIC & 0xffffff))
		return GT_BLK_FOREIGN;
	if (magic != GT_BLK_MAGIC)
		return magic >> 24 >= '2' && magic >> 24 <= '9' ? GT_BLK_FUTURE : GT_BLK_FOREIGN;
	unpack(ret, &in);
	if (in.bad || ret->head < GT_BLK_HDR || ret->head > caplen ||
	    ret->stored != caplen - ret->head || ret->raw > GT_BLK_MAX_BODY ||
	    ret->t_min > ret->t_max || ret->t_max > GT_MAX_TIME ||
	    ret->process > GT_MAX_PROCESSES ||
	    (ret->flags & GT_BF_ZSTD ? ret->raw / GT_BLK_MAX_RATIO > ret->stored
				     : ret->raw != ret->stored))
		return GT_BLK_BAD;
	return GT_BLK_OK;
}

enum gt_blk_check gt_blk_check(struct gt_blk *ret, const uint8_t *p, uint32_t caplen)
{
	static const uint8_t zero[4];
	enum gt_blk_check c = gt_blk_peek(ret, p, caplen, caplen);
	uint32_t crc;

	if (c != GT_BLK_OK)
		return c;
	crc = gt_crc32c(0, p, CRC_AT);
	crc = gt_crc32c(crc, zero, sizeof(zero));
	crc = gt_crc32c(crc, p + CRC_AT + 4, caplen - CRC_AT - 4);
	return crc == ret->crc ? GT_BLK_OK : GT_BLK_BAD;
}

/* ---- compression ---- */

struct gt_press {
	ZSTD_CCtx *ctx; /* owned; NULL: do not compress */
	uint8_t *buf;	/* owned */
	size_t cap;
};

int gt_press_new(struct gt_press **out, int level, struct gt_err *err)
{
	struct gt_press *p = calloc(1, sizeof(*p));

	if (!p)
		return gt_fail(err, GT_NOMEM, "no memory for compression");
	if (level) {
		p->ctx = ZSTD_createCCtx();
		if (!p->ctx ||
		    ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_compressionLevel, level)) ||
		    ZSTD_isError(ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_dictIDFlag, 0))) {
			gt_press_free(p);
			return gt_fail(err, GT_NOMEM, "no memory for compression");
		}
	}
	*out = p;
	return GT_OK;
}

void gt_press_free(struct gt_press *p)
{
	if (!p)
		return;
	ZSTD_freeCCtx(p->ctx);
	free(p->buf);
	free(p);
}

/* One frame; gives 0 when it would not be smaller than the input. */
static size_t squeeze(struct gt_press *p, const uint8_t *raw, size_t n, const size_t *marks,
		      size_t n_marks)
{
	ZSTD_outBuffer out = { p->buf, n - 1, 0 };
	size_t from = 0;

	ZSTD_CCtx_reset(p->ctx, ZSTD_reset_session_only);
	if (ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(p->ctx, n)))
		return 0;
	for (size_t i = 0; i <= n_marks; i++) {
		size_t to = i < n_marks ? marks[i] : n;
		ZSTD_inBuffer in = { raw + from, to - from, 0 };
		size_t left = ZSTD_compressStream2(p->ctx, &out, &in,
						   i < n_marks ? ZSTD_e_flush : ZSTD_e_end);

		if (left) /* an error, or it does not fit */
			return 0;
		from = to;
	}
	return out.pos;
}

int gt_press_run(struct gt_press *p, const uint8_t *raw, size_t n, const size_t *marks,
		 size_t n_marks, const uint8_t **ret, size_t *ret_n, struct gt_err *err)
{
	size_t size = 0;

	if (p->cap < n) {
		uint8_t *buf = realloc(p->buf, n);

		if (!buf)
			return gt_fail(err, GT_NOMEM, "no memory for compression");
		p->buf = buf;
		p->cap = n;
	}
	if (p->ctx && n > 1)
		size = squeeze(p, raw, n, marks, n_marks);
	*ret = size ? p->buf : raw;
	*ret_n = size ? size : n;
	return size != 0;
}

struct gt_unpress {
	ZSTD_DCtx *ctx; /* owned */
};

int gt_unpress_new(struct gt_unpress **out, struct gt_err *err)
{
	struct gt_unpress *u = calloc(1, sizeof(*u));

	if (!u || !(u->ctx = ZSTD_createDCtx()) ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(u->ctx, ZSTD_d_windowLogMax, WINDOW_LOG))) {
		gt_unpress_free(u);
		return gt_fail(err, GT_NOMEM, "no memory for decompression");
	}
	*out = u;
	return GT_OK;
}

void gt_unpress_free(struct gt_unpress *u)
{
	if (!u)
		return;
	ZSTD_freeDCtx(u->ctx);
	free(u);
}

int gt_unpress_run(struct gt_unpress *u, const uint8_t *p, size_t n, uint8_t *raw, size_t n_raw,
		   struct gt_err *err)
{
	if (ZSTD_getFrameContentSize(p, n) != n_raw || ZSTD_findFrameCompressedSize(p, n) != n)
		return gt_fail(err, GT_CORRUPT,
			       "compressed body is not one frame of the right size");
	if (ZSTD_decompressDCtx(u->ctx, raw, n_raw, p, n) != n_raw)
		return gt_fail(err, GT_CORRUPT, "compressed body does not decode");
	return GT_OK;
}
