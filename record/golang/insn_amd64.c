/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amd64: lengths and effects of the instructions that Go's compiler emits at the start of the
 * runtime's functions, SSE moves included, VEX excluded.
 * [Intel SDM volume 2, appendix A; kernel arch/x86/kernel/uprobes.c for what is emulated]
 */
#include <string.h>

#include "format/base/in.h"
#include "insn.h"

enum { AX, CX, DX, BX, SP, BP, SI, DI, R14 = 14 };
#define BIT(r) (1u << (r))

/* One instruction under decoding. */
struct dec {
	struct gt_in in;
	const uint8_t *start;
	uint64_t vaddr;
	struct gt_insn *out;
	bool p66, rep;
	uint8_t rex;
	/* ModRM, once read */
	uint8_t mod, reg, rm; /* with REX bits */
	bool rip;
	int64_t disp;
	int base; /* base register of a memory operand, -1 none */
};

static void writes(struct dec *d, unsigned r)
{
	d->out->writes |= BIT(r);
	if (r == SP)
		d->out->stack_lost = true;
}

static int64_t disp8(struct dec *d)
{
	return (int8_t)gt_in_u8(&d->in);
}

static int64_t disp32(struct dec *d)
{
	return (int32_t)gt_in_u32(&d->in);
}

static void modrm(struct dec *d)
{
	uint8_t b = gt_in_u8(&d->in), low = b & 7;

	d->mod = b >> 6;
	d->reg = (uint8_t)((b >> 3 & 7) | (d->rex & 4) << 1);
	d->rm = (uint8_t)(low | (d->rex & 1) << 3);
	d->base = -1;
	d->rip = false;
	d->disp = 0;
	if (d->mod == 3)
		return;
	if (low == 4) {
		uint8_t sib = gt_in_u8(&d->in);

		low = sib & 7;
		d->base = low | (d->rex & 1) << 3;
		if (low == 5 && d->mod == 0) {
			d->base = -1;
			d->disp = disp32(d);
		}
	} else if (low == 5 && d->mod == 0) {
		d->rip = true;
		d->disp = disp32(d);
	} else {
		d->base = d->rm;
	}
	if (d->mod == 1)
		d->disp = disp8(d);
	else if (d->mod == 2)
		d->disp = disp32(d);
}

static void writes_rm(struct dec *d)
{
	if (d->mod == 3)
		writes(d, d->rm);
}

static void jump(struct dec *d, int64_t rel, bool cond)
{
	d->out->emulated = true;
	d->out->ends_block = true;
	d->out->cond_jump = cond;
	d->out->has_target = true;
	d->out->target = d->vaddr + (uint64_t)(d->in.p - d->start) + (uint64_t)rel;
}

static void imm(struct dec *d, size_t n)
{
	(void)gt_in_bytes(&d->in, n);
}

static size_t imm_z(const struct dec *d)
{
	return d->p66 ? 2 : 4;
}

/* add, or, adc, sbb, and, sub, xor, cmp in their register and memory forms */
static bool arith(struct dec *d, uint8_t op)
{
	bool cmp = op >> 3 == 7;

	switch (op & 7) {
	case 0:
	case 1:
		modrm(d);
		if (!cmp)
			writes_rm(d);
		return true;
	case 2:
	case 3:
		modrm(d);
		if (!cmp)
			writes(d, d->reg);
		/* cmp 0x10(%r14), REG: g.stackguard0; 0x18: stackguard1 */
		d->out->stack_guard = op == 0x3b && d->base == R14 && d->mod == 1 &&
				      (d->disp == 0x10 || d->disp == 0x18);
		return true;
	case 4: imm(d, 1); break;
	case 5: imm(d, imm_z(d)); break;
	default: return false;
	}
	if (!cmp)
		writes(d, AX);
	return true;
}

