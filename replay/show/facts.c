/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the log that are no goroutine's: stops of the world, the collector, run queues. */
#include "facts.h"

#include <inttypes.h>

static void text_head(const struct gt_show *s, const struct gt_event *ev)
{
	char time[GT_DUR_MAX], p[16] = "-";

	if (ev->p >= 0)
		(void)snprintf(p, sizeof(p), "P%d", ev->p);
	(void)fprintf(s->out, "%s %4u %8u %4s  ",
		      gt_format_time(time, gt_view_rel(s->view, ev->ts)), ev->cpu, ev->tid, p);
	if (s->many)
		(void)fprintf(s->out, "process %" PRIu32 ": ", gt_view_pid(s->view, ev->process));
}

static void text_stop(const struct gt_show *s, const struct gt_stop *x, bool whole)
{
	char b[2][GT_DUR_MAX];

	(void)fprintf(s->out, "the world was stopped");
	if (whole)
		(void)fprintf(s->out, " for %s", gt_format_duration(b[0], x->end_ns - x->begin_ns));
	if (x->stopped_ns)
		(void)fprintf(s->out, ", stopping it took %s",
			      gt_format_duration(b[1], x->stopped_ns - x->begin_ns));
	(void)fprintf(s->out, ": %s", gt_name_stw(x->reason));
}

static void text(const struct gt_show *s, const struct gt_event *ev, const struct gt_stop *stop,
		 uint64_t by)
{
	char size[GT_DUR_MAX];

	text_head(s, ev);
	switch (ev->kind) {
	case GT_EV_STW: text_stop(s, stop, !(ev->flags & GT_EVF_UNREADABLE)); break;
	case GT_EV_GC:
		(void)fprintf(s->out, "GC: %s begins", gt_name_phase(ev->reason));
		if (ev->arg)
			(void)fprintf(s->out, ", heap %s", gt_format_size(size, ev->arg));
		break;
	case GT_EV_HEAP_GOAL:
		(void)fprintf(s->out, "GC: heap goal %s",
			      ev->arg ? gt_format_size(size, ev->arg) : "none");
		break;
	case GT_EV_PROCS: (void)fprintf(s->out, "GOMAXPROCS is %" PRIu64, ev->arg); break;
	default: (void)fprintf(s->out, "its run queue is full: half of it goes to the global one");
	}
	if (by)
		(void)fprintf(s->out, "  by %" PRIu64, by);
	(void)fputc('\n', s->out);
}

static void json(const struct gt_show *s, struct gt_json *j, const struct gt_event *ev,
		 const struct gt_stop *stop, uint64_t by)
{
	gt_show_json_head(s, j, ev->ts, ev->cpu, ev->process, ev->tid);
	switch (ev->kind) {
	case GT_EV_STW:
		gt_json_kstr(j, "stw", gt_name_stw(ev->reason));
		gt_json_key(j, "duration_ns");
		if (ev->flags & GT_EVF_UNREADABLE)
			gt_json_null(j);
		else
			gt_json_u64(j, stop->end_ns - stop->begin_ns);
		if (stop->stopped_ns)
			gt_json_ku64(j, "stopping_ns", stop->stopped_ns - stop->begin_ns);
		break;
	case GT_EV_GC:
		gt_json_kstr(j, "gc", gt_name_phase(ev->reason));
		if (ev->arg)
			gt_json_ku64(j, "heap_live", ev->arg);
		break;
	case GT_EV_HEAP_GOAL: gt_json_ku64(j, "heap_goal", ev->arg); break;
	case GT_EV_PROCS: gt_json_ku64(j, "gomaxprocs", ev->arg); break;
	default: gt_json_kstr(j, "runq", "overflow");
	}
	if (ev->p >= 0)
		gt_json_ki64(j, "p", ev->p);
	if (by)
		gt_json_ku64(j, "by", by);
	gt_json_object_end(j);
	gt_json_line(j);
}

bool gt_show_is_fact(const struct gt_event *ev)
{
	switch (ev->kind) {
	case GT_EV_STW:
	case GT_EV_GC:
	case GT_EV_HEAP_GOAL:
	case GT_EV_PROCS: return true;
	case GT_EV_RUNQ: return ev->reason == GT_RUNQ_OVERFLOW;
	default: return false;
	}
}

void gt_show_fact(const struct gt_show *s, struct gt_json *j, const struct gt_event *ev,
		  const struct gt_stop *stop, uint64_t by)
{
	if (s->o->view.json)
		json(s, j, ev, stop, by);
	else
		text(s, ev, stop, by);
}
