/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event log: one line for each change of state. Go <= 1.23 tells a goroutine's id only
 * with its first run; lines of such a goroutine, and all behind them, are held back until
 * the id is known, so that the log can be read by id from its first line on.
 */
#include "facts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "format/base/json.h"
#include "format/base/vec.h"

#define MAX_DEPTH   512
#define MAX_INLINED 64
#define MAX_HELD    65536 /* lines; the oldest is then printed as it is */

struct line {
	bool is_loss, is_fact, first; /* first: the goroutine was not in the log before */
	uint32_t ended;		      /* not a goroutine's: this process ended, at S.ts; 0 no */
	bool is_thread, is_fault;     /* K, or FAULT, of the thread that G is on, if any (G.gid) */
	struct gt_kstep k;
	struct gt_event fault;
	uint32_t fault_in;
	struct gt_loss loss;
	struct gt_event ev; /* of a fact, with its STOP, in the name of WAKER_GOID */
	struct gt_stop stop;
	struct gt_step s;
	struct gt_goroutine g;
	uint64_t waker_goid, parent_goid;
	bool told; /* to whoever printed it */
};

struct log {
	struct gt_show *show;
	struct gt_run run;
	struct gt_json j;
	struct {
		struct line *p;
		size_t n, cap;
	} held; /* from AT on: lines that wait */
	size_t at;
	uint64_t *seen; /* bit for each gid that was in the log; owned */
	uint64_t n_seen;
	struct gt_stops stops;
};

/* ---- one line ------------------------------------------------------------------------- */

static void json_goroutine(struct log *l, const struct line *n)
{
	const struct gt_reader *r = l->show->view->reader;
	const char *func = gt_name_entry(r, &n->g);
	char site[GT_NAME_MAX];

	if (*func)
		gt_json_kstr(&l->j, "func", func);
	if (!n->first)
		return;
	if (n->parent_goid)
		gt_json_ku64(&l->j, "parent", n->parent_goid);
	if (*gt_name_site(r, &n->g, site))
		gt_json_kstr(&l->j, "site", site);
	gt_json_ktrue(&l->j, "system", n->g.flags & GT_GF_SYSTEM);
}

/* As a traceback of the goroutine has it: ALL frames only for the runtime's own. */
static void json_stack(struct log *l, uint32_t stack, bool all)
{
	const struct gt_reader *r = l->show->view->reader;
	uint32_t pcs[MAX_DEPTH], n = gt_reader_stack(r, stack, pcs, MAX_DEPTH);
	struct gt_frame f[MAX_INLINED];
	char place[GT_NAME_MAX];

	if (!n)
		return;
	gt_json_key(&l->j, "stack");
	gt_json_array(&l->j);
	for (uint32_t i = 0; i < n && i < MAX_DEPTH; i++) {
		uint32_t m = gt_reader_frames(r, pcs[i], f, MAX_INLINED);

		for (uint32_t k = 0; k < m && k < MAX_INLINED; k++)
			if (all || !gt_name_is_inside(f[k].func))
				gt_json_str(&l->j, gt_name_frame(&f[k], place));
	}
	gt_json_array_end(&l->j);
}

