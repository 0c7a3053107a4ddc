/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.firstmoduledata, Go's own table of contents. It is known by its shape, so that
 * neither symbols nor section headers nor a genuine pclntab magic number are needed: its first
 * word points at the pclntab header, and the slices that follow lie in and end with that table.
 */
#ifndef GT_MODULEDATA_H
#define GT_MODULEDATA_H

#include "goelf.h"

/* Formats of pclntab, named by the first Go version that has them. */
enum gt_pcln_format { GT_PCLN_17 = 17, GT_PCLN_18 = 18, GT_PCLN_20 = 20, GT_PCLN_26 = 26 };

struct gt_moduledata {
	uint64_t vaddr;
	uint64_t header; /* address of the pclntab header */
	uint32_t magic;
	enum gt_pcln_format format;
	uint64_t funcname, n_funcname; /* offsets from the header, and sizes in bytes */
	uint64_t cutab, n_cutab;
	uint64_t filetab, n_filetab;
	uint64_t pctab, n_pctab;
	uint64_t pcln, n_pcln;
	uint64_t ftab, n_ftab; /* n_ftab in entries, with the sentinel */
	uint64_t size;	       /* of the whole table */
	uint8_t min_lc;
	uint64_t text, etext, gofunc;
	uint64_t data[4][2]; /* noptrdata, data, bss, noptrbss: start, end */
	uint64_t n_textsects;
	bool plugin;
};

/* gt_moduledata_find: false when the image has none (not Go, older than 1.16, or packed). */
bool gt_moduledata_find(const struct gt_image *img, struct gt_moduledata *ret);

#endif
