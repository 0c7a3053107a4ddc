/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The registers that Go's internal ABI puts things in, at a probe [go:
 * src/cmd/compile/abi-internal.md]: integer arguments, the current g, stack and frame pointer.
 * Return address: on amd64 in memory at sp + ra_off (the probe site tells ra_off), on arm64 in x30.
 */
#ifndef GT_REGS_H
#define GT_REGS_H

#include <linux/types.h>

/*
 * struct pt_regs as probes get it, of the target: <linux/ptrace.h> would have the building
 * machine's. On arm64 it is the part that begins it, known to user space as user_pt_regs.
 */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	__u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	__u64 orig_rax, rip, cs, eflags, rsp, ss;
};
#define GT_ARG0(ctx)	((__u64)(ctx)->rax)
#define GT_ARG1(ctx)	((__u64)(ctx)->rbx)
#define GT_ARG2(ctx)	((__u64)(ctx)->rcx)
#define GT_ARG3(ctx)	((__u64)(ctx)->rdi)
#define GT_CURG(ctx)	((__u64)(ctx)->r14)
#define GT_SP(ctx)	((__u64)(ctx)->rsp)
#define GT_FP(ctx)	((__u64)(ctx)->rbp)
#define GT_PC		rip
#define GT_RA_IN_MEMORY 1
#define GT_LR(ctx)	0
/* by number, as instructions have it; 4 is the stack pointer */
/* clang-format off */
#define GT_REGS(X)                                                                                 \
	X(0, rax) X(1, rcx) X(2, rdx) X(3, rbx) X(5, rbp) X(6, rsi) X(7, rdi)                      \
	X(8, r8) X(9, r9) X(10, r10) X(11, r11) X(12, r12) X(13, r13) X(14, r14) X(15, r15)
/* clang-format on */
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	__u64 regs[31], sp, pc, pstate;
};
#define GT_ARG0(ctx)	((__u64)(ctx)->regs[0])
#define GT_ARG1(ctx)	((__u64)(ctx)->regs[1])
#define GT_ARG2(ctx)	((__u64)(ctx)->regs[2])
#define GT_ARG3(ctx)	((__u64)(ctx)->regs[3])
#define GT_CURG(ctx)	((__u64)(ctx)->regs[28])
#define GT_SP(ctx)	((__u64)(ctx)->sp)
#define GT_FP(ctx)	((__u64)(ctx)->regs[29])
#define GT_PC		pc
#define GT_RA_IN_MEMORY 0
#define GT_LR(ctx)	((__u64)(ctx)->regs[30])
#define GT_REGS(X)	/* inlined copies are not probed here */
#else
#error "registers of this architecture are not known (amd64 and arm64 are)"
#endif

#endif
