/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The best address for a probe in a function: the first instruction which the kernel emulates
 * (a single-stepped one costs ten times as much), at which all arguments are still in their
 * registers, and which runs once a call. That is behind the stack check, as a function whose
 * stack must grow is entered twice; and before any branch, or at it.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/in.h"
#include "gobin.h"
#include "insn.h"

#define WINDOW	   192 /* bytes looked at from the entry */
#define MAX_GUARD  6   /* instructions of a stack check */
#define SIG_WINDOW 64

/* The registers of the first arguments, in order. [src/cmd/compile/abi-internal.md] */
static const uint8_t args_amd64[] = { 0, 3, 1, 7, 6, 8, 9 }; /* AX BX CX DI SI R8 R9 */

/*
 * How many arguments must be intact at the probe: those that the recorder reads. None where a
 * function is not in here.
 */
static const struct {
	const char *name;
	uint8_t n_args;
	uint8_t from_minor; /* reads none before that version */
} needs[] = {
	{ "runtime.casgstatus", 3, 17 },
	{ "runtime.reentersyscall", 3, 26 },
	{ "runtime.casGToPreemptScan", 1, 17 },
	{ "runtime.casGFromPreempted", 1, 17 },
	{ "runtime.startTheWorldWithSema", 4, 22 },
	{ "runtime.stopTheWorldWithSema", 1, 21 },
	{ "runtime.coroswitch_m", 1, 17 },
	{ "runtime.newproc1", 3, 17 },
	{ "runtime.park_m", 1, 17 },
	{ "runtime.ready", 1, 17 },
	{ "runtime.execute", 1, 17 },
	{ "runtime.goexit0", 1, 17 },
	{ "runtime.gdestroy", 1, 17 },
	{ "runtime.runqput", 2, 17 },
	{ "runtime.runqputslow", 2, 17 },
	{ "runtime.gcStart", 1, 17 },
	{ "runtime.procresize", 1, 17 },
	{ "runtime.goschedImpl", 1, 17 },
	{ "runtime.castogscanstatus", 3, 17 },
	{ "runtime.casfrom_Gscanstatus", 3, 17 },
	{ "runtime.allgadd", 1, 17 },
};

static bool decode(const struct gt_gobin *b, const uint8_t *p, size_t n, uint64_t vaddr,
		   struct gt_insn *ret)
{
	return b->img.arch == GT_ARCH_AMD64 ? gt_insn_amd64(p, n, vaddr, ret)
					    : gt_insn_arm64(p, n, vaddr, ret);
}

static uint32_t arg_mask(const struct gt_gobin *b, const char *name)
{
	uint32_t mask = 0;

	/* arguments lay on the stack: [src/cmd/compile: register ABI reached arm64 in 1.18] */
	if (b->img.arch == GT_ARCH_ARM64 && b->info.minor < 18)
		return 0;
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		if (strcmp(name, needs[i].name) != 0 || b->info.minor < needs[i].from_minor)
			continue;
		for (int k = 0; k < needs[i].n_args; k++)
			mask |= 1u << (b->img.arch == GT_ARCH_AMD64 ? args_amd64[k] : k);
	}
	return mask;
}

/* The code of one function, as far as we look. */
struct code {
	const struct gt_gobin *b;
	uint64_t entry;
	uint8_t buf[WINDOW];
	uint32_t n;
};

static bool load_code(const struct gt_gobin *b, uint64_t entry, uint64_t size, struct code *c)
{
	*c = (struct code){ .b = b, .entry = entry };
	c->n = size < WINDOW ? (uint32_t)size : WINDOW;
	return c->n && gt_image_read(&b->img, entry, c->buf, c->n);
}

static bool at(const struct code *c, uint32_t off, struct gt_insn *ret)
{
	return off < c->n && decode(c->b, c->buf + off, c->n - off, c->entry + off, ret);
}

/* Where the stack check ends; 0 where there is none. */
static uint32_t after_guard(const struct code *c)
{
	struct gt_insn i;
	bool guard = false;

	for (uint32_t off = 0, k = 0; k < MAX_GUARD && at(c, off, &i); k++, off += i.len) {
		guard |= i.stack_guard;
		if (guard && i.cond_jump)
			return off + i.len;
		if (i.ends_block && !i.cond_jump)
			break;
	}
	return 0;
}

/*
 * search: the first good instruction from START on. *RET_DEPTH: how far the stack has grown
 * there since the entry, on the straight way.
 */
static bool search(const struct code *c, uint32_t start, uint32_t args, uint32_t *ret_off,
		   uint32_t *ret_depth)
{
	uint32_t written = 0;
	int32_t depth = 0;
	struct gt_insn i;

	for (uint32_t off = start; at(c, off, &i); off += i.len) {
		if (i.emulated && !(written & args)) {
			*ret_off = off;
			*ret_depth = (uint32_t)depth;
			return true;
		}
		if (i.ends_block || i.stack_lost)
			return false;
		written |= i.writes;
		depth += i.depth;
		if (depth < 0)
			return false;
	}
	return false;
}

static void fill(const struct code *c, uint32_t off, uint32_t depth, struct gt_site *ret)
{
	const struct gt_gobin *b = c->b;
	struct gt_insn i = { 0 };

	ret->vaddr = c->entry + off;
	ret->delta = off;
	if (b->img.arch == GT_ARCH_AMD64) {
		ret->ra_off = depth;
	} else if (b->info.minor < 18) {
		ret->args_on_stack = true;
		ret->arg_off = depth + 8;
	}
	if (at(c, off, &i)) {
		ret->insn_len = i.len;
		memcpy(ret->insn, c->buf + off, i.len);
		ret->emulated = i.emulated;
	}
}

