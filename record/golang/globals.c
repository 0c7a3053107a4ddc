/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of the runtime's variables: their symbols, or, in a stripped binary, what the code of a
 * function that uses them says.
 *
 *	gcController: gcStart calls gcController.startCycle, its receiver in the first register
 *	gomaxprocs: the first fixed address that procresize reads
 *
 * [src/runtime/mgc.go: gcStart; proc.go: procresize; Go 1.17-1.26]
 */
#include <stdlib.h>

#include "format/base/in.h"
#include "gobin.h"
#include "insn.h"

#define MAX_CODE (1u << 16)
#define BEFORE	 64 /* bytes before a call in which its receiver is made */

struct code {
	struct gt_gofunc f;
	uint8_t *p; /* owned */
	size_t n;
};

static bool load(const struct gt_gobin *b, const char *name, struct code *c)
{
	*c = (struct code){ 0 };
	if (!gt_gobin_find(b, name, &c->f))
		return false;
	c->n = c->f.end - c->f.entry < MAX_CODE ? (size_t)(c->f.end - c->f.entry) : MAX_CODE;
	c->p = malloc(c->n);
	return c->p && gt_image_read(&b->img, c->f.entry, c->p, c->n);
}

static uint32_t word(const struct code *c, size_t off)
{
	struct gt_in in = gt_in_init(c->p + off, 4);

	return gt_in_u32(&in);
}

/* Where the 32-bit displacement at OFF leads, as one that ends its instruction. */
static uint64_t relative(const struct code *c, size_t off)
{
	return c->f.entry + off + 4 + (uint64_t)(int64_t)(int32_t)word(c, off);
}

/* amd64: call CALLEE, and the last `lea fixed,%rax` before it. */
static bool receiver_amd64(const struct code *c, uint64_t callee, uint64_t *ret)
{
	for (size_t call = 0; call + 5 <= c->n; call++) {
		if (c->p[call] != 0xe8 || relative(c, call + 1) != callee)
			continue;
		for (size_t back = 7; back <= BEFORE && back <= call; back++) {
			const uint8_t *p = c->p + call - back;
			if (p[0] != 0x48 || p[1] != 0x8d || p[2] != 0x05)
				continue;
			*ret = relative(c, call - back + 3);
			return true;
		}
	}
	return false;
}

/* arm64: bl CALLEE, and the last `adrp x0; add x0, x0, #n` before it. */
static bool receiver_arm64(const struct code *c, uint64_t callee, uint64_t *ret)
{
	for (size_t call = 0; call + 4 <= c->n; call += 4) {
		uint32_t w = word(c, call);
		int64_t jump = (int64_t)((uint64_t)(w & 0x3ffffff) << 38) >> 36;
		if (w >> 26 != 0x25 || c->f.entry + call + (uint64_t)jump != callee)
			continue;
		for (size_t back = 8; back <= BEFORE && back <= call; back += 4) {
			uint32_t adrp = word(c, call - back), add = word(c, call - back + 4);
			struct gt_insn i;
			if ((adrp & 0x9f00001f) != 0x90000000 || (add & 0xffc003ff) != 0x91000000 ||
			    !gt_insn_arm64(c->p + call - back, 4, c->f.entry + call - back, &i))
				continue;
			*ret = i.target + (add >> 10 & 0xfff);
			return true;
		}
	}
	return false;
}

static bool in_data(const struct gt_gobin *b, uint64_t at, unsigned align)
{
	const uint64_t(*d)[2] = b->pcln.md.data;

	return at % align == 0 && at >= d[0][0] && at < d[3][1];
}

bool gt_gobin_gc_controller(const struct gt_gobin *b, uint64_t *ret, enum gt_how *ret_how)
{
	struct gt_gofunc callee;
	struct code c;
	uint64_t at;

	if (gt_image_symbol(&b->img, "runtime.gcController", ret)) {
		*ret_how = GT_HOW_SYMTAB;
		return true;
	}
	/* receivers lay on the stack: [src/cmd/compile: register ABI reached arm64 in 1.18] */
	if (b->img.arch == GT_ARCH_ARM64 && b->info.minor < 18)
		return false;
	if (!gt_gobin_find(b, "runtime.(*gcControllerState).startCycle", &callee))
		return false;
	bool ok = load(b, "runtime.gcStart", &c) &&
		  (b->img.arch == GT_ARCH_AMD64 ? receiver_amd64(&c, callee.entry, &at)
						: receiver_arm64(&c, callee.entry, &at));
	free(c.p);
	if (!ok || !in_data(b, at, 8))
		return false;
	*ret = at;
	*ret_how = GT_HOW_SIGNATURE;
	return true;
}

static bool first_read_amd64(const struct code *c, uint64_t *ret)
{
	struct gt_insn i;

	for (size_t off = 0; off < c->n; off += i.len) {
		if (!gt_insn_amd64(c->p + off, c->n - off, c->f.entry + off, &i))
			return false;
		if (!i.has_target || i.ends_block || i.is_lea)
			continue;
		*ret = i.target;
		return true;
	}
	return false;
}

/* adrp xN, then ldr w or ldrsw [xN, #n], or add xN, xN, #n and ldr w, [xN]. */
static bool first_read_arm64(const struct code *c, uint64_t *ret)
{
	for (size_t off = 0; off + 12 <= c->n; off += 4) {
		uint32_t adrp = word(c, off), next = word(c, off + 4), rd = adrp & 31;
		struct gt_insn i;
		if ((adrp & 0x9f000000) != 0x90000000)
			continue;
		if (!gt_insn_arm64(c->p + off, 4, c->f.entry + off, &i) || (next >> 5 & 31) != rd)
			return false;
		if ((next & 0xffc00000) == 0xb9400000 || /* ldr w, or ldrsw */
		    (next & 0xffc00000) == 0xb9800000)
			*ret = i.target + (next >> 10 & 0xfff) * 4;
		else if ((next & 0xffc00000) == 0x91000000) /* add */
			*ret = i.target + (next >> 10 & 0xfff);
		else
			return false;
		return true;
	}
	return false;
}

bool gt_gobin_gomaxprocs(const struct gt_gobin *b, uint64_t *ret, enum gt_how *ret_how)
{
	struct code c;
	uint64_t at;

	if (gt_image_symbol(&b->img, "runtime.gomaxprocs", ret)) {
		*ret_how = GT_HOW_SYMTAB;
		return true;
	}
	bool ok = load(b, "runtime.procresize", &c) &&
		  (b->img.arch == GT_ARCH_AMD64 ? first_read_amd64(&c, &at)
						: first_read_arm64(&c, &at));
	free(c.p);
	if (!ok || !in_data(b, at, 4))
		return false;
	*ret = at;
	*ret_how = GT_HOW_SIGNATURE;
	return true;
}
