/* SPDX-License-Identifier: BSD-2-Clause */
/* The frames at a pc, inlined calls included. */
#include <string.h>

#include "format/base/in.h"
#include "inltree.h"

#define MAX_DEPTH 64

/* First elements of the import paths of Go's own packages, 1.17 to 1.26. */
static const char *const std_roots[] = {
	"archive", "arena",    "bufio",	  "bytes",   "cmp",	 "compress", "container", "context",
	"crypto",  "database", "debug",	  "embed",   "encoding", "errors",   "expvar",	  "flag",
	"fmt",	   "go",       "hash",	  "html",    "image",	 "index",    "internal",  "io",
	"iter",	   "log",      "maps",	  "math",    "mime",	 "net",	     "os",	  "path",
	"plugin",  "reflect",  "regexp",  "runtime", "slices",	 "sort",     "strconv",	  "strings",
	"structs", "sync",     "syscall", "testing", "text",	 "time",     "unicode",	  "unique",
	"unsafe",  "vendor",   "weak",
};

/*
 * Is the function of Go's standard library? Its import path must begin with one of the names
 * above, not with the main module's path: a name that we are in doubt about is the user's own.
 */
static bool is_std(const struct gt_gobin *b, const char *name)
{
	size_t n = strcspn(name, "/."), n_path = strcspn(name, "[( {");
	size_t n_main = strlen(b->main_path);

	if (name[n] == 0 || (n_main && !strncmp(name, b->main_path, n_main) &&
			     (name[n_main] == '/' || name[n_main] == '.')))
		return false;
	if (name[n] == '.' && n < n_path && memchr(name + n, '/', n_path - n))
		return false; /* a dot in the first element: a host name */
	for (size_t i = 0; i < sizeof(std_roots) / sizeof(*std_roots); i++)
		if (strlen(std_roots[i]) == n && !memcmp(std_roots[i], name, n))
			return true;
	return false;
}

struct filler {
	const struct gt_gobin *b;
	struct gt_frame *ret;
	bool *std;
	uint32_t n, max;
};

static void add(struct filler *f, uint32_t name_off, const char *file, int32_t line)
{
	if (f->n < f->max) {
		const char *name = gt_pcln_name(&f->b->pcln, name_off);

		f->ret[f->n] = (struct gt_frame){ name, file, line > 0 ? (uint32_t)line : 0 };
		if (f->std)
			f->std[f->n] = is_std(f->b, name);
	}
	f->n++;
}

static void position(const struct gt_pcln *p, const struct gt_gofunc *f, uint64_t pc,
		     const char **file, int32_t *line)
{
	int32_t fileno;

	*file = "";
	*line = 0;
	if (gt_pcln_value(p, f, f->pcfile, pc, &fileno))
		*file = gt_pcln_file(p, f, fileno);
	if (!gt_pcln_value(p, f, f->pcline, pc, line))
		*line = 0;
}

uint32_t gt_gobin_frames(const struct gt_gobin *b, uint64_t pc, struct gt_frame *ret, bool *std,
			 uint32_t max)
{
	struct filler out = { b, ret, std, 0, max };
	const struct gt_pcln *p = &b->pcln;
	struct gt_gofunc f;
	uint64_t tree = 0;
	const char *file;
	int32_t line, ix;

	if (!gt_pcln_find(p, pc, &f))
		return 0;
	position(p, &f, pc, &file, &line);
	if (gt_inltree(b, &f, &tree)) {
		/* every step leads to the call around it; hostile data may lead in circles */
		for (int depth = 0; depth < MAX_DEPTH; depth++) {
			struct gt_inlnode nd;

			if (!gt_inltree_at(b, &f, pc, &ix) || !gt_inltree_node(b, tree, ix, &nd))
				break;
			add(&out, nd.name_off, file, line);
			pc = f.entry + nd.parent_pc;
			if (p->md.format < GT_PCLN_20) {
				file = gt_pcln_file(p, &f, nd.file);
				line = nd.line;
			} else {
				position(p, &f, pc, &file, &line);
			}
		}
	}
	add(&out, f.name_off, file, line);
	return out.n;
}
