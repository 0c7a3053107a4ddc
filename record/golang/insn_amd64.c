/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amd64: lengths and effects of the instructions that Go's compiler emits at the start of the
 * runtime's functions, SSE moves included, VEX excluded.
 * [Intel SDM volume 2, appendix A; kernel arch/x86/kernel/uprobes.c for what is emulated]
 */
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
	bool p66, lock, segment;
	uint16_t op; /* 0x1xx for 0f xx */
	uint8_t rex;
	/* ModRM, once read */
	uint8_t mod, reg, rm; /* with REX bits */
	bool rip, indexed;
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
		d->indexed = (sib & 0x38) != 0x20 || (d->rex & 2);
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
	d->out->flow = d->op == 0xe8 ? GT_FLOW_CALL : cond ? GT_FLOW_COND : GT_FLOW_JUMP;
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
	case 4:
		d->out->ends_block = true;
		d->out->flow = (d->reg & 7) == 2 ? GT_FLOW_CALL : GT_FLOW_INDIRECT;
		return op == 0xff;
	default: return false;
	}
}

/* What an opcode has and does. */
enum {
	M = 1 << 0,   /* a ModRM byte */
	I1 = 1 << 1,  /* an immediate byte */
	IZ = 1 << 2,  /* an immediate of 4 bytes, 2 with the operand size prefix */
	IV = 1 << 3,  /* the same, 8 with REX.W */
	WR = 1 << 4,  /* writes the register in ModRM.reg */
	WM = 1 << 5,  /* writes the operand in ModRM.rm */
	WO = 1 << 6,  /* writes the register in the opcode */
	WA = 1 << 7,  /* writes ax */
	WD = 1 << 8,  /* writes dx */
	WS = 1 << 9,  /* writes si, di and cx: string operations */
	W4 = 1 << 10, /* writes ax, bx, cx and dx: cpuid */
	LEA = 1 << 11,
	PUSH = 1 << 12,
	POP = 1 << 13,
	END = 1 << 14, /* control does not come back here, or we know not when */
	J1 = 1 << 15,  /* a jump with one byte of distance */
	J4 = 1 << 16,
	CC = 1 << 17,  /* the jump is conditional */
	BT = 1 << 18,  /* bt writes nothing; bts, btr and btc write ModRM.rm */
	EMU = 1 << 19, /* emulated, if written in its short form */
};

struct op {
	uint8_t first, last;
	uint32_t what;
};

static const struct op one_byte[] = {
	{ 0x50, 0x57, PUSH | EMU },   { 0x58, 0x5f, POP | WO },	   { 0x63, 0x63, M | WR },
	{ 0x68, 0x68, IZ | PUSH },    { 0x69, 0x69, M | IZ | WR }, { 0x6a, 0x6a, I1 | PUSH },
	{ 0x6b, 0x6b, M | I1 | WR },  { 0x70, 0x7f, J1 | CC },	   { 0x84, 0x85, M },
	{ 0x86, 0x87, M | WR | WM },  { 0x88, 0x89, M | WM },	   { 0x8a, 0x8b, M | WR },
	{ 0x8d, 0x8d, M | WR | LEA }, { 0x90, 0x90, EMU },	   { 0x91, 0x97, WO | WA },
	{ 0x98, 0x98, WA },	      { 0x99, 0x99, WD },	   { 0xa4, 0xa5, WS },
	{ 0xa8, 0xa8, I1 },	      { 0xa9, 0xa9, IZ },	   { 0xaa, 0xab, WS },
	{ 0xb0, 0xb7, WO | I1 },      { 0xb8, 0xbf, WO | IV },	   { 0xc0, 0xc1, M | WM | I1 },
	{ 0xc3, 0xc3, END },	      { 0xc6, 0xc6, M | WM | I1 }, { 0xc7, 0xc7, M | WM | IZ },
	{ 0xcc, 0xcc, END },	      { 0xd0, 0xd3, M | WM },	   { 0xe8, 0xe9, J4 },
	{ 0xeb, 0xeb, J1 },
};

