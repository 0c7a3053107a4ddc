/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit: is the container whole, and is the history possible? Every keyframe met is
 * compared with the state replayed up to it, which checks recorder, file and engine at once.
 */
#include "show.h"

#include <inttypes.h>
#include <string.h>

#include "format/base/json.h"
#include "format/base/log.h"

struct audit {
	struct gt_show show;
	struct gt_engine *engine;
	struct gt_kthreads kthreads;
	/* Changes of threads; before which the kernel did not tell all; but says that it did. */
	uint64_t k_steps, k_missing, k_unexplained;
	uint64_t events, kinds[256], rows, threads, steps, created, exited, with_process;
	uint64_t losses, lost, by_cause[8];
	uint64_t flags[8]; /* events with each GT_EVF_ bit */
	uint64_t keyframes, keys, keys_wrong;
	uint64_t in_keyframe; /* goroutines of the keyframe under way */
	uint64_t t_first, t_last, back;
	char first_wrong[160];
	bool have_end, loading;
	struct gt_end end;
};

static void on_step(void *ctx, const struct gt_step *s)
{
	struct audit *a = ctx;

	a->steps++;
	a->created += s->created;
	a->exited += s->to == GT_S_DEAD && !s->with_process;
	a->with_process += s->with_process;
}

static void on_kstep(void *ctx, const struct gt_kstep *s)
{
	struct audit *a = ctx;

	a->k_steps++;
	a->k_missing += s->missing;
	a->k_unexplained += s->unexplained;
}

static enum gt_ra_class pc_class(void *ctx, uint32_t pc)
{
	return gt_reader_pc_class(ctx, pc);
}

static int event(struct audit *a, const struct gt_event *ev, struct gt_err *err)
{
	if (!a->events)
		a->t_first = ev->ts;
	a->back += ev->ts < a->t_last;
	a->t_last = ev->ts > a->t_last ? ev->ts : a->t_last;
	a->events++;
	a->kinds[ev->kind]++;
	for (unsigned i = 0; i < 8; i++)
		a->flags[i] += ev->flags >> i & 1;
	int rc = gt_kthreads_event(&a->kthreads, ev, err);
	return rc ? rc : gt_engine_event(a->engine, ev, err);
}

static void wrong(struct audit *a, const struct gt_key *k, const char *what)
{
	a->keys_wrong++;
	if (!*a->first_wrong)
		snprintf(a->first_wrong, sizeof(a->first_wrong),
			 "goroutine %" PRIu64 ": %s (the keyframe says %s)", k->g.goid, what,
			 gt_gstate_name((enum gt_gstate)k->state));
}

/* A key, against the state that the events led to. */
static void compare(struct audit *a, const struct gt_key *k)
{
	const struct gt_gor_state *g = gt_engine_get(a->engine, k->g.gid);

	a->keys++;
	a->in_keyframe += !(k->kflags & GT_KF_PENDING) && k->state != GT_S_IDLE;
	if (!g)
		wrong(a, k, "not alive by its events");
	else if (g->k.state != k->state)
		wrong(a, k, gt_gstate_name((enum gt_gstate)g->k.state));
	else if (g->k.since_ns / 1000 != k->since_ns / 1000)
		wrong(a, k, "since another time by its events");
}

static int key(struct audit *a, const struct gt_key *k, struct gt_err *err)
{
	if (a->loading)
		return gt_engine_key(a->engine, k, err);
	compare(a, k);
	return GT_OK;
}

/* A trace that was cut from a longer one begins with a keyframe: that is its first state. */
static void key_begin(struct audit *a, uint64_t as_of)
{
	a->keyframes++;
	a->in_keyframe = 0;
	a->loading = !a->events;
	if (a->loading)
		gt_engine_reset(a->engine, as_of);
}

static void key_end(struct audit *a)
{
	if (!a->loading && a->in_keyframe != gt_engine_live(a->engine)) {
		a->keys_wrong++;
		if (!*a->first_wrong)
			snprintf(a->first_wrong, sizeof(a->first_wrong),
				 "%" PRIu64 " goroutines alive by events, %" PRIu64
				 " in the keyframe",
				 gt_engine_live(a->engine), a->in_keyframe);
	}
	a->loading = false;
}

static int loss(struct audit *a, const struct gt_loss *l, struct gt_err *err)
{
	a->losses++;
	a->lost += l->count;
	gt_kthreads_loss(&a->kthreads, l);
	a->by_cause[l->cause < 8 ? l->cause : 0] += l->count ? l->count : 1;
	return gt_engine_loss(a->engine, l, err);
}

