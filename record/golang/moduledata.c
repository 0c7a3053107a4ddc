/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding and reading runtime.firstmoduledata.
 * [src/runtime/symtab.go: moduledata, pcHeader; Go 1.17-1.26]
 */
#include "moduledata.h"

#include <elf.h>
#include <string.h>

#include "format/base/in.h"

#define HEAD_WORDS 32 /* to enoptrbss: the same in all versions */
#define WORDS	   58 /* to pluginpath.len in all versions */
#define MAX_FUNCS  (16u << 20)
#define MAX_TABLE  (256u << 20)
#define TEXT_FIRST 22 /* index of the word moduledata.text */
#define MAGIC_17   0xfffffffau
#define MAGIC_18   0xfffffff0u
#define MAGIC_20   0xfffffff1u
#define HEADER_17  64
#define HEADER_18  72

static uint64_t word(const uint8_t *p, size_t i)
{
	struct gt_in in = gt_in_init(p + 8 * i, 8);

	return gt_in_u64(&in);
}

/* A slice of ELEM-sized elements that starts at or after *AT, from the header at H. */
static bool slice(const uint64_t *w, uint64_t h, uint64_t elem, uint64_t *at, uint64_t *ret_off,
		  uint64_t *ret_size)
{
	uint64_t off = w[0] - h;

	if (w[0] < h || off < *at || off > MAX_TABLE || w[1] != w[2] || w[1] > MAX_TABLE / elem ||
	    w[1] * elem > MAX_TABLE - off)
		return false;
	*ret_off = off;
	*ret_size = w[1] * elem;
	*at = off;
	return true;
}

static bool read_shape(const uint64_t *w, struct gt_moduledata *m)
{
	uint64_t h = w[0], at = HEADER_17, ftab_size;

	m->header = h;
	if (!slice(w + 1, h, 1, &at, &m->funcname, &m->n_funcname) ||
	    !slice(w + 4, h, 4, &at, &m->cutab, &m->n_cutab) ||
	    !slice(w + 7, h, 1, &at, &m->filetab, &m->n_filetab) ||
	    !slice(w + 10, h, 1, &at, &m->pctab, &m->n_pctab) ||
	    !slice(w + 13, h, 1, &at, &m->pcln, &m->n_pcln) ||
	    !slice(w + 16, h, 8, &at, &m->ftab, &ftab_size))
		return false;
	m->n_ftab = w[17];
	m->size = m->pcln + m->n_pcln;
	if (m->ftab != m->pcln || ftab_size > m->n_pcln || m->n_ftab < 2 || m->n_ftab > MAX_FUNCS ||
	    m->funcname > HEADER_18 + 56)
		return false;
	m->text = w[TEXT_FIRST];
	m->etext = w[TEXT_FIRST + 1];
	if (m->text >= m->etext)
		return false;
	for (int i = 0; i < 4; i++) {
		m->data[i][0] = w[24 + 2 * i];
		m->data[i][1] = w[25 + 2 * i];
		if (m->data[i][0] > m->data[i][1])
			return false;
	}
	return true;
}

/*
 * read_header: does the header say the same, and which format is it? A foreign magic number
 * (obfuscators change it) is let pass when everything else fits.
 */
static bool read_header(const struct gt_image *img, const uint64_t *w, struct gt_moduledata *m)
{
	uint8_t b[HEADER_18];
	struct gt_in in = gt_in_init(b, sizeof(b));
	uint64_t h[8];
	uint32_t size;

	if (!gt_image_read(img, m->header, b, sizeof(b)))
		return false;
	m->magic = gt_in_u32(&in);
	(void)gt_in_u16(&in);
	m->min_lc = gt_in_u8(&in);
	size = gt_in_u8(&in);
	for (int i = 0; i < 8; i++)
		h[i] = gt_in_u64(&in);
	if (size != 8 || m->min_lc != (img->arch == GT_ARCH_AMD64 ? 1 : 4) || h[0] != m->n_ftab - 1)
		return false;
	if (m->magic == MAGIC_17 || (h[2] == m->funcname && h[3] == m->cutab)) {
		m->format = GT_PCLN_17;
		return h[2] == m->funcname && h[6] == m->pcln;
	}
	if (h[3] != m->funcname || h[4] != m->cutab || h[7] != m->pcln)
		return false;
	if (m->magic == MAGIC_18)
		m->format = GT_PCLN_18;
	else if (m->magic == MAGIC_20)
		m->format = h[2] ? GT_PCLN_20 : GT_PCLN_26;
	else /* 1.20 put covctrs and ecovctrs in here; before, end and gcdata were next */
		m->format = w[33] < w[32] ? GT_PCLN_18 : h[2] ? GT_PCLN_20 : GT_PCLN_26;
	return true;
}

/* What differs between versions: gofunc, the text section map, pluginpath. */
static void read_tail(const uint64_t *w, struct gt_moduledata *m)
{
	size_t map = m->format == GT_PCLN_17   ? 37
		     : m->format == GT_PCLN_18 ? 39
		     : m->format == GT_PCLN_20 ? 41
					       : 42;

	if (m->format == GT_PCLN_18)
		m->gofunc = w[38];
	else if (m->format != GT_PCLN_17)
		m->gofunc = w[40];
	m->n_textsects = w[map + 1];
	m->plugin = w[map + 13] != 0;
}

struct finder {
	const struct gt_image *img;
	struct gt_moduledata *ret;
};

static bool try_at(const struct gt_image *img, uint64_t vaddr, const uint8_t *p, size_t n,
		   struct gt_moduledata *ret)
{
	struct gt_moduledata m = { .vaddr = vaddr };
	uint64_t w[WORDS] = { 0 };
	size_t n_words = n / 8 < WORDS ? n / 8 : WORDS;

	if (n_words < HEAD_WORDS)
		return false;
	for (size_t i = 0; i < n_words; i++)
		w[i] = word(p, i);
	if (!read_shape(w, &m) || !read_header(img, w, &m))
		return false;
	read_tail(w, &m);
	*ret = m;
	return true;
}

static bool look(void *ctx, uint64_t vaddr, const uint8_t *buf, size_t n)
{
	struct finder *f = ctx;

	for (size_t i = 0; i + 8 * HEAD_WORDS <= n; i += 8) {
		uint64_t h = word(buf, i / 8);

		/* cheap first look: a pointer, then a slice a header's length behind it */
		if (!h || word(buf, i / 8 + 1) - h - HEADER_17 > 64 ||
		    word(buf, i / 8 + 2) != word(buf, i / 8 + 3))
			continue;
		if (try_at(f->img, vaddr + i, buf + i, n - i, f->ret))
			return true;
	}
	return false;
}

bool gt_moduledata_find(const struct gt_image *img, struct gt_moduledata *ret)
{
	struct finder f = { img, ret };

	/* writable in all versions so far; read-only as well, should a linker move it */
	return gt_image_scan(img, PF_W, PF_W, 8 * WORDS, look, &f) ||
	       gt_image_scan(img, PF_W | PF_X, 0, 8 * WORDS, look, &f);
}
