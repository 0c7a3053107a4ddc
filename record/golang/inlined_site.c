/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where to probe an inlined compare-and-swap. Uprobes refuse instructions with LOCK, so the
 * probe sits before it. The compiler gives the loop around it this shape:
 *
 *	   jmp   try         the way in, once a call; emulated by the kernel
 *	again:
 *	   mov   48(sp), ax  the way of a retry
 *	try:                 the block
 *	   mov   ax, di
 *	   mov   $1, ax
 *	   mov   $2, r8
 *	   lock cmpxchg r8d, 0x90(di)
 *
 * So: find the block, then the ways that lead to it. What the function's entry or a success of
 * the compare-and-swap leads to is a way in (the second in a loop around the whole), what its
 * failure leads to is a retry. Then follow the three values backwards from the
 * compare-and-swap to the last instruction of each way in.
 */
#include "inlined.h"

enum { AX, SP = 4 };
enum mark { TARGET = 1, IN = 2, RETRY = 4 };

#define MAX_TEST 8 /* instructions from a compare-and-swap to the jump on its success */

/* The values at one instruction. */
struct values {
	struct gt_place gp, old, new;
};

static bool index_of(const struct gt_listing *l, uint64_t vaddr, uint32_t *ret)
{
	uint32_t lo = 0, hi = l->n;

	if (vaddr < l->entry)
		return false;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->entry + l->off[mid] < vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret = lo;
	return lo < l->n && l->entry + l->off[lo] == vaddr;
}

static bool jumps_to(const struct gt_listing *l, uint32_t i, uint32_t *ret)
{
	const struct gt_insn *in = &l->insn[i];

	return (in->flow == GT_FLOW_JUMP || in->flow == GT_FLOW_COND) &&
	       index_of(l, in->target, ret);
}

static bool falls_through(const struct gt_insn *i)
{
	return i->flow == GT_FLOW_NEXT || i->flow == GT_FLOW_COND || i->flow == GT_FLOW_CALL;
}

static bool mark_targets(struct gt_listing *l)
{
	bool known = true;
	uint32_t to;

	for (uint32_t i = 0; i < l->n; i++)
		l->mark[i] = 0;
	for (uint32_t i = 0; i < l->n; i++) {
		if (jumps_to(l, i, &to))
			l->mark[to] |= TARGET;
		known &= l->insn[i].flow != GT_FLOW_INDIRECT;
	}
	return known;
}

/*
 * Marks what can run after FROM, itself included, up to the block. The jump to the entry, once
 * the stack has grown, is not followed: it seems to come after calls that never return.
 */
static void reach(struct gt_listing *l, uint32_t from, uint32_t block, uint8_t m)
{
	uint32_t n = 0, to;

	l->todo[n++] = from;
	while (n) {
		uint32_t i = l->todo[--n];

		for (; i < l->n && i != block && !(l->mark[i] & m); i++) {
			l->mark[i] |= m;
			if (jumps_to(l, i, &to) && to)
				l->todo[n++] = to;
			if (!falls_through(&l->insn[i]))
				break;
		}
	}
}

/* Opcode of instruction I: its last byte where it has two. */
static uint8_t opcode(const struct gt_listing *l, uint32_t i, bool *ret_two)
{
	const uint8_t *p = l->code + l->off[i];

	if ((*p & 0xf0) == 0x40 && l->insn[i].len > 1)
		p++;
	*ret_two = *p == 0x0f && l->insn[i].len > 2;
	return *ret_two ? p[1] : p[0];
}

/*
 * What follows the compare-and-swap: sete, test and jne, or je at once. Tells the instructions
 * that its success and its failure lead to.
 */
static bool outcome(const struct gt_listing *l, uint32_t cas, uint32_t *ret_yes, uint32_t *ret_no)
{
	bool set = false, two;
	uint32_t to;

	for (uint32_t i = cas + 1; i < l->n && i <= cas + MAX_TEST; i++) {
		uint8_t op = opcode(l, i, &two);

		if (l->insn[i].flow == GT_FLOW_NEXT) {
			set |= two && op == 0x94;
			continue;
		}
		if (l->insn[i].flow != GT_FLOW_COND || (op & 0xe) != 4 || !jumps_to(l, i, &to) ||
		    i + 1 >= l->n)
			return false;
		bool taken = (op & 1) == set; /* on success: jne behind sete, else je */
		*ret_yes = taken ? to : i + 1;
		*ret_no = taken ? i + 1 : to;
		return true;
	}
	return false;
}

static const struct gt_place lost = { GT_PLACE_NONE, 0 };

/* Where the value of register R was before instruction I wrote it. */
static struct gt_place source(const struct gt_insn *i, uint32_t r, bool whole)
{
	bool moves = i->wide || !whole;

	if (i->reg != r)
		return lost;
	if (i->op == GT_OP_CONST && !whole)
		return (struct gt_place){ GT_PLACE_CONST, i->imm };
	if (i->op == GT_OP_MOVE && moves)
		return (struct gt_place){ GT_PLACE_REG, (uint32_t)i->base };
	if (i->op == GT_OP_LOAD && moves && i->base == SP && i->disp >= 0)
		return (struct gt_place){ GT_PLACE_STACK, (uint32_t)i->disp };
	return lost;
}

