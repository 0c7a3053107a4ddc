/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growing byte buffer, the twin of in.h. Allocation failure sets `bad`, which sticks; the
 * caller checks once at the end. Bytes are appended little-endian.
 */
#ifndef GT_OUT_H
#define GT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gt_out {
	uint8_t *p; /* owned; NULL while empty */
	size_t n, cap;
	bool bad;
};

/* gt_out_grow: room for MORE bytes; false (and bad) when memory is short. */
bool gt_out_grow(struct gt_out *o, size_t more);
void gt_out_free(struct gt_out *o);

static inline void gt_out_reset(struct gt_out *o)
{
	o->n = 0;
	o->bad = false;
}

static inline bool gt_out_room(struct gt_out *o, size_t more)
{
	return o->cap - o->n >= more || gt_out_grow(o, more);
}

static inline void gt_out_u8(struct gt_out *o, uint8_t v)
{
	if (gt_out_room(o, 1))
		o->p[o->n++] = v;
}

static inline void gt_out_u16(struct gt_out *o, uint16_t v)
{
	gt_out_u8(o, (uint8_t)v);
	gt_out_u8(o, (uint8_t)(v >> 8));
}

static inline void gt_out_u32(struct gt_out *o, uint32_t v)
{
	gt_out_u16(o, (uint16_t)v);
	gt_out_u16(o, (uint16_t)(v >> 16));
}

static inline void gt_out_u64(struct gt_out *o, uint64_t v)
{
	gt_out_u32(o, (uint32_t)v);
	gt_out_u32(o, (uint32_t)(v >> 32));
}

static inline void gt_out_bytes(struct gt_out *o, const void *p, size_t n)
{
	if (n && gt_out_room(o, n)) {
		memcpy(o->p + o->n, p, n);
		o->n += n;
	}
}

static inline void gt_out_varint(struct gt_out *o, uint64_t v)
{
	if (!gt_out_room(o, 10))
		return;
	while (v >= 0x80) {
		o->p[o->n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	o->p[o->n++] = (uint8_t)v;
}

static inline void gt_out_zigzag(struct gt_out *o, int64_t v)
{
	gt_out_varint(o, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

#endif
