/* SPDX-License-Identifier: BSD-2-Clause */
/* Names for names. */
#include "redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/u64map.h"
#include "format/base/vec.h"

#define MAX_FRAMES 64u

enum kind { K_FUNC, K_FILE, K_EXE, K_ARG, K_THREAD, K_COUNT };

struct pair {
	char *from, *to; /* owned */
};

struct names {
	struct pair *p; /* sorted by FROM once collected */
	size_t n, cap;
};

struct gt_redact {
	unsigned what;
	struct names names[K_COUNT];
	struct gt_u64map gptrs, offsets;
	bool failed; /* memory was short: names become empty */
};

/* ---- options ---- */

int gt_redact_parse(const char *s, unsigned *ret, struct gt_err *err)
{
	static const struct {
		const char *name;
		unsigned bit;
	} words[] = { { "all", GT_RD_ALL },	{ "names", GT_RD_NAMES },
		      { "paths", GT_RD_PATHS }, { "args", GT_RD_ARGS },
		      { "host", GT_RD_HOST },	{ "comments", GT_RD_COMMENTS },
		      { "pcs", GT_RD_PCS } };

	*ret = 0;
	while (*s) {
		size_t n = strcspn(s, ","), i = 0;

		while (i < sizeof(words) / sizeof(*words) &&
		       (strlen(words[i].name) != n || strncmp(words[i].name, s, n)))
			i++;
		if (i == sizeof(words) / sizeof(*words))
			return gt_fail(err, GT_USAGE,
				       "--redact: '%.*s' is none of names, paths, args, host, "
				       "comments, pcs, all, check",
				       (int)(n < 40 ? n : 40), s);
		*ret |= words[i].bit;
		s += n + (s[n] == ',');
	}
	return GT_OK;
}

int gt_redact_new(struct gt_redact **out, unsigned what, struct gt_err *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return gt_fail(err, GT_NOMEM, "no memory to replace names");
	(*out)->what = what;
	return GT_OK;
}

void gt_redact_free(struct gt_redact *x)
{
	if (!x)
		return;
	for (int k = 0; k < K_COUNT; k++) {
		for (size_t i = 0; i < x->names[k].n; i++) {
			free(x->names[k].p[i].from);
			free(x->names[k].p[i].to);
		}
		GT_VEC_FREE(&x->names[k]);
	}
	gt_u64map_free(&x->gptrs);
	gt_u64map_free(&x->offsets);
	free(x);
}

unsigned gt_redact_what(const struct gt_redact *x)
{
	return x->what;
}

/* ---- collecting ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->from, ((const struct pair *)b)->from);
}

static void add(struct gt_redact *x, enum kind k, const char *s, size_t n)
{
	struct pair *p = n ? GT_VEC_PUSH(&x->names[k]) : NULL;

	if (p)
		p->from = strndup(s, n);
	if (n && (!p || !p->from)) {
		x->names[k].n -= p != NULL;
		x->failed = true;
	}
}

/* Sorted, each once. */
static void tidy(struct names *l)
{
	size_t n = 0;

	if (l->n)
		qsort(l->p, l->n, sizeof(*l->p), by_name);
	for (size_t i = 0; i < l->n; i++) {
		if (n && !strcmp(l->p[n - 1].from, l->p[i].from))
			free(l->p[i].from);
		else
			l->p[n++] = l->p[i];
	}
	l->n = n;
}

static void number(struct gt_redact *x, enum kind k, const char *format)
{
	struct names *l = &x->names[k];
	int width = snprintf(NULL, 0, "%zu", l->n);
	char buf[64];

	for (size_t i = 0; i < l->n; i++) {
		/* The format is one of ours: %0*zu. */
		(void)snprintf(buf, sizeof(buf), "%s%0*zu%s", format, width, i + 1,
			       k == K_FILE ? gt_rn_suffix(l->p[i].from) : "");
		l->p[i].to = strdup(buf);
		x->failed |= !l->p[i].to;
	}
}

/* Functions of one package follow each other, as they begin with its path. */
static void number_functions(struct gt_redact *x)
{
	struct names *l = &x->names[K_FUNC];
	int width = snprintf(NULL, 0, "%zu", l->n);
	size_t packages = 0, before = 0;
	char buf[96];

	for (size_t i = 0; i < l->n; i++) {
		const char *s = l->p[i].from;
		size_t n = gt_rn_package(s);

		bool ours = n == 4 && !strncmp(s, "main", 4);

		if (!ours && (!i || n != before || strncmp(s, l->p[i - 1].from, n)))
			packages++;
		before = n;
		if (!strcmp(s, "main.main"))
			(void)snprintf(buf, sizeof(buf), "main.main");
		else if (ours)
			(void)snprintf(buf, sizeof(buf), "main.fn%0*zu", width, i + 1);
		else
			(void)snprintf(buf, sizeof(buf), "pkg%0*zu.fn%0*zu", width, packages, width,
				       i + 1);
		l->p[i].to = strdup(buf);
		x->failed |= !l->p[i].to;
	}
}

