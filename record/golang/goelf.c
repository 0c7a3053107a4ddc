/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening an ELF file: headers through libelf, checked, and copied into our own arrays. */
#include "goelf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goelf_reloc.h"

static bool looks_packed(const struct gt_image *img)
{
	uint8_t head[1024];
	size_t n = img->size < sizeof(head) ? (size_t)img->size : sizeof(head);

	return gt_image_pread(img, 0, head, n) && memmem(head, n, "UPX!", 4);
}

static int check_header(struct gt_image *img, const GElf_Ehdr *eh, struct gt_err *err)
{
	if (eh->e_ident[EI_CLASS] != ELFCLASS64)
		return gt_fail(err, GT_UNSUPPORTED,
			       "'%s' is a 32-bit program; only 64-bit amd64 and arm64 are handled",
			       img->path);
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return gt_fail(err, GT_UNSUPPORTED, "'%s' is a big-endian program", img->path);
	if (eh->e_machine == EM_X86_64)
		img->arch = GT_ARCH_AMD64;
	else if (eh->e_machine == EM_AARCH64)
		img->arch = GT_ARCH_ARM64;
	else
		return gt_fail(err, GT_UNSUPPORTED,
			       "'%s' is for machine type %u; only amd64 and arm64 are handled",
			       img->path, eh->e_machine);
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return gt_fail(err, GT_UNSUPPORTED, "'%s' is no program or shared object (%s)",
			       img->path,
			       eh->e_type == ET_CORE  ? "a core dump"
			       : eh->e_type == ET_REL ? "an object file"
						      : "unknown ELF type");
	img->type = eh->e_type;
	return GT_OK;
}

static int load_segments(struct gt_image *img, Elf *elf, struct gt_err *err)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) || n == 0)
		return gt_fail(err, GT_TRUNCATED, "'%s' has no program headers", img->path);
	if (n > GT_ELF_MAX_SEGMENTS)
		return gt_fail(err, GT_LIMIT, "'%s' has %zu program headers, more than %d",
			       img->path, n, GT_ELF_MAX_SEGMENTS);
	img->segs = calloc(n, sizeof(*img->segs));
	if (!img->segs)
		return gt_fail(err, GT_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct gt_segment *s = &img->segs[img->n_segs];
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph))
			return gt_fail(err, GT_TRUNCATED, "'%s': program headers cut off",
				       img->path);
		if (ph.p_offset > img->size || ph.p_vaddr + ph.p_memsz < ph.p_vaddr)
			continue;
		if (ph.p_filesz > img->size - ph.p_offset)
			ph.p_filesz = img->size - ph.p_offset;
		if (ph.p_type == PT_LOAD && ph.p_filesz > ph.p_memsz)
			ph.p_filesz = ph.p_memsz;
		*s = (struct gt_segment){ .vaddr = ph.p_vaddr,
					  .memsz = ph.p_memsz,
					  .offset = ph.p_offset,
					  .filesz = ph.p_filesz,
					  .note_align = ph.p_align,
					  .type = ph.p_type,
					  .flags = ph.p_flags };
		img->interp |= ph.p_type == PT_INTERP;
		img->n_segs++;
	}
	return GT_OK;
}

/* Section headers are optional: whatever is wrong with them, we do without. */
static int load_sections(struct gt_image *img, Elf *elf, struct gt_err *err)
{
	size_t n, names;
	GElf_Shdr sh;
	Elf_Scn *str;

	if (elf_getshdrnum(elf, &n) || n < 2 || n > GT_ELF_MAX_SECTIONS ||
	    elf_getshdrstrndx(elf, &names))
		return GT_OK;
	/* elf_strptr loads the whole name table, so its size is checked first */
	str = elf_getscn(elf, names);
	if (!str || !gelf_getshdr(str, &sh) || sh.sh_type != SHT_STRTAB || sh.sh_size > 1u << 20 ||
	    sh.sh_flags & SHF_COMPRESSED)
		return GT_OK;
	img->secs = calloc(n, sizeof(*img->secs));
	if (!img->secs)
		return gt_fail(err, GT_NOMEM, "out of memory");
	for (size_t i = 1; i < n; i++) {
		struct gt_section *s = &img->secs[img->n_secs];
		Elf_Scn *scn = elf_getscn(elf, i);
		const char *name;

		/* keep indices right (sh_link counts in them), even for those that we reject */
		img->n_secs++;
		if (!scn || !gelf_getshdr(scn, &sh))
			continue;
		name = elf_strptr(elf, names, sh.sh_name);
		if (!name || sh.sh_offset > img->size ||
		    (sh.sh_type != SHT_NOBITS && sh.sh_size > img->size - sh.sh_offset))
			continue;
		strncpy(s->name, name, sizeof(s->name) - 1);
		s->addr = sh.sh_addr;
		s->offset = sh.sh_offset;
		s->size = sh.sh_size;
		s->type = sh.sh_type;
		s->link = sh.sh_link;
	}
	return GT_OK;
}

static int load_elf(struct gt_image *img, struct gt_err *err)
{
	GElf_Ehdr eh;
	Elf *elf;
	int rc;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return gt_fail(err, GT_UNSUPPORTED, "libelf is too old");
	elf = elf_begin(img->fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &eh)) {
		rc = gt_fail(err, GT_UNSUPPORTED, "'%s' is no ELF program", img->path);
		elf_end(elf);
		return rc;
	}
	rc = check_header(img, &eh, err);
	if (!rc)
		rc = load_segments(img, elf, err);
	if (!rc)
		rc = load_sections(img, elf, err);
	elf_end(elf);
	return rc;
}

int gt_image_open(struct gt_image *img, int fd, const char *path, struct gt_err *err)
{
	struct gt_image im = { .fd = -1 };
	struct stat st;
	int rc;

	im.path = strdup(path ? path : "?");
	if (!im.path)
		return gt_fail(err, GT_NOMEM, "out of memory");
	im.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (im.fd < 0 || fstat(im.fd, &st)) {
		rc = gt_fail_errno(err, GT_IO, "cannot read '%s'", im.path);
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = gt_fail(err, GT_UNSUPPORTED, "'%s' is no regular file", im.path);
		goto fail;
	}
	im.size = (uint64_t)st.st_size;
	rc = load_elf(&im, err);
	if (rc)
		goto fail;
	if (looks_packed(&im)) {
		rc = gt_fail(err, GT_UNSUPPORTED,
			     "'%s' is packed with UPX, so its code is not in the file "
			     "(unpack it with: upx -d)",
			     im.path);
		goto fail;
	}
	rc = gt_image_load_dynamic(&im, err);
	if (rc)
		goto fail;
	*img = im;
	return GT_OK;
fail:
	gt_image_close(&im);
	return rc;
}

void gt_image_close(struct gt_image *img)
{
	if (img->fd >= 0)
		close(img->fd);
	free((char *)img->path);
	free(img->segs);
	free(img->secs);
	free(img->rels);
	*img = (struct gt_image){ .fd = -1 };
}
