/* SPDX-License-Identifier: BSD-2-Clause */
/* The Go build info blob: version string and module lines. */
#ifndef GT_BUILDINFO_H
#define GT_BUILDINFO_H

#include "goelf.h"

struct gt_buildinfo {
	char *version; /* owned; "" where the blob has none */
	char *modinfo; /* owned; "" likewise; the text of `go version -m` */
};

/* gt_buildinfo_read: GT_OK with *RET_FOUND false when the image has no blob. */
int gt_buildinfo_read(const struct gt_image *img, struct gt_buildinfo *ret, bool *ret_found,
		      struct gt_err *err) GT_MUST_CHECK;
void gt_buildinfo_free(struct gt_buildinfo *bi);

/* gt_buildinfo_setting: value of "build\tKEY=VALUE", copied to BUF; false when absent. */
bool gt_buildinfo_setting(const struct gt_buildinfo *bi, const char *key, char *buf, size_t size);

/* gt_version_parse: "go1.24.11 X:synctest", "go1.22rc1", "devel go1.23-abcdef". PATCH is -1
 * where there is none. */
bool gt_version_parse(const char *s, int *ret_minor, int *ret_patch);

#endif
