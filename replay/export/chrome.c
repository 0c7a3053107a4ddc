/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Chrome trace event format, for ui.perfetto.dev and the viewers before it. The form is
 * the bare array, which is still readable when it was cut. Times are microseconds with three
 * decimals, from the start of the trace: a viewer's double holds them exactly. All ids are
 * small: process and thread ids are 32 bits there, and 0 means something else.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/base/json.h"
#include "format/base/vec.h"
#include "outbuf.h"
#include "replay/view/names.h"
#include "sink.h"

#define STACK_LEAFS 5

/* A track as it stands in an event. */
struct place {
	char text[48];
	size_t n;
};

struct gt_x_sink {
	struct gt_x_out *out;
	const struct gt_reader *reader;
	uint32_t processes;
	bool any; /* something stands before the next comma */
	struct {
		struct place *p;
		size_t n, cap;
	} places; /* by track; the first is the whole trace */
};

/* ---- pieces ---- */

static void fail_memory(struct gt_x_out *o)
{
	if (!o->rc)
		o->rc = gt_fail(&o->err, GT_NOMEM, "no memory for a name");
}

/*
 * Strings that need escaping are rare: they go the slow way. Control characters do not go at
 * all, viewers would show boxes.
 */
static void slow_str(struct gt_x_out *o, const char *s)
{
	char *text = NULL, *safe = strdup(s);
	size_t n = 0;
	struct gt_json j;
	FILE *f = safe ? open_memstream(&text, &n) : NULL;

	if (f) {
		gt_text_safe(safe);
		gt_json_init(&j, f);
		gt_json_str(&j, safe);
	}
	if (!f || fclose(f))
		fail_memory(o);
	else
		gt_x_put(o, text, n);
	free(text);
	free(safe);
}

static void str(struct gt_x_out *o, const char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	if (s[n]) {
		slow_str(o, s);
		return;
	}
	GT_X_LIT(o, "\"");
	gt_x_put(o, s, n);
	GT_X_LIT(o, "\"");
}

static uint32_t pid_of(uint32_t process, enum gt_track_group g)
{
	return (process - 1) * GT_TG_COUNT + (uint32_t)g + 1;
}

/* Thread ids lie above all process ids: an equal one would be taken for the main thread. */
static uint64_t tid_of(const struct gt_x_sink *s, uint32_t track)
{
	return 100 + (uint64_t)s->processes * GT_TG_COUNT + track;
}

static void open_event(struct gt_x_sink *s)
{
	if (s->any)
		GT_X_LIT(s->out, ",\n");
	s->any = true;
}

static void where(struct gt_x_sink *s, uint32_t track)
{
	if (track < s->places.n) /* always, unless memory was short */
		gt_x_put(s->out, s->places.p[track].text, s->places.p[track].n);
}

static void when(struct gt_x_sink *s, uint64_t ns)
{
	GT_X_LIT(s->out, ",\"ts\":");
	gt_x_us(s->out, ns);
}

/* ---- names of the rows ---- */

static void meta(struct gt_x_sink *s, const char *what, uint64_t pid, uint64_t tid)
{
	open_event(s);
	GT_X_LIT(s->out, "{\"ph\":\"M\",\"name\":\"");
	gt_x_put(s->out, what, strlen(what));
	GT_X_LIT(s->out, "\",\"pid\":");
	gt_x_u64(s->out, pid);
	GT_X_LIT(s->out, ",\"tid\":");
	gt_x_u64(s->out, tid);
	GT_X_LIT(s->out, ",\"args\":{");
}

static void meta_name(struct gt_x_sink *s, const char *what, uint64_t pid, uint64_t tid,
		      const char *name)
{
	meta(s, what, pid, tid);
	GT_X_LIT(s->out, "\"name\":");
	str(s->out, name);
	GT_X_LIT(s->out, "}}");
}

static void meta_sort(struct gt_x_sink *s, const char *what, uint64_t pid, uint64_t tid,
		      int64_t index)
{
	meta(s, what, pid, tid);
	GT_X_LIT(s->out, "\"sort_index\":");
	if (index < 0)
		GT_X_LIT(s->out, "-");
	gt_x_u64(s->out, (uint64_t)(index < 0 ? -index : index));
	GT_X_LIT(s->out, "}}");
}

static void process(struct gt_x_sink *s, const struct gt_process *p)
{
	static const char *const groups[] = { "overview", "processors", "goroutines" };
	char name[GT_NAME_MAX];
	uint32_t pid = pid_of(p->process, GT_TG_OVERVIEW);

	for (uint32_t g = 0; g < GT_TG_COUNT; g++) {
		(void)snprintf(name, sizeof(name), "%.400s %u: %s",
			       gt_name_leaf(*p->exe ? p->exe : p->cmdline0), p->pid, groups[g]);
		meta_name(s, "process_name", pid + g, pid + g, name);
		meta_sort(s, "process_sort_index", pid + g, pid + g, pid + g);
	}
	meta(s, "process_labels", pid, pid);
	(void)snprintf(name, sizeof(name), "pid %u, %.200s %.50s", p->pid, p->go_version, p->arch);
	GT_X_LIT(s->out, "\"labels\":");
	str(s->out, name);
	GT_X_LIT(s->out, "}}");
}

