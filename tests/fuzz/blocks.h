/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As checksums keep a fuzzer out of the bodies of blocks, targets also take their input as bodies
 * of blocks that check: here it becomes a trace.
 */
#ifndef GT_FUZZ_BLOCKS_H
#define GT_FUZZ_BLOCKS_H

#include "format/block.h"
#include "format/gtrace.h"
#include "format/pcapng.h"

static inline void fuzz_put(struct gt_out *o, struct gt_blk *b, const uint8_t *body, uint32_t n)
{
	uint8_t head[GT_BLK_HDR];

	b->stored = n;
	if (!(b->flags & GT_BF_ZSTD))
		b->raw = n;
	gt_blk_pack(head, b, body);
	gt_pcap_put_epb(o, 0, 0, head, sizeof(head), body, n, 0);
	b->seq++;
}

/* Input: for each block 6 bytes {kind, items, flags and process, time, size} and the body. */
static inline void fuzz_trace(struct gt_out *o, const uint8_t *p, size_t n)
{
	struct gt_blk b = { .session = 1, .kind = GT_K_META, .n = 1 };
	struct gt_in in = gt_in_init(p, n);

	gt_pcap_put_shb(o, &(struct gt_pcap_section){ .os = NULL });
	gt_pcap_put_idb(o, "gtrace", NULL);
	fuzz_put(o, &b, NULL, 0);
	while (gt_in_left(&in) > 6) {
		uint32_t size, flags;
		const uint8_t *body;

		b.kind = gt_in_u8(&in);
		b.n = gt_in_u8(&in);
		flags = gt_in_u8(&in);
		b.t_max = b.t_min + gt_in_u8(&in) * 1000u;
		b.watermark = b.t_min;
		b.process = flags & 3;
		b.flags = flags & 0x80 ? GT_BF_ZSTD : 0;
		b.raw = b.n * 64;
		b.aux = b.kind == GT_K_KEYFRAME ? (flags >> 2 & 3) | 2u << 16 : 0;
		size = gt_in_u16(&in);
		if (size > gt_in_left(&in))
			size = (uint32_t)gt_in_left(&in);
		body = gt_in_bytes(&in, size);
		fuzz_put(o, &b, body, size);
		b.t_min = b.t_max;
	}
}

#endif
