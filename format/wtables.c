/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer's tables: strings, processes, threads, pcs, stacks, goroutines, losses and the
 * like. Rows wait here until a block of events is written, and go before it.
 */
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"
#include "pcapng.h"

/* Tables in the order in which they are written: who is referred to comes first. */
static const uint8_t order[] = {
	GT_K_STRINGS, GT_K_PROCESS, GT_K_MODULES, GT_K_PCS,   GT_K_STACKS, GT_K_THREADS,
	GT_K_GTAB,    GT_K_CLOCK,   GT_K_LOSS,	  GT_K_STATS, GT_K_NOTE,
};

static int flush_table(struct gt_writer *w, enum gt_block_kind kind, struct gt_err *err)
{
	struct gt_table *t = &w->table[kind];
	size_t marks[GT_ROW_MAX + 1], n_marks;
	struct gt_wblock b = { .kind = kind, .n = t->n };
	int rc;

	if (!t->n)
		return GT_OK;
	b.t_min = w->range[kind].t_min;
	b.t_max = w->range[kind].t_max;
	b.gid_min = w->range[kind].gid_min;
	b.gid_max = w->range[kind].gid_max;
	gt_out_reset(&w->raw);
	rc = gt_table_pack(t, &w->raw, marks, &n_marks, err);
	if (!rc)
		rc = gt_w_block(w, &b, &w->raw, marks, n_marks, err);
	gt_table_clear(t, 0);
	return rc;
}

int gt_w_tables(struct gt_writer *w, struct gt_err *err)
{
	int rc = GT_OK;

	for (size_t i = 0; i < sizeof(order) && !rc; i++)
		rc = flush_table(w, order[i], err);
	return rc;
}

int gt_w_row(struct gt_writer *w, enum gt_block_kind kind, const uint64_t *v,
	     const struct gt_row_extra *x, uint64_t t0, uint64_t t1, struct gt_err *err)
{
	struct gt_table *t = &w->table[kind];
	int rc;

	/* All tables, so that what this one refers to is in the file before it. */
	if (t->bytes > GT_BLK_SOFT_BODY) {
		rc = gt_w_tables(w, err);
		if (!rc)
			rc = gt_w_push(w, err);
		if (rc)
			return rc;
	}
	if (!t->n) {
		gt_table_clear(t, t0);
		w->range[kind].t_min = t0;
		w->range[kind].t_max = t1;
		w->range[kind].gid_min = kind == GT_K_GTAB ? UINT64_MAX : 0;
		w->range[kind].gid_max = 0;
	}
	if (t0 < w->range[kind].t_min)
		w->range[kind].t_min = t0;
	if (t1 > w->range[kind].t_max)
		w->range[kind].t_max = t1;
	rc = gt_table_add(t, v, x, err);
	if (rc)
		w->dead = rc;
	return rc;
}

/* A row whose time is that of the events around it. */
static int row_now(struct gt_writer *w, enum gt_block_kind kind, const uint64_t *v,
		   const struct gt_row_extra *x, struct gt_err *err)
{
	uint64_t now = w->table[kind].n ? w->range[kind].t_max : gt_w_now(w);

	return gt_w_row(w, kind, v, x, now, now, err);
}

/* ---- strings ---- */

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3u;
	return h;
}

static bool same_string(const struct gt_writer *w, uint64_t id, uint8_t cls, const char *s,
			size_t len)
{
	const struct gt_wstring *e = &w->strings.p[id - 1];

	return e->cls == cls && e->len == len && !memcmp(w->text.p + e->at, s, len);
}

static int new_string(struct gt_writer *w, uint64_t key, uint8_t cls, const char *s, size_t len,
		      uint32_t *ret_id, struct gt_err *err)
{
	struct gt_wstring *e;
	uint64_t v[GT_ROW_MAX] = { 0 };
	struct gt_row_extra x = { .bytes = (const uint8_t *)s, .n_bytes = (uint32_t)len };

	if (w->strings.n >= GT_MAX_ID)
		return gt_fail(err, GT_LIMIT, "more than %u strings", GT_MAX_ID);
	e = GT_VEC_PUSH(&w->strings);
	if (!e || !gt_out_room(&w->text, len + 1) ||
	    !gt_u64map_put(&w->string_ids, key, w->strings.n)) {
		w->dead = GT_NOMEM;
		return gt_fail(err, GT_NOMEM, "no memory for strings");
	}
	*e = (struct gt_wstring){ w->text.n, (uint32_t)len, cls };
	gt_out_bytes(&w->text, s, len);
	*ret_id = (uint32_t)w->strings.n;
	v[GT_F_STR_ID] = *ret_id;
	v[GT_F_STR_CLASS] = cls;
	return row_now(w, GT_K_STRINGS, v, &x, err);
}

