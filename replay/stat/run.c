/* SPDX-License-Identifier: BSD-2-Clause */
/* One question answered from one trace: the walk, its sums, the answer, the gate on losses. */
#include "run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/log.h"
#include "replay/view/run.h"

#define TOP_DEFAULT 20

const struct gt_question *const gt_stat_questions[] = {
	&gt_q_summary, &gt_q_goroutines, &gt_q_lifetimes, &gt_q_blocks, &gt_q_runq,
	&gt_q_sched,   &gt_q_gc,	 &gt_q_leaks,	  NULL
};

const struct gt_question *gt_stat_question(const char *name)
{
	for (size_t i = 0; gt_stat_questions[i]; i++)
		if (!strcmp(gt_stat_questions[i]->name, name))
			return gt_stat_questions[i];
	return NULL;
}

/* The walk: the run's context. */
struct walk {
	struct gt_ask *a;
	struct gt_run run;
};

static int begin(void *ctx, uint64_t from_ns, struct gt_err *err)
{
	struct walk *w = ctx;
	const struct gt_gor_state *g = NULL;

	gt_tally_begin(&w->a->tally, from_ns);
	while ((g = gt_engine_next(w->run.engine, g ? g->k.g.gid : 0))) {
		int rc = gt_tally_alive(&w->a->tally, &g->k, err);
		if (rc)
			return rc;
	}
	return GT_OK;
}

static int step(void *ctx, const struct gt_step *s, struct gt_err *err)
{
	struct walk *w = ctx;

	return gt_tally_step(&w->a->tally, s, w->run.engine, err);
}

static int kstep(void *ctx, const struct gt_kstep *s, struct gt_err *err)
{
	struct walk *w = ctx;

	w->a->ksum.from_ns = w->a->tally.from_ns;
	return gt_ksum_step(&w->a->ksum, s, w->run.engine, err);
}

static int event(void *ctx, const struct gt_event *ev, struct gt_err *err)
{
	struct gt_ask *a = ((struct walk *)ctx)->a;

	gt_ksum_event(&a->ksum, ev, ((struct walk *)ctx)->run.engine);
	gt_tally_event(&a->tally, ev);
	if (!gt_filter_process(&a->view->filter, a->view->reader, ev->process))
		return GT_OK;
	return gt_runtime_event(&a->runtime, ev, err);
}

static int goroutine(void *ctx, const struct gt_goroutine *g, struct gt_err *err)
{
	return gt_tally_goroutine(&((struct walk *)ctx)->a->tally, g, err);
}

static int loss(void *ctx, const struct gt_loss *l, struct gt_err *err)
{
	struct gt_ask *a = ((struct walk *)ctx)->a;

	(void)err;
	if (l->cause == GT_LOSS_THROTTLED) {
		gt_tally_gap(&a->tally, l->t0, l->t1);
		return GT_OK;
	}
	if (a->losses < GT_LOSSES_KEPT)
		a->loss[a->losses] = *l;
	a->losses++;
	a->lost += l->count;
	a->lost_unknown = a->lost_unknown || !l->count;
	return GT_OK;
}

static int end(void *ctx, uint64_t end_ns, const struct gt_end *e, struct gt_err *err)
{
	struct walk *w = ctx;
	struct gt_ask *a = w->a;
	int rc;

	(void)e;
	for (uint32_t i = 1; i <= gt_reader_processes(a->view->reader); i++) {
		const struct gt_process *p = gt_reader_process(a->view->reader, i);
		if (p && gt_filter_process(&a->view->filter, a->view->reader, i))
			a->groups |= (uint32_t)p->probe_flags;
	}
	a->ksum.from_ns = a->tally.from_ns;
	rc = gt_ksum_end(&a->ksum, end_ns, &w->run.kthreads, w->run.engine, err);
	return rc ? rc : gt_tally_end(&a->tally, end_ns, err);
}

static const struct gt_run_ops ops = { .begin = begin,
				       .step = step,
				       .kstep = kstep,
				       .event = event,
				       .goroutine = goroutine,
				       .loss = loss,
				       .end = end };

