/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address of runtime.allgs: its symbol, or, in a stripped binary, what runtime.allgadd
 * appends to. [src/runtime/proc.go: allgadd, Go 1.17-1.26]
 *
 *	lock(&allglock)
 *	allgs = append(allgs, gp)            // three words: pointer, length, capacity
 *	if &allgs[0] != allgptr { ... }
 *
 * The first fixed addresses behind allglock's are therefore allgs's three words, in an order
 * that differs by version; the lowest is allgs.
 */
#include <string.h>

#include "format/base/in.h"
#include "gobin.h"
#include "insn.h"

#define WINDOW 512
#define WORDS  3

/* Operands at fixed addresses, in order of appearance, as long as they are not yet enough. */
struct seen {
	uint64_t at[WORDS];
	unsigned n;
	bool lock; /* allglock's address was met */
};

static void note(struct seen *s, uint64_t vaddr)
{
	if (s->n < WORDS)
		s->at[s->n++] = vaddr;
}

/* amd64: lea of allglock, then moves to and from fixed addresses. */
static void operands_amd64(const struct gt_gofunc *f, const uint8_t *code, size_t n, struct seen *s)
{
	struct gt_insn i;

	for (size_t off = 0; off < n && s->n < WORDS; off += i.len) {
		if (!gt_insn_amd64(code + off, n - off, f->entry + off, &i))
			return;
		if (!i.has_target || i.ends_block)
			continue;
		if (i.is_lea)
			s->lock = true;
		else if (s->lock)
			note(s, i.target);
	}
}

static uint32_t word_at(const uint8_t *p)
{
	struct gt_in in = gt_in_init(p, 4);

	return gt_in_u32(&in);
}

/* arm64: the call of lock2, then loads and stores whose base register holds a known address. */
static void operands_arm64(const struct gt_gofunc *f, const uint8_t *code, size_t n, struct seen *s)
{
	uint64_t known[32] = { 0 };

	for (size_t off = 0; off + 4 <= n && s->n < WORDS; off += 4) {
		uint32_t w = word_at(code + off);
		unsigned rd = w & 31, rn = w >> 5 & 31;
		uint64_t base = rn < 31 ? known[rn] : 0, value = 0;
		struct gt_insn i;

		if (!gt_insn_arm64(code + off, n - off, f->entry + off, &i)) {
			memset(known, 0, sizeof(known)); /* an atomic; we know not what it writes */
			continue;
		}
		if ((w & 0xfc000000) == 0x94000000) { /* bl */
			s->lock = true;
			memset(known, 0, sizeof(known));
			continue;
		}
		if ((w & 0x9f000000) == 0x90000000) /* adrp */
			value = i.target;
		else if ((w & 0xffc00000) == 0x91000000 && base) /* add immediate */
			value = base + (w >> 10 & 0xfff);
		else if ((w & 0xff800000) == 0xf9000000 && base && s->lock) /* ldr, str */
			note(s, base + (w >> 10 & 0xfff) * 8);
		else if ((w & 0xffbf8000) == 0xa9000000 && base && s->lock) { /* ldp, stp at +0 */
			note(s, base);
			note(s, base + 8);
		}
		for (unsigned r = 0; r < 31; r++)
			if (i.writes >> r & 1)
				known[r] = 0;
		if (value && rd < 31)
			known[rd] = value;
	}
}

static bool by_code(const struct gt_gobin *b, uint64_t *ret)
{
	const uint64_t(*d)[2] = b->pcln.md.data;
	struct seen s = { 0 };
	struct gt_gofunc f;
	uint8_t code[WINDOW];
	uint64_t low = UINT64_MAX;
	size_t n;

	if (!gt_gobin_find(b, "runtime.allgadd", &f))
		return false;
	n = f.end - f.entry < WINDOW ? (size_t)(f.end - f.entry) : WINDOW;
	if (!gt_image_read(&b->img, f.entry, code, n))
		return false;
	if (b->img.arch == GT_ARCH_AMD64)
		operands_amd64(&f, code, n, &s);
	else
		operands_arm64(&f, code, n, &s);
	if (s.n < WORDS)
		return false;
	for (unsigned i = 0; i < WORDS; i++)
		if (s.at[i] < low)
			low = s.at[i];
	/* three words next to each other, in data or bss: else it was something else */
	for (unsigned i = 0; i < WORDS; i++)
		if (s.at[i] != low && s.at[i] != low + 8 && s.at[i] != low + 16)
			return false;
	if (low % 8 || low < d[0][0] || low >= d[3][1])
		return false;
	*ret = low;
	return true;
}

bool gt_gobin_allgs(const struct gt_gobin *b, uint64_t *ret, enum gt_how *ret_how)
{
	if (gt_image_symbol(&b->img, "runtime.allgs", ret)) {
		*ret_how = GT_HOW_SYMTAB;
		return true;
	}
	if (!by_code(b, ret))
		return false;
	*ret_how = GT_HOW_SIGNATURE;
	return true;
}
