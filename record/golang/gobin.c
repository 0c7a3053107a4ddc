/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a Go binary: is it one, which version, what kind; addresses and functions by name. */
#include "gobin.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NT_GO_BUILD_ID 4
#define DF_1_PIE_FLAG  0x08000000

/* The text of a build id, cut to what one may print. */
static char *go_build_id(const struct gt_image *img)
{
	uint8_t b[256] = "";
	size_t n = gt_image_note(img, "Go", NT_GO_BUILD_ID, b, sizeof(b) - 1), k = 0;

	while (k < n && b[k] > ' ' && b[k] < 0x7f)
		k++;
	b[k] = 0;
	return strdup((char *)b);
}

static char *gnu_build_id(const struct gt_image *img)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t b[64];
	size_t n = gt_image_note(img, "GNU", NT_GNU_BUILD_ID, b, sizeof(b));
	char *s = calloc(2, n + 1);

	for (size_t i = 0; s && i < n; i++) {
		s[2 * i] = hex[b[i] >> 4];
		s[2 * i + 1] = hex[b[i] & 15];
	}
	return s;
}

/* The main module's path: "mod\tPATH\tVERSION", else "path\tPATH". */
static char *main_path(const char *modinfo)
{
	static const char *const keys[] = { "mod\t", "path\t" };

	for (int k = 0; k < 2; k++) {
		const char *p = modinfo;

		while (p && strncmp(p, keys[k], strlen(keys[k])) != 0) {
			p = strchr(p, '\n');
			p = p ? p + 1 : NULL;
		}
		if (p) {
			p += strlen(keys[k]);
			return strndup(p, strcspn(p, "\t\n"));
		}
	}
	return strdup("");
}

/* The format that a version writes. */
static enum gt_pcln_format format_of(int minor)
{
	return minor >= 26   ? GT_PCLN_26
	       : minor >= 20 ? GT_PCLN_20
	       : minor >= 18 ? GT_PCLN_18
			     : GT_PCLN_17;
}

/* [internal/abi/symtab.go, before 1.21 runtime/symtab.go: FuncIDWrapper] */
static uint8_t wrapper_id(int minor)
{
	return minor >= 25 ? 23 : minor >= 22 ? 22 : minor == 17 ? 22 : 21;
}

static int take_version(struct gt_gobin *b, struct gt_buildinfo *bi, struct gt_err *err)
{
	struct gt_gobin_info *in = &b->info;
	int guess;

	if (bi->version && gt_version_parse(bi->version, &in->minor, &in->patch) &&
	    format_of(in->minor) == b->pcln.md.format) {
		in->version_how = GT_HOW_BUILDINFO;
		b->version = bi->version;
		bi->version = NULL;
		return GT_OK;
	}
	/* no version, or one that the tables belie: obfuscators write what they like */
	guess = gt_gobin_guess_version(&b->pcln);
	b->version = gt_gobin_buildversion(b, guess);
	if (b->version && gt_version_parse(b->version, &in->minor, &in->patch) &&
	    format_of(in->minor) == b->pcln.md.format) {
		in->version_how = GT_HOW_RUNTIME;
		return GT_OK;
	}
	free(b->version);
	b->version = malloc(16);
	if (!b->version)
		return gt_fail(err, GT_NOMEM, "out of memory");
	snprintf(b->version, 16, "go1.%d", guess);
	in->minor = guess;
	in->patch = -1;
	in->version_how = GT_HOW_PCLNTAB;
	return GT_OK;
}

static void take_kind(struct gt_gobin *b, const struct gt_buildinfo *bi)
{
	struct gt_gobin_info *in = &b->info;
	const struct gt_image *img = &b->img;
	char mode[32] = "";
	uint32_t off;

	gt_buildinfo_setting(bi, "-buildmode", mode, sizeof(mode));
	in->shared = img->type == ET_DYN && !(img->flags_1 & DF_1_PIE_FLAG) &&
		     (!img->interp || !strcmp(mode, "c-shared"));
	in->pie = img->type == ET_DYN;
	in->stripped = !gt_image_section(img, ".symtab");
	/* [src/runtime/cgo/asm_*.s, src/runtime/race_*.s]: linked in only then */
	in->cgo = gt_pcln_has_name(&b->pcln, "crosscall2", &off);
	in->race = gt_pcln_has_name(&b->pcln, "runtime.racefuncenter", &off);
}

static int take_info(struct gt_gobin *b, struct gt_buildinfo *bi, struct gt_err *err)
{
	struct gt_gobin_info *in = &b->info;
	int rc = take_version(b, bi, err);

	if (rc)
		return rc;
	b->go_build_id = go_build_id(&b->img);
	b->gnu_build_id = gnu_build_id(&b->img);
	b->main_path = main_path(bi->modinfo ? bi->modinfo : "");
	if (!b->go_build_id || !b->gnu_build_id || !b->main_path)
		return gt_fail(err, GT_NOMEM, "out of memory");
	take_kind(b, bi);
	b->wrapper = wrapper_id(in->minor);
	in->arch = b->img.arch;
	in->version = b->version;
	in->go_build_id = b->go_build_id;
	in->gnu_build_id = b->gnu_build_id;
	in->main_path = b->main_path;
	in->text = b->pcln.md.text;
	in->etext = b->pcln.md.etext;
	in->moduledata = b->pcln.md.vaddr;
	in->n_funcs = b->pcln.n_funcs;
	return GT_OK;
}