/* Where the value at sp + V was before instruction I. */
static struct gt_place stored(const struct gt_insn *i, uint32_t v, bool whole)
{
	int64_t from = (int64_t)v - i->disp;

	if (i->depth || i->stack_lost)
		return lost;
	if (i->uses_stack && i->op == GT_OP_STORE && from == 0 && (i->wide || !whole))
		return (struct gt_place){ GT_PLACE_REG, i->reg };
	if (i->uses_stack && i->op != GT_OP_LOAD && from > -8 && from < 64)
		return lost; /* may overwrite it */
	return (struct gt_place){ GT_PLACE_STACK, v };
}

/* Where the value of P was before instruction I ran. WHOLE: it must be moved in 64 bits. */
static void before(const struct gt_insn *i, bool whole, struct gt_place *p)
{
	if (p->kind == GT_PLACE_REG && i->writes & 1u << p->v)
		*p = source(i, p->v, whole);
	else if (p->kind == GT_PLACE_STACK)
		*p = stored(i, p->v, whole);
}

static bool step_back(const struct gt_listing *l, uint32_t i, struct values *v)
{
	before(&l->insn[i], true, &v->gp);
	before(&l->insn[i], false, &v->old);
	before(&l->insn[i], false, &v->new);
	return v->gp.kind && v->old.kind && v->new.kind;
}

/*
 * The best instruction on the straight line that ends before END, V being the values at END: the
 * nearest that is emulated, else the nearest at all. A call ends the line: it may change what it
 * likes.
 */
static bool on_line(const struct gt_listing *l, uint32_t end, struct values v,
		    struct gt_probe_spot *ret)
{
	bool found = false;

	for (uint32_t i = end; i-- > 0;) {
		if (l->insn[i].flow != GT_FLOW_NEXT &&
		    !(i == end - 1 && l->insn[i].flow == GT_FLOW_JUMP))
			break;
		if (!step_back(l, i, &v))
			break;
		if (!found || l->insn[i].emulated)
			*ret = (struct gt_probe_spot){ i, v.gp, v.old, v.new };
		found = true;
		if (l->insn[i].emulated || l->mark[i] & TARGET)
			break;
	}
	return found;
}

/* The first instruction of the straight line that leads to CAS, and the values there. */
static uint32_t block_of(const struct gt_listing *l, uint32_t cas, struct values *v, bool *ret_ok)
{
	uint32_t i = cas;

	*ret_ok = true;
	while (i > 0 && !(l->mark[i] & TARGET) && l->insn[i - 1].flow == GT_FLOW_NEXT)
		*ret_ok &= step_back(l, --i, v);
	return i;
}

/* Is instruction I one after which the block runs, but the block's own? */
static bool leads_to(const struct gt_listing *l, uint32_t i, uint32_t block)
{
	uint32_t to;

	return (i + 1 == block && falls_through(&l->insn[i])) ||
	       (jumps_to(l, i, &to) && to == block);
}

/* One spot for each way in, V being the values at the block's begin; 0 when one has none. */
static uint32_t ways_in(const struct gt_listing *l, uint32_t block, struct values v,
			struct gt_probe_spot ret[GT_MAX_SPOTS])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		if (!(l->mark[i] & IN) || !leads_to(l, i, block))
			continue;
		if (n == GT_MAX_SPOTS || l->mark[i] & RETRY || l->insn[i].flow == GT_FLOW_COND ||
		    !on_line(l, i + 1, v, &ret[n++]))
			return 0;
	}
	return n;
}

static bool all_emulated(const struct gt_listing *l, const struct gt_probe_spot *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!l->insn[s[i].insn].emulated)
			return false;
	return n > 0;
}

uint32_t gt_inlined_spots(struct gt_listing *l, uint32_t cas,
			  struct gt_probe_spot ret[GT_MAX_SPOTS], const char **ret_why)
{
	const struct values at_cas = { { GT_PLACE_REG, (uint32_t)l->insn[cas].base },
				       { GT_PLACE_REG, AX },
				       { GT_PLACE_REG, l->insn[cas].reg } };
	struct values v = at_cas;
	struct gt_probe_spot near;
	uint32_t yes, no, block, n = 0;
	bool retried, ok;

	*ret_why = "its function jumps through a table";
	if (!mark_targets(l))
		return 0;
	*ret_why = "what follows the compare-and-swap is not understood";
	if (!outcome(l, cas, &yes, &no))
		return 0;
	block = block_of(l, cas, &v, &ok);
	reach(l, 0, block, IN);
	reach(l, yes, block, IN);
	reach(l, no, block, RETRY);
	retried = no == block;
	for (uint32_t i = 0; i < l->n; i++)
		retried |= l->mark[i] & RETRY && leads_to(l, i, block);
	bool in_block = !retried && on_line(l, cas, at_cas, &near);
	if (ok && yes != block && !(in_block && all_emulated(l, &near, 1)))
		n = ways_in(l, block, v, ret);
	if (in_block && !all_emulated(l, ret, n)) {
		ret[0] = near;
		n = 1;
	}
	*ret_why = "no instruction before it runs once and shows all values";
	return n;
}