static void json_why(struct log *l, const struct line *n)
{
	const struct gt_step *s = &n->s;
	const char *reason = gt_name_reason(l->show->view->reader, n->g.process,
					    (enum gt_gstate)s->to, s->reason);
	const char *wake = gt_name_wake((enum gt_ra_class)s->wake_class);
	char place[GT_NAME_MAX];

	if (*reason)
		gt_json_kstr(&l->j, "reason", reason);
	if (s->to == GT_S_SYSCALL && *gt_name_place(l->show->view->reader, s->pc, place))
		gt_json_kstr(&l->j, "in", place);
	if (s->to == GT_S_RUNNABLE && n->waker_goid)
		gt_json_ku64(&l->j, "waker", n->waker_goid);
	else if (s->to == GT_S_RUNNABLE && !s->created && *wake)
		gt_json_kstr(&l->j, "wake", wake);
	if (s->p >= 0)
		gt_json_ki64(&l->j, "p", s->p);
	if (s->m >= 0)
		gt_json_ki64(&l->j, "m", s->m);
	if (s->qlen >= 0)
		gt_json_ki64(&l->j, "qlen", s->qlen);
	json_stack(l, s->created && !s->stack ? n->g.stack : s->stack, n->g.flags & GT_GF_SYSTEM);
	if (s->repair)
		gt_json_kstr(&l->j, "repair", gt_repair_name((enum gt_repair)s->repair));
	gt_json_ktrue(&l->j, "stack_cut", s->event_flags & GT_EVF_STACK_CUT);
	gt_json_ktrue(&l->j, "snapshot", s->snapshot);
	gt_json_ktrue(&l->j, "sampled", s->sampled);
	gt_json_ktrue(&l->j, "with_process", s->with_process);
	gt_json_ktrue(&l->j, "uncertain", s->uncertain || s->event_flags & GT_EVF_UNCERTAIN);
}

static void json_step(struct log *l, const struct line *n)
{
	const struct gt_step *s = &n->s;

	gt_json_object(&l->j);
	gt_json_ku64(&l->j, "t_ns", gt_view_rel(l->show->view, s->ts));
	gt_json_key(&l->j, "cpu");
	if (s->snapshot || s->with_process) /* gtrec noticed it; it happened on no CPU */
		gt_json_null(&l->j);
	else
		gt_json_u64(&l->j, s->cpu);
	gt_json_ku64(&l->j, "pid", gt_view_pid(l->show->view, n->g.process));
	gt_json_ku64(&l->j, "tid", s->tid);
	gt_json_ku64(&l->j, "goid", n->g.goid);
	gt_json_kstr(&l->j, "from", gt_gstate_name((enum gt_gstate)s->from));
	gt_json_kstr(&l->j, "to", gt_gstate_name((enum gt_gstate)s->to));
	json_goroutine(l, n);
	json_why(l, n);
	gt_json_object_end(&l->j);
	gt_json_line(&l->j);
}

static void json_loss(struct log *l, const struct gt_loss *x)
{
	gt_json_object(&l->j);
	gt_json_ku64(&l->j, "lost", x->count);
	gt_json_key(&l->j, "cpu");
	if (x->cpu == UINT32_MAX)
		gt_json_null(&l->j);
	else
		gt_json_u64(&l->j, x->cpu);
	gt_json_ku64(&l->j, "t0_ns", gt_view_rel(l->show->view, x->t0));
	gt_json_ku64(&l->j, "t1_ns", gt_view_rel(l->show->view, x->t1));
	gt_json_kstr(&l->j, "cause", gt_name_cause(x->cause));
	gt_json_object_end(&l->j);
	gt_json_line(&l->j);
}

static const char *end_key(const struct gt_process *p)
{
	return p->end == GT_PE_EXITED	? "exited"
	       : p->end == GT_PE_KILLED ? "killed"
	       : p->end == GT_PE_EXEC	? "exec"
					: "unknown";
}

static void print_end(struct log *l, const struct line *n)
{
	const struct gt_show *show = l->show;
	const struct gt_process *p = gt_reader_process(show->view->reader, n->ended);
	uint64_t t = gt_view_rel(show->view, n->s.ts);
	char time[GT_DUR_MAX], buf[GT_NAME_MAX];

	if (!p)
		return;
	if (!show->o->view.json) {
		(void)fprintf(show->out, "%s  process %u %s\n", gt_format_time(time, t), p->pid,
			      p->end ? gt_name_end(p, buf) : "ended");
		return;
	}
	gt_json_object(&l->j);
	gt_json_ku64(&l->j, "t_ns", t);
	gt_json_ku64(&l->j, "pid", p->pid);
	gt_json_kstr(&l->j, "process_end", end_key(p));
	if (p->end == GT_PE_EXITED || p->end == GT_PE_KILLED)
		gt_json_ku64(&l->j, "status", p->end_status);
	gt_json_object_end(&l->j);
	gt_json_line(&l->j);
}

