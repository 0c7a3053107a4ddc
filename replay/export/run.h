/* SPDX-License-Identifier: BSD-2-Clause */
/* One export: what gtexport's main calls. */
#ifndef GT_EXPORT_RUN_H
#define GT_EXPORT_RUN_H

#include "replay/view/open.h"

struct gt_export_opts {
	struct gt_view_opts view;
	const char *out, *format;
	uint64_t top;
	const char *by, *flows;
	bool force;
	/* of -f gtr */
	uint64_t level;
	uint64_t fit;	    /* bytes; 0: any size */
	const char *redact; /* what; "" all, NULL nothing */
};

/* gt_export_run: PATH NULL is trace.gtr. The exit status; problems have been said on stderr. */
int gt_export_run(const char *path, const struct gt_export_opts *o);
/* gt_export_formats: the names that -f knows, for messages: "chrome". */
const char *gt_export_formats(char *buf, size_t size);

#endif
