/* SPDX-License-Identifier: BSD-2-Clause */
/* The dynamic section: flags and relative relocations. */
#include "goelf_reloc.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/in.h"

#define RELA_SIZE 24
#define SAMPLE	  256  /* relocations looked at to learn whether addends are in place */
#define CHUNK	  4096 /* relocations read at once */

struct dynamic {
	uint64_t rela, relasz, flags_1;
};

static struct dynamic read_dynamic(const struct gt_image *img)
{
	struct dynamic d = { 0 };
	uint8_t buf[16 * 256];

	for (size_t i = 0; i < img->n_segs; i++) {
		const struct gt_segment *s = &img->segs[i];
		size_t n = s->filesz < sizeof(buf) ? (size_t)s->filesz : sizeof(buf);
		struct gt_in in;

		if (s->type != PT_DYNAMIC || !gt_image_pread(img, s->offset, buf, n))
			continue;
		in = gt_in_init(buf, n);
		while (gt_in_left(&in) >= 16) {
			uint64_t tag = gt_in_u64(&in), val = gt_in_u64(&in);

			if (tag == DT_NULL)
				break;
			if (tag == DT_RELA)
				d.rela = val;
			else if (tag == DT_RELASZ)
				d.relasz = val;
			else if (tag == DT_FLAGS_1)
				d.flags_1 = val;
		}
		break;
	}
	return d;
}

static bool next_relative(const struct gt_image *img, struct gt_in *in, struct gt_relative *ret)
{
	uint32_t want = img->arch == GT_ARCH_AMD64 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE;

	while (gt_in_left(in) >= RELA_SIZE) {
		uint64_t vaddr = gt_in_u64(in), info = gt_in_u64(in), addend = gt_in_u64(in);

		if ((uint32_t)info == want) {
			*ret = (struct gt_relative){ vaddr, addend };
			return true;
		}
	}
	return false;
}

static bool addends_in_place(const struct gt_image *img, const struct dynamic *d)
{
	uint8_t buf[RELA_SIZE * SAMPLE];
	size_t n = d->relasz < sizeof(buf) ? (size_t)d->relasz : sizeof(buf);
	struct gt_relative r;
	struct gt_in in;
	uint64_t v;

	if (!gt_image_read(img, d->rela, buf, n))
		return true; /* no table to apply */
	in = gt_in_init(buf, n);
	while (next_relative(img, &in, &r))
		if (gt_image_u64(img, r.vaddr, &v) && v != r.value)
			return false;
	return true;
}

static int by_vaddr(const void *a, const void *b)
{
	const struct gt_relative *x = a, *y = b;

	return (x->vaddr > y->vaddr) - (x->vaddr < y->vaddr);
}

static int load_relatives(struct gt_image *img, const struct dynamic *d, struct gt_err *err)
{
	static const size_t piece = (size_t)RELA_SIZE * CHUNK;
	size_t n = (size_t)(d->relasz / RELA_SIZE), n_rels = 0;
	uint64_t off, left;
	struct gt_relative *rels;
	uint8_t *buf;

	if (!gt_image_offset(img, d->rela, &off, &left) || left < d->relasz)
		return gt_fail(err, GT_TRUNCATED, "'%s': relocations cut off", img->path);
	if (n > GT_ELF_MAX_RELOCS)
		return gt_fail(err, GT_LIMIT, "'%s' has %zu relocations, more than %u", img->path,
			       n, GT_ELF_MAX_RELOCS);
	rels = calloc(n, sizeof(*rels));
	buf = malloc(piece);
	if (!rels || !buf) {
		free(rels);
		free(buf);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	for (uint64_t at = 0; at < n * RELA_SIZE; at += piece) {
		size_t len = n * RELA_SIZE - at < piece ? (size_t)(n * RELA_SIZE - at) : piece;
		struct gt_in in = gt_in_init(buf, len);

		if (!gt_image_pread(img, off + at, buf, len))
			break;
		while (n_rels < n && next_relative(img, &in, &rels[n_rels]))
			n_rels++;
	}
	free(buf);
	qsort(rels, n_rels, sizeof(*rels), by_vaddr);
	img->rels = rels;
	img->n_rels = n_rels;
	return GT_OK;
}

int gt_image_load_dynamic(struct gt_image *img, struct gt_err *err)
{
	struct dynamic d = read_dynamic(img);

	img->flags_1 = d.flags_1;
	if (!d.rela || d.relasz < RELA_SIZE || addends_in_place(img, &d))
		return GT_OK;
	return load_relatives(img, &d, err);
}

void gt_image_relocate(const struct gt_image *img, uint64_t vaddr, uint8_t *buf, size_t n)
{
	size_t lo = 0, hi = img->n_rels;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (img->rels[mid].vaddr < vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* pointers are aligned and so are the pieces that we read: none straddles an end */
	for (; lo < img->n_rels && n >= 8 && img->rels[lo].vaddr - vaddr <= n - 8; lo++)
		for (int k = 0; k < 8; k++)
			buf[img->rels[lo].vaddr - vaddr + k] = (uint8_t)(img->rels[lo].value >>
									 8 * k);
}
