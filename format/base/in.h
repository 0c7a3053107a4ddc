/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one bounded cursor for everything decoded from a file or from another process. No
 * pointer arithmetic on such bytes happens outside this header. A read past the end or an
 * over-long varint returns 0 and sets `bad`, which sticks, so a decoder reads all its fields
 * and checks once.
 */
#ifndef GT_IN_H
#define GT_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gt_in {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct gt_in gt_in_init(const void *p, size_t n)
{
	return (struct gt_in){ (const uint8_t *)p, (const uint8_t *)p + n, false };
}

static inline size_t gt_in_left(const struct gt_in *in)
{
	return (size_t)(in->end - in->p);
}

static inline void gt_in_fail(struct gt_in *in)
{
	in->bad = true;
	in->p = in->end;
}

/* gt_in_bytes: a pointer to the next N bytes, borrowed from the input; NULL when short. */
static inline const uint8_t *gt_in_bytes(struct gt_in *in, size_t n)
{
	const uint8_t *p = in->p;

	if (gt_in_left(in) < n) {
		gt_in_fail(in);
		return NULL;
	}
	in->p += n;
	return p;
}

static inline uint8_t gt_in_u8(struct gt_in *in)
{
	if (in->p == in->end) {
		in->bad = true;
		return 0;
	}
	return *in->p++;
}

static inline uint16_t gt_in_u16(struct gt_in *in)
{
	const uint8_t *p = gt_in_bytes(in, 2);
	return (uint16_t)(p ? p[0] | p[1] << 8 : 0);
}

static inline uint32_t gt_in_u32(struct gt_in *in)
{
	const uint8_t *p = gt_in_bytes(in, 4);
	return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			       (uint32_t)p[3] << 24
		 : 0;
}

static inline uint64_t gt_in_u64(struct gt_in *in)
{
	uint64_t lo = gt_in_u32(in);
	return lo | (uint64_t)gt_in_u32(in) << 32;
}

/* gt_in_varint: LEB128, at most 10 bytes, no over-long encodings. */
static inline uint64_t gt_in_varint(struct gt_in *in)
{
	uint64_t v = 0;

	if (in->p != in->end && *in->p < 0x80) /* nearly always */
		return *in->p++;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (in->p == in->end)
			break;
		uint8_t b = *in->p++;
		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			if (b == 0 && shift)
				break; /* over-long */
			return v;
		}
	}
	gt_in_fail(in);
	return 0;
}

/* gt_in_zigzag: a signed number as zigzag LEB128. */
static inline int64_t gt_in_zigzag(struct gt_in *in)
{
	uint64_t v = gt_in_varint(in);
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* gt_in_sub: the next N bytes as a cursor of their own; an empty bad one when short. */
static inline struct gt_in gt_in_sub(struct gt_in *in, size_t n)
{
	const uint8_t *p = gt_in_bytes(in, n);

	if (!p)
		return (struct gt_in){ in->end, in->end, true };
	return gt_in_init(p, n);
}

#endif