static void text_why(struct log *l, const struct line *n)
{
	const struct gt_step *s = &n->s;
	FILE *out = l->show->out;
	char buf[GT_NAME_MAX], place[GT_NAME_MAX];
	const struct gt_reader *r = l->show->view->reader;
	const char *reason = gt_name_reason(r, n->g.process, (enum gt_gstate)s->to, s->reason);
	const char *wake = gt_name_wake((enum gt_ra_class)s->wake_class);

	if (*reason)
		(void)fprintf(out, "  %s", gt_names_safe(reason, buf));
	if (s->to == GT_S_SYSCALL && *gt_name_place(r, s->pc, place))
		(void)fprintf(out, "  in %s", gt_names_safe(place, buf));
	if (s->created && s->to == GT_S_RUNNABLE) {
		if (n->parent_goid)
			(void)fprintf(out, "  made by %" PRIu64, n->parent_goid);
		if (*gt_name_site(r, &n->g, place))
			(void)fprintf(out, "  at %s", gt_names_safe(place, buf));
	} else if (s->to == GT_S_RUNNABLE && n->waker_goid) {
		(void)fprintf(out, "  by %" PRIu64, n->waker_goid);
	} else if (s->to == GT_S_RUNNABLE && *wake) {
		(void)fprintf(out, "  by %s", wake);
	}
	if (s->sampled)
		(void)fputs("  (sampled)", out);
	else if (s->snapshot)
		(void)fputs("  (snapshot)", out);
	if (s->with_process)
		(void)fputs("  with its process", out);
	if (s->repair)
		(void)fprintf(out, "  (%s)", gt_repair_name((enum gt_repair)s->repair));
	if (!s->sampled && (s->uncertain || s->event_flags & GT_EVF_UNCERTAIN))
		(void)fputs("  (uncertain)", out);
}

static void text_step(struct log *l, const struct line *n)
{
	const struct gt_step *s = &n->s;
	const struct gt_show *show = l->show;
	enum gt_gstate to = (enum gt_gstate)s->to;
	char time[GT_DUR_MAX], who[GT_NAME_MAX], p[16] = "-", cpu[16] = "-", tid[16] = "-";

	if (s->p >= 0)
		(void)snprintf(p, sizeof(p), "P%d", s->p);
	if (!s->snapshot && !s->with_process)
		(void)snprintf(cpu, sizeof(cpu), "%u", s->cpu);
	if (s->tid)
		(void)snprintf(tid, sizeof(tid), "%u", s->tid);
	(void)fprintf(show->out, "%s %4s %8s %4s  %-32s  %9s -> %s%-9s%s",
		      gt_format_time(time, gt_view_rel(show->view, s->ts)), cpu, tid, p,
		      gt_show_who(show, &n->g, who), gt_gstate_name((enum gt_gstate)s->from),
		      gt_show_ink(show, gt_show_state_ink(to)), gt_gstate_name(to),
		      gt_show_ink(show, GT_INK_NONE));
	text_why(l, n);
	(void)fputc('\n', show->out);
}

/* What is no goroutine's change of state. */
static void print_thread(struct log *l, const struct line *n)
{
	const struct gt_goroutine *g = n->g.gid ? &n->g : NULL;
	bool json = l->show->o->view.json;

	if (n->is_thread && json)
		gt_show_kstep_json(l->show, &l->j, &n->k, g);
	else if (n->is_thread)
		gt_show_kstep(l->show, &n->k, g);
	else if (json)
		gt_show_fault_json(l->show, &l->j, &n->fault, g, n->fault_in);
	else
		gt_show_fault(l->show, &n->fault, g, n->fault_in);
}

