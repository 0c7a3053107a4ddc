/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arm64: effects of the instructions at the start of Go's functions.
 * [Arm ARM C4.1; kernel arch/arm64/kernel/probes/decode-insn.c for what is simulated]
 */
#include "format/base/in.h"
#include "insn.h"

#define SP 31
#define G  28 /* Go keeps the current g in x28 */

static int64_t sext(uint64_t v, unsigned bits)
{
	uint64_t top = 1ull << (bits - 1);

	return (int64_t)((v & (2 * top - 1)) ^ top) - (int64_t)top;
}

static void branch_to(struct gt_insn *r, uint64_t vaddr, uint64_t field, unsigned bits)
{
	r->emulated = true;
	r->ends_block = true;
	r->has_target = true;
	r->target = vaddr + (uint64_t)(sext(field, bits) * 4);
}

/* Branches, exceptions, system instructions. */
static bool control(uint32_t w, uint64_t vaddr, struct gt_insn *r)
{
	if ((w & 0x7c000000) == 0x14000000) { /* b, bl */
		branch_to(r, vaddr, w, 26);
	} else if ((w & 0xff000010) == 0x54000000 || (w & 0x7e000000) == 0x34000000) {
		branch_to(r, vaddr, w >> 5, 19); /* b.cond, cbz, cbnz */
		r->cond_jump = true;
	} else if ((w & 0x7e000000) == 0x36000000) { /* tbz, tbnz */
		branch_to(r, vaddr, w >> 5, 14);
		r->cond_jump = true;
	} else if ((w & 0xff9ffc1f) == 0xd61f0000 || w == 0xd65f03c0) { /* br, blr, ret */
		r->emulated = true;
		r->ends_block = true;
	} else if ((w & 0xfffff01f) == 0xd503201f) {
		/* nop and hints: simulated by newer kernels only */
	} else {
		return false;
	}
	return true;
}

/* Data processing with an immediate. */
static void immediate(uint32_t w, uint64_t vaddr, struct gt_insn *r)
{
	unsigned rd = w & 31, rn = w >> 5 & 31;

	if ((w & 0x1f000000) == 0x10000000) { /* adr, adrp */
		uint64_t v = (w >> 5 & 0x7ffff) << 2 | (w >> 29 & 3);

		r->emulated = true;
		r->has_target = true;
		r->target = w >> 31 ? (vaddr & ~0xfffull) + (uint64_t)(sext(v, 21) * 4096)
				    : vaddr + (uint64_t)sext(v, 21);
		r->writes = 1u << rd;
	} else if ((w & 0x1f800000) == 0x11000000) { /* add, sub */
		bool flags = w >> 29 & 1, sub = w >> 30 & 1;
		int32_t v = (int32_t)((w >> 10 & 0xfff) << (w >> 22 & 1 ? 12 : 0));

		if (rd == SP && !flags) {
			r->depth = sub ? v : -v;
			r->stack_lost = rn != SP;
		} else if (rd != 31) {
			r->writes = 1u << rd;
		}
	} else if (rd == SP && (w & 0x1f800000) == 0x12000000 && (w >> 29 & 3) != 3) {
		r->stack_lost = true; /* and, orr, eor to sp */
	} else {
		r->writes = 1u << rd;
	}
}

/* ldp, stp */
static void pair(uint32_t w, struct gt_insn *r)
{
	unsigned rt = w & 31, rn = w >> 5 & 31, rt2 = w >> 10 & 31, mode = w >> 23 & 3;
	bool simd = w >> 26 & 1;
	int scale = simd ? 2 + (int)(w >> 30) : w >> 31 ? 3 : 2;

	if ((w >> 22 & 1) && !simd)
		r->writes = 1u << rt | 1u << rt2;
	if (mode != 1 && mode != 3)
		return;
	if (rn == SP) /* write-back */
		r->depth = (int32_t)(-sext(w >> 15, 7) * (1 << scale));
	else
		r->writes |= 1u << rn;
}

/* ldr, str in all their addressing modes; false for the atomics among them */
static bool single(uint32_t w, struct gt_insn *r)
{
	bool load = (w >> 22 & 3) != 0, simd = w >> 26 & 1, unsigned_off = w >> 24 & 1;
	unsigned rn = w >> 5 & 31, units = w >> 10 & 0xfff;

	if (load && !simd)
		r->writes = 1u << (w & 31);
	if (!unsigned_off && (w >> 21 & 1))
		return (w >> 10 & 3) == 2;
	if (!unsigned_off && (w >> 10 & 1)) { /* pre- and post-index */
		if (rn == SP)
			r->depth = (int32_t)-sext(w >> 12, 9);
		else
			r->writes |= 1u << rn;
	}
	/* ldr Xt, [x28, #16 or #24]: g.stackguard0 or 1 */
	r->stack_guard = (w & 0xffc00000) == 0xf9400000 && rn == G && (units == 2 || units == 3);
	return true;
}

/* Loads and stores; false for exclusive and unknown ones. */
static bool memory(uint32_t w, uint64_t vaddr, struct gt_insn *r)
{
	bool simd = w >> 26 & 1;

	if ((w & 0x3b000000) == 0x18000000) { /* ldr literal */
		r->emulated = !simd;
		r->has_target = true;
		r->target = vaddr + (uint64_t)(sext(w >> 5, 19) * 4);
		r->writes = simd ? 0 : 1u << (w & 31);
		return true;
	}
	if ((w & 0x3a000000) == 0x28000000) {
		pair(w, r);
		return true;
	}
	return (w & 0x3a000000) == 0x38000000 && single(w, r);
}

bool gt_insn_arm64(const uint8_t *p, size_t n, uint64_t vaddr, struct gt_insn *ret)
{
	struct gt_in in = gt_in_init(p, n);
	struct gt_insn r = { .len = 4 };
	uint32_t w = gt_in_u32(&in);
	bool ok = !in.bad;

	switch (ok ? w >> 25 & 15 : 0) {
	case 8:
	case 9: immediate(w, vaddr, &r); break;
	case 10:
	case 11: ok = control(w, vaddr, &r); break;
	case 4:
	case 6:
	case 12:
	case 14: ok = memory(w, vaddr, &r); break;
	case 5:
	case 13: /* data processing, register; conditional compare writes flags only */
		if ((w & 0x1fe00000) != 0x1a400000)
			r.writes = 1u << (w & 31);
		break;
	default: ok = false;
	}
	r.writes &= 0x7fffffff; /* x31 is zr here: writes to it are compares */
	if (ok)
		*ret = r;
	return ok;
}
