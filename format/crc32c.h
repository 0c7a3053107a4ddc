/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC32C (Castagnoli), as iSCSI and ext4 use it. The CPU's own instruction where it has
 * one, a table elsewhere; both give the same sums.
 */
#ifndef GT_CRC32C_H
#define GT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* gt_crc32c: the sum of N more bytes after CRC, the sum so far; start with 0. */
uint32_t gt_crc32c(uint32_t crc, const void *p, size_t n);

/* gt_crc32c_portable: the table version; for tests and CPUs without the instruction. */
uint32_t gt_crc32c_portable(uint32_t crc, const void *p, size_t n);

#endif