static void print(struct log *l, const struct line *n)
{
	bool json = l->show->o->view.json;

	if (n->is_loss && json)
		json_loss(l, &n->loss);
	else if (n->is_loss)
		gt_show_loss(l->show, &n->loss);
	else if (n->is_fact)
		gt_show_fact(l->show, &l->j, &n->ev, &n->stop, n->waker_goid);
	else if (n->ended)
		print_end(l, n);
	else if (n->is_thread || n->is_fault)
		print_thread(l, n);
	else if (json)
		json_step(l, n);
	else
		text_step(l, n);
}

/* ---- holding back --------------------------------------------------------------------- */

static bool ready(const struct line *n)
{
	return n->is_loss || n->is_fact || n->ended || n->g.goid || !n->g.gid ||
	       !(n->g.flags & GT_GF_PROVISIONAL);
}

static void release(struct log *l, bool all)
{
	while (l->at < l->held.n &&
	       (all || ready(&l->held.p[l->at]) || l->held.n - l->at > MAX_HELD))
		print(l, &l->held.p[l->at++]);
	if (l->at == l->held.n) {
		l->at = l->held.n = 0;
	} else if (l->at > MAX_HELD) {
		l->held.n -= l->at;
		memmove(l->held.p, l->held.p + l->at, l->held.n * sizeof(*l->held.p));
		l->at = 0;
	}
}

static int put(struct log *l, const struct line *n, struct gt_err *err)
{
	struct line *to;

	if (!l->held.n && ready(n)) {
		print(l, n);
		return ferror(l->show->out) ? gt_show_written(l->show, err) : GT_OK;
	}
	to = GT_VEC_PUSH(&l->held);
	if (!to)
		return gt_fail(err, GT_NOMEM, "out of memory");
	*to = *n;
	release(l, false);
	return ferror(l->show->out) ? gt_show_written(l->show, err) : GT_OK;
}

static int on_goroutine(void *ctx, const struct gt_goroutine *g, struct gt_err *err)
{
	struct log *l = ctx;

	(void)err;
	if (!l->held.n || !g->goid)
		return GT_OK;
	for (size_t i = l->at; i < l->held.n; i++) {
		struct line *n = &l->held.p[i];

		if (!n->is_loss && !n->is_fact && !n->ended && n->g.gid == g->gid) {
			n->g.goid = g->goid;
			n->g.flags &= ~(uint32_t)GT_GF_PROVISIONAL;
		}
	}
	release(l, false);
	return GT_OK;
}

/* ---- from the trace ------------------------------------------------------------------- */

/* True the first time that GID is asked for. Without memory for it, every time. */
static bool first_time(struct log *l, uint64_t gid)
{
	uint64_t word = gid / 64, bit = (uint64_t)1 << gid % 64;

	if (word >= l->n_seen) {
		uint64_t n = l->n_seen ? l->n_seen : 64;
		uint64_t *p;

		while (n <= word)
			n *= 2;
		p = realloc(l->seen, (size_t)n * sizeof(*p));
		if (!p)
			return true;
		memset(p + l->n_seen, 0, (size_t)(n - l->n_seen) * sizeof(*p));
		l->seen = p;
		l->n_seen = n;
	}
	if (l->seen[word] & bit)
		return false;
	l->seen[word] |= bit;
	return true;
}

static int on_step(void *ctx, const struct gt_step *s, struct gt_err *err)
{
	struct log *l = ctx;
	const struct gt_engine *e = l->run.engine;
	const struct gt_goroutine *g = &gt_engine_get(e, s->gid)->k.g;
	struct line n = { .s = *s };

	if (!gt_filter_step(&l->show->view->filter, l->show->view->reader, g, s))
		return GT_OK;
	n.g = *g;
	n.first = first_time(l, s->gid);
	n.waker_goid = gt_show_goid(e, s->waker);
	n.parent_goid = g->parent_goid ? g->parent_goid : gt_show_goid(e, g->parent);
	return put(l, &n, err);
}

