/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small instruction decoders for what Go's compiler puts at the start of a function: lengths,
 * registers written, stack depth, targets. What they do not know they refuse, and the caller
 * then stays before it.
 */
#ifndef GT_INSN_H
#define GT_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an instruction does that can be followed backwards; amd64 only. */
enum gt_insn_op {
	GT_OP_OTHER = 0,
	GT_OP_MOVE,    /* reg = base */
	GT_OP_LOAD,    /* reg = [base + disp] */
	GT_OP_STORE,   /* [base + disp] = reg */
	GT_OP_CONST,   /* reg = imm */
	GT_OP_CMPXCHG, /* with LOCK: [base + disp] from ax to reg */
};

/* Where control goes; amd64 only. */
enum gt_flow {
	GT_FLOW_NEXT = 0,
	GT_FLOW_JUMP, /* to target */
	GT_FLOW_COND, /* to target or on */
	GT_FLOW_CALL,
	GT_FLOW_STOP,	  /* returns or faults */
	GT_FLOW_INDIRECT, /* jumps to an address that is not in the instruction */
};

struct gt_insn {
	uint8_t len;
	uint8_t op;   /* enum gt_insn_op */
	uint8_t flow; /* enum gt_flow */
	uint8_t reg;
	int8_t base;	 /* register; -1: no plain base + displacement */
	bool wide;	 /* moves 64 bits */
	bool uses_stack; /* has an operand in memory relative to the stack pointer */
	int32_t disp;
	uint32_t imm;
	bool emulated;	 /* uprobes emulate it on every kernel that we run on, no single step */
	bool ends_block; /* control may go elsewhere */
	bool cond_jump;
	bool stack_lost;  /* the stack pointer changes in a way not understood */
	bool stack_guard; /* compares something with g.stackguard0 or 1 */
	bool has_target;  /* refers to a fixed address */
	bool is_lea;	  /* amd64: lea of that address */
	int32_t depth;	  /* bytes by which the stack grows */
	uint32_t writes;  /* general registers, one bit each, in the machine's numbering */
	uint64_t target;
};

/* gt_insn_amd64: the instruction at P, N bytes of which are known, at address VADDR. */
bool gt_insn_amd64(const uint8_t *p, size_t n, uint64_t vaddr, struct gt_insn *ret);
bool gt_insn_arm64(const uint8_t *p, size_t n, uint64_t vaddr, struct gt_insn *ret);

#endif
