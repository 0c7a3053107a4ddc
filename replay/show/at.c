/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every goroutine at one time, in the layout of Go's own traceback (debug=2), so that what
 * reads goroutine dumps reads this. As in Go's default, the runtime's own goroutines are left
 * out. [src/runtime/traceback.go:goroutineheader, printcreatedby]
 */
#include "show.h"

#include <inttypes.h>

#include "format/base/json.h"
#include "ahead.h"
#include "format/base/log.h"

struct at {
	struct gt_show *show;
	struct gt_run run;
	struct gt_ahead ahead;
	struct gt_json j;
	uint64_t t; /* the time asked for */
	uint64_t n, n_system;
	bool past_end;	  /* it was later than the trace's end, which is shown instead */
	uint32_t process; /* the last one named */
};

/* Go's words: the reason where there is one, else the status. */
static const char *status_word(const struct at *a, const struct gt_key *k)
{
	const char *reason = gt_name_reason(a->show->view->reader, k->g.process,
					    (enum gt_gstate)k->state, k->reason);

	return *reason ? reason : gt_gstate_name((enum gt_gstate)k->state);
}

/*
 * How long it has been in its state. What it was in before the trace (*ret_longer) is counted
 * from when its process came under trace: it is longer than that.
 */
static uint64_t in_state(const struct at *a, const struct gt_key *k, bool *ret_longer)
{
	const struct gt_process *p = gt_reader_process(a->show->view->reader, k->g.process);
	uint64_t from = k->since_ns;

	*ret_longer = !from;
	if (!from)
		from = p ? p->seen_ns : 0;
	if (from < a->show->view->info->start_ns)
		from = a->show->view->info->start_ns;
	return a->t > from ? a->t - from : 0;
}

/* The thread of a goroutine that runs, or could go on, but has no CPU; NULL: it has one, or nobody
 * told. In a system call a thread may well sleep. */
static const struct gt_kthread *without_cpu(const struct at *a, const struct gt_key *k)
{
	const struct gt_kthread *t = k->tid ? gt_kthreads_get(&a->run.kthreads, k->g.process,
							      k->tid)
					    : NULL;
	bool runs = k->state == GT_S_RUNNING || k->state == GT_S_SELFWAIT;

	if (!t || t->state == GT_K_ON || t->state == GT_K_UNKNOWN)
		return NULL;
	return runs || (k->state == GT_S_SYSCALL && t->state == GT_K_READY) ? t : NULL;
}

static void header(const struct at *a, const struct gt_key *k)
{
	const struct gt_kthread *t = without_cpu(a, k);
	char dur[GT_DUR_MAX];
	FILE *out = a->show->out;
	char buf[GT_NAME_MAX];
	bool longer;
	uint64_t minutes = in_state(a, k, &longer) / 60000000000u;
	bool blocked = k->state == GT_S_WAITING || k->state == GT_S_SYSCALL;

	(void)fprintf(out, "goroutine %" PRIu64 " [%s", k->g.goid,
		      gt_names_safe(status_word(a, k), buf));
	if (k->kflags & GT_KF_LEAKED)
		(void)fputs(" (leaked)", out);
	if (blocked && minutes)
		(void)fprintf(out, ", %" PRIu64 " minutes", minutes);
	if (blocked && longer)
		(void)fputs(", since before the trace", out);
	if (t)
		(void)fprintf(out, ", its thread %s%s for %s",
			      gt_kstate_name((enum gt_kstate)t->state),
			      t->state == GT_K_READY ? " without a CPU" : "",
			      gt_format_duration(dur, a->t > t->since_ns ? a->t - t->since_ns : 0));
	if (k->g.flags & GT_GF_LOCKED)
		(void)fputs(", locked to thread", out);
	if (k->kflags & GT_KF_UNCERTAIN)
		(void)fputs(", uncertain", out);
	(void)fputs("]:\n", out);
}

