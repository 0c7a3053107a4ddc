/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader's tables: strings, processes, threads, pcs and stacks by id. Ids come from the
 * file, so tables are paged: a single row with a huge id costs one page, not the whole range.
 */
#include "reader.h"

#include <stdlib.h>

#include "base/vec.h"

#define CHUNK 65536u

struct gt_chunk {
	struct gt_chunk *before;
};

int gt_r_charge(struct gt_reader *r, size_t n, struct gt_err *err)
{
	if (n > r->opts.max_memory || r->memory > r->opts.max_memory - n)
		return gt_fail(err, GT_LIMIT, "trace needs more than %llu bytes of memory",
			       (unsigned long long)r->opts.max_memory);
	r->memory += n;
	return GT_OK;
}

static void *arena(struct gt_reader *r, size_t n, struct gt_err *err)
{
	struct gt_arena *a = &r->arena;

	n = n ? (n + 7) & ~(size_t)7 : 8; /* what is empty has an address, too */
	if (n > a->left) {
		size_t size = n > CHUNK ? n : CHUNK;
		struct gt_chunk *c;

		if (gt_r_charge(r, size, err))
			return NULL;
		c = malloc(sizeof(*c) + size);
		if (!c) {
			gt_fail(err, GT_NOMEM, "no memory for the tables of the trace");
			return NULL;
		}
		c->before = a->last;
		a->last = c;
		a->left = size;
	}
	a->left -= n;
	return (char *)(a->last + 1) + a->left;
}

void *gt_r_idtab_get(const struct gt_idtab *t, uint32_t id)
{
	char *page;

	if (!id || id / GT_PAGE >= t->n)
		return NULL;
	page = t->p[id / GT_PAGE];
	return page ? page + id % GT_PAGE * t->size : NULL;
}

static void *idtab_put(struct gt_reader *r, struct gt_idtab *t, uint64_t id, size_t size,
		       struct gt_err *err)
{
	void **page;

	if (!id || id >= GT_MAX_ID) {
		gt_fail(err, GT_CORRUPT, "row with impossible id %llu", (unsigned long long)id);
		return NULL;
	}
	t->size = size;
	while (t->n <= id / GT_PAGE) {
		void **slot = GT_VEC_PUSH(t);

		if (!slot) {
			gt_fail(err, GT_NOMEM, "no memory for the tables of the trace");
			return NULL;
		}
	}
	page = &t->p[id / GT_PAGE];
	if (!*page) {
		if (gt_r_charge(r, GT_PAGE * size, err))
			return NULL;
		*page = calloc(GT_PAGE, size);
	}
	if (!*page) {
		gt_fail(err, GT_NOMEM, "no memory for the tables of the trace");
		return NULL;
	}
	return (char *)*page + id % GT_PAGE * size;
}

static void idtab_free(struct gt_idtab *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->p[i]);
	GT_VEC_FREE(t);
}

/* What put functions of this file return when the failure is in ERR already. */
static int code_of(const struct gt_err *err)
{
	return err ? err->code : GT_CORRUPT;
}

/* ---- META ---- */

static const char *keep_text(struct gt_reader *r, const uint8_t *p, size_t n, struct gt_err *err)
{
	char *s = arena(r, n + 1, err);

	if (!s)
		return NULL;
	memcpy(s, p, n);
	s[n] = 0;
	return s;
}

static int meta_text(struct gt_reader *r, uint64_t tag, struct gt_in *in, struct gt_err *err)
{
	size_t n = gt_in_left(in);
	const char *s = keep_text(r, gt_in_bytes(in, n), n, err), **slot;

	if (!s)
		return code_of(err);
	switch (tag) {
	case GT_M_BOOT_ID: r->info.boot_id = s; break;
	case GT_M_HOSTNAME: r->info.hostname = s; break;
	case GT_M_OS: r->info.os = s; break;
	case GT_M_HARDWARE: r->info.hardware = s; break;
	case GT_M_TOOL: r->info.tool = s; break;
	case GT_M_COMMENT:
		slot = GT_VEC_PUSH(&r->comments);
		if (!slot)
			return gt_fail(err, GT_NOMEM, "no memory for the comments of the trace");
		*slot = s;
		r->info.comments = r->comments.p;
		r->info.n_comments = (uint32_t)r->comments.n;
		break;
	default: break;
	}
	return GT_OK;
}

