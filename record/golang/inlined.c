/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of runtime.casgstatus in its callers. Profile-guided optimisation inlines what is hot,
 * and casgstatus is; a probe on the function then misses the transitions of those callers. The
 * inline trees name the copies, and each holds one compare-and-swap of g.atomicstatus; where
 * that can be probed, inlined_site.c tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inlined.h"
#include "inltree.h"

/* Functions of the runtime with other names (time.Sleep) lie among those named after it. */
#define NEAR 64

#define MAX_DEPTH  64
#define R14	   14		/* holds the current g */
#define MAX_COPIES 16		/* of one name in one function */
#define MAX_CODE   (256u << 10) /* bytes of one function; the runtime's largest has 10 k */

/* What is looked for, and what was found. */
struct hunt {
	const struct gt_gobin *b;
	const char *const *names;
	uint32_t name_off[GT_MAX_NAMES];
	uint32_t n_names;
	uint32_t status_off; /* of g.atomicstatus */
	struct gt_inline_site *ret;
	uint32_t n, max;
};

/* Is PC in the code of inlined call number IX, or of what was inlined into that? */
static bool within(const struct gt_gobin *b, const struct gt_gofunc *f, uint64_t tree, uint64_t pc,
		   int32_t ix)
{
	struct gt_inlnode nd;
	int32_t at;

	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		if (!gt_inltree_at(b, f, pc, &at))
			return false;
		if (at == ix)
			return true;
		if (!gt_inltree_node(b, tree, at, &nd))
			return false;
		pc = f->entry + nd.parent_pc;
	}
	return false;
}

/*
 * Functions that do not return: the compiler puts unrelated code behind calls of them.
 * [src/cmd/compile/internal/ssagen/ssa.go: where blocks become BlockExit]
 */
static bool ends_here(const struct gt_gobin *b, const struct gt_insn *i)
{
	static const char *const exact[] = { "throw", "throwinit", "gopanic", "block",
					     "panicwrap" };
	static const char *const family[] = { "goPanic",	"panicIndex",	"panicSlice",
					      "panicBounds",	"panicExtend",	"panicdivide",
					      "panicshift",	"panicdottype", "panicnildottype",
					      "panicmakeslice", "panicunsafe",	"panicrangestate" };
	struct gt_gofunc f;

	if (i->flow != GT_FLOW_CALL || !i->has_target || !gt_pcln_find(&b->pcln, i->target, &f))
		return false;
	const char *name = gt_pcln_name(&b->pcln, f.name_off);
	if (strncmp(name, "runtime.", 8) != 0)
		return false;
	for (size_t k = 0; k < sizeof(exact) / sizeof(*exact); k++)
		if (!strcmp(name + 8, exact[k]))
			return true;
	for (size_t k = 0; k < sizeof(family) / sizeof(*family); k++)
		if (!strncmp(name + 8, family[k], strlen(family[k])))
			return true;
	return false;
}

/* The function's instructions, one after the other; false when one is not understood. */
static bool disassemble(const struct gt_gobin *b, const struct gt_gofunc *f, struct gt_listing *l)
{
	uint32_t size = (uint32_t)(f->end - f->entry), n = 0;

	*l = (struct gt_listing){ 0 };
	if (f->end - f->entry > MAX_CODE)
		return false;
	l->code = malloc(size);
	l->insn = malloc(size * sizeof(*l->insn)); /* one byte each at worst */
	l->off = malloc((size + 1) * sizeof(*l->off));
	l->mark = calloc(size, 1);
	l->todo = malloc(size * sizeof(*l->todo));
	if (!l->code || !l->insn || !l->off || !l->mark || !l->todo ||
	    !gt_image_read(&b->img, f->entry, l->code, size))
		return false;
	l->entry = f->entry;
	for (uint32_t off = 0; off < size; off += l->insn[n++].len) {
		l->off[n] = off;
		if (!gt_insn_amd64(l->code + off, size - off, f->entry + off, &l->insn[n]))
			return false;
		if (ends_here(b, &l->insn[n]))
			l->insn[n].flow = GT_FLOW_STOP;
	}
	l->n = n;
	return true;
}

static void listing_free(struct gt_listing *l)
{
	free(l->code);
	free(l->insn);
	free(l->off);
	free(l->mark);
	free(l->todo);
}

static struct gt_inline_site *next_site(struct hunt *h)
{
	return h->n < h->max ? &h->ret[h->n++] : (h->n++, NULL);
}

static void unusable(struct hunt *h, const struct gt_inline_site *like, const char *why)
{
	struct gt_inline_site *s = next_site(h);

	if (s) {
		*s = *like;
		snprintf(s->at.why, sizeof(s->at.why), "inlined by PGO into %.64s: %s", like->host,
			 why);
	}
}

static void fill(struct gt_inline_site *s, const struct gt_inline_site *like, bool emulated)
{
	snprintf(s->at.why, sizeof(s->at.why), "inlined by PGO into %.64s, %s", like->host,
		 emulated ? "emulated by the kernel" : "single-stepped");
}

/*
 * reentersyscall in entersyscall, which does nothing else: the host's entry does as well as the
 * function's own would, and the system call's pc is the host's return address.
 */
