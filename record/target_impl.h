/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the target module share: small readers of /proc/PID. */
#ifndef GT_TARGET_IMPL_H
#define GT_TARGET_IMPL_H

#include "target.h"

#define GT_TF_NOMEM 0x80000000u /* while opening: memory was short */

/* gt_proc_read: the start of /proc/PID/NAME into BUF, NUL-terminated; -1: errno. */
long gt_proc_read(const struct gt_target *t, const char *name, char *buf, size_t n);
/* gt_proc_nspid: last number of the NSpid line of a status file: the id in the innermost
 * pid namespace; OTHERWISE when there is no such line. */
uint32_t gt_proc_nspid(const char *status, uint32_t otherwise);

/* One executable mapping of a file. */
struct gt_map {
	uint64_t start, end, offset, dev, ino;
	const char *path; /* as in maps; "" none */
};

/*
 * gt_maps_exec: FN for each executable mapping of the process until it returns true: 1, or
 * 0 when it never did, or a gt_code.
 */
int gt_maps_exec(const struct gt_target *t, bool (*fn)(void *ctx, const struct gt_map *m),
		 void *ctx, struct gt_err *err);

#endif
