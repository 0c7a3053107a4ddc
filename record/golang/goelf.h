/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ELF file as the program sees it once loaded: link-time addresses to file offsets, bytes
 * at an address, relocated pointers. Also the few section and note facts that we need.
 *
 * Nothing is mapped: another process may truncate the file at any moment, which would turn a
 * mapped read into SIGBUS. All contents come through pread into bounded buffers, where a
 * short read is only a failed read.
 */
#ifndef GT_GOELF_H
#define GT_GOELF_H

#include "golang.h"

#define GT_ELF_MAX_SEGMENTS 256
#define GT_ELF_MAX_SECTIONS 512
#define GT_ELF_MAX_RELOCS   (8u << 20)

struct gt_segment {
	uint64_t vaddr, memsz, offset, filesz; /* filesz is cut to the file's end and to memsz */
	uint64_t note_align;
	uint32_t type, flags; /* PT_*, PF_* */
};

struct gt_section {
	char name[32]; /* longer names are cut: we look for none of them */
	uint64_t addr, offset, size;
	uint32_t type, link;
};

struct gt_relative {
	uint64_t vaddr, value;
};

struct gt_image {
	int fd;		  /* owned duplicate */
	const char *path; /* owned */
	uint64_t size;
	enum gt_goarch arch;
	uint16_t type; /* ET_EXEC, ET_DYN */
	struct gt_segment *segs;
	size_t n_segs;
	struct gt_section *secs; /* none when the section headers are gone or absurd */
	size_t n_secs;
	struct gt_relative *rels; /* sorted; only where the addends are not in place */
	size_t n_rels;
	uint64_t flags_1; /* DT_FLAGS_1 */
	bool interp;
};

/* gt_image_open: IMG is filled on success only; PATH is copied; FD is duplicated. */
int gt_image_open(struct gt_image *img, int fd, const char *path, struct gt_err *err) GT_MUST_CHECK;
void gt_image_close(struct gt_image *img);

/* gt_image_pread: exactly N bytes at OFF of the file, else false. */
bool gt_image_pread(const struct gt_image *img, uint64_t off, void *buf, size_t n);

/* gt_image_offset: file offset of VADDR and how many file bytes follow in its segment. */
bool gt_image_offset(const struct gt_image *img, uint64_t vaddr, uint64_t *ret_off,
		     uint64_t *ret_left);

/* gt_image_read: N bytes at VADDR, relocated; false unless all lie in one segment's file part. */
bool gt_image_read(const struct gt_image *img, uint64_t vaddr, void *buf, size_t n);
bool gt_image_u64(const struct gt_image *img, uint64_t vaddr, uint64_t *ret);

/* gt_image_section: by name; NULL when there is none. */
const struct gt_section *gt_image_section(const struct gt_image *img, const char *name);

/*
 * gt_image_scan: the file part of the segments whose flags & MASK == WANT, relocated, in
 * pieces: CB gets the address of BUF and N bytes, of which the last OVERLAP come again with the
 * next piece; returns true to stop. Result: whether CB stopped it. Pieces start on 16-aligned
 * addresses.
 */
typedef bool gt_image_scan_fn(void *ctx, uint64_t vaddr, const uint8_t *buf, size_t n);
bool gt_image_scan(const struct gt_image *img, uint32_t mask, uint32_t want, size_t overlap,
		   gt_image_scan_fn *cb, void *ctx);

/* gt_image_note: descriptor of the first note NAME/TYPE; length cut to MAX; 0 when none. */
size_t gt_image_note(const struct gt_image *img, const char *name, uint32_t type, uint8_t *buf,
		     size_t max);

/* gt_image_symbol: value of the symbol NAME in .symtab. */
bool gt_image_symbol(const struct gt_image *img, const char *name, uint64_t *ret);

#endif