/* Is what happens to the thread of PROCESS asked for, while S, or nobody (NULL), is on it? */
static bool thread_asked(struct log *l, uint32_t process, const struct gt_gor_state *s)
{
	struct gt_filter *f = &l->show->view->filter;
	const struct gt_reader *r = l->show->view->reader;

	if (!s)
		return gt_filter_process(f, r, process);
	return gt_filter_goroutine(f, r, &s->k.g) &&
	       gt_filter_state(f, r, process, (enum gt_gstate)s->k.state, s->k.reason);
}

static int on_kstep(void *ctx, const struct gt_kstep *k, struct gt_err *err)
{
	struct log *l = ctx;
	const struct gt_gor_state *s = gt_engine_get_on_thread(l->run.engine, k->process, k->tid);
	struct line n = { .is_thread = true, .k = *k };

	if (!thread_asked(l, k->process, s))
		return GT_OK;
	if (s)
		n.g = s->k.g;
	return put(l, &n, err);
}

static int on_fault(struct log *l, const struct gt_event *ev, struct gt_err *err)
{
	const struct gt_gor_state *s = gt_engine_get(l->run.engine, ev->gid);
	struct line n = { .is_fault = true, .fault = *ev };

	if (!thread_asked(l, ev->process, s))
		return GT_OK;
	if (s) {
		n.g = s->k.g;
		n.fault_in = s->k.state == GT_S_SYSCALL ? s->k.pc : 0;
	}
	return put(l, &n, err);
}

static int on_event(void *ctx, const struct gt_event *ev, struct gt_err *err)
{
	struct log *l = ctx;
	struct line n = { .s.ts = ev->ts };
	bool stw = gt_stops_event(&l->stops, ev, &n.stop);

	if (ev->kind == GT_EV_FAULT)
		return on_fault(l, ev, err);
	n.is_fact = gt_show_is_fact(ev) && (stw || ev->kind != GT_EV_STW);
	if (n.is_fact) {
		n.ev = *ev;
		n.waker_goid = gt_show_goid(l->run.engine, ev->actor);
	} else {
		n.ended = ev->process;
	}
	if ((!n.is_fact && ev->kind != GT_EV_PROCESS_END) || !ev->process ||
	    !gt_filter_process(&l->show->view->filter, l->show->view->reader, ev->process))
		return GT_OK;
	return put(l, &n, err);
}

static int on_loss(void *ctx, const struct gt_loss *x, struct gt_err *err)
{
	struct line n = { .is_loss = true, .loss = *x };

	return put(ctx, &n, err);
}

static int on_begin(void *ctx, uint64_t from_ns, struct gt_err *err)
{
	struct log *l = ctx;

	(void)from_ns;
	(void)err;
	l->show->many = gt_reader_processes(l->show->view->reader) > 1;
	return GT_OK;
}

static int on_wait(void *ctx, struct gt_err *err)
{
	struct log *l = ctx;

	release(l, true);
	return gt_show_written(l->show, err);
}

int gt_show_log(struct gt_show *s, struct gt_err *err)
{
	static const struct gt_run_ops ops = { .begin = on_begin,
					       .step = on_step,
					       .kstep = on_kstep,
					       .event = on_event,
					       .loss = on_loss,
					       .goroutine = on_goroutine,
					       .wait = on_wait };
	struct log l = { .show = s };
	int rc;

	gt_json_init(&l.j, s->out);
	if (!s->o->view.json)
		(void)fprintf(s->out, "%s%11s %4s %8s %4s  %-32s  %9s -> %-9s  %s%s\n",
			      gt_show_ink(s, GT_INK_DIM), "# time", "cpu", "thread", "P",
			      "goroutine", "from", "to", "why", gt_show_ink(s, GT_INK_NONE));
	rc = gt_run_open(&l.run, s->view, &ops, &l, err);
	if (!rc)
		rc = gt_run_all(&l.run, err);
	release(&l, true);
	if (!rc)
		rc = gt_show_written(s, err);
	gt_run_close(&l.run);
	GT_VEC_FREE(&l.held);
	free(l.seen);
	return rc;
}