static void frames(const struct at *a, const struct gt_key *k)
{
	const struct gt_show *s = a->show;
	bool system = k->g.flags & GT_GF_SYSTEM;

	if (k->stack) {
		gt_show_stack(s, k->stack, "", system);
		if (k->kflags & GT_KF_STACK_CUT)
			(void)fputs("...additional frames not recorded...\n", s->out);
		return;
	}
	if (k->state == GT_S_RUNNING || k->state == GT_S_SELFWAIT)
		(void)fputs("\tgoroutine running on other thread; stack unavailable\n", s->out);
	else
		(void)fputs("...stack not recorded...\n", s->out);
	if (k->state == GT_S_SYSCALL && k->pc)
		gt_show_pc(s, k->pc, "", true);
	/* What it began with is known, and is its outermost frame. */
	if (k->g.start_pc)
		gt_show_pc(s, k->g.start_pc, "", system);
}

static void created_by(const struct at *a, const struct gt_goroutine *g)
{
	const struct gt_show *s = a->show;
	char func[GT_NAME_MAX], file[GT_NAME_MAX];
	uint64_t parent = g->parent_goid ? g->parent_goid : gt_show_goid(a->run.engine, g->parent);
	struct gt_frame f;

	/* As in Go, nobody made the main goroutine. */
	if (!g->site_pc || g->goid == 1 || !gt_reader_frames(s->view->reader, g->site_pc, &f, 1) ||
	    !*f.func)
		return;
	(void)fprintf(s->out, "created by %s", gt_names_safe(f.func, func));
	if (parent)
		(void)fprintf(s->out, " in goroutine %" PRIu64, parent);
	(void)fprintf(s->out, "\n\t%s:%u\n", gt_names_safe(f.file, file), f.line);
}

static void process_line(struct at *a, uint32_t number)
{
	const struct gt_process *p = gt_reader_process(a->show->view->reader, number);
	char exe[GT_NAME_MAX];

	if (!a->show->many || number == a->process || !p)
		return;
	a->process = number;
	(void)fprintf(a->show->out, "# process %u (%s)\n\n", p->pid, gt_names_safe(p->exe, exe));
}

/* S, null in JSON where nothing is known. */
static const char *known(const char *s)
{
	return *s ? s : NULL;
}

static void json_stack(struct at *a, const struct gt_key *k)
{
	const struct gt_reader *r = a->show->view->reader;
	uint32_t pcs[512], n = gt_reader_stack(r, k->stack, pcs, 512);

	gt_json_key(&a->j, "stack");
	gt_json_array(&a->j);
	for (uint32_t i = 0; i < n && i < 512; i++) {
		struct gt_frame f[64];
		uint32_t m = gt_reader_frames(r, pcs[i], f, 64);

		for (uint32_t x = 0; x < m && x < 64; x++) {
			gt_json_object(&a->j);
			gt_json_kstr(&a->j, "func", known(f[x].func));
			gt_json_kstr(&a->j, "file", known(f[x].file));
			gt_json_ku64(&a->j, "line", f[x].line);
			gt_json_object_end(&a->j);
		}
	}
	gt_json_array_end(&a->j);
}

/* What the kernel does with its thread, where that is known. */
static void json_thread(struct at *a, const struct gt_key *k)
{
	const struct gt_kthread *t = k->tid ? gt_kthreads_get(&a->run.kthreads, k->g.process,
							      k->tid)
					    : NULL;

	if (!t || t->state == GT_K_UNKNOWN)
		return;
	gt_json_kstr(&a->j, "thread", gt_kstate_name((enum gt_kstate)t->state));
	gt_json_ku64(&a->j, "thread_since_ns", gt_view_rel(a->show->view, t->since_ns));
}

