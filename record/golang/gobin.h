/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of struct gt_gobin, for record/golang/ only. */
#ifndef GT_GOBIN_H
#define GT_GOBIN_H

#include "buildinfo.h"
#include "pclntab.h"

#define GT_GO_OLDEST 17 /* minor versions that our tables hold */
#define GT_GO_NEWEST 26

struct gt_gobin {
	struct gt_image img;
	struct gt_pcln pcln;
	struct gt_gobin_info info; /* its strings are owned below */
	char *version, *main_path, *go_build_id, *gnu_build_id;
	uint8_t wrapper; /* funcID of ABI wrappers; 0 unknown */
};

/*
 * gt_gobin_guess_version: minor version from the shape of the tables and the runtime functions
 * that exist; for binaries without a credible version string.
 */
int gt_gobin_guess_version(const struct gt_pcln *p);
/* gt_gobin_buildversion: the string of runtime.buildVersion that fits MINOR; owned, or NULL. */
char *gt_gobin_buildversion(const struct gt_gobin *b, int minor);

/* gt_gobin_find: the function NAME, wrappers left out. */
bool gt_gobin_find(const struct gt_gobin *b, const char *name, struct gt_gofunc *ret);

/* gt_gobin_dwarf_layout: fields found in the DWARF data; false when there is none, or not all. */
bool gt_gobin_dwarf_layout(const struct gt_gobin *b, struct gt_layout *ret);

#endif