static bool at_entry(struct hunt *h, const struct gt_inline_site *like)
{
	struct gt_site site;
	struct gt_err err;

	if (h->b->img.arch != GT_ARCH_AMD64 || strcmp(like->func, "runtime.reentersyscall") != 0 ||
	    strcmp(like->host, "runtime.entersyscall") != 0 ||
	    gt_gobin_site(h->b, like->host, &site, &err))
		return false;
	struct gt_inline_site *s = next_site(h);
	if (!s)
		return true;
	*s = *like;
	s->at = site;
	s->gp = (struct gt_place){ GT_PLACE_REG, R14 };
	s->old = (struct gt_place){ GT_PLACE_CONST, GT_G_RUNNING };
	s->new = (struct gt_place){ GT_PLACE_CONST, GT_G_SYSCALL };
	s->pc = (struct gt_place){ GT_PLACE_STACK, site.ra_off };
	s->usable = true;
	fill(s, like, site.emulated);
	return true;
}

/* The sites of one copy, LIKE: which compare-and-swap is its, and how to get there. */
static void sites_of(struct hunt *h, const struct gt_gofunc *f, uint64_t tree, int32_t ix,
		     struct gt_listing *l, const struct gt_inline_site *like)
{
	struct gt_probe_spot spot[GT_MAX_SPOTS];
	uint32_t cas = l->n, n;
	const char *why = NULL;

	for (uint32_t i = 0; i < l->n; i++)
		if (l->insn[i].op == GT_OP_CMPXCHG && l->insn[i].disp == (int32_t)h->status_off &&
		    within(h->b, f, tree, f->entry + l->off[i], ix)) {
			if (cas < l->n) {
				unusable(h, like, "two compare-and-swaps");
				return;
			}
			cas = i;
		}
	if (cas == l->n) {
		unusable(h, like, "no compare-and-swap of g.atomicstatus");
		return;
	}
	n = gt_inlined_spots(l, cas, spot, &why);
	if (!n)
		unusable(h, like, why);
	for (uint32_t i = 0; i < n; i++) {
		struct gt_inline_site *s = next_site(h);
		const struct gt_insn *insn = &l->insn[spot[i].insn];

		if (!s)
			continue;
		*s = *like;
		s->gp = spot[i].gp;
		s->old = spot[i].old;
		s->new = spot[i].new;
		s->at.delta = l->off[spot[i].insn];
		s->at.vaddr = f->entry + s->at.delta;
		s->at.emulated = insn->emulated;
		s->at.insn_len = insn->len;
		memcpy(s->at.insn, l->code + s->at.delta, insn->len);
		s->usable = gt_gobin_file_offset(h->b, s->at.vaddr, &s->at.offset);
		fill(s, like, insn->emulated);
	}
}

static void copies_in(struct hunt *h, const struct gt_gofunc *f)
{
	struct gt_inlhit copy[MAX_COPIES];
	uint64_t tree;
	struct gt_listing l;
	bool listed = false, understood = false;

	if (!gt_inltree(h->b, f, &tree))
		return;
	uint32_t n = gt_inltree_find(h->b, f, tree, h->name_off, h->n_names, copy, MAX_COPIES);
	for (uint32_t i = 0; i < n && i < MAX_COPIES; i++) {
		struct gt_inlnode nd;

		if (!gt_inltree_node(h->b, tree, copy[i].ix, &nd))
			continue;
		struct gt_inline_site like = {
			.at = { .how = GT_HOW_PCLNTAB },
			.func = h->names[copy[i].which],
			.host = gt_pcln_name(&h->b->pcln, f->name_off),
			.ra = f->entry + nd.parent_pc + 1,
		};
		if (at_entry(h, &like))
			continue;
		if (!listed && h->b->img.arch == GT_ARCH_AMD64)
			understood = disassemble(h->b, f, &l);
		listed |= h->b->img.arch == GT_ARCH_AMD64;
		if (h->b->img.arch != GT_ARCH_AMD64)
			unusable(h, &like, "gtrec knows no way to probe that on arm64");
		else if (!understood)
			unusable(h, &like, "its code is not understood");
		else
			sites_of(h, f, tree, copy[i].ix, &l, &like);
	}
	if (listed)
		listing_free(&l);
}

/*
 * Where NAME is among the names, or, when an obfuscator changed it, what it became. Trees have no
 * other word for it.
 */
static uint32_t name_off(const struct gt_gobin *b, const char *name, bool *obfuscated)
{
	struct gt_site site;
	struct gt_gofunc f;
	struct gt_err err;
	uint32_t off;

	if (gt_pcln_has_name(&b->pcln, name, &off))
		return off;
	if (gt_gobin_site(b, name, &site, &err) || !gt_pcln_find(&b->pcln, site.vaddr, &f))
		return UINT32_MAX; /* no name is there */
	*obfuscated = true;
	return f.name_off;
}

uint32_t gt_gobin_inlined(const struct gt_gobin *b, const char *const *names, uint32_t n_names,
			  struct gt_inline_site *ret, uint32_t max)
{
	struct hunt h = { .b = b, .names = names, .n_names = n_names, .ret = ret, .max = max };
	bool obfuscated = false;
	struct gt_layout layout;
	struct gt_gofunc f;
	struct gt_err err;

	if (n_names > GT_MAX_NAMES || gt_gobin_layout(b, &layout, &err))
		return 0;
	h.status_off = layout.g_atomicstatus;
	for (uint32_t i = 0; i < n_names; i++)
		h.name_off[i] = name_off(b, names[i], &obfuscated);
	for (uint32_t i = 0, k = 0; i < b->pcln.n_funcs; i++) {
		if (!gt_pcln_at(&b->pcln, i, &f) ||
		    (!obfuscated && strncmp(gt_pcln_name(&b->pcln, f.name_off), "runtime", 7) != 0))
			continue;
		for (k = i > k + NEAR ? i - NEAR : k; k <= i + NEAR && k < b->pcln.n_funcs; k++)
			if (gt_pcln_at(&b->pcln, k, &f))
				copies_in(&h, &f);
	}
	return h.n;
}