static int feed(struct audit *a, const struct gt_item *it, struct gt_err *err)
{
	switch (it->type) {
	case GT_IT_EVENT: return event(a, &it->u.ev, err);
	case GT_IT_LOSS: return loss(a, &it->u.loss, err);
	case GT_IT_GOROUTINE: a->rows++; return gt_engine_goroutine(a->engine, &it->u.g, err);
	case GT_IT_THREAD: a->threads++; return GT_OK;
	case GT_IT_KEY_BEGIN: key_begin(a, it->u.key_as_of); return GT_OK;
	case GT_IT_KEY: return key(a, &it->u.key, err);
	case GT_IT_KEY_END: key_end(a); return GT_OK;
	case GT_IT_END:
		a->have_end = true;
		a->end = it->u.end;
		return GT_OK;
	default: return GT_OK;
	}
}

static int read_all(struct audit *a, struct gt_err *err)
{
	struct gt_item it;
	int rc;

	while ((rc = gt_reader_next(a->show.view->reader, &it, err)) == 1) {
		rc = feed(a, &it, err);
		if (rc)
			return rc;
	}
	return rc ? rc : gt_engine_check(a->engine, err);
}

/* ---- the verdict ---------------------------------------------------------------------- */

static bool container_bad(const struct gt_damage *d)
{
	return d->bad_blocks || d->bad_bytes || d->missing_blocks || d->missing_end;
}

/* Repairs that no rule of the runtime explains; with losses recorded, those explain some. */
static uint64_t impossible(const struct audit *a)
{
	const uint64_t *r = gt_engine_repairs(a->engine);
	uint64_t n = r[GT_R_THREAD_TAKEN] + r[GT_R_GOID_MISMATCH] + r[GT_R_BAD_STATUS] +
		     r[GT_R_SNAPSHOT_DIFFERS] + r[GT_R_LOST_BEFORE];

	n += a->losses ? 0 : r[GT_R_AFTER_LOSS];
	n += a->keys_wrong + a->back + a->k_unexplained;
	if (a->have_end && a->end.events && a->end.events != a->events)
		n++;
	return n;
}

static const char *const kind_names[256] = {
	[GT_EV_STATUS] = "status",
	[GT_EV_SYSENTER] = "syscall_enter",
	[GT_EV_SYSEXIT] = "syscall_exit",
	[GT_EV_SNAP] = "snapshot",
	[GT_EV_PREEMPT] = "preempt",
	[GT_EV_CORO] = "coroutine_switch",
	[GT_EV_GAP] = "gap_sample",
	[GT_EV_STW] = "stop_the_world",
	[GT_EV_GC] = "gc",
	[GT_EV_RUNQ] = "run_queue",
	[GT_EV_SCHED] = "kernel_sched",
	[GT_EV_FAULT] = "page_fault",
	[GT_EV_GUARD] = "guard",
	[GT_EV_LABELS] = "labels",
	[GT_EV_PROCESS_END] = "process_end",
	[GT_EV_STOPPED] = "world_stopped",
	[GT_EV_HEAP_GOAL] = "heap_goal",
	[GT_EV_PROCS] = "gomaxprocs",
};

static const char *const flag_names[8] = { "goid_zero", "unreadable", "bad_status", "resync",
					   "uncertain" };

static const char *const repair_rules[GT_R_COUNT] = {
	[GT_R_UNSEEN_PREEMPT] = "R7",
	[GT_R_UNSEEN_CORO] = "R13",
	[GT_R_UNSEEN_SYSENTER] = "R10",
	[GT_R_UNSEEN_SYSEXIT] = "R10",
	[GT_R_ABORTED_PARK] = "R6",
	[GT_R_THREAD_TAKEN] = "R14",
	[GT_R_GOID_MISMATCH] = "R17",
	[GT_R_BAD_STATUS] = "R16",
	[GT_R_SNAPSHOT_DIFFERS] = "snapshot",
	[GT_R_LOST_BEFORE] = "R1",
	[GT_R_DUPLICATE] = "R15",
	[GT_R_AFTER_LOSS] = "R1",
};

static bool is_impossible(enum gt_repair r)
{
	return r == GT_R_THREAD_TAKEN || r == GT_R_GOID_MISMATCH || r == GT_R_BAD_STATUS ||
	       r == GT_R_SNAPSHOT_DIFFERS || r == GT_R_LOST_BEFORE;
}

