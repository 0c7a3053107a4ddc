/* SPDX-License-Identifier: BSD-2-Clause */
/* The pcapng layer: framing of blocks, section, interface and packet. */
#include "pcapng.h"

enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_SHB_HARDWARE = 2,
	OPT_SHB_OS = 3,
	OPT_SHB_USERAPPL = 4,
	OPT_IF_NAME = 2,
	OPT_IF_DESCRIPTION = 3,
	OPT_IF_TSRESOL = 9,
	OPT_EPB_DROPCOUNT = 4,
};

static void pad4(struct gt_out *o)
{
	while (o->n % 4 && !o->bad)
		gt_out_u8(o, 0);
}

/* Every block before this one ends on a multiple of 4, so padding by o->n is right. */
static size_t begin(struct gt_out *o, uint32_t type)
{
	size_t at = o->n;

	gt_out_u32(o, type);
	gt_out_u32(o, 0);
	return at;
}

static uint32_t finish(struct gt_out *o, size_t at)
{
	uint32_t length;

	pad4(o);
	length = (uint32_t)(o->n - at + 4);
	gt_out_u32(o, length);
	if (o->bad)
		return 0;
	for (int i = 0; i < 4; i++)
		o->p[at + 4 + i] = (uint8_t)(length >> 8 * i);
	return length;
}

static void option(struct gt_out *o, uint16_t code, const void *p, size_t n)
{
	if (n > 65535)
		n = 65535;
	gt_out_u16(o, code);
	gt_out_u16(o, (uint16_t)n);
	gt_out_bytes(o, p, n);
	pad4(o);
}

static void text_option(struct gt_out *o, uint16_t code, const char *s)
{
	if (s && *s)
		option(o, code, s, strlen(s));
}

void gt_pcap_put_shb(struct gt_out *o, const struct gt_pcap_section *s)
{
	size_t at = begin(o, GT_PCAP_SHB);

	gt_out_u32(o, GT_PCAP_ORDER);
	gt_out_u16(o, 1);
	gt_out_u16(o, 0);
	gt_out_u64(o, UINT64_MAX); /* section length: not known */
	text_option(o, OPT_SHB_HARDWARE, s->hardware);
	text_option(o, OPT_SHB_OS, s->os);
	text_option(o, OPT_SHB_USERAPPL, s->tool);
	for (const char *const *c = s->comments; c && *c; c++)
		text_option(o, OPT_COMMENT, *c);
	option(o, OPT_END, NULL, 0);
	finish(o, at);
}

void gt_pcap_put_idb(struct gt_out *o, const char *name, const char *description)
{
	static const uint8_t nanoseconds = 9;
	size_t at = begin(o, GT_PCAP_IDB);

	gt_out_u16(o, GT_PCAP_LINKTYPE);
	gt_out_u16(o, 0);
	gt_out_u32(o, 0); /* snap length: none */
	text_option(o, OPT_IF_NAME, name);
	text_option(o, OPT_IF_DESCRIPTION, description);
	option(o, OPT_IF_TSRESOL, &nanoseconds, 1);
	option(o, OPT_END, NULL, 0);
	finish(o, at);
}

uint32_t gt_pcap_put_epb(struct gt_out *o, uint32_t iface, uint64_t wall_ns, const void *head,
			 size_t n_head, const void *body, size_t n_body, uint64_t lost)
{
	size_t at = begin(o, GT_PCAP_EPB);

	gt_out_u32(o, iface);
	gt_out_u32(o, (uint32_t)(wall_ns >> 32));
	gt_out_u32(o, (uint32_t)wall_ns);
	gt_out_u32(o, (uint32_t)(n_head + n_body));
	gt_out_u32(o, (uint32_t)(n_head + n_body));
	gt_out_bytes(o, head, n_head);
	gt_out_bytes(o, body, n_body);
	pad4(o);
	if (lost) {
		uint8_t le[8];

		for (int i = 0; i < 8; i++)
			le[i] = (uint8_t)(lost >> 8 * i);
		option(o, OPT_EPB_DROPCOUNT, le, 8);
		option(o, OPT_END, NULL, 0);
	}
	return finish(o, at);
}

void gt_pcap_put_local(struct gt_out *o, uint32_t type, const void *body, size_t n)
{
	size_t at = begin(o, type);

	gt_out_bytes(o, body, n);
	finish(o, at);
}

bool gt_pcap_head(struct gt_pcap_head *ret, const uint8_t *p)
{
	struct gt_in in = gt_in_init(p, 8);

	ret->type = gt_in_u32(&in);
	ret->length = gt_in_u32(&in);
	return ret->length >= 12 && ret->length % 4 == 0 && ret->length <= GT_PCAP_MAX_BLOCK;
}

enum gt_pcap_shb gt_pcap_shb(const uint8_t *p)
{
	struct gt_in in = gt_in_init(p, 16);
	uint32_t order;

	if (gt_in_u32(&in) != GT_PCAP_SHB)
		return GT_SHB_BAD;
	gt_in_u32(&in);
	order = gt_in_u32(&in);
	if (order == __builtin_bswap32(GT_PCAP_ORDER))
		return GT_SHB_BIG_ENDIAN;
	if (order != GT_PCAP_ORDER)
		return GT_SHB_BAD;
	return gt_in_u16(&in) == 1 ? GT_SHB_OK : GT_SHB_VERSION;
}

const uint8_t *gt_pcap_epb(const uint8_t *p, uint32_t length, uint32_t *ret_caplen)
{
	struct gt_in in = gt_in_init(p, GT_PCAP_EPB_HEAD);

	if (length < GT_PCAP_EPB_HEAD + 4)
		return NULL;
	gt_in_bytes(&in, 20);
	*ret_caplen = gt_in_u32(&in);
	if (*ret_caplen > GT_PCAP_MAX_PACKET || *ret_caplen > length - GT_PCAP_EPB_HEAD - 4)
		return NULL;
	return in.end;
}

bool gt_pcap_trailer(const uint8_t *p, uint32_t length)
{
	struct gt_in in = gt_in_init(p + length - 4, 4);

	return gt_in_u32(&in) == length;
}
