/* SPDX-License-Identifier: BSD-2-Clause */
/* What the listings share: colour, names, stacks, losses. */
#include "show.h"

#include <inttypes.h>
#include <string.h>

#define MAX_DEPTH   512
#define MAX_INLINED 64

const char *gt_show_ink(const struct gt_show *s, enum gt_ink ink)
{
	static const char *const seq[] = { "\033[0m", "\033[2m", "\033[32m", "\033[33m",
					   "\033[1;31m" };
	return s->colour ? seq[ink] : "";
}

enum gt_ink gt_show_state_ink(enum gt_gstate state)
{
	switch (state) {
	case GT_S_RUNNING:
	case GT_S_SELFWAIT: return GT_INK_GOOD;
	case GT_S_RUNNABLE:
	case GT_S_PREEMPTED: return GT_INK_WARN;
	case GT_S_UNKNOWN: return GT_INK_BAD;
	default: return GT_INK_NONE;
	}
}

void gt_show_json_head(const struct gt_show *s, struct gt_json *j, uint64_t ts, uint16_t cpu,
		       uint32_t process, uint32_t tid)
{
	gt_json_object(j);
	gt_json_ku64(j, "t_ns", gt_view_rel(s->view, ts));
	gt_json_ku64(j, "cpu", cpu);
	gt_json_ku64(j, "pid", gt_view_pid(s->view, process));
	gt_json_ku64(j, "tid", tid);
}

const char *gt_show_who(const struct gt_show *s, const struct gt_goroutine *g,
			char buf[GT_NAME_MAX])
{
	const char *func = gt_name_entry(s->view->reader, g);
	char raw[GT_NAME_MAX], pid[16] = "", goid[24] = "?";

	if (s->many)
		snprintf(pid, sizeof(pid), "%u:", gt_view_pid(s->view, g->process));
	if (g->goid)
		snprintf(goid, sizeof(goid), "%" PRIu64, g->goid);
	if (!*func && g->flags & GT_GF_EXTRAM)
		func = "(C thread)";
	snprintf(raw, sizeof(raw), "%s%s%s%.400s", pid, goid, *func ? " " : "", func);
	return gt_names_safe(raw, buf);
}

/* As Go prints a frame whose arguments it does not know. */
static void frame(const struct gt_show *s, const struct gt_frame *f, const char *indent)
{
	char func[GT_NAME_MAX], file[GT_NAME_MAX];

	(void)fprintf(s->out, "%s%s(...)\n", indent, gt_names_safe(*f->func ? f->func : "?", func));
	(void)fprintf(s->out, "%s\t%s:%u\n", indent, gt_names_safe(*f->file ? f->file : "?", file),
		      f->line);
}

static void pc_frames(const struct gt_show *s, uint32_t pc, const char *indent, bool all)
{
	struct gt_frame f[MAX_INLINED];
	uint32_t n = gt_reader_frames(s->view->reader, pc, f, MAX_INLINED);

	for (uint32_t i = 0; i < n && i < MAX_INLINED; i++) {
		if (all || !gt_name_is_inside(f[i].func))
			frame(s, &f[i], indent);
	}
}

void gt_show_pc(const struct gt_show *s, uint32_t pc, const char *indent, bool all)
{
	pc_frames(s, pc, indent, all);
}

void gt_show_stack(const struct gt_show *s, uint32_t stack, const char *indent, bool all)
{
	uint32_t pcs[MAX_DEPTH];
	uint32_t n = gt_reader_stack(s->view->reader, stack, pcs, MAX_DEPTH);

	for (uint32_t i = 0; i < n && i < MAX_DEPTH; i++)
		pc_frames(s, pcs[i], indent, all);
}

void gt_show_loss(const struct gt_show *s, const struct gt_loss *l)
{
	char time[GT_DUR_MAX], dur[GT_DUR_MAX], count[24] = "", cpu[24] = "", in[40] = "";

	if (l->cause == GT_LOSS_THROTTLED) {
		(void)fprintf(s->out, "%s%s  NOT TRACED for %s: then sampled%s\n",
			      gt_show_ink(s, GT_INK_DIM),
			      gt_format_time(time, gt_view_rel(s->view, l->t0)),
			      gt_format_duration(dur, l->t1 - l->t0), gt_show_ink(s, GT_INK_NONE));
		return;
	}
	if (l->count)
		snprintf(count, sizeof(count), " %" PRIu64, l->count);
	if (l->cpu != UINT32_MAX)
		snprintf(cpu, sizeof(cpu), " on cpu %u", l->cpu);
	if (l->t1 > l->t0)
		snprintf(in, sizeof(in), " in %s", gt_format_duration(dur, l->t1 - l->t0));
	(void)fprintf(s->out, "%s%s  LOST%s events%s%s (%s)%s\n", gt_show_ink(s, GT_INK_BAD),
		      gt_format_time(time, gt_view_rel(s->view, l->t0)), count, cpu, in,
		      gt_name_cause(l->cause), gt_show_ink(s, GT_INK_NONE));
}

uint64_t gt_show_goid(const struct gt_engine *e, uint64_t gid)
{
	const struct gt_gor_state *g = gid ? gt_engine_get(e, gid) : NULL;
	return g ? g->k.g.goid : 0;
}

int gt_show_written(const struct gt_show *s, struct gt_err *err)
{
	if (fflush(s->out) || ferror(s->out))
		return gt_fail_errno(err, GT_IO, "cannot write the output");
	return GT_OK;
}
