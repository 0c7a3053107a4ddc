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

struct gt_insn {
	uint8_t len;
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
