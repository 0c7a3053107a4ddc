/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The registers that Go's internal ABI puts things in, at a probe [go:
 * src/cmd/compile/abi-internal.md]: integer arguments, the current g, stack and frame pointer.
 * Return address: on amd64 in memory at sp + ra_off (the probe site tells ra_off), on arm64 in x30.
 */
#ifndef GT_REGS_H
#define GT_REGS_H

#include <linux/ptrace.h>

#if defined(__TARGET_ARCH_x86)
#define GT_ARG0(ctx)	((__u64)(ctx)->rax)
#define GT_ARG1(ctx)	((__u64)(ctx)->rbx)
#define GT_ARG2(ctx)	((__u64)(ctx)->rcx)
#define GT_CURG(ctx)	((__u64)(ctx)->r14)
#define GT_SP(ctx)	((__u64)(ctx)->rsp)
#define GT_FP(ctx)	((__u64)(ctx)->rbp)
#define GT_RA_IN_MEMORY 1
#define GT_LR(ctx)	0
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs;
#define GT_UREGS(ctx)	((const struct user_pt_regs *)(ctx))
#define GT_ARG0(ctx)	((__u64)GT_UREGS(ctx)->regs[0])
#define GT_ARG1(ctx)	((__u64)GT_UREGS(ctx)->regs[1])
#define GT_ARG2(ctx)	((__u64)GT_UREGS(ctx)->regs[2])
#define GT_CURG(ctx)	((__u64)GT_UREGS(ctx)->regs[28])
#define GT_SP(ctx)	((__u64)GT_UREGS(ctx)->sp)
#define GT_FP(ctx)	((__u64)GT_UREGS(ctx)->regs[29])
#define GT_RA_IN_MEMORY 0
#define GT_LR(ctx)	((__u64)GT_UREGS(ctx)->regs[30])
#else
#error "registers of this architecture are not known (amd64 and arm64 are)"
#endif

#endif