static void json_one(struct at *a, const struct gt_key *k)
{
	const struct gt_show *s = a->show;
	const struct gt_reader *r = s->view->reader;
	bool longer;
	uint64_t ns = in_state(a, k, &longer);
	uint64_t parent = k->g.parent_goid ? k->g.parent_goid
					   : gt_show_goid(a->run.engine, k->g.parent);
	const char *reason = gt_name_reason(r, k->g.process, (enum gt_gstate)k->state, k->reason);
	const char *func = gt_name_entry(r, &k->g);
	char place[GT_NAME_MAX];

	gt_json_object(&a->j);
	gt_json_ku64(&a->j, "pid", gt_view_pid(s->view, k->g.process));
	gt_json_ku64(&a->j, "goid", k->g.goid);
	gt_json_kstr(&a->j, "state", gt_gstate_name((enum gt_gstate)k->state));
	if (*reason)
		gt_json_kstr(&a->j, "reason", reason);
	gt_json_key(&a->j, "since_ns");
	if (k->since_ns)
		gt_json_u64(&a->j, gt_view_rel(s->view, k->since_ns));
	else
		gt_json_null(&a->j);
	gt_json_ku64(&a->j, "in_state_ns", ns);
	gt_json_kbool(&a->j, "in_state_longer", longer);
	if (k->state == GT_S_SYSCALL && *gt_name_place(r, k->pc, place))
		gt_json_kstr(&a->j, "in", place);
	gt_json_kstr(&a->j, "func", known(func));
	gt_json_kstr(&a->j, "site", known(gt_name_site(r, &k->g, place)));
	gt_json_key(&a->j, "parent");
	if (parent)
		gt_json_u64(&a->j, parent);
	else
		gt_json_null(&a->j);
	if (k->tid) {
		const struct gt_thread *th = gt_reader_thread(r, k->g.process, k->tid);

		gt_json_ku64(&a->j, "tid", k->tid);
		if (th && th->m >= 0)
			gt_json_ki64(&a->j, "m", th->m);
	}
	if (k->g.stack_bytes)
		gt_json_ku64(&a->j, "stack_bytes", k->g.stack_bytes);
	if (k->tid && k->p >= 0)
		gt_json_ki64(&a->j, "p", k->p);
	json_thread(a, k);
	gt_json_kbool(&a->j, "system", k->g.flags & GT_GF_SYSTEM);
	gt_json_kbool(&a->j, "locked", k->g.flags & GT_GF_LOCKED);
	gt_json_kbool(&a->j, "leaked", k->kflags & GT_KF_LEAKED);
	gt_json_kbool(&a->j, "uncertain", k->kflags & GT_KF_UNCERTAIN);
	gt_json_kbool(&a->j, "stack_cut", k->kflags & GT_KF_STACK_CUT);
	json_stack(a, k);
	gt_json_object_end(&a->j);
}

static void one(struct at *a, const struct gt_key *at_t)
{
	struct gt_key with = *at_t, *k = &with;
	struct gt_filter *f = &a->show->view->filter;
	const struct gt_reader *r = a->show->view->reader;
	bool ours = gt_filter_goroutine(f, r, &k->g) &&
		    gt_filter_state(f, r, k->g.process, (enum gt_gstate)k->state, k->reason);

	if (!ours)
		return;
	if (k->g.flags & GT_GF_SYSTEM && !a->show->o->system && !f->n_ids) {
		a->n_system++;
		return;
	}
	if (!k->stack)
		k->stack = gt_ahead_stack(&a->ahead, k, &k->kflags);
	if (a->show->o->view.json) {
		json_one(a, k);
	} else {
		if (a->n)
			(void)fputc('\n', a->show->out);
		process_line(a, k->g.process);
		header(a, k);
		frames(a, k);
		created_by(a, &k->g);
	}
	a->n++;
}

/* By process, so that each is one dump. */
static void all(struct at *a)
{
	const struct gt_engine *e = a->run.engine;
	uint32_t n = gt_reader_processes(a->show->view->reader);

	a->show->many = n > 1;
	for (uint32_t p = a->show->many ? 1 : 0; p <= n; p++) {
		const struct gt_gor_state *g = NULL;

		if (!a->show->many && p)
			break;
		while ((g = gt_engine_next(e, g ? g->k.g.gid : 0))) {
			if (!p || g->k.g.process == p)
				one(a, &g->k);
		}
	}
}

