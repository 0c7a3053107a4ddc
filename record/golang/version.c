/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Go version of a binary whose build info is gone or untrue: from the format of its
 * function table, the runtime functions that it holds, and runtime.buildVersion in its data.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/in.h"
#include "gobin.h"

/*
 * The first version in which a function of the scheduler exists out of line, newest first; two
 * names each, as inlining may differ. Compared with all toolchains by
 * test_gobin_hostile.
 */
static const struct {
	int minor;
	const char *names[2];
} marks[] = {
	{ 26, { "runtime.exitsyscallNoP", "runtime.findGoroutineLeaks" } },
	{ 25, { "runtime.globrunqgetbatch", "runtime.getCPUCount" } },
	{ 24, { "runtime.unlock2Wake", "runtime.mallocgcTiny" } },
	{ 23, { "runtime.fpunwindExpand", "runtime.casGToWaitingForSuspendG" } },
	{ 22, { "runtime.gdestroy", "runtime.forEachPInternal" } },
	{ 21, { "runtime.getExtraM", "runtime.putExtraM" } },
	{ 20, { "runtime.goschedIfBusy", "runtime.casGToWaiting" } },
	{ 19, { "runtime.findRunnable", "runtime.findRunnable" } },
};

int gt_gobin_guess_version(const struct gt_pcln *p)
{
	int low = (int)p->md.format;
	uint32_t off;

	if (p->md.format == GT_PCLN_17)
		return low;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks) && marks[i].minor > low; i++)
		if (gt_pcln_has_name(p, marks[i].names[0], &off) ||
		    gt_pcln_has_name(p, marks[i].names[1], &off))
			return marks[i].minor;
	return low;
}

#define MAX_VERSION 64
#define MAX_TRIES   200000 /* strings of fitting length that are looked at */

struct finder {
	const struct gt_gobin *b;
	int minor;
	int tries;
	char found[MAX_VERSION + 1];
};

/*
 * A version is believed only with a patch level where its release line always has one: data
 * also holds the words "go1.1" to "go1.26" of package go/build.
 */
static bool credible(const char *s, int minor)
{
	int m, patch;

	return gt_version_parse(s, &m, &patch) && m == minor && (patch >= 0 || minor < 21);
}

static bool within(const uint64_t range[2], uint64_t at)
{
	return at >= range[0] && at < range[1];
}

static bool look(void *ctx, uint64_t vaddr, const uint8_t *buf, size_t n)
{
	struct gt_in in = gt_in_init(buf, n);
	const uint64_t(*range)[2];
	struct finder *f = ctx;
	uint64_t ptr = gt_in_u64(&in);

	range = f->b->pcln.md.data;
	for (uint64_t at = vaddr; gt_in_left(&in) >= 8; at += 8) {
		uint64_t len = gt_in_u64(&in);
		char s[MAX_VERSION + 1] = "";

		/* runtime.buildVersion lies in noptrdata or data */
		if (len >= 5 && len <= MAX_VERSION && ptr &&
		    (within(range[0], at) || within(range[1], at)) &&
		    gt_image_read(&f->b->img, ptr, s, (size_t)len)) {
			if (credible(s, f->minor)) {
				memcpy(f->found, s, sizeof(s));
				return true;
			}
			if (++f->tries >= MAX_TRIES)
				return true;
		}
		ptr = len;
	}
	return false;
}

char *gt_gobin_buildversion(const struct gt_gobin *b, int minor)
{
	struct finder f = { .b = b, .minor = minor };
	uint64_t at, ptr, len;

	if (gt_image_symbol(&b->img, "runtime.buildVersion", &at) &&
	    gt_image_u64(&b->img, at, &ptr) && gt_image_u64(&b->img, at + 8, &len) &&
	    len <= MAX_VERSION && gt_image_read(&b->img, ptr, f.found, (size_t)len)) {
		int m, patch;

		f.found[len] = 0;
		if (gt_version_parse(f.found, &m, &patch))
			return strdup(f.found);
	}
	f.found[0] = 0;
	gt_image_scan(&b->img, PF_W, PF_W, 16, look, &f);
	return f.found[0] ? strdup(f.found) : NULL;
}
