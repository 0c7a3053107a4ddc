/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rings that the probes write to: one BPF ring buffer for each online CPU, in an
 * array-of-maps that all loaded programs share. The consumer side is our own, as it must know
 * two things that libbpf does not tell: that a ring was seen empty (the watermark), and
 * whole stretches of records at once.
 */
#ifndef GT_RING_H
#define GT_RING_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/base/err.h"

struct gt_ring {
	int fd;		    /* -1: this CPU is not online */
	uint64_t size;	    /* bytes of data, a power of two */
	uint64_t *cons_pos; /* mapped, ours to write */
	const uint64_t *prod_pos;
	const uint8_t *data; /* mapped twice in a row: a record is never split */
};

struct gt_rings {
	int outer_fd; /* the array-of-maps */
	uint32_t n;   /* possible CPUs */
	uint32_t n_online;
	struct gt_ring *r; /* one for each possible CPU */
};

/*
 * gt_rings_default_size: bytes for each of N_ONLINE rings so that all stay within 64 MiB and
 * within 1 % of the memory limit (cgroup or host); a power of two, at least 64 KiB.
 */
uint64_t gt_rings_default_size(uint32_t n_online);

/* gt_rings_new: BYTES for each CPU (0: default; else rounded up to a power of two of pages). */
int gt_rings_new(struct gt_rings **out, uint64_t bytes, struct gt_err *err) GT_MUST_CHECK;
void gt_rings_free(struct gt_rings *rs);

/*
 * gt_ring_peek: the stretch of finished records at the head of the ring: *ret_p and its
 * length in bytes (0: none), valid until gt_ring_advance. *ret_all: nothing that was reserved
 * before the call is left behind it, so every later record is younger than the call.
 */
size_t gt_ring_peek(const struct gt_ring *r, const uint8_t **ret_p, bool *ret_all);
/* gt_ring_advance: hand LEN bytes, as peek gave them, back to the kernel. */
void gt_ring_advance(struct gt_ring *r, size_t len);
/* gt_ring_used: bytes waiting in the ring now. */
uint64_t gt_ring_used(const struct gt_ring *r);

/* From the header of a record to the next one's. */
static inline size_t gt_ring_step(uint32_t hdr)
{
	uint32_t len = hdr & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

	return ((size_t)len + BPF_RINGBUF_HDR_SZ + 7) & ~(size_t)7;
}

/*
 * gt_ring_record: the record at P (LEFT bytes from it to the end of the stretch): its body in
 * *ret_body (NULL: discarded) and *ret_len; the return value is what to add to P, 0 at the end.
 */
static inline size_t gt_ring_record(const uint8_t *p, size_t left, const void **ret_body,
				    uint32_t *ret_len)
{
	uint32_t h;

	if (left < BPF_RINGBUF_HDR_SZ)
		return 0;
	memcpy(&h, p, sizeof(h));
	size_t n = gt_ring_step(h);
	if (n > left)
		return 0;
	*ret_len = h & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	*ret_body = h & BPF_RINGBUF_DISCARD_BIT ? NULL : p + BPF_RINGBUF_HDR_SZ;
	return n;
}

#endif
