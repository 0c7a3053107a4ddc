/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the log that tell what the kernel did with a thread: CPUs, major page faults. */
#include "show.h"

#include <inttypes.h>

/* What all these lines begin with. */
static void text_head(struct gt_show *s, uint64_t ts, uint16_t cpu, uint32_t tid,
		      const struct gt_goroutine *g)
{
	char time[GT_DUR_MAX], who[GT_NAME_MAX] = "", line[GT_NAME_MAX + 16];

	if (g)
		(void)gt_show_who(s, g, who);
	(void)snprintf(line, sizeof(line), "thread%s%s", g ? " of " : "", who);
	(void)fprintf(s->out, "%s %4u %8u %4s  %-32s",
		      gt_format_time(time, gt_view_rel(s->view, ts)), cpu, tid, "-", line);
}

static void json_head(struct gt_show *s, struct gt_json *j, uint64_t ts, uint16_t cpu,
		      uint32_t process, uint32_t tid, const struct gt_goroutine *g)
{
	gt_show_json_head(s, j, ts, cpu, process, tid);
	if (g)
		gt_json_ku64(j, "goid", g->goid);
}

static enum gt_ink ink_of(uint8_t state)
{
	return state == GT_K_ON ? GT_INK_GOOD : state == GT_K_READY ? GT_INK_WARN : GT_INK_NONE;
}

/* What is known of how long FROM was. */
static uint64_t lasted(const struct gt_kstep *k)
{
	return k->from != GT_K_UNKNOWN && k->ts > k->since_ns ? k->ts - k->since_ns : 0;
}

void gt_show_kstep(struct gt_show *s, const struct gt_kstep *k, const struct gt_goroutine *g)
{
	const char *why = gt_sched_name((enum gt_sched)k->why);
	char dur[GT_DUR_MAX];

	text_head(s, k->ts, k->cpu, k->tid, g);
	(void)fprintf(s->out, "  %9s -> %s%-9s%s", gt_kstate_name((enum gt_kstate)k->from),
		      gt_show_ink(s, ink_of(k->to)), gt_kstate_name((enum gt_kstate)k->to),
		      gt_show_ink(s, GT_INK_NONE));
	if (*why && k->to != GT_K_ENDED && k->to != GT_K_ON)
		(void)fprintf(s->out, "  %s", why);
	if (k->from != GT_K_UNKNOWN)
		(void)fprintf(s->out, "  after %s", gt_format_duration(dur, lasted(k)));
	if (k->missing)
		(void)fputs("  (the kernel did not tell all before)", s->out);
	if (k->uncertain)
		(void)fputs("  (uncertain)", s->out);
	(void)fputc('\n', s->out);
}

void gt_show_kstep_json(struct gt_show *s, struct gt_json *j, const struct gt_kstep *k,
			const struct gt_goroutine *g)
{
	json_head(s, j, k->ts, k->cpu, k->process, k->tid, g);
	gt_json_kstr(j, "thread", gt_kstate_name((enum gt_kstate)k->to));
	gt_json_kstr(j, "was", gt_kstate_name((enum gt_kstate)k->from));
	gt_json_key(j, "was_ns");
	if (k->from != GT_K_UNKNOWN)
		gt_json_u64(j, lasted(k));
	else
		gt_json_null(j);
	if (k->why)
		gt_json_kstr(j, "why", gt_sched_name((enum gt_sched)k->why));
	gt_json_ktrue(j, "missing", k->missing);
	gt_json_ktrue(j, "uncertain", k->uncertain);
	gt_json_object_end(j);
	gt_json_line(j);
}

void gt_show_fault(struct gt_show *s, const struct gt_event *ev, const struct gt_goroutine *g,
		   uint32_t in)
{
	const struct gt_reader *r = s->view->reader;
	char place[GT_NAME_MAX], buf[GT_NAME_MAX];

	text_head(s, ev->ts, ev->cpu, ev->tid, g);
	(void)fputs("  major page fault", s->out);
	if (*gt_name_place(r, ev->pc, place))
		(void)fprintf(s->out, "  at %s", gt_names_safe(place, buf));
	if (*gt_name_place(r, in, place))
		(void)fprintf(s->out, "  in %s", gt_names_safe(place, buf));
	(void)fprintf(s->out, "  address 0x%" PRIx64 "\n", ev->arg);
}

void gt_show_fault_json(struct gt_show *s, struct gt_json *j, const struct gt_event *ev,
			const struct gt_goroutine *g, uint32_t in)
{
	const struct gt_reader *r = s->view->reader;
	char place[GT_NAME_MAX], address[24];

	json_head(s, j, ev->ts, ev->cpu, ev->process, ev->tid, g);
	gt_json_kstr(j, "fault", "major");
	if (*gt_name_place(r, ev->pc, place))
		gt_json_kstr(j, "at", place);
	if (*gt_name_place(r, in, place))
		gt_json_kstr(j, "in", place);
	(void)snprintf(address, sizeof(address), "0x%" PRIx64, ev->arg);
	gt_json_kstr(j, "address", address);
	gt_json_object_end(j);
	gt_json_line(j);
}
