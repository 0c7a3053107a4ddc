/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry function of a goroutine: behind the compiler's wrapper, and whose it is. */
#include <string.h>

#include "format/base/in.h"
#include "gobin.h"

#define FUNCDATA_WRAPINFO 7 /* internal/abi.FUNCDATA_WrapInfo, Go >= 1.18 */

/* [src/runtime/trace.go, from 1.22 trace2stack.go, tracestack.go: startPCForTrace] */
uint64_t gt_gobin_entry(const struct gt_gobin *b, uint64_t startpc)
{
	struct gt_gofunc f, wrapped;
	uint8_t buf[4];
	uint64_t at;

	if (!gt_pcln_find(&b->pcln, startpc, &f) ||
	    !gt_pcln_funcdata(&b->pcln, &f, FUNCDATA_WRAPINFO, &at) ||
	    !gt_image_read(&b->img, at, buf, sizeof(buf)))
		return startpc;
	struct gt_in in = gt_in_init(buf, sizeof(buf));
	uint64_t pc = b->pcln.md.text + gt_in_u32(&in);
	/* It must be the entry of a function: anything else is not what we take it for. */
	return gt_pcln_find(&b->pcln, pc, &wrapped) && wrapped.entry == pc ? pc : startpc;
}

bool gt_gobin_system(const struct gt_gobin *b, uint64_t startpc)
{
	/* [src/runtime/traceback.go: isSystemGoroutine]: those of the runtime that run user code */
	static const char *const user[] = { "runtime.main", "runtime.corostart",
					    "runtime.handleAsyncEvent" };
	struct gt_gofunc f;
	const char *name;

	if (!gt_pcln_find(&b->pcln, startpc, &f))
		return false;
	name = gt_pcln_name(&b->pcln, f.name_off);
	for (size_t i = 0; i < sizeof(user) / sizeof(*user); i++)
		if (!strcmp(name, user[i]))
			return false;
	return !strncmp(name, "runtime.", 8);
}