static int meta_number(struct gt_reader *r, uint64_t tag, uint64_t v, struct gt_err *err)
{
	switch (tag) {
	case GT_M_INCOMPAT:
		if (v & ~(uint64_t)GT_INCOMPAT_KNOWN)
			return gt_fail(
				err, GT_VERSION,
				"trace uses features (0x%llx) that this version does not know",
				(unsigned long long)(v & ~(uint64_t)GT_INCOMPAT_KNOWN));
		break;
	case GT_M_RO_COMPAT: r->info.ro_compat = v & ~(uint64_t)GT_RO_COMPAT_KNOWN; break;
	case GT_M_VERSION: r->info.version = (uint32_t)v; break;
	case GT_M_QUANTUM: r->info.time_res_ns = (uint32_t)v; break;
	case GT_M_START: r->info.start_ns = v; break;
	case GT_M_START_WALL: r->info.start_wall_ns = v; break;
	case GT_M_CPUS: r->info.n_cpus = (uint32_t)v; break;
	default: break;
	}
	return GT_OK;
}

int gt_r_meta(struct gt_reader *r, const uint8_t *body, size_t n, struct gt_err *err)
{
	struct gt_in in = gt_in_init(body, n);
	int rc = GT_OK;

	if (r->have_meta) /* repeated, or of a later file of the same session */
		return GT_OK;
	r->have_meta = true;
	while (gt_in_left(&in) && !rc) {
		uint64_t tag = gt_in_varint(&in), len = gt_in_varint(&in);
		struct gt_in value = gt_in_sub(&in, len <= SIZE_MAX ? (size_t)len : SIZE_MAX);

		if (in.bad)
			return gt_fail(err, GT_CORRUPT, "facts about the trace are cut off");
		rc = tag >= GT_M_BOOT_ID ? meta_text(r, tag, &value, err)
					 : meta_number(r, tag, gt_in_varint(&value), err);
	}
	return rc;
}

/* ---- rows ---- */

bool gt_r_is_table(uint8_t kind)
{
	return kind == GT_K_STRINGS || kind == GT_K_PROCESS || kind == GT_K_PCS ||
	       kind == GT_K_STACKS || kind == GT_K_THREADS;
}

const char *gt_r_text(const struct gt_reader *r, uint64_t id)
{
	const struct gt_rstring *e = id <= UINT32_MAX ? gt_r_idtab_get(&r->strings, (uint32_t)id)
						      : NULL;

	return e && e->s ? e->s : "";
}

static int row_string(struct gt_reader *r, const uint64_t *v, const struct gt_row_extra *x,
		      struct gt_err *err)
{
	struct gt_rstring *e = idtab_put(r, &r->strings, v[GT_F_STR_ID], sizeof(*e), err);
	const char *s;

	if (!e)
		return code_of(err);
	if (e->s) /* the tables of a later file of the session say the same again */
		return GT_OK;
	s = keep_text(r, x->bytes ? x->bytes : (const uint8_t *)"", x->n_bytes, err);
	if (!s)
		return code_of(err);
	e->s = s;
	e->cls = (uint8_t)v[GT_F_STR_CLASS];
	return GT_OK;
}

static int row_pc(struct gt_reader *r, const uint64_t *v, const struct gt_row_extra *x,
		  struct gt_err *err)
{
	struct gt_rpc *e = idtab_put(r, &r->pcs, v[GT_F_PC_ID], sizeof(*e), err);
	uint32_t *frames;

	if (!e)
		return code_of(err);
	if (e->known)
		return GT_OK;
	if (x->n_list % 3 || x->n_list > 3 * GT_MAX_FRAMES)
		return gt_fail(err, GT_CORRUPT, "pc with %u numbers of frames", x->n_list);
	frames = arena(r, x->n_list * sizeof(*frames), err);
	if (!frames)
		return code_of(err);
	if (x->n_list)
		memcpy(frames, x->list, x->n_list * sizeof(*frames));
	e->frames = frames;
	e->n_frames = (uint16_t)(x->n_list / 3);
	e->offset = v[GT_F_PC_OFFSET];
	e->process = (uint32_t)v[GT_F_PC_PROCESS];
	e->module = (uint32_t)v[GT_F_PC_MODULE];
	e->cls = v[GT_F_PC_CLASS] <= UINT8_MAX ? (uint8_t)v[GT_F_PC_CLASS] : GT_RA_UNKNOWN;
	e->known = true;
	return GT_OK;
}