static const char *verdict(const struct audit *a, const struct gt_damage *d)
{
	return container_bad(d) ? "damaged" : impossible(a) ? "impossible history" : "fine";
}

/* ---- text ----------------------------------------------------------------------------- */

static void text_container(const struct audit *a, const struct gt_damage *d)
{
	const struct gt_trace_info *i = a->show.view->info;
	FILE *out = a->show.out;
	char buf[GT_NAME_MAX];

	(void)fprintf(out, "container    format version %u, %s, %s\n", i->version,
		      a->have_end ? "closed" : "not closed",
		      i->indexed ? "indexed" : "no index used");
	(void)fprintf(out,
		      "             %" PRIu64 " bad blocks, %" PRIu64 " missing, %" PRIu64
		      " bytes unreadable, %" PRIu64 " of unknown kind\n",
		      d->bad_blocks, d->missing_blocks, d->bad_bytes, d->unknown_blocks);
	if (*d->first)
		(void)fprintf(out, "             first: %s\n", gt_names_safe(d->first, buf));
}

static void text_events(const struct audit *a)
{
	FILE *out = a->show.out;
	char buf[GT_DUR_MAX];

	(void)fprintf(out, "events       %" PRIu64 " in %s", a->events,
		      gt_format_duration(buf, a->t_last - a->t_first));
	for (unsigned i = 0; i < 256; i++) {
		if (a->kinds[i] && kind_names[i])
			(void)fprintf(out, ", %s %" PRIu64, kind_names[i], a->kinds[i]);
		else if (a->kinds[i])
			(void)fprintf(out, ", kind %u %" PRIu64, i, a->kinds[i]);
	}
	(void)fputc('\n', out);
	if (a->back)
		(void)fprintf(out, "             %" PRIu64 " out of order\n", a->back);
	for (unsigned i = 0; i < 8; i++) {
		if (a->flags[i])
			(void)fprintf(out, "             %s: %" PRIu64 "\n",
				      flag_names[i] ? flag_names[i] : "unknown flag", a->flags[i]);
	}
	if (a->have_end && a->end.events && a->end.events != a->events)
		(void)fprintf(out, "             the recorder says it wrote %" PRIu64 "\n",
			      a->end.events);
	(void)fprintf(out,
		      "goroutines   %" PRIu64 " created, %" PRIu64 " exited, %" PRIu64
		      " ended with their process, %" PRIu64 " alive at the end, %" PRIu64
		      " changes of state\n",
		      a->created, a->exited, a->with_process, gt_engine_live(a->engine), a->steps);
}

static void text_rest(const struct audit *a)
{
	const uint64_t *r = gt_engine_repairs(a->engine);
	FILE *out = a->show.out;
	bool any = false;

	if (a->losses && !a->lost)
		(void)fprintf(out,
			      "losses       an unknown number of events in %" PRIu64 " places\n",
			      a->losses);
	else
		(void)fprintf(out, "losses       %" PRIu64 " events in %" PRIu64 " places\n",
			      a->lost, a->losses);
	for (unsigned i = 0; i < 8; i++) {
		if (a->by_cause[i])
			(void)fprintf(out, "             %s: %" PRIu64 "\n", gt_name_cause(i),
				      a->by_cause[i]);
	}
	(void)fprintf(out,
		      "keyframes    %" PRIu64 " with %" PRIu64 " goroutines, %" PRIu64
		      " not as replayed\n",
		      a->keyframes, a->keys, a->keys_wrong);
	if (*a->first_wrong)
		(void)fprintf(out, "             first: %s\n", a->first_wrong);
	if (a->k_steps)
		(void)fprintf(out,
			      "threads      %" PRIu64 " changes, %" PRIu64
			      " times more that the kernel did not tell, %" PRIu64
			      " not explained\n",
			      a->k_steps, a->k_missing, a->k_unexplained);
	for (unsigned i = 1; i < GT_R_COUNT; i++) {
		if (!r[i])
			continue;
		(void)fprintf(out, "%s  %-8s %-24s %10" PRIu64 "%s\n",
			      any ? "           " : "repairs    ", repair_rules[i],
			      gt_repair_name((enum gt_repair)i), r[i],
			      is_impossible((enum gt_repair)i) ? "  <- not explained" : "");
		any = true;
	}
	if (!any)
		(void)fputs("repairs      none\n", out);
}

/* ---- JSON ----------------------------------------------------------------------------- */

