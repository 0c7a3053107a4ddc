/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pcapng layer: blocks as the pcapng specification frames them, and nothing of what is
 * in ours. Writing appends to a buffer; reading looks at bytes that the caller holds.
 */
#ifndef GT_PCAPNG_H
#define GT_PCAPNG_H

#include "base/in.h"
#include "base/out.h"
#include "spec.h"

#define GT_PCAP_EPB_HEAD 28u /* bytes of an EPB before its data */

struct gt_pcap_section {
	const char *hardware, *os, *tool; /* "" or NULL: left out */
	const char *const *comments;	  /* NULL-terminated, or NULL */
};

void gt_pcap_put_shb(struct gt_out *o, const struct gt_pcap_section *s);
/* gt_pcap_put_idb: an interface of our link type with nanosecond times. */
void gt_pcap_put_idb(struct gt_out *o, const char *name, const char *description);
/*
 * gt_pcap_put_epb: one packet of HEAD then BODY; LOST is its drop count, left out when 0.
 * Returns the length of the whole block.
 */
uint32_t gt_pcap_put_epb(struct gt_out *o, uint32_t iface, uint64_t wall_ns, const void *head,
			 size_t n_head, const void *body, size_t n_body, uint64_t lost);
/* gt_pcap_put_local: a block of TYPE around N bytes, a multiple of 4. */
void gt_pcap_put_local(struct gt_out *o, uint32_t type, const void *body, size_t n);

/* ---- reading ---- */

struct gt_pcap_head {
	uint32_t type, length;
};

/* gt_pcap_head: from the first 8 bytes; false when the length cannot be one. */
bool gt_pcap_head(struct gt_pcap_head *ret, const uint8_t *p);

enum gt_pcap_shb {
	GT_SHB_OK,
	GT_SHB_BIG_ENDIAN,
	GT_SHB_VERSION, /* a major version that nobody knows yet */
	GT_SHB_BAD,
};
/* gt_pcap_shb: looks at the first 16 bytes of a section header. */
enum gt_pcap_shb gt_pcap_shb(const uint8_t *p);

/*
 * gt_pcap_epb: the packet of an EPB of LENGTH bytes at P; NULL when it does not fit. Only the
 * first GT_PCAP_EPB_HEAD bytes of the block are looked at.
 */
const uint8_t *gt_pcap_epb(const uint8_t *p, uint32_t length, uint32_t *ret_caplen);
/* gt_pcap_trailer: does the length at the end of the block equal the one at its start? */
bool gt_pcap_trailer(const uint8_t *p, uint32_t length);

#endif