int gt_writer_string(struct gt_writer *w, enum gt_string_class cls, const char *s, uint32_t *ret_id,
		     struct gt_err *err)
{
	size_t len = strnlen(s ? s : "", GT_MAX_STRING);
	uint8_t c = (uint8_t)cls;
	uint64_t key, *id;
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (!len) {
		*ret_id = 0;
		return GT_OK;
	}
	key = hash_bytes(hash_bytes(0xcbf29ce484222325u, &c, 1), s, len);
	for (; (id = gt_u64map_get(&w->string_ids, key)); key++) {
		if (same_string(w, *id, c, s, len)) {
			*ret_id = (uint32_t)*id;
			return GT_OK;
		}
	}
	return new_string(w, key, c, s, len, ret_id, err);
}

/* As gt_writer_string, into a row; RC carries the first failure through a list of calls. */
static uint64_t text(struct gt_writer *w, enum gt_string_class cls, const char *s, int *rc,
		     struct gt_err *err)
{
	uint32_t id = 0;

	if (!*rc)
		*rc = gt_writer_string(w, cls, s, &id, err);
	return id;
}

/* ---- processes, threads ---- */

static int admit_process(struct gt_writer *w, const struct gt_process *p, struct gt_err *err)
{
	char name[32];
	size_t before = w->out.n;
	struct gt_wproc *e;

	if (!p->process || p->process > w->procs.n || p->process > GT_MAX_PROCESSES)
		return gt_fail(err, GT_USAGE, "process %u is not the next one", p->process);
	if (p->process < w->procs.n)
		return GT_OK;
	e = GT_VEC_PUSH(&w->procs);
	if (!e)
		return gt_fail(err, GT_NOMEM, "no memory for a process");
	snprintf(name, sizeof(name), "process %u", p->pid);
	gt_pcap_put_idb(&w->out, name, p->exe);
	w->stats.bytes += w->out.n - before;
	return gt_w_push(w, err);
}

int gt_writer_process(struct gt_writer *w, const struct gt_process *p, struct gt_err *err)
{
	uint32_t reasons[GT_MAX_REASONS], n = p->n_reasons;
	struct gt_row_extra x = { .list = reasons };
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	if (!rc)
		rc = admit_process(w, p, err);
	v[GT_F_PROC_ID] = p->process;
	v[GT_F_PROC_PID] = p->pid;
	v[GT_F_PROC_START] = p->start_ns;
	v[GT_F_PROC_SEEN] = p->seen_ns;
	v[GT_F_PROC_LAUNCHED] = p->launched;
	v[GT_F_PROC_GOMAXPROCS] = p->gomaxprocs;
	v[GT_F_PROC_PROBES] = p->probe_flags;
	v[GT_F_PROC_END] = p->end_ns;
	v[GT_F_PROC_END_HOW] = p->end;
	v[GT_F_PROC_END_STATUS] = p->end_status;
	v[GT_F_PROC_EXE] = text(w, GT_STR_PATH, p->exe, &rc, err);
	v[GT_F_PROC_BUILD_ID] = text(w, GT_STR_FACT, p->build_id, &rc, err);
	v[GT_F_PROC_GNU_BUILD_ID] = text(w, GT_STR_FACT, p->gnu_build_id, &rc, err);
	v[GT_F_PROC_GO_VERSION] = text(w, GT_STR_FACT, p->go_version, &rc, err);
	v[GT_F_PROC_ARCH] = text(w, GT_STR_FACT, p->arch, &rc, err);
	v[GT_F_PROC_CMDLINE0] = text(w, GT_STR_ARG, p->cmdline0, &rc, err);
	if (n > GT_MAX_REASONS)
		n = GT_MAX_REASONS;
	for (uint32_t i = 0; i < n; i++)
		reasons[i] = (uint32_t)text(w, GT_STR_FACT, p->reasons[i], &rc, err);
	x.n_list = n;
	return rc ? rc : row_now(w, GT_K_PROCESS, v, &x, err);
}

int gt_writer_thread(struct gt_writer *w, const struct gt_thread *t, struct gt_err *err)
{
	char comm[sizeof(t->comm) + 1] = "";
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	memcpy(comm, t->comm, sizeof(t->comm));
	v[GT_F_THR_PROCESS] = t->process;
	v[GT_F_THR_TID] = t->tid;
	v[GT_F_THR_NS_TID] = t->ns_tid;
	v[GT_F_THR_M] = (uint32_t)t->m + 1;
	v[GT_F_THR_FIRST] = t->first_ns;
	v[GT_F_THR_LAST] = t->last_ns;
	v[GT_F_THR_COMM] = text(w, GT_STR_NAME, comm, &rc, err);
	return rc ? rc : row_now(w, GT_K_THREADS, v, NULL, err);
}