static const struct op two_byte[] = {
	{ 0x05, 0x05, END },	{ 0x0b, 0x0b, END },	 { 0x10, 0x14, M },
	{ 0x16, 0x18, M },	{ 0x1e, 0x1f, M },	 { 0x28, 0x2a, M },
	{ 0x2c, 0x2d, M | WR }, { 0x2e, 0x2f, M },	 { 0x40, 0x50, M | WR },
	{ 0x51, 0x51, M },	{ 0x54, 0x54, M },	 { 0x57, 0x5c, M },
	{ 0x5e, 0x5e, M },	{ 0x6e, 0x6f, M },	 { 0x7e, 0x7e, M | WM },
	{ 0x7f, 0x7f, M },	{ 0x80, 0x8f, J4 | CC }, { 0x90, 0x9f, M | WM },
	{ 0xa2, 0xa2, W4 },	{ 0xa3, 0xa3, M },	 { 0xa4, 0xa4, M | WM | I1 },
	{ 0xa5, 0xa5, M | WM }, { 0xab, 0xab, M | WM },	 { 0xac, 0xac, M | WM | I1 },
	{ 0xad, 0xad, M | WM }, { 0xaf, 0xaf, M | WR },	 { 0xb0, 0xb1, M | WM | WA },
	{ 0xb3, 0xb3, M | WM }, { 0xb6, 0xb8, M | WR },	 { 0xba, 0xba, M | BT | I1 },
	{ 0xbb, 0xbb, M | WM }, { 0xbc, 0xbf, M | WR },	 { 0xc0, 0xc1, M | WM | WR },
	{ 0xc8, 0xcf, WO },	{ 0xd6, 0xd6, M },	 { 0xef, 0xef, M },
};

static bool look_up(const struct op *ops, size_t n, uint8_t op, uint32_t *ret)
{
	for (size_t i = 0; i < n; i++)
		if (op >= ops[i].first && op <= ops[i].last) {
			*ret = ops[i].what;
			return true;
		}
	return false;
}

static void written(struct dec *d, uint32_t what, uint8_t op)
{
	if (what & WR)
		writes(d, d->reg);
	if (what & WM || (what & BT && (d->reg & 7) != 4))
		writes_rm(d);
	if (what & WO)
		writes(d, (op & 7u) | (d->rex & 1u) << 3);
	if (what & WA)
		writes(d, AX);
	if (what & WD)
		writes(d, DX);
	if (what & WS)
		d->out->writes |= BIT(SI) | BIT(DI) | BIT(CX);
	if (what & W4)
		d->out->writes |= BIT(AX) | BIT(BX) | BIT(CX) | BIT(DX);
}

static void immediates(struct dec *d, uint32_t what)
{
	if (what & I1)
		imm(d, 1);
	if (what & IZ)
		imm(d, imm_z(d));
	if (what & IV)
		imm(d, d->rex & 8 ? 8 : imm_z(d));
}

static void apply(struct dec *d, uint32_t what, uint8_t op)
{
	/* kernels emulate push with at most REX.B, and of all nops the one of one byte */
	size_t longest = op == 0x90 || !d->rex ? 1 : 2;

	if (what & M)
		modrm(d);
	written(d, what, op);
	immediates(d, what);
	if (what & (J1 | J4))
		jump(d, what & J1 ? disp8(d) : disp32(d), what & CC);
	if (what & EMU)
		d->out->emulated = (size_t)(d->in.p - d->start) <= longest &&
				   (!d->rex || d->rex == 0x41);
	if (what & (PUSH | POP))
		d->out->depth = what & PUSH ? 8 : -8;
	if (what & END) {
		d->out->ends_block = true;
		d->out->flow = GT_FLOW_STOP;
	}
	d->out->is_lea = what & LEA;
}