/* the same with an immediate; add and sub to rsp are understood */
static bool arith_imm(struct dec *d, uint8_t op)
{
	int64_t v;

	modrm(d);
	if (op == 0x83 || op == 0x80) {
		v = disp8(d);
	} else if (d->p66) {
		v = 0;
		imm(d, 2);
	} else {
		v = disp32(d);
	}
	if ((d->reg & 7) == 7)
		return true;
	writes_rm(d);
	if (d->mod == 3 && d->rm == SP && (d->reg == 5 || d->reg == 0)) {
		d->out->stack_lost = false;
		d->out->depth = (int32_t)(d->reg == 5 ? v : -v);
	}
	return true;
}

static bool group3(struct dec *d, uint8_t op)
{
	modrm(d);
	switch (d->reg & 7) {
	case 0:
	case 1: imm(d, op == 0xf6 ? 1 : imm_z(d)); break;
	case 2:
	case 3: writes_rm(d); break;
	default: writes(d, AX); writes(d, DX);
	}
	return true;
}

static bool group5(struct dec *d, uint8_t op)
{
	modrm(d);
	switch (d->reg & 7) {
	case 0:
	case 1: writes_rm(d); return true;
	case 6:
		if (op == 0xfe)
			return false;
		d->out->depth = 8;
		return true;
	case 2:
	case 4: d->out->ends_block = true; return op == 0xff;
	default: return false;
	}
}

/* two-byte opcodes with a ModRM byte that we know, besides cmov (4x) and setcc (9x) */
static const uint8_t modrm_ops[] = {
	0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1e, 0x1f, 0x28, 0x29, 0x2a, 0x2c,
	0x2d, 0x2e, 0x2f, 0x50, 0x51, 0x54, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5e, 0x6e,
	0x6f, 0x7e, 0x7f, 0xa3, 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xaf, 0xb0, 0xb1, 0xb3, 0xb6,
	0xb7, 0xb8, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xd6, 0xef,
};

static bool two_byte(struct dec *d)
{
	uint8_t op = gt_in_u8(&d->in);

	if (op >= 0x80 && op <= 0x8f) {
		jump(d, disp32(d), true);
		return true;
	}
	if (op >= 0xc8 && op <= 0xcf) {
		writes(d, (op & 7u) | (d->rex & 1u) << 3);
		return true;
	}
	if (op == 0x0b || op == 0x05) {
		d->out->ends_block = true;
		return true;
	}
	if (op == 0xa2) {
		d->out->writes |= BIT(AX) | BIT(BX) | BIT(CX) | BIT(DX);
		return true;
	}
	if (!memchr(modrm_ops, op, sizeof(modrm_ops)) && (op & 0xf0) != 0x40 && (op & 0xf0) != 0x90)
		return false;
	modrm(d);
	if ((op & 0xf0) == 0x40 || op == 0x2c || op == 0x2d || op == 0x50 || op == 0xaf ||
	    (op >= 0xb6 && op <= 0xb8) || (op >= 0xbc && op <= 0xbf))
		writes(d, d->reg);
	else if ((op & 0xf0) == 0x90 || op == 0x7e || op == 0xab || op == 0xb3 || op == 0xbb ||
		 op == 0xa4 || op == 0xa5 || op == 0xac || op == 0xad ||
		 (op == 0xba && (d->reg & 7) != 4))
		writes_rm(d);
	else if (op == 0xb0 || op == 0xb1 || op == 0xc0 || op == 0xc1) {
		writes_rm(d);
		writes(d, op < 0xc0 ? AX : d->reg);
	}
	if (op == 0xba || op == 0xa4 || op == 0xac)
		imm(d, 1);
	return true;
}

static bool stack_or_jump(struct dec *d, uint8_t op)
{
	if (op >= 0x50 && op <= 0x57) {
		d->out->depth = 8;
		d->out->emulated = !d->p66 && !d->rep && (!d->rex || d->rex == 0x41);
	} else if (op >= 0x58 && op <= 0x5f) {
		writes(d, (op & 7u) | (d->rex & 1u) << 3);
		d->out->depth = -8;
	} else if (op >= 0x70 && op <= 0x7f) {
		jump(d, disp8(d), true);
	} else if (op == 0xe8 || op == 0xe9) {
		jump(d, disp32(d), false);
	} else if (op == 0xeb) {
		jump(d, disp8(d), false);
	} else if (op == 0x6a || op == 0x68) {
		imm(d, op == 0x6a ? 1 : 4);
		d->out->depth = 8;
	} else if (op == 0xc3 || op == 0xcc) {
		d->out->ends_block = true;
	} else {
		return false;
	}
	return true;
}