/* ---- pcs, stacks ---- */

int gt_writer_pc(struct gt_writer *w, uint32_t process, uint64_t offset, enum gt_ra_class cls,
		 const struct gt_frame *frames, const bool *std, uint32_t n, uint32_t *ret_id,
		 struct gt_err *err)
{
	uint32_t ids[3 * GT_MAX_FRAMES];
	struct gt_row_extra x = { .list = ids };
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	if (!rc && w->n_pcs >= GT_MAX_ID)
		return gt_fail(err, GT_LIMIT, "more than %u pcs", GT_MAX_ID);
	if (n > GT_MAX_FRAMES)
		n = GT_MAX_FRAMES;
	for (uint32_t i = 0; i < n; i++) {
		bool own = !std || !std[i];

		ids[3 * i] = (uint32_t)text(w, own ? GT_STR_NAME : GT_STR_STD, frames[i].func, &rc,
					    err);
		ids[3 * i + 1] = (uint32_t)text(w, own ? GT_STR_PATH : GT_STR_STD, frames[i].file,
						&rc, err);
		ids[3 * i + 2] = frames[i].line;
	}
	if (rc)
		return rc;
	x.n_list = 3 * n;
	v[GT_F_PC_ID] = w->n_pcs + 1;
	v[GT_F_PC_PROCESS] = process;
	v[GT_F_PC_OFFSET] = offset;
	v[GT_F_PC_CLASS] = cls;
	rc = row_now(w, GT_K_PCS, v, &x, err);
	if (!rc)
		*ret_id = ++w->n_pcs;
	return rc;
}

/* The stack with exactly these pcs, or 0; *KEY is then where it would be put. */
static uint32_t find_stack(const struct gt_writer *w, const uint32_t *pcs, uint32_t n,
			   uint64_t *key)
{
	uint64_t *id;

	for (; (id = gt_u64map_get(&w->stack_ids, *key)); ++*key) {
		const struct gt_wstack *s = &w->stacks.p[*id - 1];

		if (s->n == n && !memcmp(w->stack_pcs.p + s->at, pcs, n * sizeof(*pcs)))
			return (uint32_t)*id;
	}
	return 0;
}

static int new_stack(struct gt_writer *w, const uint32_t *pcs, uint32_t n, uint64_t key,
		     uint32_t *ret_id, struct gt_err *err)
{
	struct gt_wstack *s;

	if (w->stacks.n >= GT_MAX_ID)
		return gt_fail(err, GT_LIMIT, "more than %u stacks", GT_MAX_ID);
	s = GT_VEC_PUSH(&w->stacks);
	if (!s || !gt_u64map_put(&w->stack_ids, key, w->stacks.n)) {
		w->dead = GT_NOMEM;
		return gt_fail(err, GT_NOMEM, "no memory for stacks");
	}
	s->at = w->stack_pcs.n;
	s->n = n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *pc = GT_VEC_PUSH(&w->stack_pcs);

		if (!pc) {
			w->dead = GT_NOMEM;
			return gt_fail(err, GT_NOMEM, "no memory for stacks");
		}
		*pc = pcs[i];
	}
	*ret_id = (uint32_t)w->stacks.n;
	return GT_OK;
}

int gt_writer_stack(struct gt_writer *w, const uint32_t *pcs, uint32_t n, uint32_t *ret_id,
		    struct gt_err *err)
{
	uint64_t key[GT_MAX_DEPTH], h = 0xcbf29ce484222325u, v[GT_ROW_MAX] = { 0 };
	uint32_t parent = 0, own = n;
	struct gt_row_extra x = { .list = pcs };
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (!n || n > GT_MAX_DEPTH)
		return gt_fail(err, GT_USAGE, "a stack of %u pcs", n);
	for (uint32_t i = n; i-- > 0;)
		key[i] = h = hash_bytes(h, &pcs[i], sizeof(pcs[i]));
	*ret_id = find_stack(w, pcs, n, &key[0]);
	if (*ret_id)
		return GT_OK;
	/* The longest tail that is a stack already becomes the parent. */
	for (uint32_t i = 1; i < n && !parent; i++) {
		parent = find_stack(w, pcs + i, n - i, &key[i]);
		if (parent)
			own = i;
	}
	rc = new_stack(w, pcs, n, key[0], ret_id, err);
	if (rc)
		return rc;
	x.n_list = own;
	v[GT_F_STK_ID] = *ret_id;
	v[GT_F_STK_PARENT] = parent;
	return row_now(w, GT_K_STACKS, v, &x, err);
}

