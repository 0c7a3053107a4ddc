/* SPDX-License-Identifier: BSD-2-Clause */
/* Probe records become events of the trace: merge, identity, ids, engine, writer, keyframes. */
#include "encode_impl.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/log.h"
#include "format/base/vec.h"

/* A snapshot row that waits for its place in time, with its stack behind it. */
struct snap {
	struct gt_snap_row row;
	uint64_t pcs[];
};

int gt_encoder_new(struct gt_encoder **out, struct gt_writer *w, uint32_t n_cpus,
		   struct gt_err *err)
{
	struct gt_encoder *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return gt_fail(err, GT_NOMEM, "out of memory");
	e->w = w;
	e->end_ns = UINT64_MAX;
	e->snap_queue = n_cpus;
	e->end_queue = n_cpus + 1;
	gt_identity_init(&e->ids);
	rc = gt_merge_init(&e->merge, n_cpus + 2) ? gt_symbols_new(&e->syms, w, err)
						  : gt_fail(err, GT_NOMEM, "out of memory");
	if (!rc) {
		struct gt_engine_opts opts = { .pc_class = gt_symbols_class,
					       .pc_ctx = e->syms,
					       .snap_slack_ns = GT_SNAP_SLACK_NS };
		rc = gt_engine_new(&e->engine, &opts, err);
	}
	if (rc) {
		gt_encoder_free(e);
		return rc;
	}
	*out = e;
	return GT_OK;
}

/* What a merged record belongs to: its batch; itself for a snapshot row; nothing for an end. */
static void release(struct gt_encoder *e, const struct gt_pending *p, uint32_t cpu)
{
	if (cpu == e->end_queue)
		return;
	if (cpu == e->snap_queue) {
		free(p->owner);
		return;
	}
	struct gt_batch *b = p->owner;
	if (!--b->refs)
		gt_batch_free(b);
}

/* What is kept of a process while it runs. */
static void let_go(struct gt_enc_proc *pr)
{
	gt_u64map_free(&pr->p_ids);
	gt_u64map_free(&pr->by_tid);
	GT_VEC_FREE(&pr->threads);
	gt_tidmap_free(pr->tids);
	pr->tids = NULL;
	pr->t = NULL;
}

void gt_encoder_free(struct gt_encoder *e)
{
	const struct gt_pending *p;
	uint32_t cpu;

	if (!e)
		return;
	if (e->merge.q) {
		gt_merge_start(&e->merge);
		while ((p = gt_merge_next(&e->merge, UINT64_MAX, &cpu)))
			release(e, p, cpu);
	}
	gt_merge_free(&e->merge);
	for (size_t i = 0; i < e->procs.n; i++)
		let_go(&e->procs.p[i]);
	GT_VEC_FREE(&e->procs);
	gt_identity_free(&e->ids);
	gt_engine_free(e->engine);
	gt_symbols_free(e->syms);
	free(e);
}

int gt_encoder_process(struct gt_encoder *e, const struct gt_process *row, struct gt_target *t,
		       struct gt_err *err)
{
	struct gt_enc_proc p = { .number = row->process,
				 .t = t,
				 .row = *row,
				 .end_ns = UINT64_MAX,
				 .minor = gt_gobin_info(t->bin)->minor };
	uint64_t entry, size;
	int rc = gt_gobin_layout(t->bin, &p.layout, err);