static bool move(struct dec *d, uint8_t op)
{
	if (op >= 0xb0 && op <= 0xbf) {
		writes(d, (op & 7u) | (d->rex & 1u) << 3);
		imm(d, op < 0xb8 ? 1 : d->rex & 8 ? 8 : imm_z(d));
		return true;
	}
	if (op == 0xa4 || op == 0xa5 || op == 0xaa || op == 0xab) {
		d->out->writes |= BIT(SI) | BIT(DI) | BIT(CX);
		return true;
	}
	modrm(d);
	if (op == 0x88 || op == 0x89) {
		writes_rm(d);
	} else if (op == 0x8a || op == 0x8b || op == 0x8d || op == 0x63) {
		writes(d, d->reg);
		d->out->is_lea = op == 0x8d;
	} else if (op == 0xc6 || op == 0xc7) {
		writes_rm(d);
		imm(d, op == 0xc6 ? 1 : imm_z(d));
	} else if (op == 0x86 || op == 0x87) {
		writes_rm(d);
		writes(d, d->reg);
	} else if (op == 0x69 || op == 0x6b) {
		writes(d, d->reg);
		imm(d, op == 0x6b ? 1 : imm_z(d));
	} else if (op == 0xc0 || op == 0xc1 || (op >= 0xd0 && op <= 0xd3)) {
		writes_rm(d);
		if (op < 0xd0)
			imm(d, 1);
	} else if (op != 0x84 && op != 0x85) {
		return false;
	}
	return true;
}

static bool one_byte(struct dec *d, uint8_t op)
{
	if (op == 0x0f)
		return two_byte(d);
	if (op < 0x40)
		return arith(d, op);
	if (op == 0x80 || op == 0x81 || op == 0x83)
		return arith_imm(d, op);
	if (op == 0xf6 || op == 0xf7)
		return group3(d, op);
	if (op == 0xfe || op == 0xff)
		return group5(d, op);
	if (op >= 0x90 && op <= 0x97) {
		/* only the plain one-byte nop is emulated by older kernels */
		d->out->emulated = op == 0x90 && d->in.p - d->start == 1;
		if (op != 0x90 || d->rex & 1) {
			writes(d, AX);
			writes(d, (op & 7u) | (d->rex & 1u) << 3);
		}
		return true;
	}
	if (op == 0x98 || op == 0x99) {
		writes(d, op == 0x98 ? AX : DX);
		return true;
	}
	if (op == 0xa8 || op == 0xa9) {
		imm(d, op == 0xa8 ? 1 : imm_z(d));
		return true;
	}
	return stack_or_jump(d, op) || move(d, op);
}

bool gt_insn_amd64(const uint8_t *p, size_t n, uint64_t vaddr, struct gt_insn *ret)
{
	struct gt_insn insn = { 0 };
	struct dec d = {
		.in = gt_in_init(p, n), .start = p, .vaddr = vaddr, .out = &insn, .base = -1
	};
	uint8_t op;

	for (;;) {
		op = gt_in_u8(&d.in);
		if (op == 0x66)
			d.p66 = true;
		else if (op == 0xf2 || op == 0xf3)
			d.rep = true;
		else if (op != 0xf0 && op != 0x64 && op != 0x65 && op != 0x2e && op != 0x3e)
			break;
	}
	if (op >= 0x40 && op <= 0x4f) {
		d.rex = op;
		op = gt_in_u8(&d.in);
	}
	if (d.in.bad || !one_byte(&d, op) || d.in.bad || d.in.p - p > 15)
		return false;
	insn.len = (uint8_t)(d.in.p - p);
	if (d.rip) {
		insn.has_target = true;
		insn.target = vaddr + insn.len + (uint64_t)d.disp;
	}
	*ret = insn;
	return true;
}