/* ---- the table ---- */

static struct gt_x_sink *make(struct gt_x_out *out)
{
	struct gt_x_sink *s = calloc(1, sizeof(*s));

	if (s)
		s->out = out;
	return s;
}

static void free_sink(struct gt_x_sink *s)
{
	if (s)
		GT_VEC_FREE(&s->places);
	free(s);
}

static bool add_place(struct gt_x_sink *s, uint32_t pid, uint32_t track)
{
	struct place *p = GT_VEC_PUSH(&s->places);

	if (!p)
		fail_memory(s->out);
	else
		p->n = (size_t)snprintf(p->text, sizeof(p->text), ",\"pid\":%u,\"tid\":%" PRIu64,
					pid, tid_of(s, track));
	return p != NULL;
}

static void begin(struct gt_x_sink *s, const struct gt_x_info *i)
{
	s->reader = i->reader;
	s->processes = i->processes;
	GT_X_LIT(s->out, "[\n");
	(void)add_place(s, 1, 0);
}

static void track(struct gt_x_sink *s, const struct gt_x_track *t)
{
	uint32_t pid = pid_of(t->process, t->group);

	while (s->places.n < t->id)
		if (!add_place(s, 1, 0))
			return;
	if (!add_place(s, pid, t->id))
		return;
	meta_name(s, "thread_name", pid, tid_of(s, t->id), t->name);
	meta_sort(s, "thread_sort_index", pid, tid_of(s, t->id), t->sort);
}

/* Names that the legacy viewer has colours for; it refuses any other. Others ignore them. */
static const char *colour(const struct gt_x_slice *x)
{
	switch (x->kind) {
	case GT_X_SYSCALL: return "thread_state_uninterruptible";
	case GT_X_STW: return "terrible";
	case GT_X_GC: return "good";
	case GT_X_LOST: return "bad";
	case GT_X_KTHREAD:
		return x->kstate == GT_K_ON	 ? "thread_state_running"
		       : x->kstate == GT_K_READY ? "thread_state_runnable"
						 : "thread_state_iowait";
	case GT_X_RUN: return NULL; /* by name: one colour for each function */
	case GT_X_STATE: break;
	}
	switch (x->state) {
	case GT_S_RUNNING:
	case GT_S_SELFWAIT: return "thread_state_running";
	case GT_S_RUNNABLE: return "thread_state_runnable";
	case GT_S_SYSCALL: return "thread_state_uninterruptible";
	case GT_S_WAITING:
		return !strcmp(x->name, "IO wait") ? "thread_state_iowait"
						   : "thread_state_sleeping";
	default: return "thread_state_unknown";
	}
}

static const char *category(const struct gt_x_slice *x)
{
	switch (x->kind) {
	case GT_X_STATE: return "state";
	case GT_X_RUN: return "run";
	case GT_X_SYSCALL: return "syscall";
	case GT_X_STW:
	case GT_X_GC: return "gc";
	case GT_X_KTHREAD: return "thread";
	default: return "lost";
	}
}

/* The frames that one wants to see: the innermost that are not the runtime's. */
static void stack_arg(struct gt_x_sink *s, uint32_t stack)
{
	uint32_t pcs[64], n = gt_reader_stack(s->reader, stack, pcs, 64), shown = 0;
	struct gt_frame f[8];
	char line[GT_NAME_MAX];

	for (uint32_t i = 0; i < n && i < 64 && shown < STACK_LEAFS; i++) {
		uint32_t k = gt_reader_frames(s->reader, pcs[i], f, 8);
		for (uint32_t j = 0; j < k && j < 8 && shown < STACK_LEAFS; j++) {
			if (gt_name_is_inside(f[j].func))
				continue;
			(void)snprintf(line, sizeof(line), "%s %s:%u", f[j].func, f[j].file,
				       f[j].line);
			GT_X_LIT(s->out, ",\"at ");
			gt_x_u64(s->out, shown++);
			GT_X_LIT(s->out, "\":");
			str(s->out, line);
		}
	}
}

static void slice_args(struct gt_x_sink *s, const struct gt_x_slice *x)
{
	struct gt_x_out *o = s->out;

	GT_X_LIT(o, ",\"args\":{\"goid\":");
	gt_x_u64(o, x->goid);
	if (x->tid) {
		GT_X_LIT(o, ",\"tid\":");
		gt_x_u64(o, x->tid);
	}
	if (x->waker) {
		GT_X_LIT(o, ",\"woken by\":\"G");
		gt_x_u64(o, x->waker);
		GT_X_LIT(o, "\"");
	} else if (x->why && *x->why) {
		GT_X_LIT(o, ",\"woken by\":");
		str(o, x->why);
	}
	if (x->flags & GT_X_BEFORE)
		GT_X_LIT(o, ",\"began\":\"before the span\"");
	if (x->flags & GT_X_OPEN)
		GT_X_LIT(o, ",\"open\":true");
	if (x->flags & GT_X_UNCERTAIN)
		GT_X_LIT(o, ",\"uncertain\":true");
	if (x->flags & GT_X_INFERRED)
		GT_X_LIT(o, ",\"inferred\":true");
	if (x->stack)
		stack_arg(s, x->stack);
	GT_X_LIT(o, "}");
}