static int check_kind(const struct gt_image *img, const struct gt_buildinfo *bi, bool has_md,
		      const struct gt_moduledata *md, struct gt_err *err)
{
	int minor = 0, patch;

	if (bi->version && gt_version_parse(bi->version, &minor, &patch) && minor < GT_GO_OLDEST)
		return gt_fail(err, GT_UNSUPPORTED,
			       "'%s' was built with %s; Go 1.%d is the oldest handled", img->path,
			       bi->version, GT_GO_OLDEST);
	if (!has_md && bi->version)
		return gt_fail(err, GT_UNSUPPORTED,
			       "'%s' was built with %s, but its function table is not to be found "
			       "(packed, damaged, or not built by the gc toolchain)",
			       img->path, bi->version);
	if (!has_md)
		return gt_fail(err, GT_UNSUPPORTED,
			       "'%s' is no Go program (no build info and no function table)",
			       img->path);
	if (md->plugin)
		return gt_fail(err, GT_UNSUPPORTED,
			       "'%s' is a Go plugin; trace the program that loads it", img->path);
	if (md->n_textsects > 1)
		return gt_fail(err, GT_UNSUPPORTED,
			       "'%s' has its code in %llu text sections; only one is handled",
			       img->path, (unsigned long long)md->n_textsects);
	return GT_OK;
}

int gt_gobin_open(struct gt_gobin **out, int fd, const char *path, struct gt_err *err)
{
	struct gt_gobin *b = calloc(1, sizeof(*b));
	struct gt_buildinfo bi = { 0 };
	struct gt_moduledata md = { 0 };
	bool has_bi, has_md;
	int rc;

	if (!b)
		return gt_fail(err, GT_NOMEM, "out of memory");
	b->img.fd = -1;
	rc = gt_image_open(&b->img, fd, path, err);
	if (!rc)
		rc = gt_buildinfo_read(&b->img, &bi, &has_bi, err);
	if (!rc) {
		has_md = gt_moduledata_find(&b->img, &md);
		rc = check_kind(&b->img, &bi, has_md, &md, err);
	}
	if (!rc)
		rc = gt_pcln_open(&b->pcln, &b->img, &md, err);
	if (!rc)
		rc = take_info(b, &bi, err);
	gt_buildinfo_free(&bi);
	if (rc) {
		gt_gobin_free(b);
		return rc;
	}
	*out = b;
	return GT_OK;
}

bool gt_gobin_is_go(int fd, const char *path, char ret[64])
{
	struct gt_image img = { .fd = -1 };
	struct gt_buildinfo bi = { 0 };
	bool found = false;
	int rc = gt_image_open(&img, fd, path, NULL);

	if (!rc)
		rc = gt_buildinfo_read(&img, &bi, &found, NULL);
	found = !rc && found;
	(void)snprintf(ret, 64, "%s", found && bi.version ? bi.version : "");
	gt_buildinfo_free(&bi);
	gt_image_close(&img);
	return found;
}

void gt_gobin_free(struct gt_gobin *b)
{
	if (!b)
		return;
	gt_pcln_close(&b->pcln);
	gt_image_close(&b->img);
	free(b->version);
	free(b->main_path);
	free(b->go_build_id);
	free(b->gnu_build_id);
	free(b);
}

const struct gt_gobin_info *gt_gobin_info(const struct gt_gobin *b)
{
	return &b->info;
}

bool gt_gobin_file_offset(const struct gt_gobin *b, uint64_t vaddr, uint64_t *ret)
{
	uint64_t left;

	return gt_image_offset(&b->img, vaddr, ret, &left);
}

bool gt_gobin_bias(const struct gt_gobin *b, uint64_t map_start, uint64_t map_offset, uint64_t *ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < b->img.n_segs; i++) {
		const struct gt_segment *s = &b->img.segs[i];
		uint64_t start = s->offset & ~(page - 1);

		if (s->type != PT_LOAD || !(s->flags & PF_X) || map_offset < start ||
		    map_offset >= s->offset + s->filesz)
			continue;
		*ret = map_start - (s->vaddr + (map_offset - s->offset));
		return true;
	}
	return false;
}

bool gt_gobin_find(const struct gt_gobin *b, const char *name, struct gt_gofunc *ret)
{
	uint32_t name_off;

	if (!gt_pcln_has_name(&b->pcln, name, &name_off))
		return false;
	/* the linker puts the runtime first, so what we look for comes early */
	for (uint32_t i = 0; i < b->pcln.n_funcs; i++) {
		struct gt_gofunc f;

		if (gt_pcln_at(&b->pcln, i, &f) && f.name_off == name_off &&
		    f.func_id != b->wrapper) {
			*ret = f;
			return true;
		}
	}
	return false;
}

bool gt_gobin_func(const struct gt_gobin *b, const char *name, uint64_t *ret_entry,
		   uint64_t *ret_size)
{
	struct gt_gofunc f;

	if (!gt_gobin_find(b, name, &f))
		return false;
	*ret_entry = f.entry;
	*ret_size = f.end - f.entry;
	return true;
}

bool gt_gobin_read(const struct gt_gobin *b, uint64_t vaddr, void *buf, size_t n)
{
	return gt_image_read(&b->img, vaddr, buf, n);
}

bool gt_gobin_symbol(const struct gt_gobin *b, const char *name, uint64_t *ret_addr)
{
	return gt_image_symbol(&b->img, name, ret_addr);
}

uint32_t gt_gobin_data_ranges(const struct gt_gobin *b, uint64_t (*ret)[2], uint32_t max)
{
	uint32_t n = 0;

	for (int i = 0; i < 4 && n < max; i++) {
		if (b->pcln.md.data[i][0] == b->pcln.md.data[i][1])
			continue;
		ret[n][0] = b->pcln.md.data[i][0];
		ret[n][1] = b->pcln.md.data[i][1];
		n++;
	}
	return n;
}
