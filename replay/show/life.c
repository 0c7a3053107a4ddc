/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One life: every state of a goroutine with its duration, who woke it and whom it woke, and
 * the stacks that are known. Collected while reading, printed goroutine by goroutine.
 */
#include "show.h"

#include <inttypes.h>
#include "format/base/u64map.h"
#include "format/base/vec.h"

#define MAX_LIVES 1024

/* While it was running: how often its thread had no CPU, and how long it was ready, and waited. */
struct off {
	uint64_t n, ready_ns, waited_ns;
};

/* One entry of a life: a state that began, or a goroutine that it woke or made. */
struct entry {
	struct gt_step s;
	struct gt_goroutine other; /* who woke or made it; or whom it woke or made */
	bool has_other, of_other;  /* of_other: S is the other's step */
	struct off off;
};

struct life {
	struct gt_goroutine g;
	struct gt_key k; /* as of the span's end, where it lives on */
	struct {
		struct entry *p;
		size_t n, cap;
	} v;
	uint64_t begin_ns; /* since when its first state held; 0: before FOUND_NS, when a snapshot
			      saw it */
	uint64_t found_ns;
	uint8_t begin_state, begin_reason;
	uint32_t begin_stack;
	bool begun, ended, with_process;
	uint64_t in_state[GT_S_COUNT];
	struct off begin_off, off; /* in the state that it began with; in all */
};

struct lives {
	struct gt_show *show;
	struct gt_run run;
	struct {
		struct life *p;
		size_t n, cap;
	} v;
	struct gt_u64map by_gid; /* gid -> index + 1 */
	uint64_t from_ns, end_ns;
};

static struct life *find(const struct lives *l, uint64_t gid)
{
	const uint64_t *i = l->v.n && gid ? gt_u64map_get(&l->by_gid, gid) : NULL;
	return i ? &l->v.p[*i - 1] : NULL;
}

/* The life of G, begun now when the user asked for it. */
static int want(struct lives *l, const struct gt_goroutine *g, struct life **ret,
		struct gt_err *err)
{
	struct life *f = find(l, g->gid);

	*ret = f;
	if (f || !gt_filter_goroutine(&l->show->view->filter, l->show->view->reader, g))
		return GT_OK;
	if (l->v.n == MAX_LIVES)
		return gt_fail(err, GT_LIMIT, "more than %d goroutines match -g", MAX_LIVES);
	f = GT_VEC_PUSH(&l->v);
	if (!f || !gt_u64map_put(&l->by_gid, g->gid, l->v.n))
		return gt_fail(err, GT_NOMEM, "out of memory");
	f->g = *g;
	*ret = f;
	return GT_OK;
}

static int add(struct lives *l, struct life *f, const struct gt_step *s, uint64_t other,
	       bool of_other, struct gt_err *err)
{
	const struct gt_gor_state *o = other ? gt_engine_get(l->run.engine, other) : NULL;
	struct entry *e = GT_VEC_PUSH(&f->v);

	if (!e)
		return gt_fail(err, GT_NOMEM, "out of memory");
	e->s = *s;
	e->of_other = of_other;
	e->has_other = o != NULL;
	if (o)
		e->other = o->k.g;
	return GT_OK;
}

/* The first snapshot found it in this state, in which it had been for longer. */
static bool found_so(const struct gt_step *s)
{
	return s->snapshot && s->from == GT_S_UNKNOWN && !s->since_ns;
}

static void begin_with(struct life *f, uint64_t ns, uint8_t state, uint8_t reason, uint32_t stack)
{
	f->begin_ns = ns;
	f->begin_state = state;
	f->begin_reason = reason;
	f->begin_stack = stack;
	f->begun = true;
}

static int on_step(void *ctx, const struct gt_step *s, struct gt_err *err)
{
	struct lives *l = ctx;
	const struct gt_gor_state *g = gt_engine_get(l->run.engine, s->gid);
	struct life *f, *waker = find(l, s->waker);
	int rc = want(l, &g->k.g, &f, err);

	if (!rc && f) {
		f->g = g->k.g;
		f->ended = s->to == GT_S_DEAD;
		f->with_process = s->with_process;
		if (!f->begun && !f->v.n && found_so(s))
			begin_with(f, 0, s->to, s->reason, s->stack);
		else if (!f->begun && !f->v.n && !s->created)
			begin_with(f, s->since_ns, s->from, s->from_reason, 0);
		if (found_so(s))
			f->found_ns = f->found_ns ? f->found_ns : s->ts;
		else
			rc = add(l, f, s, s->waker, false, err);
	}
	/* find() again: the vector may have moved. */
	waker = waker ? find(l, s->waker) : NULL;
	if (!rc && waker)
		rc = add(l, waker, s, s->gid, true, err);
	return rc;
}

