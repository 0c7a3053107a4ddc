/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of an image, read in block by block as they are touched. */
#include "lazy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "format/base/in.h"

#define BLOCK 65536u

int gt_lazy_open(struct gt_lazy *l, const struct gt_image *img, uint64_t vaddr, uint64_t size,
		 struct gt_err *err)
{
	struct gt_lazy z = { .img = img, .vaddr = vaddr, .size = size };
	void *p = mmap(NULL, size + 1, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return gt_fail(err, GT_NOMEM, "out of memory");
	z.p = p;
	z.have = calloc(size / BLOCK + 1, 1);
	if (!z.have) {
		munmap(p, size + 1);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	*l = z;
	return GT_OK;
}

void gt_lazy_close(struct gt_lazy *l)
{
	if (l->p)
		munmap(l->p, l->size + 1);
	free(l->have);
	*l = (struct gt_lazy){ 0 };
}

const uint8_t *gt_lazy_get(const struct gt_lazy *l, uint64_t off, uint64_t n)
{
	if (!l->p || off > l->size || n > l->size - off)
		return NULL;
	for (uint64_t b = off / BLOCK; b * BLOCK < off + n; b++) {
		uint64_t at = b * BLOCK, len = l->size - at < BLOCK ? l->size - at : BLOCK;

		if (l->have[b])
			continue;
		if (!gt_image_read(l->img, l->vaddr + at, l->p + at, len))
			return NULL;
		l->have[b] = 1;
	}
	return l->p + off;
}

struct gt_in gt_lazy_in(const struct gt_lazy *l, uint64_t off, uint64_t max)
{
	uint64_t n = off < l->size ? l->size - off : 0;
	const uint8_t *p;

	if (n > max)
		n = max;
	p = gt_lazy_get(l, off, n);
	return p ? gt_in_init(p, n) : (struct gt_in){ NULL, NULL, true };
}

const char *gt_lazy_string(const struct gt_lazy *l, uint64_t off, uint64_t end, uint64_t max)
{
	const uint8_t *p;
	uint64_t n;

	if (end > l->size)
		end = l->size;
	if (off >= end)
		return NULL;
	n = end - off < max ? end - off : max;
	p = gt_lazy_get(l, off, n);
	return p && memchr(p, 0, n) ? (const char *)p : NULL;
}
