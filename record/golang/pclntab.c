/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding pclntab. [src/runtime/symtab.go: findfunc, funcname, pcvalue, funcfile;
 * src/runtime/runtime2.go: _func; Go 1.17-1.26]
 *
 * Function entries are taken from the function table, never from _func: obfuscators scramble
 * the second.
 */
#include "pclntab.h"

#include <string.h>

#include "format/base/in.h"

#define MAX_NAME    16384u
#define MAX_PATH    4096u
#define MAX_PCVALUE (4u << 20) /* bytes of one function's table */
#define FIRST_PIECE 512u       /* nearly all tables are shorter */

static bool is17(const struct gt_pcln *p)
{
	return p->md.format == GT_PCLN_17;
}

/* Bytes of _func before pcdata[0]. */
static uint32_t func_size(const struct gt_pcln *p)
{
	return p->md.format == GT_PCLN_18 ? 40 : 44;
}

int gt_pcln_open(struct gt_pcln *p, const struct gt_image *img, const struct gt_moduledata *md,
		 struct gt_err *err)
{
	struct gt_pcln z = { .img = img, .md = *md };
	int rc;

	if ((is17(&z) ? 16 : 8) * md->n_ftab - (is17(&z) ? 8 : 4) > md->n_pcln)
		return gt_fail(err, GT_CORRUPT, "'%s': function table larger than its section",
			       img->path);
	z.n_funcs = (uint32_t)(md->n_ftab - 1);
	rc = gt_lazy_open(&z.tab, img, md->header, md->size, err);
	if (rc)
		return rc;
	*p = z;
	return GT_OK;
}

void gt_pcln_close(struct gt_pcln *p)
{
	gt_lazy_close(&p->tab);
}

/* Entry address and, but for the sentinel, _func offset of table row I <= n_funcs. */
static bool row(const struct gt_pcln *p, uint32_t i, uint64_t *entry, uint64_t *off)
{
	struct gt_in in = gt_lazy_in(&p->tab, p->md.ftab + (uint64_t)i * (is17(p) ? 16 : 8), 16);

	*entry = is17(p) ? gt_in_u64(&in) : p->md.text + gt_in_u32(&in);
	if (in.bad)
		return false;
	*off = is17(p) ? gt_in_u64(&in) : gt_in_u32(&in);
	return i == p->n_funcs || !in.bad;
}

bool gt_pcln_at(const struct gt_pcln *p, uint32_t i, struct gt_gofunc *ret)
{
	struct gt_gofunc f = { 0 };
	uint64_t unused;
	struct gt_in in;

	if (i >= p->n_funcs || !row(p, i, &f.entry, &f.off) || !row(p, i + 1, &f.end, &unused) ||
	    f.end <= f.entry || f.off > p->md.n_pcln)
		return false;
	f.off += p->md.pcln;
	in = gt_lazy_in(&p->tab, f.off, func_size(p));
	(void)gt_in_bytes(&in, is17(p) ? 8 : 4);
	f.name_off = gt_in_u32(&in);
	(void)gt_in_bytes(&in, 12); /* args, deferreturn, pcsp */
	f.pcfile = gt_in_u32(&in);
	f.pcline = gt_in_u32(&in);
	f.n_pcdata = gt_in_u32(&in);
	f.cu_off = gt_in_u32(&in);
	if (p->md.format >= GT_PCLN_20)
		(void)gt_in_u32(&in); /* startLine */
	f.func_id = gt_in_u8(&in);
	(void)gt_in_u16(&in); /* flag, padding */
	f.n_funcdata = gt_in_u8(&in);
	if (in.bad)
		return false;
	*ret = f;
	return true;
}

bool gt_pcln_find(const struct gt_pcln *p, uint64_t pc, struct gt_gofunc *ret)
{
	uint32_t lo = 0, hi = p->n_funcs; /* row lo is <= pc, row hi is not */
	uint64_t entry, off;

	if (!row(p, 0, &entry, &off) || pc < entry || !row(p, hi, &entry, &off) || pc >= entry)
		return false;
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (!row(p, mid, &entry, &off))
			return false;
		if (entry <= pc)
			lo = mid;
		else
			hi = mid;
	}
	return gt_pcln_at(p, lo, ret) && pc >= ret->entry && pc < ret->end;
}

const char *gt_pcln_name(const struct gt_pcln *p, uint32_t name_off)
{
	const char *s = NULL;

	if (name_off < p->md.n_funcname)
		s = gt_lazy_string(&p->tab, p->md.funcname + name_off,
				   p->md.funcname + p->md.n_funcname, MAX_NAME);
	return s ? s : "";
}

bool gt_pcln_has_name(const struct gt_pcln *p, const char *name, uint32_t *ret_off)
{
	const uint8_t *tab = gt_lazy_get(&p->tab, p->md.funcname, p->md.n_funcname), *at = tab;
	size_t len = strlen(name) + 1;

	/* every name is preceded by another's NUL (the first one is "") */
	while (at && (at = memmem(at, p->md.n_funcname - (size_t)(at - tab), name, len))) {
		if (at == tab || at[-1] == 0) {
			*ret_off = (uint32_t)(at - tab);
			return true;
		}
		at++;
	}
	return false;
}

