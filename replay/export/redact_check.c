/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be read in a trace. */
#include "redact_check.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/vec.h"
#include "redact_name.h"
#include "replay/view/names.h"

#define MAX_FRAMES 64u

struct line {
	char *text; /* owned: "clear function main.work" */
};

struct lines {
	struct line *p;
	size_t n, cap;
	bool failed;
};

static void add(struct lines *l, bool clear, const char *kind, const char *text)
{
	char safe[GT_NAME_MAX];
	struct line *e;

	if (!text || !*text)
		return;
	e = GT_VEC_PUSH(l);
	if (!e || asprintf(&e->text, "%s %-10s %s", clear ? "clear" : "kept ", kind,
			   gt_names_safe(text, safe)) < 0) {
		l->n -= e != NULL;
		l->failed = true;
	}
}

/* A name that gtexport has made is no secret. */
static void add_name(struct lines *l, const char *kind, const char *text)
{
	if (!gt_rn_is_made(text))
		add(l, true, kind, text);
}

static void add_pcs(struct lines *l, const struct gt_reader *r)
{
	struct gt_frame f[MAX_FRAMES];
	bool std[MAX_FRAMES];
	char file[GT_RN_MAX], func[GT_RN_MAX];

	for (uint32_t pc = 0; (pc = gt_reader_next_pc(r, pc));) {
		uint32_t n = gt_reader_frames(r, pc, f, MAX_FRAMES);

		(void)gt_reader_frames_std(r, pc, std, MAX_FRAMES);
		for (uint32_t i = 0; i < n && i < MAX_FRAMES; i++) {
			if (!gt_rn_is_std(f[i].func, std[i])) {
				add_name(l, "function", f[i].func);
				add_name(l, "path", f[i].file);
				continue;
			}
			gt_rn_std_func(f[i].func, func);
			gt_rn_std_file(f[i].func, f[i].file, file);
			add(l, strcmp(func, f[i].func) != 0, "function", f[i].func);
			add(l, strcmp(file, f[i].file) != 0, "path", f[i].file);
		}
	}
}

static void add_processes(struct lines *l, const struct gt_reader *r)
{
	const struct gt_thread *t;
	char pid[24];

	for (uint32_t i = 1; i <= gt_reader_processes(r); i++) {
		const struct gt_process *p = gt_reader_process(r, i);

		if (!p)
			continue;
		add_name(l, "path", p->exe);
		add_name(l, "argument", p->cmdline0);
		add(l, true, "build id", p->build_id);
		add(l, true, "build id", p->gnu_build_id);
		add(l, false, "version", p->go_version);
		add(l, false, "machine", p->arch);
		(void)snprintf(pid, sizeof(pid), "%u", p->pid);
		add(l, false, "pid", pid);
		for (uint32_t k = 0; k < p->n_reasons; k++)
			add(l, false, "reason", p->reasons[k]);
	}
	for (size_t i = 0; (t = gt_reader_thread_at(r, i)); i++) {
		char comm[sizeof(t->comm) + 1] = "";

		memcpy(comm, t->comm, sizeof(t->comm));
		add_name(l, "thread", comm);
	}
}

static void add_facts(struct lines *l, const struct gt_trace_info *i)
{
	add(l, true, "host", i->hostname);
	add(l, true, "host", i->boot_id);
	add(l, true, "host", i->os);
	add(l, true, "host", i->hardware);
	add(l, false, "tool", i->tool);
	for (uint32_t k = 0; k < i->n_comments; k++)
		add_name(l, "comment", i->comments[k]);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->text, ((const struct line *)b)->text);
}

/* Each once, "clear" first. */
static uint64_t print(struct lines *l, FILE *out)
{
	uint64_t clear = 0;

	if (l->n)
		qsort(l->p, l->n, sizeof(*l->p), by_text);
	for (size_t i = 0; i < l->n; i++) {
		if (i && !strcmp(l->p[i - 1].text, l->p[i].text))
			continue;
		(void)fprintf(out, "%s\n", l->p[i].text);
		clear += !strncmp(l->p[i].text, "clear", 5);
	}
	return clear;
}

int gt_redact_check(struct gt_view *v, FILE *out, uint64_t *ret_clear, struct gt_err *err)
{
	struct lines l = { 0 };
	struct gt_item it;
	int rc;

	while ((rc = gt_reader_next(v->reader, &it, err)) == 1)
		if (it.type == GT_IT_NOTE)
			add_name(&l, "note", it.u.note.text ? it.u.note.text : "");
	add_facts(&l, v->info);
	add_processes(&l, v->reader);
	add_pcs(&l, v->reader);
	if (!rc && l.failed)
		rc = gt_fail(err, GT_NOMEM, "no memory to list what can be read");
	*ret_clear = print(&l, out);
	if (!rc && fflush(out))
		rc = gt_fail_errno(err, GT_IO, "cannot write the list");
	for (size_t i = 0; i < l.n; i++)
		free(l.p[i].text);
	GT_VEC_FREE(&l);
	return rc;
}
