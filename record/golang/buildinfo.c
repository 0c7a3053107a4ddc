/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The build info blob. [src/debug/buildinfo/buildinfo.go, Go 1.17, 1.18, 1.26]
 *
 *   0  "\xff Go buildinf:"  14 pointer size  15 flags: 1 big-endian, 2 strings inline
 *   inline:   32 uvarint length and bytes of the version, then of the module text
 *   pointers: 16, 24 addresses of the Go strings runtime.buildVersion and runtime.modinfo
 */
#include "buildinfo.h"

#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/in.h"

#define BLOB_HEAD   32
#define MAX_VERSION 256u
#define MAX_MODINFO (1u << 20)
#define SENTINEL    16 /* bytes before and after the module text */
#define FLAG_BIG    1
#define FLAG_INLINE 2

static const uint8_t magic[] = "\xff Go buildinf:";
#define MAGIC_SIZE (sizeof(magic) - 1)

struct finder {
	const struct gt_image *img;
	uint64_t vaddr;
};

static bool look(void *ctx, uint64_t vaddr, const uint8_t *buf, size_t n)
{
	const uint8_t *p = buf;
	struct finder *f = ctx;

	while ((p = memmem(p, n - (size_t)(p - buf), magic, MAGIC_SIZE))) {
		uint64_t at = vaddr + (uint64_t)(p - buf);

		if (at % 16 == 0 && (size_t)(p - buf) + BLOB_HEAD <= n && p[14] == 8 &&
		    !(p[15] & FLAG_BIG)) {
			f->vaddr = at;
			return true;
		}
		p++;
	}
	return false;
}

static bool find_blob(const struct gt_image *img, uint64_t *ret)
{
	const struct gt_section *s = gt_image_section(img, ".go.buildinfo");
	struct finder f = { img, 0 };
	uint8_t head[BLOB_HEAD];

	if (s && s->type == SHT_PROGBITS && gt_image_read(img, s->addr, head, sizeof(head)) &&
	    look(&f, s->addr, head, sizeof(head))) {
		*ret = f.vaddr;
		return true;
	}
	if (!gt_image_scan(img, PF_W, PF_W, BLOB_HEAD, look, &f))
		return false;
	*ret = f.vaddr;
	return true;
}

/* N bytes at VADDR as a C string; *RET is NULL when they cannot be read, or hold a NUL. */
static int copy_string(const struct gt_image *img, uint64_t vaddr, uint64_t n, char **ret,
		       struct gt_err *err)
{
	char *s = calloc(1, n + 1);

	*ret = NULL;
	if (!s)
		return gt_fail(err, GT_NOMEM, "out of memory");
	if (n && (!gt_image_read(img, vaddr, s, n) || memchr(s, 0, n)))
		free(s);
	else
		*ret = s;
	return GT_OK;
}

static bool inline_length(const struct gt_image *img, uint64_t *vaddr, uint64_t *ret)
{
	uint8_t b[10];
	size_t n = 0;
	struct gt_in in;

	while (n < sizeof(b) && gt_image_read(img, *vaddr + n, b + n, 1))
		if (!(b[n++] & 0x80))
			break;
	in = gt_in_init(b, n);
	*ret = gt_in_varint(&in);
	*vaddr += n;
	return !in.bad;
}

/* Where the two strings are. */
static bool locate(const struct gt_image *img, uint64_t blob, uint64_t at[2], uint64_t n[2])
{
	uint8_t head[BLOB_HEAD];
	uint64_t p = blob + BLOB_HEAD;
	struct gt_in in = gt_in_init(head + 16, 16);

	if (!gt_image_read(img, blob, head, sizeof(head)))
		return false;
	for (int i = 0; i < 2; i++) {
		if (head[15] & FLAG_INLINE) {
			if (!inline_length(img, &p, &n[i]))
				return false;
			at[i] = p;
			p += n[i];
		} else {
			uint64_t str = gt_in_u64(&in);

			at[i] = n[i] = 0;
			if (str &&
			    (!gt_image_u64(img, str, &at[i]) || !gt_image_u64(img, str + 8, &n[i])))
				return false;
		}
	}
	return n[0] <= MAX_VERSION && n[1] <= MAX_MODINFO;
}

int gt_buildinfo_read(const struct gt_image *img, struct gt_buildinfo *ret, bool *ret_found,
		      struct gt_err *err)
{
	struct gt_buildinfo bi = { 0 };
	uint64_t blob, at[2], n[2];
	int rc;

	*ret_found = false;
	if (!find_blob(img, &blob) || !locate(img, blob, at, n))
		return GT_OK;
	if (n[1] >= 2 * SENTINEL) {
		at[1] += SENTINEL;
		n[1] -= 2 * SENTINEL;
	} else {
		n[1] = 0;
	}
	rc = copy_string(img, at[0], n[0], &bi.version, err);
	if (!rc)
		rc = copy_string(img, at[1], n[1], &bi.modinfo, err);
	if (!rc && bi.version && !bi.modinfo) {
		bi.modinfo = strdup("");
		if (!bi.modinfo)
			rc = gt_fail(err, GT_NOMEM, "out of memory");
	}
	if (rc || !bi.version) {
		gt_buildinfo_free(&bi);
		return rc;
	}
	*ret = bi;
	*ret_found = true;
	return GT_OK;
}

void gt_buildinfo_free(struct gt_buildinfo *bi)
{
	free(bi->version);
	free(bi->modinfo);
	*bi = (struct gt_buildinfo){ 0 };
}

bool gt_buildinfo_setting(const struct gt_buildinfo *bi, const char *key, char *buf, size_t size)
{
	size_t n_key = strlen(key);

	for (const char *p = bi->modinfo; p && *p;) {
		const char *end = strchrnul(p, '\n');

		if (!strncmp(p, "build\t", 6) && !strncmp(p + 6, key, n_key) &&
		    p[6 + n_key] == '=') {
			size_t n = (size_t)(end - (p + 7 + n_key));

			if (n >= size)
				n = size - 1;
			memcpy(buf, p + 7 + n_key, n);
			buf[n] = 0;
			return true;
		}
		p = *end ? end + 1 : end;
	}
	return false;
}

static bool number(const char **s, int *ret)
{
	int v = 0;

	if (!isdigit((unsigned char)**s))
		return false;
	for (; isdigit((unsigned char)**s); (*s)++)
		if (v < 10000)
			v = v * 10 + (**s - '0');
	*ret = v;
	return v < 10000;
}

bool gt_version_parse(const char *s, int *ret_minor, int *ret_patch)
{
	int minor, patch = -1;

	if (!strncmp(s, "devel ", 6))
		s += 6;
	if (strncmp(s, "go1.", 4) != 0)
		return false;
	s += 4;
	if (!number(&s, &minor))
		return false;
	if (*s == '.' && isdigit((unsigned char)s[1])) {
		s++;
		if (!number(&s, &patch))
			patch = -1;
	}
	*ret_minor = minor;
	*ret_patch = patch;
	return true;
}