static int walk(struct gt_ask *a, struct gt_err *err)
{
	struct walk w = { .a = a };
	int rc = gt_run_open(&w.run, a->view, &ops, &w, err);

	if (!rc)
		rc = gt_run_all(&w.run, err);
	a->events = w.run.n_events;
	gt_run_close(&w.run);
	return rc;
}

/* What the user said, checked: before the trace is opened, so that a slip is told as one. */
static int check(const struct gt_ask_opts *o, uint64_t *ret_over, uint64_t *ret_max_loss,
		 struct gt_err *err)
{
	if (strcmp(o->by, "site") && strcmp(o->by, "func"))
		return gt_fail(err, GT_USAGE, "--by: '%s' is neither site nor func", o->by);
	if (gt_parse_duration(o->over, ret_over, err))
		return gt_fail_prefix(err, "--over");
	if (o->max_loss && gt_parse_u64(o->max_loss, 0, UINT64_MAX, ret_max_loss, err))
		return gt_fail_prefix(err, "--max-loss");
	return GT_OK;
}

static void settle(struct gt_ask *a, const struct gt_question *q, uint64_t over_ns)
{
	const struct gt_ask_opts *o = a->o;
	struct gt_filter *f = &a->view->filter;
	struct gt_tally_opts to = { .reader = a->view->reader,
				    .filter = gt_filter_active(f) ? f : NULL,
				    .over_ns = over_ns,
				    .by_func = !strcmp(o->by, "func"),
				    .each = q->each,
				    .ctx = a };

	a->top = o->top == UINT64_MAX ? TOP_DEFAULT : o->top ? o->top : UINT64_MAX;
	gt_tally_init(&a->tally, &to);
	a->ksum.reader = to.reader;
	a->ksum.filter = to.filter;
	gt_runtime_init(&a->runtime, a->view->reader);
}

static int answer(struct gt_ask *a, const struct gt_question *q, struct gt_err *err)
{
	int rc = q->start ? q->start(a, err) : GT_OK;
	struct gt_err later;

	if (!rc)
		rc = walk(a, err);
	/* Damage in the file does not keep what was read from being shown. */
	if (rc && (a->tally.to_ns == UINT64_MAX || rc == GT_NOMEM || rc == GT_LIMIT))
		return rc;
	int more = gt_suspects_find(&a->suspects, &a->tally, &later);
	if (!more)
		more = q->answer(a, &later);
	if (!more)
		more = gt_json_finish(&a->json, &later);
	if (more && !rc) {
		*err = later;
		rc = more;
	}
	return rc;
}

int gt_stat_run(const struct gt_question *q, const char *path, const struct gt_ask_opts *o,
		FILE *out)
{
	struct gt_view view = { 0 };
	struct gt_ask *a = calloc(1, sizeof(*a));
	struct gt_err err = { 0 };
	uint64_t over_ns = 0, max_loss = UINT64_MAX;
	int status, rc = check(o, &over_ns, &max_loss, &err);

	if (!a) {
		gt_log_error("no memory");
		return GT_EXIT_ENV;
	}
	a->o = o;
	a->view = &view;
	a->out = out;
	a->colour = isatty(fileno(out)) && !getenv("NO_COLOR");
	gt_json_init(&a->json, out);
	if (!rc)
		rc = gt_view_open(&view, path, &o->view, &err);
	if (!rc) {
		settle(a, q, over_ns);
		rc = answer(a, q, &err);
	}
	status = gt_view_finish(&view, rc, &err);
	if (!status && a->lost > max_loss) {
		gt_log_error("%" PRIu64 " events were lost, --max-loss allows %" PRIu64, a->lost,
			     max_loss);
		status = GT_EXIT_FOUND;
	}
	gt_suspects_free(&a->suspects);
	gt_tally_free(&a->tally);
	gt_ksum_free(&a->ksum);
	gt_runtime_free(&a->runtime);
	gt_view_close(&view);
	free(a);
	return status;
}