/* The thread that F's goroutine was running on was in FROM, without a CPU, from T0 to T1. */
static void without_cpu(struct lives *l, struct life *f, enum gt_kstate from, uint64_t t0,
			uint64_t t1)
{
	struct off *o = &f->begin_off;

	for (size_t i = f->v.n; i && o == &f->begin_off; i--)
		if (!f->v.p[i - 1].of_other)
			o = &f->v.p[i - 1].off;
	t0 = t0 > l->from_ns ? t0 : l->from_ns;
	if (t1 <= t0)
		return;
	o->n++;
	*(from == GT_K_READY ? &o->ready_ns : &o->waited_ns) += t1 - t0;
}

static struct life *running_on(struct lives *l, uint32_t process, uint32_t tid)
{
	uint64_t gid = gt_engine_on_thread(l->run.engine, process, tid);
	struct life *f = find(l, gid);
	const struct gt_gor_state *g = f ? gt_engine_get(l->run.engine, gid) : NULL;

	return g && (g->k.state == GT_S_RUNNING || g->k.state == GT_S_SELFWAIT) ? f : NULL;
}

static int on_kstep(void *ctx, const struct gt_kstep *s, struct gt_err *err)
{
	struct lives *l = ctx;
	struct life *f = running_on(l, s->process, s->tid);

	(void)err;
	if (f && s->from != GT_K_ON && s->from != GT_K_UNKNOWN)
		without_cpu(l, f, (enum gt_kstate)s->from, s->since_ns, s->ts);
	return GT_OK;
}

static int on_goroutine(void *ctx, const struct gt_goroutine *g, struct gt_err *err)
{
	struct life *f = find(ctx, g->gid);

	(void)err;
	if (f)
		f->g = *g;
	return GT_OK;
}

/* Goroutines that live at --from: also those that do nothing in the span. */
static int on_begin(void *ctx, uint64_t from_ns, struct gt_err *err)
{
	struct lives *l = ctx;
	const struct gt_gor_state *g = NULL;
	int rc = GT_OK;

	l->from_ns = from_ns;
	l->show->many = gt_reader_processes(l->show->view->reader) > 1;
	while (!rc && (g = gt_engine_next(l->run.engine, g ? g->k.g.gid : 0))) {
		struct life *f;

		rc = want(l, &g->k.g, &f, err);
		if (rc || !f)
			continue;
		begin_with(f, g->k.since_ns, g->k.state, g->k.reason, g->k.stack);
	}
	return rc;
}

static int on_end(void *ctx, uint64_t end_ns, const struct gt_end *end, struct gt_err *err)
{
	struct lives *l = ctx;

	(void)end;
	(void)err;
	l->end_ns = end_ns;
	for (const struct gt_kthread *k = NULL; (k = gt_kthreads_next(&l->run.kthreads, k));) {
		struct life *f = running_on(l, k->process, k->tid);

		if (f && k->state != GT_K_ON && k->state != GT_K_UNKNOWN)
			without_cpu(l, f, (enum gt_kstate)k->state, k->since_ns, end_ns);
	}
	for (size_t i = 0; i < l->v.n; i++) {
		const struct gt_gor_state *g = gt_engine_get(l->run.engine, l->v.p[i].g.gid);

		if (g)
			l->v.p[i].k = g->k;
	}
	return GT_OK;
}

/* ---- printing ------------------------------------------------------------------------- */

/* From when on a state of F that began at T, 0 for before, is known to have held in the span. */
static uint64_t known_from(const struct lives *l, const struct life *f, uint64_t t)
{
	uint64_t start = l->show->view->info->start_ns;

	t = t ? t : f->found_ns;
	t = t > l->from_ns ? t : l->from_ns;
	return t > start ? t : start;
}

/* The state that held from T0 to T1; the rest of the line is the caller's. */
static void interval(const struct lives *l, struct life *f, uint64_t t0, uint64_t t1,
		     enum gt_gstate state, uint8_t reason)
{
	const struct gt_show *s = l->show;
	const char *why = gt_name_reason(s->view->reader, f->g.process, state, reason);
	char time[GT_DUR_MAX], dur[GT_DUR_MAX], buf[GT_NAME_MAX];
	uint64_t ns = t1 > known_from(l, f, t0) ? t1 - known_from(l, f, t0) : 0;