static void slice(struct gt_x_sink *s, const struct gt_x_slice *x)
{
	struct gt_x_out *o = s->out;
	const char *cname = colour(x), *cat = category(x);

	open_event(s);
	GT_X_LIT(o, "{\"ph\":\"X\",\"name\":");
	str(o, x->name);
	GT_X_LIT(o, ",\"cat\":\"");
	gt_x_put(o, cat, strlen(cat));
	GT_X_LIT(o, "\"");
	where(s, x->track);
	when(s, x->begin_ns);
	GT_X_LIT(o, ",\"dur\":");
	gt_x_us(o, x->end_ns - x->begin_ns);
	if (cname) {
		GT_X_LIT(o, ",\"cname\":\"");
		gt_x_put(o, cname, strlen(cname));
		GT_X_LIT(o, "\"");
	}
	/* On the processors' rows the name says it all; arguments would double the file. */
	if (x->kind == GT_X_STATE || (x->kind == GT_X_RUN && x->flags))
		slice_args(s, x);
	if (x->kind == GT_X_LOST) {
		GT_X_LIT(o, ",\"args\":{\"events\":");
		gt_x_u64(o, x->count);
		GT_X_LIT(o, "}");
	}
	GT_X_LIT(o, "}");
}

static void instant(struct gt_x_sink *s, const struct gt_x_instant *x)
{
	static const char *const cats[] = { "created", "exit", "note", "process end" };
	struct gt_x_out *o = s->out;

	open_event(s);
	GT_X_LIT(o, "{\"ph\":\"i\",\"name\":");
	str(o, x->text);
	GT_X_LIT(o, ",\"cat\":\"");
	gt_x_put(o, cats[x->kind], strlen(cats[x->kind]));
	if (x->track) {
		GT_X_LIT(o, "\",\"s\":\"t\"");
		where(s, x->track);
	} else {
		GT_X_LIT(o, "\",\"s\":\"g\"");
		where(s, 0);
	}
	when(s, x->ts_ns);
	if (x->goid) {
		GT_X_LIT(o, ",\"args\":{\"creator\":\"G");
		gt_x_u64(o, x->goid);
		GT_X_LIT(o, "\"}");
	}
	GT_X_LIT(o, "}");
}

static void flow_end(struct gt_x_sink *s, const struct gt_x_flow *x, bool from)
{
	struct gt_x_out *o = s->out;

	open_event(s);
	if (from)
		GT_X_LIT(o, "{\"ph\":\"s\",\"id\":");
	else
		GT_X_LIT(o, "{\"ph\":\"f\",\"bp\":\"e\",\"id\":");
	gt_x_u64(o, x->id);
	if (x->create)
		GT_X_LIT(o, ",\"name\":\"create\",\"cat\":\"create\"");
	else
		GT_X_LIT(o, ",\"name\":\"wake\",\"cat\":\"wake\"");
	where(s, from ? x->from_track : x->to_track);
	when(s, from ? x->from_ns : x->to_ns);
	GT_X_LIT(o, "}");
}

static void flow(struct gt_x_sink *s, const struct gt_x_flow *x)
{
	flow_end(s, x, true);
	flow_end(s, x, false);
}

static void counter(struct gt_x_sink *s, const struct gt_x_counter *x)
{
	struct gt_x_out *o = s->out;

	open_event(s);
	GT_X_LIT(o, "{\"ph\":\"C\",\"name\":");
	str(o, x->name);
	GT_X_LIT(o, ",\"pid\":");
	gt_x_u64(o, pid_of(x->process, GT_TG_OVERVIEW));
	when(s, x->ts_ns);
	GT_X_LIT(o, ",\"args\":{");
	for (uint32_t i = 0; i < x->n; i++) {
		if (i)
			GT_X_LIT(o, ",");
		str(o, x->series[i]);
		GT_X_LIT(o, ":");
		gt_x_u64(o, x->values[i]);
	}
	GT_X_LIT(o, "}}");
}

static void end(struct gt_x_sink *s)
{
	GT_X_LIT(s->out, "\n]\n");
}

static const char *const suffixes[] = { ".json", ".json.gz", ".json.zst", NULL };

const struct gt_x_ops gt_x_chrome = { "chrome", suffixes, make,	   free_sink, begin,   process,
				      track,	slice,	  instant, flow,      counter, end };