static int row_stack(struct gt_reader *r, const uint64_t *v, const struct gt_row_extra *x,
		     struct gt_err *err)
{
	struct gt_rstack *e = idtab_put(r, &r->stacks, v[GT_F_STK_ID], sizeof(*e), err);
	const struct gt_rstack *parent = NULL;
	uint32_t *pcs, depth = x->n_list;

	if (!e)
		return code_of(err);
	if (e->n)
		return GT_OK;
	if (v[GT_F_STK_PARENT]) {
		if (v[GT_F_STK_PARENT] >= v[GT_F_STK_ID])
			return gt_fail(err, GT_CORRUPT, "stack is its own ancestor");
		parent = gt_r_idtab_get(&r->stacks, (uint32_t)v[GT_F_STK_PARENT]);
		depth += parent ? parent->depth : 0; /* a lost parent: the stack ends there */
	}
	if (!x->n_list || depth > GT_MAX_DEPTH)
		return gt_fail(err, GT_CORRUPT, "stack of %u pcs", depth);
	pcs = arena(r, x->n_list * sizeof(*pcs), err);
	if (!pcs)
		return code_of(err);
	memcpy(pcs, x->list, x->n_list * sizeof(*pcs));
	e->pcs = pcs;
	e->n = (uint16_t)x->n_list;
	e->depth = (uint16_t)depth;
	e->parent = parent ? (uint32_t)v[GT_F_STK_PARENT] : 0;
	return GT_OK;
}

static struct gt_rproc *proc_slot(struct gt_reader *r, uint64_t id, struct gt_err *err)
{
	if (!id || id > GT_MAX_PROCESSES) {
		gt_fail(err, GT_CORRUPT, "process number %llu", (unsigned long long)id);
		return NULL;
	}
	while (r->procs.n <= id) {
		struct gt_rproc **slot = GT_VEC_PUSH(&r->procs);

		if (!slot) {
			gt_fail(err, GT_NOMEM, "no memory for processes");
			return NULL;
		}
	}
	if (!r->procs.p[id]) {
		if (gt_r_charge(r, sizeof(struct gt_rproc), err))
			return NULL;
		r->procs.p[id] = calloc(1, sizeof(struct gt_rproc));
		if (!r->procs.p[id])
			gt_fail(err, GT_NOMEM, "no memory for processes");
	}
	return r->procs.p[id];
}

static int row_process(struct gt_reader *r, const uint64_t *v, const struct gt_row_extra *x,
		       struct gt_item *ret, struct gt_err *err)
{
	struct gt_rproc *e = proc_slot(r, v[GT_F_PROC_ID], err);
	const char **reasons;

	if (!e)
		return code_of(err);
	if (x->n_list > GT_MAX_REASONS)
		return gt_fail(err, GT_CORRUPT, "process with %u wait reasons", x->n_list);
	reasons = arena(r, (x->n_list + 1) * sizeof(*reasons), err);
	if (!reasons)
		return code_of(err);
	for (uint32_t i = 0; i < x->n_list; i++)
		reasons[i] = gt_r_text(r, x->list[i]);
	e->known = true;
	e->p = (struct gt_process){
		.process = (uint32_t)v[GT_F_PROC_ID],
		.pid = (uint32_t)v[GT_F_PROC_PID],
		.start_ns = v[GT_F_PROC_START],
		.seen_ns = v[GT_F_PROC_SEEN],
		.launched = (uint32_t)v[GT_F_PROC_LAUNCHED],
		.gomaxprocs = (uint32_t)v[GT_F_PROC_GOMAXPROCS],
		.probe_flags = v[GT_F_PROC_PROBES],
		.end_ns = v[GT_F_PROC_END],
		.end = (uint32_t)v[GT_F_PROC_END_HOW],
		.end_status = (uint32_t)v[GT_F_PROC_END_STATUS],
		.exe = gt_r_text(r, v[GT_F_PROC_EXE]),
		.build_id = gt_r_text(r, v[GT_F_PROC_BUILD_ID]),
		.gnu_build_id = gt_r_text(r, v[GT_F_PROC_GNU_BUILD_ID]),
		.go_version = gt_r_text(r, v[GT_F_PROC_GO_VERSION]),
		.arch = gt_r_text(r, v[GT_F_PROC_ARCH]),
		.cmdline0 = gt_r_text(r, v[GT_F_PROC_CMDLINE0]),
		.reasons = reasons,
		.n_reasons = x->n_list,
	};
	ret->type = GT_IT_PROCESS;
	ret->u.process = e->p;
	return 1;
}

