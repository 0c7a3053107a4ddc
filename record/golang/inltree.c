/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading inline trees.
 * [src/runtime/symtabinl.go, before 1.21 symtab.go and traceback.go; Go 1.17-1.26]
 */
#include "inltree.h"

#include "format/base/in.h"

#define PCDATA_INLINE	2  /* internal/abi.PCDATA_InlTreeIndex */
#define FUNCDATA_INLINE 3  /* internal/abi.FUNCDATA_InlTree */
#define NODE_17		20 /* sizeof(runtime.inlinedCall) to 1.19 */
#define NODE_20		16
#define MAX_NODES	65536

bool gt_inltree(const struct gt_gobin *b, const struct gt_gofunc *f, uint64_t *ret)
{
	return gt_pcln_funcdata(&b->pcln, f, FUNCDATA_INLINE, ret);
}

static size_t node_size(const struct gt_gobin *b)
{
	return b->pcln.md.format < GT_PCLN_20 ? NODE_17 : NODE_20;
}

static bool parse(const uint8_t *p, size_t size, struct gt_inlnode *ret)
{
	struct gt_in in = gt_in_init(p, size);

	(void)gt_in_u32(&in); /* parent and funcID; parent_pc says the same */
	*ret = (struct gt_inlnode){ 0 };
	if (size == NODE_17) {
		ret->file = (int32_t)gt_in_u32(&in);
		ret->line = (int32_t)gt_in_u32(&in);
	}
	ret->name_off = gt_in_u32(&in);
	ret->parent_pc = gt_in_u32(&in);
	return !in.bad;
}

bool gt_inltree_node(const struct gt_gobin *b, uint64_t tree, int32_t ix, struct gt_inlnode *ret)
{
	size_t size = node_size(b);
	uint8_t buf[NODE_17];

	return gt_image_read(&b->img, tree + (uint64_t)ix * size, buf, size) &&
	       parse(buf, size, ret);
}

bool gt_inltree_at(const struct gt_gobin *b, const struct gt_gofunc *f, uint64_t pc, int32_t *ret)
{
	return gt_pcln_pcdata(&b->pcln, f, PCDATA_INLINE, pc, ret) && *ret >= 0;
}

/* How many calls the tree has. They are entered outermost first: the last has a range. */
static int32_t tree_size(const struct gt_gobin *b, const struct gt_gofunc *f)
{
	struct gt_pcln_runs runs;
	uint64_t from, to;
	int32_t ix, n = 0;

	if (gt_pcln_runs(&b->pcln, f, PCDATA_INLINE, &runs))
		while (gt_pcln_run(&b->pcln, &runs, &from, &to, &ix))
			if (ix >= n && ix < MAX_NODES)
				n = ix + 1;
	return n;
}

static bool one_of(uint32_t off, const uint32_t *offs, uint32_t n, uint32_t *ret)
{
	for (*ret = 0; *ret < n; ++*ret)
		if (offs[*ret] == off)
			return true;
	return false;
}

uint32_t gt_inltree_find(const struct gt_gobin *b, const struct gt_gofunc *f, uint64_t tree,
			 const uint32_t *name_off, uint32_t n_names, struct gt_inlhit *ret,
			 uint32_t max)
{
	uint8_t buf[256 * NODE_17];
	size_t size = node_size(b);
	int32_t n = tree_size(b, f);
	struct gt_inlnode nd;
	uint32_t found = 0, which;

	for (int32_t at = 0; at < n; at += 256) {
		int32_t m = n - at < 256 ? n - at : 256;

		if (!gt_image_read(&b->img, tree + (uint64_t)at * size, buf, (size_t)m * size))
			break;
		for (int32_t i = 0; i < m; i++) {
			if (!parse(buf + (size_t)i * size, size, &nd) ||
			    !one_of(nd.name_off, name_off, n_names, &which))
				continue;
			if (found < max)
				ret[found] = (struct gt_inlhit){ at + i, which };
			found++;
		}
	}
	return found;
}