	f->in_state[state] += ns;
	(void)fprintf(s->out, "  %14s  %9s  %s%-9s%s",
		      t0 ? gt_format_time(time, gt_view_rel(s->view, t0)) : "before",
		      gt_format_duration(dur, ns), gt_show_ink(s, gt_show_state_ink(state)),
		      gt_gstate_name(state), gt_show_ink(s, GT_INK_NONE));
	if (*why)
		(void)fprintf(s->out, "  %s", gt_names_safe(why, buf));
}

/* How much of what the line tells was spent without a CPU. */
static void tell_off(const struct lives *l, struct life *f, const struct off *o)
{
	char ready[GT_DUR_MAX], waited[GT_DUR_MAX];

	f->off.n += o->n;
	f->off.ready_ns += o->ready_ns;
	f->off.waited_ns += o->waited_ns;
	if (o->n)
		(void)fprintf(l->show->out,
			      "  without a CPU %" PRIu64 " times: ready %s, waiting %s", o->n,
			      gt_format_duration(ready, o->ready_ns),
			      gt_format_duration(waited, o->waited_ns));
}

static void cause(const struct lives *l, const struct entry *e)
{
	const struct gt_step *s = &e->s;
	FILE *out = l->show->out;
	char who[GT_NAME_MAX], place[GT_NAME_MAX], buf[GT_NAME_MAX];
	const char *wake = gt_name_wake((enum gt_ra_class)s->wake_class);

	if (s->to == GT_S_RUNNING)
		(void)fprintf(out, "  on thread %u", s->tid);
	if (s->to == GT_S_RUNNING && s->m >= 0)
		(void)fprintf(out, ", M%d", s->m);
	if (s->to == GT_S_RUNNING && s->p >= 0)
		(void)fprintf(out, ", P%d", s->p);
	if (s->to == GT_S_SYSCALL && s->pc)
		(void)fprintf(
			out, "  in %s",
			gt_names_safe(gt_name_place(l->show->view->reader, s->pc, place), buf));
	if (s->to == GT_S_RUNNABLE && e->has_other)
		(void)fprintf(out, "  %s %s", s->created ? "made by" : "woken by",
			      gt_show_who(l->show, &e->other, who));
	else if (s->to == GT_S_RUNNABLE && !s->created && *wake)
		(void)fprintf(out, "  by %s", wake);
	if (s->repair)
		(void)fprintf(out, "  (%s)", gt_repair_name((enum gt_repair)s->repair));
	if (s->uncertain)
		(void)fputs("  (uncertain before)", out);
}

static void entry(const struct lives *l, struct life *f, const struct entry *e, uint64_t until)
{
	const struct gt_show *s = l->show;
	char time[GT_DUR_MAX], who[GT_NAME_MAX];

	if (e->of_other) {
		(void)fprintf(s->out, "  %14s  %9s  %s%s %s%s\n",
			      gt_format_time(time, gt_view_rel(s->view, e->s.ts)), "",
			      gt_show_ink(s, GT_INK_DIM), e->s.created ? "made" : "woke",
			      e->has_other ? gt_show_who(s, &e->other, who) : "?",
			      gt_show_ink(s, GT_INK_NONE));
		return;
	}
	if (e->s.to == GT_S_DEAD) {
		(void)fprintf(s->out, "  %14s  %9s  %s",
			      gt_format_time(time, gt_view_rel(s->view, e->s.ts)), "",
			      e->s.with_process ? "ended with its process" : "exited");
		cause(l, e);
		(void)fputc('\n', s->out);
		return;
	}
	interval(l, f, e->s.ts, until, (enum gt_gstate)e->s.to, e->s.reason);
	cause(l, e);
	tell_off(l, f, &e->off);
	(void)fputc('\n', s->out);
	if (e->s.stack)
		gt_show_stack(s, e->s.stack, "\t\t", f->g.flags & GT_GF_SYSTEM);
}

/* When the state that entry I began ended: at the next step of the goroutine itself. */
static uint64_t until(const struct lives *l, const struct life *f, size_t i)
{
	while (i < f->v.n && f->v.p[i].of_other)
		i++;
	return i < f->v.n ? f->v.p[i].s.ts : l->end_ns;
}