static int row_thread(struct gt_reader *r, const uint64_t *v, struct gt_item *ret,
		      struct gt_err *err)
{
	uint64_t key = v[GT_F_THR_PROCESS] << 32 | (uint32_t)v[GT_F_THR_TID];
	uint64_t *at = gt_u64map_get(&r->thread_at, key);
	struct gt_thread **slot, *t;

	if (v[GT_F_THR_PROCESS] > GT_MAX_PROCESSES || v[GT_F_THR_TID] > UINT32_MAX)
		return gt_fail(err, GT_CORRUPT, "impossible thread");
	if (!at) {
		t = arena(r, sizeof(*t), err);
		if (!t || gt_r_charge(r, 64, err))
			return code_of(err);
		slot = GT_VEC_PUSH(&r->threads);
		at = slot ? gt_u64map_put(&r->thread_at, key, r->threads.n - 1) : NULL;
		if (!at)
			return gt_fail(err, GT_NOMEM, "no memory for threads");
		*slot = t;
	}
	t = r->threads.p[*at];
	*t = (struct gt_thread){
		.process = (uint32_t)v[GT_F_THR_PROCESS],
		.tid = (uint32_t)v[GT_F_THR_TID],
		.ns_tid = (uint32_t)v[GT_F_THR_NS_TID],
		.m = (int32_t)((uint32_t)v[GT_F_THR_M] - 1),
		.first_ns = v[GT_F_THR_FIRST],
		.last_ns = v[GT_F_THR_LAST],
	};
	memcpy(t->comm, gt_r_text(r, v[GT_F_THR_COMM]),
	       strnlen(gt_r_text(r, v[GT_F_THR_COMM]), sizeof(t->comm) - 1));
	ret->type = GT_IT_THREAD;
	ret->u.thread = *t;
	return 1;
}

void gt_r_goroutine(struct gt_goroutine *ret, const uint64_t *v)
{
	*ret = (struct gt_goroutine){
		.gid = v[GT_F_G_GID],
		.goid = v[GT_F_G_GOID],
		.gptr = v[GT_F_G_GPTR],
		.parent = v[GT_F_G_PARENT],
		.parent_goid = v[GT_F_G_PARENT_GOID],
		.created_ns = v[GT_F_G_CREATED],
		.process = (uint32_t)v[GT_F_G_PROCESS],
		.start_pc = (uint32_t)v[GT_F_G_START_PC],
		.site_pc = (uint32_t)v[GT_F_G_SITE_PC],
		.stack = (uint32_t)v[GT_F_G_STACK],
		.flags = (uint32_t)v[GT_F_G_FLAGS],
		.stack_bytes = (uint32_t)v[GT_F_G_STACK_BYTES],
		.labels = (uint32_t)v[GT_F_G_LABELS],
	};
}

int gt_r_row(struct gt_reader *r, uint8_t kind, const uint64_t *v, const struct gt_row_extra *x,
	     struct gt_item *ret, struct gt_err *err)
{
	switch (kind) {
	case GT_K_STRINGS: return row_string(r, v, x, err);
	case GT_K_PROCESS: return row_process(r, v, x, ret, err);
	case GT_K_PCS: return row_pc(r, v, x, err);
	case GT_K_STACKS: return row_stack(r, v, x, err);
	case GT_K_THREADS: return row_thread(r, v, ret, err);
	case GT_K_GTAB:
		if (v[GT_F_G_PROCESS] > GT_MAX_PROCESSES)
			return gt_fail(err, GT_CORRUPT, "goroutine of an impossible process");
		ret->type = GT_IT_GOROUTINE;
		gt_r_goroutine(&ret->u.g, v);
		return 1;
	default: return 0;
	}
}

void gt_r_tables_free(struct gt_reader *r)
{
	idtab_free(&r->strings);
	idtab_free(&r->pcs);
	idtab_free(&r->stacks);
	for (size_t i = 0; i < r->procs.n; i++)
		free(r->procs.p[i]);
	GT_VEC_FREE(&r->procs);
	GT_VEC_FREE(&r->threads);
	GT_VEC_FREE(&r->comments);
	gt_u64map_free(&r->thread_at);
	while (r->arena.last) {
		struct gt_chunk *c = r->arena.last;

		r->arena.last = c->before;
		free(c);
	}
}
