/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading an opened image: bytes, pointers, segments in pieces, notes, one symbol. */
#include "goelf.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/in.h"
#include "goelf_reloc.h"

#define PIECE	   (1u << 20)
#define SYM_SIZE   24
#define MAX_NAMES  64 /* places in the string table that end in the name looked for */
#define MAX_SYMTAB (1u << 30)

bool gt_image_pread(const struct gt_image *img, uint64_t off, void *buf, size_t n)
{
	uint8_t *p = buf;

	if (off > INT64_MAX || n > INT64_MAX - off)
		return false;
	while (n) {
		ssize_t got = pread(img->fd, p, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

bool gt_image_offset(const struct gt_image *img, uint64_t vaddr, uint64_t *ret_off,
		     uint64_t *ret_left)
{
	for (size_t i = 0; i < img->n_segs; i++) {
		const struct gt_segment *s = &img->segs[i];

		if (s->type != PT_LOAD || vaddr < s->vaddr || vaddr - s->vaddr >= s->filesz)
			continue;
		*ret_off = s->offset + (vaddr - s->vaddr);
		*ret_left = s->filesz - (vaddr - s->vaddr);
		return true;
	}
	return false;
}

bool gt_image_read(const struct gt_image *img, uint64_t vaddr, void *buf, size_t n)
{
	uint64_t off, left;

	if (!gt_image_offset(img, vaddr, &off, &left) || left < n ||
	    !gt_image_pread(img, off, buf, n))
		return false;
	if (img->n_rels)
		gt_image_relocate(img, vaddr, buf, n);
	return true;
}

bool gt_image_u64(const struct gt_image *img, uint64_t vaddr, uint64_t *ret)
{
	uint8_t b[8];
	struct gt_in in = gt_in_init(b, sizeof(b));

	if (!gt_image_read(img, vaddr, b, sizeof(b)))
		return false;
	*ret = gt_in_u64(&in);
	return true;
}

const struct gt_section *gt_image_section(const struct gt_image *img, const char *name)
{
	for (size_t i = 0; i < img->n_secs; i++)
		if (!strcmp(img->secs[i].name, name))
			return &img->secs[i];
	return NULL;
}

bool gt_image_scan(const struct gt_image *img, uint32_t mask, uint32_t want, size_t overlap,
		   gt_image_scan_fn *cb, void *ctx)
{
	uint64_t longest = 0;
	bool stop = false;
	uint8_t *buf;

	for (size_t i = 0; i < img->n_segs; i++)
		if (img->segs[i].type == PT_LOAD && img->segs[i].filesz > longest)
			longest = img->segs[i].filesz;
	buf = malloc(longest && longest < PIECE ? (size_t)longest : PIECE);
	if (!buf)
		return false;
	overlap = (overlap + 15) & ~(size_t)15;
	for (size_t i = 0; i < img->n_segs && !stop; i++) {
		const struct gt_segment *s = &img->segs[i];
		uint64_t at = (16 - (s->vaddr & 15)) & 15;

		if (s->type != PT_LOAD || (s->flags & mask) != want)
			continue;
		while (at < s->filesz && !stop) {
			uint64_t left = s->filesz - at;
			size_t n = left < PIECE ? (size_t)left : PIECE;

			if (!gt_image_read(img, s->vaddr + at, buf, n))
				break;
			stop = cb(ctx, s->vaddr + at, buf, n);
			if (left <= PIECE)
				break;
			at += PIECE - overlap;
		}
	}
	free(buf);
	return stop;
}

static size_t note_in(struct gt_in in, uint64_t align, const char *name, uint32_t type,
		      uint8_t *buf, size_t max)
{
	uint64_t pad = align == 8 ? 7 : 3;

	while (gt_in_left(&in) >= 12) {
		uint32_t namesz = gt_in_u32(&in), descsz = gt_in_u32(&in), t = gt_in_u32(&in);
		const uint8_t *who = gt_in_bytes(&in, (namesz + pad) & ~pad);
		const uint8_t *desc = who ? gt_in_bytes(&in, descsz) : NULL;
		uint64_t skip = ((descsz + pad) & ~pad) - descsz;

		if (!desc)
			break;
		/* Go counts the padding as part of the name */
		if (t == type && namesz > strlen(name) && !memcmp(who, name, strlen(name) + 1)) {
			size_t n = descsz < max ? descsz : max;

			memcpy(buf, desc, n);
			return n;
		}
		gt_in_bytes(&in, skip < gt_in_left(&in) ? (size_t)skip : gt_in_left(&in));
	}
	return 0;
}

size_t gt_image_note(const struct gt_image *img, const char *name, uint32_t type, uint8_t *buf,
		     size_t max)
{
	uint8_t tmp[4096];
	size_t got = 0;

	for (size_t i = 0; i < img->n_segs && !got; i++) {
		const struct gt_segment *s = &img->segs[i];
		size_t n = s->filesz < sizeof(tmp) ? (size_t)s->filesz : sizeof(tmp);

		if (s->type == PT_NOTE && gt_image_pread(img, s->offset, tmp, n))
			got = note_in(gt_in_init(tmp, n), s->note_align, name, type, buf, max);
	}
	return got;
}

/*
 * find_names: offsets in the string table at which a string ends in NAME. GNU ld lets one
 * string be the tail of another, so the start of NAME need not follow a NUL.
 */
static size_t find_names(const struct gt_image *img, const struct gt_section *str, const char *name,
			 uint8_t *buf, uint32_t *ret, size_t max)
{
	size_t len = strlen(name) + 1, n_ret = 0;

	for (uint64_t at = 0; at < str->size; at += PIECE - len) {
		size_t n = str->size - at < PIECE ? (size_t)(str->size - at) : PIECE;
		const uint8_t *p = buf, *end = buf + n;

		if (!gt_image_pread(img, str->offset + at, buf, n))
			break;
		while (n_ret < max && (p = memmem(p, (size_t)(end - p), name, len))) {
			ret[n_ret++] = (uint32_t)(at + (uint64_t)(p - buf));
			p++;
		}
		if (n < PIECE)
			break;
	}
	return n_ret;
}

static bool find_symbol(const struct gt_image *img, const struct gt_section *sym, uint8_t *buf,
			const uint32_t *names, size_t n_names, uint64_t *ret)
{
	static const size_t piece = PIECE / SYM_SIZE * SYM_SIZE;

	for (uint64_t at = 0; at + SYM_SIZE <= sym->size; at += piece) {
		size_t n = sym->size - at < piece ? (size_t)(sym->size - at) : piece;
		struct gt_in in = gt_in_init(buf, n);

		if (!gt_image_pread(img, sym->offset + at, buf, n))
			return false;
		while (gt_in_left(&in) >= SYM_SIZE) {
			uint32_t name = gt_in_u32(&in);
			uint32_t shndx = gt_in_u32(&in) >> 16;
			uint64_t value = gt_in_u64(&in);

			(void)gt_in_u64(&in);
			for (size_t k = 0; k < n_names; k++)
				if (names[k] == name && shndx != SHN_UNDEF) {
					*ret = value;
					return true;
				}
		}
	}
	return false;
}

bool gt_image_symbol(const struct gt_image *img, const char *name, uint64_t *ret)
{
	const struct gt_section *sym = gt_image_section(img, ".symtab"), *str;
	uint32_t names[MAX_NAMES];
	size_t n_names;
	uint8_t *buf;
	bool ok;

	if (!sym || sym->type != SHT_SYMTAB || sym->link == 0 || sym->link > img->n_secs)
		return false;
	str = &img->secs[sym->link - 1];
	if (str->type != SHT_STRTAB || sym->size > MAX_SYMTAB || str->size > MAX_SYMTAB)
		return false;
	buf = malloc(PIECE);
	if (!buf)
		return false;
	n_names = find_names(img, str, name, buf, names, MAX_NAMES);
	ok = n_names && find_symbol(img, sym, buf, names, n_names, ret);
	free(buf);
	return ok;
}