/* The runtime's uvarint: no over-long check, 32 bits. */
static uint32_t uvarint(struct gt_in *in)
{
	uint32_t v = 0;

	for (unsigned shift = 0;; shift += 7) {
		uint8_t b = gt_in_u8(in);

		if (shift < 32)
			v |= (uint32_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
		if (shift > 28) {
			gt_in_fail(in);
			return 0;
		}
	}
}

enum step { STEP_FOUND, STEP_NONE, STEP_SHORT };

static enum step value_in(struct gt_in in, uint8_t min_lc, uint64_t entry, uint64_t pc,
			  int32_t *ret)
{
	uint64_t at = entry;
	uint32_t val = UINT32_MAX;

	for (bool first = true;; first = false) {
		uint32_t d = uvarint(&in);

		if (in.bad)
			return STEP_SHORT;
		if (d == 0 && !first)
			return STEP_NONE;
		val += (d >> 1) ^ -(d & 1);
		at += (uint64_t)uvarint(&in) * min_lc;
		if (in.bad)
			return STEP_SHORT;
		if (pc < at) {
			*ret = (int32_t)val;
			return STEP_FOUND;
		}
	}
}

bool gt_pcln_value(const struct gt_pcln *p, const struct gt_gofunc *f, uint32_t off, uint64_t pc,
		   int32_t *ret)
{
	enum step s = STEP_SHORT;

	if (off == 0 || off >= p->md.n_pctab)
		return false;
	for (uint64_t n = FIRST_PIECE; s == STEP_SHORT; n = MAX_PCVALUE) {
		uint64_t left = p->md.n_pctab - off;

		s = value_in(gt_lazy_in(&p->tab, p->md.pctab + off, n < left ? n : left),
			     p->md.min_lc, f->entry, pc, ret);
		if (n >= MAX_PCVALUE || n >= left)
			break;
	}
	return s == STEP_FOUND;
}

/* Where PCDATA table WHICH begins; false when the function has none. */
static bool pcdata_table(const struct gt_pcln *p, const struct gt_gofunc *f, uint32_t which,
			 uint32_t *ret)
{
	struct gt_in in;

	if (which >= f->n_pcdata)
		return false;
	in = gt_lazy_in(&p->tab, f->off + func_size(p) + 4 * which, 4);
	*ret = gt_in_u32(&in);
	return !in.bad;
}

bool gt_pcln_pcdata(const struct gt_pcln *p, const struct gt_gofunc *f, uint32_t which, uint64_t pc,
		    int32_t *ret)
{
	uint32_t off;

	return pcdata_table(p, f, which, &off) && gt_pcln_value(p, f, off, pc, ret);
}

bool gt_pcln_runs(const struct gt_pcln *p, const struct gt_gofunc *f, uint32_t which,
		  struct gt_pcln_runs *ret)
{
	uint32_t off;

	if (!pcdata_table(p, f, which, &off) || off == 0 || off >= p->md.n_pctab)
		return false;
	uint64_t left = p->md.n_pctab - off;
	*ret = (struct gt_pcln_runs){
		.in = gt_lazy_in(&p->tab, p->md.pctab + off,
				 left < MAX_PCVALUE ? left : MAX_PCVALUE),
		.val = UINT32_MAX,
		.first = true,
	};
	return !ret->in.bad;
}

bool gt_pcln_run(const struct gt_pcln *p, struct gt_pcln_runs *r, uint64_t *ret_from,
		 uint64_t *ret_to, int32_t *ret)
{
	uint32_t d = uvarint(&r->in);

	if (r->in.bad || (d == 0 && !r->first))
		return false;
	r->first = false;
	r->val += (d >> 1) ^ -(d & 1);
	*ret_from = r->at;
	r->at += (uint64_t)uvarint(&r->in) * p->md.min_lc;
	*ret_to = r->at;
	*ret = (int32_t)r->val;
	return !r->in.bad;
}

bool gt_pcln_funcdata(const struct gt_pcln *p, const struct gt_gofunc *f, uint32_t which,
		      uint64_t *ret)
{
	uint64_t at = f->off + func_size(p) + 4ull * f->n_pcdata;
	struct gt_in in;
	uint32_t off;

	if (which >= f->n_funcdata)
		return false;
	if (is17(p)) {
		/* pointers, aligned as the address is: the table itself is 8-aligned */
		in = gt_lazy_in(&p->tab, ((at + 7) & ~7ull) + 8ull * which, 8);
		*ret = gt_in_u64(&in);
		return !in.bad && *ret;
	}
	in = gt_lazy_in(&p->tab, at + 4ull * which, 4);
	off = gt_in_u32(&in);
	*ret = p->md.gofunc + off;
	return !in.bad && off != UINT32_MAX;
}

const char *gt_pcln_file(const struct gt_pcln *p, const struct gt_gofunc *f, int32_t fileno)
{
	uint64_t at = ((uint64_t)f->cu_off + (uint32_t)fileno) * 4;
	const char *s = NULL;
	struct gt_in in;
	uint32_t off;

	if (fileno < 0 || at >= p->md.n_cutab)
		return "";
	in = gt_lazy_in(&p->tab, p->md.cutab + at, 4);
	off = gt_in_u32(&in);
	if (!in.bad && off < p->md.n_filetab)
		s = gt_lazy_string(&p->tab, p->md.filetab + off, p->md.filetab + p->md.n_filetab,
				   MAX_PATH);
	return s ? s : "";
}
