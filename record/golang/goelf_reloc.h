/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dynamic section of an image: DT_FLAGS_1, and the relative relocations of a position
 * independent one. GNU ld and Go's linker leave the addend where the pointer goes, lld does
 * not; only in the second case are they loaded.
 */
#ifndef GT_GOELF_RELOC_H
#define GT_GOELF_RELOC_H

#include "goelf.h"

int gt_image_load_dynamic(struct gt_image *img, struct gt_err *err) GT_MUST_CHECK;

/* gt_image_relocate: put the relocated pointers into the N bytes of BUF, which are VADDR's. */
void gt_image_relocate(const struct gt_image *img, uint64_t vaddr, uint8_t *buf, size_t n);

#endif
