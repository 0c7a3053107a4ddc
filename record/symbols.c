/* SPDX-License-Identifier: BSD-2-Clause */
/* Program counters become ids of the trace. */
#include "symbols.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/u64map.h"
#include "format/base/vec.h"

#define MAX_INLINE  64
#define MAX_DEPTH   512
#define KNOWN	    256 /* stacks that are known by their addresses; a power of two */
#define KNOWN_DEPTH 128 /* frames of such a one: the most that a record brings */
#define SYSTEM	    (1ULL << 32)

/* A stack that was met lately: most creations are at few places. */
struct known_stack {
	uint32_t process, n, id; /* n == 0: none */
	uint64_t pcs[KNOWN_DEPTH];
};

struct gt_symbols {
	struct gt_writer *w;	 /* borrowed */
	struct gt_u64map ids;	 /* process:15 | kind:1 | pc:48 -> pc id */
	struct gt_u64map starts; /* process:16 | pc:48 -> pc id | SYSTEM */
	struct known_stack known[KNOWN];
	struct {
		uint8_t *p; /* class by pc id */
		size_t n, cap;
	} cls;
};

int gt_symbols_new(struct gt_symbols **out, struct gt_writer *w, struct gt_err *err)
{
	struct gt_symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return gt_fail(err, GT_NOMEM, "out of memory");
	s->w = w;
	*out = s;
	return GT_OK;
}

void gt_symbols_free(struct gt_symbols *s)
{
	if (!s)
		return;
	gt_u64map_free(&s->ids);
	gt_u64map_free(&s->starts);
	GT_VEC_FREE(&s->cls);
	free(s);
}

static int set_class(struct gt_symbols *s, uint32_t id, enum gt_ra_class cls, struct gt_err *err)
{
	while (s->cls.n <= id)
		if (!GT_VEC_PUSH(&s->cls))
			return gt_fail(err, GT_NOMEM, "out of memory");
	s->cls.p[id] = (uint8_t)cls;
	return GT_OK;
}

/* An address that is met for the first time. Apart, for what it needs of the stack. */
__attribute__((noinline)) static int resolve(struct gt_symbols *s, uint32_t process,
					     const struct gt_target *t, uint64_t pc,
					     enum gt_pc_kind kind, uint64_t key, uint32_t *ret_id,
					     struct gt_err *err)
{
	uint64_t vaddr = pc - t->bias, offset;
	struct gt_frame frames[MAX_INLINE];
	bool std[MAX_INLINE];
	uint32_t id;
	uint32_t n = gt_gobin_frames(t->bin, kind == GT_PC_RETURN ? vaddr - 1 : vaddr, frames, std,
				     MAX_INLINE);

	if (n > MAX_INLINE)
		n = MAX_INLINE;
	/* An address outside the image (C libraries, vdso) keeps its address for a name. */
	if (!gt_gobin_file_offset(t->bin, vaddr, &offset))
		offset = pc;
	enum gt_ra_class cls = gt_gobin_class(t->bin, vaddr);
	int rc = gt_writer_pc(s->w, process, offset, cls, frames, std, n, &id, err);
	if (rc)
		return rc;
	if (!gt_u64map_put(&s->ids, key, id))
		return gt_fail(err, GT_NOMEM, "out of memory");
	rc = set_class(s, id, cls, err);
	if (!rc)
		*ret_id = id;
	return rc;
}

int gt_symbols_pc(struct gt_symbols *s, uint32_t process, const struct gt_target *t, uint64_t pc,
		  enum gt_pc_kind kind, uint32_t *ret_id, struct gt_err *err)
{
	uint64_t key = (uint64_t)process << 49 | (uint64_t)kind << 48 | (pc & ((1ULL << 48) - 1));
	uint64_t *known = pc ? gt_u64map_get(&s->ids, key) : NULL;

	*ret_id = known ? (uint32_t)*known : 0;
	return known || !pc ? GT_OK : resolve(s, process, t, pc, kind, key, ret_id, err);
}

int gt_symbols_start(struct gt_symbols *s, uint32_t process, const struct gt_target *t,
		     uint64_t startpc, uint32_t *ret_id, bool *ret_system, struct gt_err *err)
{
	uint64_t key = (uint64_t)process << 48 | (startpc & ((1ULL << 48) - 1));
	uint64_t *known = gt_u64map_get(&s->starts, key);

	if (!known) {
		uint64_t vaddr = startpc - t->bias, entry = gt_gobin_entry(t->bin, vaddr) + t->bias;
		uint32_t id;
		int rc = gt_symbols_pc(s, process, t, entry, GT_PC_EXACT, &id, err);

		if (rc)
			return rc;
		known = gt_u64map_put(&s->starts, key,
				      id | (gt_gobin_system(t->bin, vaddr) ? SYSTEM : 0));
		if (!known)
			return gt_fail(err, GT_NOMEM, "out of memory");
	}
	*ret_id = (uint32_t)*known;
	*ret_system = *known & SYSTEM;
	return GT_OK;
}

/* The stack as ids of its frames, which the writer knows or gives a new id. */
static int translate(struct gt_symbols *s, uint32_t process, const struct gt_target *t,
		     const uint64_t *pcs, uint32_t n, uint32_t *ret_id, struct gt_err *err)
{
	uint32_t ids[MAX_DEPTH], depth = 0;

	for (uint32_t i = 0; i < n && depth < MAX_DEPTH; i++) {
		int rc = gt_symbols_pc(s, process, t, pcs[i], GT_PC_RETURN, &ids[depth], err);
		if (rc)
			return rc;
		if (ids[depth])
			depth++;
	}
	return depth ? gt_writer_stack(s->w, ids, depth, ret_id, err) : GT_OK;
}

/* Where a stack with these addresses would be known. */
static struct known_stack *place_of(struct gt_symbols *s, uint32_t process, const uint64_t *pcs,
				    uint32_t n)
{
	uint64_t h = process;

	for (uint32_t i = 0; i < n; i++)
		h = (h ^ pcs[i]) * 0x9e3779b97f4a7c15u;
	return &s->known[h >> 32 & (KNOWN - 1)];
}

int gt_symbols_stack(struct gt_symbols *s, uint32_t process, const struct gt_target *t,
		     const uint64_t *pcs, uint32_t n, uint32_t *ret_id, struct gt_err *err)
{
	*ret_id = 0;
	if (!n || n > KNOWN_DEPTH)
		return n ? translate(s, process, t, pcs, n, ret_id, err) : GT_OK;
	struct known_stack *k = place_of(s, process, pcs, n);
	if (k->n == n && k->process == process && !memcmp(k->pcs, pcs, n * sizeof(*pcs))) {
		*ret_id = k->id;
		return GT_OK;
	}
	int rc = translate(s, process, t, pcs, n, ret_id, err);
	if (!rc) {
		*k = (struct known_stack){ .process = process, .n = n, .id = *ret_id };
		memcpy(k->pcs, pcs, n * sizeof(*pcs));
	}
	return rc;
}

enum gt_ra_class gt_symbols_class(void *ctx, uint32_t id)
{
	const struct gt_symbols *s = ctx;

	return id < s->cls.n ? (enum gt_ra_class)s->cls.p[id] : GT_RA_UNKNOWN;
}