static void head(const struct lives *l, const struct life *f)
{
	const struct gt_show *s = l->show;
	char who[GT_NAME_MAX], site[GT_NAME_MAX], buf[GT_NAME_MAX];
	bool site_known = *gt_name_site(s->view->reader, &f->g, site);

	(void)fprintf(s->out, "goroutine %s%s\n", gt_show_who(s, &f->g, who),
		      f->g.flags & GT_GF_SYSTEM ? " (the runtime's own)" : "");
	if (f->g.parent_goid)
		(void)fprintf(s->out, "  made by goroutine %" PRIu64, f->g.parent_goid);
	else if (site_known)
		(void)fputs("  made", s->out);
	if (site_known)
		(void)fprintf(s->out, " at %s", gt_names_safe(site, buf));
	if (f->g.parent_goid || site_known)
		(void)fputc('\n', s->out);
	gt_show_stack(s, f->g.stack, "\t\t", f->g.flags & GT_GF_SYSTEM);
	if (f->g.stack_bytes)
		(void)fprintf(s->out, "  its stack, when last seen: %" PRIu32 " bytes%s\n",
			      f->g.stack_bytes,
			      f->g.flags & GT_GF_LOCKED ? "; locked to its thread" : "");
	else if (f->g.flags & GT_GF_LOCKED)
		(void)fputs("  locked to its thread\n", s->out);
	(void)fprintf(s->out, "%s  %14s  %9s  state%s\n", gt_show_ink(s, GT_INK_DIM), "time", "for",
		      gt_show_ink(s, GT_INK_NONE));
}

/* As the user counts: work for the runtime is told apart from running. */
static const char *state_word(enum gt_gstate s)
{
	return s == GT_S_SELFWAIT ? "running for the runtime" : gt_gstate_name(s);
}

static void foot(const struct lives *l, const struct life *f)
{
	const struct gt_show *s = l->show;
	char dur[GT_DUR_MAX], wait[GT_DUR_MAX];
	uint64_t total = 0;
	const char *sep = "";

	for (unsigned i = 0; i < GT_S_COUNT; i++)
		total += f->in_state[i];
	(void)fputs("  in all: ", s->out);
	for (unsigned i = 0; i < GT_S_COUNT; i++) {
		if (!f->in_state[i])
			continue;
		(void)fprintf(s->out, "%s%s %s (%.1f%%)", sep, state_word((enum gt_gstate)i),
			      gt_format_duration(dur, f->in_state[i]),
			      100.0 * (double)f->in_state[i] / (double)total);
		sep = ", ";
	}
	if (f->off.n)
		(void)fprintf(s->out, "; running, but without a CPU: %s ready, %s waiting",
			      gt_format_duration(dur, f->off.ready_ns),
			      gt_format_duration(wait, f->off.waited_ns));
	(void)fprintf(s->out, "%s%s\n", total ? "" : "nothing in this span",
		      f->with_process ? "; ended with its process"
		      : f->ended      ? "; exited"
				      : "; still there at the end");
}

static void print(const struct lives *l, struct life *f)
{
	head(l, f);
	if (f->begun) {
		uint64_t t = f->begin_ns && f->begin_ns < l->from_ns ? l->from_ns : f->begin_ns;

		interval(l, f, t, until(l, f, 0), (enum gt_gstate)f->begin_state, f->begin_reason);
		tell_off(l, f, &f->begin_off);
		(void)fputs(f->begin_ns < l->from_ns ? "  (since before)\n" : "\n", l->show->out);
		gt_show_stack(l->show, f->begin_stack, "\t\t", f->g.flags & GT_GF_SYSTEM);
	}
	for (size_t i = 0; i < f->v.n; i++)
		entry(l, f, &f->v.p[i], until(l, f, i + 1));
	/* A snapshot at the end may have told the stack of a wait that no event did. */
	if (f->k.stack && f->v.n && !f->v.p[f->v.n - 1].s.stack)
		gt_show_stack(l->show, f->k.stack, "\t\t", f->g.flags & GT_GF_SYSTEM);
	foot(l, f);
}

static void free_lives(struct lives *l)
{
	for (size_t i = 0; i < l->v.n; i++)
		GT_VEC_FREE(&l->v.p[i].v);
	GT_VEC_FREE(&l->v);
	gt_u64map_free(&l->by_gid);
	gt_run_close(&l->run);
}

int gt_show_life(struct gt_show *s, struct gt_err *err)
{
	static const struct gt_run_ops ops = { .begin = on_begin,
					       .step = on_step,
					       .kstep = on_kstep,
					       .goroutine = on_goroutine,
					       .end = on_end };
	struct lives l = { .show = s };
	int rc = gt_run_open(&l.run, s->view, &ops, &l, err);

	if (!rc)
		rc = gt_run_all(&l.run, err);
	for (size_t i = 0; i < l.v.n; i++) {
		if (i)
			(void)fputc('\n', s->out);
		print(&l, &l.v.p[i]);
	}
	if (!rc && !l.v.n)
		rc = gt_fail(err, GT_USAGE,
			     "no such goroutine in the trace (see `gtstat goroutines`)");
	if (!rc)
		rc = gt_show_written(s, err);
	free_lives(&l);
	return rc;
}