int gt_redact_collect(struct gt_redact *x, const struct gt_reader *r, struct gt_err *err)
{
	struct gt_frame f[MAX_FRAMES];
	bool std[MAX_FRAMES];
	const struct gt_thread *t;

	for (uint32_t pc = 0; (pc = gt_reader_next_pc(r, pc));) {
		uint32_t n = gt_reader_frames(r, pc, f, MAX_FRAMES);

		(void)gt_reader_frames_std(r, pc, std, MAX_FRAMES);
		for (uint32_t i = 0; i < n && i < MAX_FRAMES; i++) {
			bool own = !gt_rn_is_std(f[i].func, std[i]);

			if (!own)
				continue;
			add(x, K_FUNC, f[i].func, gt_rn_base(f[i].func));
			add(x, K_FILE, f[i].file, strlen(f[i].file));
		}
	}
	for (uint32_t i = 1; i <= gt_reader_processes(r); i++) {
		const struct gt_process *p = gt_reader_process(r, i);

		add(x, K_EXE, p ? p->exe : "", p ? strlen(p->exe) : 0);
		add(x, K_ARG, p ? p->cmdline0 : "", p ? strlen(p->cmdline0) : 0);
	}
	for (size_t i = 0; (t = gt_reader_thread_at(r, i)); i++)
		add(x, K_THREAD, t->comm, strnlen(t->comm, sizeof(t->comm)));
	for (int k = 0; k < K_COUNT; k++)
		tidy(&x->names[k]);
	number_functions(x);
	number(x, K_FILE, "src/file");
	number(x, K_EXE, "exe");
	number(x, K_ARG, "arg");
	number(x, K_THREAD, "thread");
	return x->failed ? gt_fail(err, GT_NOMEM, "no memory to replace names") : GT_OK;
}

/* ---- asking ---- */

static const struct pair *find(const struct gt_redact *x, enum kind k, const char *s)
{
	struct pair key = { .from = (char *)(uintptr_t)s };
	const struct names *l = &x->names[k];

	return l->n ? bsearch(&key, l->p, l->n, sizeof(key), by_name) : NULL;
}

/* What was not met when names were collected has no other name: better none than its own. */
static const char *other(const struct gt_redact *x, enum kind k, const char *s)
{
	const struct pair *p = *s ? find(x, k, s) : NULL;

	return p && p->to ? p->to : "";
}

static void own_function(const struct gt_redact *x, const char *func, char to[GT_RN_MAX])
{
	size_t n = gt_rn_base(func);

	const char *base;

	*to = 0;
	if (n >= GT_RN_MAX)
		return;
	memcpy(to, func, n);
	to[n] = 0;
	base = other(x, K_FUNC, to);
	(void)snprintf(to, GT_RN_MAX, "%s%.256s", base, func + n);
}

void gt_redact_frame(const struct gt_redact *x, struct gt_frame *f, bool std,
		     struct gt_redact_room *room)
{
	const char *func = f->func;
	bool names = x->what & GT_RD_NAMES, paths = x->what & GT_RD_PATHS;

	if (gt_rn_is_std(func, std)) {
		if (paths)
			gt_rn_std_file(func, f->file, room->file);
		if (names)
			gt_rn_std_func(func, room->func);
	} else {
		if (paths)
			(void)snprintf(room->file, GT_RN_MAX, "%s", other(x, K_FILE, f->file));
		if (names)
			own_function(x, func, room->func);
	}
	if (paths)
		f->file = room->file;
	if (names)
		f->func = room->func;
}

void gt_redact_process(struct gt_redact *x, struct gt_process *p)
{
	if (x->what & GT_RD_PATHS)
		p->exe = other(x, K_EXE, p->exe);
	if (x->what & GT_RD_ARGS)
		p->cmdline0 = other(x, K_ARG, p->cmdline0);
	if (x->what & GT_RD_PCS)
		p->build_id = p->gnu_build_id = "";
}

void gt_redact_thread(struct gt_redact *x, struct gt_thread *t)
{
	char comm[sizeof(t->comm) + 1] = "";
	const char *to;

	if (!(x->what & GT_RD_NAMES))
		return;
	memcpy(comm, t->comm, sizeof(t->comm));
	to = other(x, K_THREAD, comm);
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, to, strnlen(to, sizeof(t->comm) - 1));
}

static uint64_t ordinal(struct gt_redact *x, struct gt_u64map *m, uint64_t key, uint64_t step)
{
	const uint64_t *known = gt_u64map_get(m, key);

	if (!(x->what & GT_RD_PCS) || !key)
		return key;
	if (!known)
		known = gt_u64map_put(m, key, (m->n + 1) * step);
	return known ? *known : 0;
}

uint64_t gt_redact_gptr(struct gt_redact *x, uint64_t gptr)
{
	return ordinal(x, &x->gptrs, gptr, 0x200);
}

uint64_t gt_redact_offset(struct gt_redact *x, uint64_t offset)
{
	return ordinal(x, &x->offsets, offset, 1);
}