static void json_report(const struct audit *a, const struct gt_damage *d)
{
	const uint64_t *r = gt_engine_repairs(a->engine);
	struct gt_json j;

	gt_json_init(&j, a->show.out);
	gt_json_object(&j);
	gt_json_kstr(&j, "verdict", verdict(a, d));
	gt_json_ku64(&j, "version", a->show.view->info->version);
	gt_json_kbool(&j, "closed", a->have_end);
	gt_json_key(&j, "damage");
	gt_json_object(&j);
	gt_json_ku64(&j, "bad_blocks", d->bad_blocks);
	gt_json_ku64(&j, "bad_bytes", d->bad_bytes);
	gt_json_ku64(&j, "missing_blocks", d->missing_blocks);
	gt_json_ku64(&j, "missing_end", d->missing_end);
	gt_json_ku64(&j, "unknown_blocks", d->unknown_blocks);
	gt_json_kstr(&j, "first", *d->first ? d->first : NULL);
	gt_json_object_end(&j);
	gt_json_ku64(&j, "span_ns", a->t_last - a->t_first);
	gt_json_ku64(&j, "events", a->events);
	gt_json_key(&j, "kinds");
	gt_json_object(&j);
	for (unsigned i = 0; i < 256; i++) {
		if (a->kinds[i] && kind_names[i])
			gt_json_ku64(&j, kind_names[i], a->kinds[i]);
	}
	gt_json_object_end(&j);
	gt_json_key(&j, "flags");
	gt_json_object(&j);
	for (unsigned i = 0; i < 8 && flag_names[i]; i++)
		gt_json_ku64(&j, flag_names[i], a->flags[i]);
	gt_json_object_end(&j);
	gt_json_ku64(&j, "created", a->created);
	gt_json_ku64(&j, "exited", a->exited);
	gt_json_ku64(&j, "with_process", a->with_process);
	gt_json_ku64(&j, "live", gt_engine_live(a->engine));
	gt_json_ku64(&j, "lost", a->lost);
	gt_json_ku64(&j, "losses", a->losses);
	gt_json_ku64(&j, "keyframes", a->keyframes);
	gt_json_ku64(&j, "keyframe_differences", a->keys_wrong);
	gt_json_ku64(&j, "out_of_order", a->back);
	gt_json_key(&j, "threads");
	gt_json_object(&j);
	gt_json_ku64(&j, "changes", a->k_steps);
	gt_json_ku64(&j, "not_told", a->k_missing);
	gt_json_ku64(&j, "unexplained", a->k_unexplained);
	gt_json_object_end(&j);
	gt_json_key(&j, "repairs");
	gt_json_object(&j);
	for (unsigned i = 1; i < GT_R_COUNT; i++)
		gt_json_ku64(&j, gt_repair_name((enum gt_repair)i), r[i]);
	gt_json_object_end(&j);
	gt_json_ku64(&j, "impossible", impossible(a));
	gt_json_object_end(&j);
	gt_json_line(&j);
}

static void report(const struct audit *a)
{
	const struct gt_damage *d = gt_reader_damage(a->show.view->reader);
	enum gt_ink ink = container_bad(d) || impossible(a) ? GT_INK_BAD : GT_INK_GOOD;
	char path[GT_NAME_MAX];

	if (a->show.o->view.json) {
		json_report(a, d);
		return;
	}
	text_container(a, d);
	text_events(a);
	text_rest(a);
	(void)fprintf(a->show.out, "%s%s: %s%s\n", gt_show_ink(&a->show, ink),
		      gt_names_safe(a->show.view->path, path), verdict(a, d),
		      gt_show_ink(&a->show, GT_INK_NONE));
}

int gt_show_verify(struct gt_show *s, int *ret_status, struct gt_err *err)
{
	struct audit a = { .show = *s };
	struct gt_engine_opts eo = {
		.step = on_step, .ctx = &a, .pc_class = pc_class, .pc_ctx = s->view->reader
	};
	int rc = gt_engine_new(&a.engine, &eo, err);

	if (rc)
		return rc;
	a.kthreads.step = on_kstep;
	a.kthreads.ctx = &a;
	rc = read_all(&a, err);
	report(&a);
	if (!rc)
		rc = gt_show_written(s, err);
	*ret_status = impossible(&a) ? GT_EXIT_FOUND : GT_EXIT_OK;
	gt_kthreads_free(&a.kthreads);
	gt_engine_free(a.engine);
	return rc;
}