static bool is_bt(const uint8_t *p, size_t n, uint8_t reg)
{
	const uint8_t pat[] = { 0x0f, 0xba, (uint8_t)(0xe0 | reg), 0x0c };

	return memmem(p, n, pat, sizeof(pat)) != NULL;
}

static uint32_t word(const uint8_t *p)
{
	struct gt_in in = gt_in_init(p, 4);

	return gt_in_u32(&in);
}

#define TBNZ_12(w, reg) (((w)&0xfff8001f) == (0x37600000u | (reg)))
#define TBZ_12(w)	(((w)&0xfff80000) == 0x36600000u)

/*
 * Does this look like casgstatus? It begins with the test of the scan bit, number 12, in old
 * and in new. [src/runtime/proc.go: casgstatus]
 */
static bool tests_scan_bits(const struct code *c)
{
	size_t n = c->n < SIG_WINDOW ? c->n : SIG_WINDOW;

	if (c->b->img.arch == GT_ARCH_AMD64)
		return is_bt(c->buf, n, 3) && is_bt(c->buf, n, 1);
	for (size_t i = 0; i + 8 <= n; i += 4)
		if (c->b->info.minor < 18
			    ? TBZ_12(word(c->buf + i))
			    : TBNZ_12(word(c->buf + i), 1) && TBNZ_12(word(c->buf + i + 4), 2))
			return true;
	return false;
}

struct finder {
	const struct gt_gobin *b;
	uint64_t entry, size; /* of the function found */
	unsigned n;	      /* functions found */
};

static void found(struct finder *f, uint64_t vaddr)
{
	struct gt_gofunc fn;
	struct code c;

	if (gt_pcln_find(&f->b->pcln, vaddr, &fn) && vaddr - fn.entry < SIG_WINDOW &&
	    fn.entry != f->entry && load_code(f->b, fn.entry, fn.end - fn.entry, &c) &&
	    tests_scan_bits(&c)) {
		f->entry = fn.entry;
		f->size = fn.end - fn.entry;
		f->n++;
	}
}

static bool look(void *ctx, uint64_t vaddr, const uint8_t *buf, size_t n)
{
	static const uint8_t bt_ebx[] = { 0x0f, 0xba, 0xe3, 0x0c };
	struct finder *f = ctx;
	const uint8_t *p = buf;

	if (f->b->img.arch == GT_ARCH_ARM64) {
		for (size_t i = 0; i + 8 <= n; i += 4)
			if (TBNZ_12(word(buf + i), 1) && TBNZ_12(word(buf + i + 4), 2))
				found(f, vaddr + i);
		return f->n > 1;
	}
	while ((p = memmem(p, n - (size_t)(p - buf), bt_ebx, sizeof(bt_ebx)))) {
		found(f, vaddr + (uint64_t)(p - buf));
		p++;
	}
	return f->n > 1;
}

/* casgstatus by what it does, for binaries whose names are obfuscated. */
static bool by_signature(const struct gt_gobin *b, uint64_t *entry, uint64_t *size)
{
	struct finder f = { .b = b };

	gt_image_scan(&b->img, PF_X, PF_X, SIG_WINDOW, look, &f);
	*entry = f.entry;
	*size = f.size;
	return f.n == 1;
}

static int locate(const struct gt_gobin *b, const char *name, struct code *c, enum gt_how *how,
		  struct gt_err *err)
{
	bool status = !strcmp(name, "runtime.casgstatus");
	uint64_t entry, size;

	*how = GT_HOW_PCLNTAB;
	if (!gt_gobin_func(b, name, &entry, &size)) {
		if (!status || !by_signature(b, &entry, &size))
			return gt_fail(err, GT_UNSUPPORTED, "'%s' has no function %s", b->img.path,
				       name);
		*how = GT_HOW_SIGNATURE;
	}
	if (!load_code(b, entry, size, c))
		return gt_fail(err, GT_TRUNCATED, "'%s': the code of %s is not in the file",
			       b->img.path, name);
	if (status && !tests_scan_bits(c))
		return gt_fail(err, GT_CORRUPT,
			       "'%s': %s at %#llx does not test the scan bit, as it must",
			       b->img.path, name, (unsigned long long)entry);
	return GT_OK;
}

int gt_gobin_site(const struct gt_gobin *b, const char *name, struct gt_site *ret,
		  struct gt_err *err)
{
	struct gt_site s = { 0 };
	uint32_t start, off, depth = 0;
	struct gt_insn first;
	struct code c;
	int rc = locate(b, name, &c, &s.how, err);

	if (rc)
		return rc;
	if (!at(&c, 0, &first))
		return gt_fail(err, GT_CORRUPT, "'%s': the code of %s cannot be understood",
			       b->img.path, name);
	start = after_guard(&c);
	if (!search(&c, start, arg_mask(b, name), &off, &depth)) {
		off = start;
		depth = 0;
	}
	fill(&c, off, depth, &s);
	if (!s.insn_len)
		return gt_fail(err, GT_CORRUPT, "'%s': the code of %s cannot be understood",
			       b->img.path, name);
	if (!gt_gobin_file_offset(b, s.vaddr, &s.offset))
		return gt_fail(err, GT_CORRUPT, "'%s': %s is not in the file", b->img.path, name);
	snprintf(s.why, sizeof(s.why), "%s+%u, %s%s", name, s.delta,
		 s.emulated ? "emulated by the kernel" : "single-stepped: about ten times dearer",
		 start ? ", behind the stack check" : "");
	*ret = s;
	return GT_OK;
}