	if (rc)
		return rc;
	if (row->process != e->procs.n + 1)
		return gt_fail(err, GT_USAGE, "processes are numbered in order");
	if (p.layout.how == GT_HOW_NEWEST)
		gt_log_warn("'%s' was built by %s, which is newer than what gtrec knows, and has "
			    "no DWARF: "
			    "the layout of its structs is a guess",
			    t->image, gt_gobin_info(t->bin)->version);
	p.text = gt_gobin_info(t->bin)->text + t->bias;
	p.etext = gt_gobin_info(t->bin)->etext + t->bias;
	if (gt_gobin_func(t->bin, "runtime.main", &entry, &size))
		p.main_pc = entry + t->bias;
	rc = gt_tidmap_new(&p.tids, t, err);
	if (rc)
		return rc;
	struct gt_enc_proc *to = GT_VEC_PUSH(&e->procs);
	if (!to) {
		gt_tidmap_free(p.tids);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	*to = p;
	return GT_OK;
}

static int keyframe(struct gt_encoder *e, struct gt_err *err)
{
	const struct gt_gor_state *st;
	int rc = gt_writer_keyframe_begin(e->w, e->counts.last_ns, err);

	for (uint64_t gid = 0; !rc && (st = gt_engine_next_key(e->engine, gid)); gid = st->k.g.gid)
		if (st->k.state != GT_S_DEAD)
			rc = gt_writer_key(e->w, &st->k, err);
	return rc ? rc : gt_writer_keyframe_end(e->w, err);
}

static int encode_before(struct gt_encoder *e, uint64_t watermark, struct gt_err *err)
{
	const struct gt_pending *p;
	uint32_t cpu;
	int rc = GT_OK;

	gt_merge_start(&e->merge);
	while (!rc && (p = gt_merge_next(&e->merge, watermark, &cpu))) {
		if (p->ts > e->end_ns) {
			e->counts.after++;
			release(e, p, cpu);
			continue;
		}
		if (p->ts < e->counts.last_ns)
			e->counts.late++;
		else
			e->counts.last_ns = p->ts;
		if (!e->counts.first_ns)
			e->counts.first_ns = p->ts;
		if (cpu == e->end_queue) {
			rc = gt_enc_process_end(e, &e->procs.p[(uintptr_t)p->what - 1], err);
		} else if (cpu == e->snap_queue) {
			rc = gt_enc_snapshot(e, p->what, err);
		} else {
			const struct gt_wire_event *w = p->what;
			rc = gt_enc_fn_of(w)(e, w, (uint16_t)cpu, err);
		}
		release(e, p, cpu);
	}
	if (!rc && gt_writer_keyframe_due(e->w, gt_engine_live(e->engine)))
		rc = keyframe(e, err);
	return rc;
}

int gt_encoder_batch(struct gt_encoder *e, struct gt_batch *b, struct gt_err *err)
{
	uint64_t watermark = b->watermark;

	b->refs = 1; /* ours, while we add */
	for (uint32_t i = 0; i < b->n; i++) {
		const uint8_t *p = b->seg[i].p, *end = p + b->seg[i].len;
		const void *body;
		uint32_t len;
		size_t step;
		for (; (step = gt_ring_record(p, (size_t)(end - p), &body, &len)); p += step) {
			if (!body)
				continue;
			if (!gt_enc_valid(e, body, len)) {
				e->counts.refused++;
				continue;
			}
			const struct gt_wire_event *w = body;
			e->procs.p[w->proc - 1].hits++;
			if (!gt_merge_add(&e->merge, b->seg[i].cpu, w->ktime, w, b)) {
				b->refs--;
				return gt_fail(err, GT_NOMEM, "out of memory");
			}
			b->refs++;
		}
	}
	if (!--b->refs)
		gt_batch_free(b);
	return encode_before(e, watermark, err);
}

int gt_encoder_snap(struct gt_encoder *e, const struct gt_snap_row *row, struct gt_err *err)
{
	struct snap *s = malloc(sizeof(*s) + row->depth * sizeof(*row->pcs));

	if (!s)
		return gt_fail(err, GT_NOMEM, "out of memory");
	s->row = *row;
	memcpy(s->pcs, row->pcs, row->depth * sizeof(*row->pcs));
	s->row.pcs = s->pcs;
	if (!gt_merge_add(&e->merge, e->snap_queue, row->t1, s, s)) {
		free(s);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	return GT_OK;
}

int gt_encoder_loss(struct gt_encoder *e, const struct gt_loss *l, struct gt_err *err)
{
	int rc = gt_engine_loss(e->engine, l, err);

	return rc ? rc : gt_writer_loss(e->w, l, err);
}

int gt_enc_process_end(struct gt_encoder *e, struct gt_enc_proc *pr, struct gt_err *err)
{
	struct gt_event ev = { .ts = pr->end_ns,
			       .process = pr->number,
			       .p = -1,
			       .m = -1,
			       .qlen = -1,
			       .cpu = (uint16_t)e->end_queue,
			       .kind = GT_EV_PROCESS_END };

	if (!pr->t)
		return GT_OK;
	pr->row.end_ns = pr->end_ns;
	int rc = gt_writer_process(e->w, &pr->row, err);
	if (!rc)
		rc = gt_enc_give(e, &ev, err);
	let_go(pr);
	return rc;
}

int gt_encoder_process_end(struct gt_encoder *e, uint32_t n, uint64_t ns, enum gt_process_end how,
			   uint32_t status, struct gt_err *err)
{
	struct gt_enc_proc *pr = &e->procs.p[n - 1];

	if (pr->row.end)
		return GT_OK; /* its records have told so before */
	pr->row.end = how;
	pr->row.end_status = status;
	pr->end_ns = ns;
	/* The order of ends at one time does not matter; what is queued is the process's number. */
	return gt_merge_add(&e->merge, e->end_queue, ns, (const void *)(uintptr_t)n, NULL)
		       ? GT_OK
		       : gt_fail(err, GT_NOMEM, "out of memory");
}

bool gt_encoder_ended(const struct gt_encoder *e, uint32_t n)
{
	return !e->procs.p[n - 1].t;
}

void gt_encoder_end(struct gt_encoder *e, uint64_t ns)
{
	e->end_ns = ns;
}

int gt_encoder_advance(struct gt_encoder *e, uint64_t watermark, struct gt_err *err)
{
	return encode_before(e, watermark, err);
}

int gt_encoder_finish(struct gt_encoder *e, struct gt_err *err)
{
	return encode_before(e, UINT64_MAX, err);
}

uint64_t gt_encoder_hits(const struct gt_encoder *e, uint32_t n)
{
	return n <= e->procs.n ? e->procs.p[n - 1].hits : 0;
}

const struct gt_encoder_counts *gt_encoder_get_counts(const struct gt_encoder *e)
{
	return &e->counts;
}

uint64_t gt_encoder_live(const struct gt_encoder *e)
{
	return gt_engine_live(e->engine);
}

uint64_t gt_encoder_bad(struct gt_encoder *e, uint32_t *ret_process)
{
	uint64_t g = e->bad_g;

	*ret_process = e->bad_process;
	e->bad_g = 0;
	return g;
}