static bool opcode(struct dec *d, uint8_t op)
{
	uint32_t what;

	d->op = op;
	if (op < 0x40 && op != 0x0f)
		return arith(d, op);
	switch (op) {
	case 0x80:
	case 0x81:
	case 0x83: return arith_imm(d, op);
	case 0xf6:
	case 0xf7: return group3(d, op);
	case 0xfe:
	case 0xff: return group5(d, op);
	case 0x0f:
		op = gt_in_u8(&d->in);
		d->op = 0x100 | op;
		if (!look_up(two_byte, sizeof(two_byte) / sizeof(*two_byte), op, &what))
			return false;
		break;
	default:
		if (!look_up(one_byte, sizeof(one_byte) / sizeof(*one_byte), op, &what))
			return false;
	}
	apply(d, what, op);
	return true;
}

/* mov between registers, or between one and memory. */
static void describe_mov(struct dec *d, bool load, bool memory)
{
	struct gt_insn *i = d->out;

	if (memory) {
		i->op = load ? GT_OP_LOAD : GT_OP_STORE;
	} else if (d->mod == 3) {
		i->op = GT_OP_MOVE;
		i->reg = load ? d->reg : d->rm;
		i->base = (int8_t)(load ? d->rm : d->reg);
	}
}

/* Moves and the exchange, for those who follow a value backwards. */
static void describe(struct dec *d)
{
	struct gt_insn *i = d->out;
	bool memory = d->mod != 3 && d->base >= 0 && !d->indexed && !d->segment;
	struct gt_in last = gt_in_init(d->in.p - 4, 4);

	i->wide = d->rex & 8;
	i->uses_stack = d->mod != 3 && d->base == SP;
	i->reg = d->reg;
	i->base = (int8_t)(memory ? d->base : -1);
	i->disp = (int32_t)d->disp;
	if (d->p66)
		return;
	switch (d->op) {
	case 0x89:
	case 0x8b: describe_mov(d, d->op == 0x8b, memory); break;
	case 0x31:
	case 0x33:
		if (d->mod == 3 && d->reg == d->rm)
			i->op = GT_OP_CONST;
		break;
	case 0x1b1:
		if (memory && d->lock)
			i->op = GT_OP_CMPXCHG;
		break;
	default:
		if (d->op < 0xb8 || d->op > 0xbf || i->wide)
			break;
		i->op = GT_OP_CONST;
		i->reg = (uint8_t)((d->op & 7) | (d->rex & 1) << 3);
		i->imm = gt_in_u32(&last);
	}
}

bool gt_insn_amd64(const uint8_t *p, size_t n, uint64_t vaddr, struct gt_insn *ret)
{
	struct gt_insn insn = { 0 };
	struct dec d = { .in = gt_in_init(p, n),
			 .start = p,
			 .vaddr = vaddr,
			 .out = &insn,
			 .mod = 3,
			 .base = -1 };
	uint8_t op;

	for (;;) {
		op = gt_in_u8(&d.in);
		d.lock |= op == 0xf0;
		d.segment |= op == 0x64 || op == 0x65;
		if (op == 0x66)
			d.p66 = true;
		else if (op != 0xf0 && op != 0xf2 && op != 0xf3 && op != 0x64 && op != 0x65 &&
			 op != 0x2e && op != 0x3e)
			break;
	}
	if (op >= 0x40 && op <= 0x4f) {
		d.rex = op;
		op = gt_in_u8(&d.in);
	}
	if (d.in.bad || !opcode(&d, op) || d.in.bad || d.in.p - p > 15)
		return false;
	insn.len = (uint8_t)(d.in.p - p);
	describe(&d);
	if (d.rip) {
		insn.has_target = true;
		insn.target = vaddr + insn.len + (uint64_t)d.disp;
	}
	*ret = insn;
	return true;
}