static void print(struct at *a)
{
	bool json = a->show->o->view.json;

	gt_json_init(&a->j, a->show->out);
	if (json) {
		gt_json_object(&a->j);
		gt_json_ku64(&a->j, "t_ns", gt_view_rel(a->show->view, a->t));
		gt_json_key(&a->j, "goroutines");
		gt_json_array(&a->j);
	}
	all(a);
	if (json) {
		gt_json_array_end(&a->j);
		gt_json_ku64(&a->j, "system_hidden", a->n_system);
		gt_json_object_end(&a->j);
		gt_json_line(&a->j);
	}
}

/* Processes that had ended: the way to what they were last. */
static bool remark_ended(const struct at *a)
{
	const struct gt_view *v = a->show->view;
	const struct gt_process *last = NULL;
	char buf[GT_NAME_MAX], time[GT_DUR_MAX];
	uint64_t step = v->info->time_res_ns ? v->info->time_res_ns : 1; /* of times in the file */
	uint32_t n = 0;

	for (uint32_t i = 1; i <= gt_reader_processes(v->reader); i++) {
		const struct gt_process *p = gt_reader_process(v->reader, i);

		if (!p || !p->end || p->end_ns / step * step > a->t ||
		    !gt_filter_process(&v->filter, v->reader, i))
			continue;
		n++;
		last = !last || p->end_ns >= last->end_ns ? p : last;
	}
	if (!last)
		return false;
	gt_log_note("%u process%s had ended, pid %u last (%s): --at %ss has its goroutines before",
		    n, n > 1 ? "es" : "", last->pid, gt_name_end(last, buf),
		    gt_format_time(time, gt_view_rel(v, last->end_ns - step)));
	return true;
}

static void remark(const struct at *a)
{
	const struct gt_view *v = a->show->view;
	char buf[GT_DUR_MAX];

	if (!remark_ended(a) && !gt_engine_next(a->run.engine, 0))
		gt_log_note("no goroutine is known at %s: the trace begins later",
			    gt_format_time(buf, gt_view_rel(v, a->t)));
	if (a->past_end)
		gt_log_note("the trace ends at %s; this is its end",
			    gt_format_time(buf, gt_view_rel(v, a->t)));
	if (a->n_system)
		gt_log_note("%" PRIu64 " goroutines, and %" PRIu64
			    " of the runtime's own (--system shows them)",
			    a->n, a->n_system);
}

/* Is there a wait that only what comes later can tell the stack of? */
static bool wants_ahead(const struct at *a)
{
	const struct gt_gor_state *g = NULL;

	if (a->run.ended)
		return false;
	while ((g = gt_engine_next(a->run.engine, g ? g->k.g.gid : 0)))
		if (g->k.state == GT_S_WAITING && !g->k.stack)
			return true;
	return false;
}

int gt_show_at(struct gt_show *s, struct gt_err *err)
{
	static const struct gt_run_ops ops = { 0 };
	struct at a = { .show = s };
	bool more;
	int rc = gt_view_when(s->view, &s->o->at, &a.t, err);

	if (rc)
		return rc;
	/* --from means nothing here; the run begins at the keyframe before --at. */
	s->view->from_ns = a.t;
	s->view->to_ns = UINT64_MAX;
	rc = gt_run_open(&a.run, s->view, &ops, &a, err);
	if (!rc)
		rc = gt_run_until(&a.run, a.t, &more, err);
	if (!rc && a.run.ended && a.t > a.run.end_ns && s->view->info->complete) {
		a.past_end = true;
		a.t = a.run.end_ns;
	}
	if (!rc && wants_ahead(&a))
		rc = gt_ahead_open(&a.ahead, s->view, err);
	if (!rc) {
		print(&a);
		rc = gt_show_written(s, err);
	}
	if (!rc && !s->o->view.quiet)
		remark(&a);
	gt_ahead_close(&a.ahead);
	gt_run_close(&a.run);
	return rc;
}