/* ---- goroutines ---- */

void gt_w_goroutine_row(const struct gt_writer *w, const struct gt_goroutine *g, uint64_t *v)
{
	v[GT_F_G_GID] = g->gid;
	v[GT_F_G_GOID] = g->goid;
	v[GT_F_G_GPTR] = g->gptr;
	v[GT_F_G_PARENT] = g->parent;
	v[GT_F_G_PARENT_GOID] = g->parent_goid;
	v[GT_F_G_CREATED] = g->created_ns >> w->shift << w->shift; /* never after its events */
	v[GT_F_G_PROCESS] = g->process;
	v[GT_F_G_START_PC] = g->start_pc;
	v[GT_F_G_SITE_PC] = g->site_pc;
	v[GT_F_G_STACK] = g->stack;
	v[GT_F_G_FLAGS] = g->flags;
	v[GT_F_G_STACK_BYTES] = g->stack_bytes;
	v[GT_F_G_LABELS] = g->labels;
}

int gt_writer_goroutine(struct gt_writer *w, const struct gt_goroutine *g, struct gt_err *err)
{
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (!g->gid || g->created_ns > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "goroutine without gid or with an impossible time");
	gt_w_goroutine_row(w, g, v);
	rc = row_now(w, GT_K_GTAB, v, NULL, err);
	if (g->gid < w->range[GT_K_GTAB].gid_min)
		w->range[GT_K_GTAB].gid_min = g->gid;
	if (g->gid > w->range[GT_K_GTAB].gid_max)
		w->range[GT_K_GTAB].gid_max = g->gid;
	return rc;
}

/* ---- what happened besides events ---- */

int gt_writer_loss(struct gt_writer *w, const struct gt_loss *l, struct gt_err *err)
{
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (l->t0 > l->t1 || l->t1 > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "loss ends before it begins");
	v[GT_F_LOSS_PROCESS] = l->process;
	v[GT_F_LOSS_CPU] = l->cpu + 1; /* 0: all */
	v[GT_F_LOSS_CPU] &= UINT32_MAX;
	v[GT_F_LOSS_CAUSE] = l->cause;
	v[GT_F_LOSS_T0] = l->t0;
	v[GT_F_LOSS_T1] = l->t1;
	v[GT_F_LOSS_COUNT] = l->count;
	w->lost += l->count;
	return gt_w_row(w, GT_K_LOSS, v, NULL, l->t0, l->t1, err);
}

int gt_writer_clock(struct gt_writer *w, uint64_t mono_ns, uint64_t boot_ns, uint64_t wall_ns,
		    uint64_t error_ns, struct gt_err *err)
{
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (mono_ns > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "impossible time");
	v[GT_F_CLOCK_MONO] = mono_ns;
	v[GT_F_CLOCK_BOOT] = boot_ns;
	v[GT_F_CLOCK_WALL] = wall_ns;
	v[GT_F_CLOCK_ERROR] = error_ns;
	return gt_w_row(w, GT_K_CLOCK, v, NULL, mono_ns, mono_ns, err);
}

int gt_writer_stats_row(struct gt_writer *w, const struct gt_stats *s, struct gt_err *err)
{
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (s->ts > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "impossible time");
	v[GT_F_STAT_TS] = s->ts;
	v[GT_F_STAT_EVENTS] = s->events;
	v[GT_F_STAT_LOST] = s->lost;
	v[GT_F_STAT_GOID_ZERO] = s->goid_zero;
	v[GT_F_STAT_UNREADABLE] = s->unreadable;
	v[GT_F_STAT_BAD_STATUS] = s->bad_status;
	v[GT_F_STAT_RESYNC] = s->resync;
	v[GT_F_STAT_BYTES] = s->bytes;
	v[GT_F_STAT_CPU_NS] = s->recorder_cpu_ns;
	v[GT_F_STAT_HITS] = s->hits;
	return gt_w_row(w, GT_K_STATS, v, NULL, s->ts, s->ts, err);
}

int gt_writer_note(struct gt_writer *w, uint64_t ts, const char *note, struct gt_err *err)
{
	uint64_t v[GT_ROW_MAX] = { 0 };
	int rc = gt_w_ready(w, err);

	if (rc)
		return rc;
	if (ts > GT_MAX_TIME)
		return gt_fail(err, GT_USAGE, "impossible time");
	v[GT_F_NOTE_TS] = ts;
	v[GT_F_NOTE_TEXT] = text(w, GT_STR_COMMENT, note, &rc, err);
	return rc ? rc : gt_w_row(w, GT_K_NOTE, v, NULL, ts, ts, err);
}
