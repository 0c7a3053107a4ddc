/* SPDX-License-Identifier: BSD-2-Clause */
/* Option tables: parsing with getopt-like rules, exact long names, and --help. */
#include "opts.h"

#include <stdio.h>
#include <string.h>

#include "parse.h"

/* One option found in the table, with the struct member that it fills. */
struct hit {
	const struct gt_opt *opt;
	char *at;
};

static bool find(const struct gt_opt *t, char *base, char shrt, const char *lng, size_t len,
		 struct hit *ret)
{
	for (; t->type != GT_OPT_T_END; t++) {
		if (t->type == GT_OPT_T_SUB) {
			if (find(t->sub, base + t->offset, shrt, lng, len, ret))
				return true;
			continue;
		}
		if (shrt ? t->shrt == shrt
			 : t->lng && strlen(t->lng) == len && !strncmp(t->lng, lng, len)) {
			*ret = (struct hit){ t, base + t->offset };
			return true;
		}
	}
	return false;
}

static int store(const struct hit *h, const char *val, struct gt_err *err)
{
	struct gt_strlist *list;

	switch (h->opt->type) {
	case GT_OPT_T_FLAG: *(bool *)h->at = true; return GT_OK;
	case GT_OPT_T_COUNT: ++*(int *)h->at; return GT_OK;
	case GT_OPT_T_STR: *(const char **)h->at = val; return GT_OK;
	case GT_OPT_T_MAYBE: *(const char **)h->at = val ? val : ""; return GT_OK;
	case GT_OPT_T_LIST:
		list = (struct gt_strlist *)h->at;
		if (list->n + 1 == sizeof(list->v) / sizeof(*list->v))
			return gt_fail(err, GT_USAGE, "given too often");
		list->v[list->n++] = val;
		return GT_OK;
	case GT_OPT_T_U64: return gt_parse_u64(val, 0, UINT64_MAX, (uint64_t *)h->at, err);
	case GT_OPT_T_DUR: return gt_parse_duration(val, (uint64_t *)h->at, err);
	case GT_OPT_T_SIZE: return gt_parse_size(val, (uint64_t *)h->at, err);
	case GT_OPT_T_WHEN: return gt_parse_when(val, (struct gt_when *)h->at, err);
	case GT_OPT_T_END:
	case GT_OPT_T_SUB: break;
	}
	return gt_fail(err, GT_USAGE, "no such option");
}

static enum gt_opts_result complain(const struct gt_usage *u, const char *opt, int len,
				    const char *what)
{
	(void)fprintf(stderr, "%s: error: %.*s: %s (see %s --help)\n", u->name, len, opt, what,
		      u->name);
	return GT_OPTS_EXIT_USAGE;
}

/* One "--name" or "--name=value"; *I is moved past a separate value. */
static enum gt_opts_result one_long(const struct gt_usage *u, const struct gt_opt *table,
				    void *opts, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '='), *val = eq ? eq + 1 : NULL;
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	struct gt_err err;
	struct hit h;

	if (!strcmp(name, "help")) {
		gt_opts_help(u, table);
		return GT_OPTS_EXIT_OK;
	}
	if (!strcmp(name, "version")) {
		(void)printf("%s %s\n", u->name, GTRACE_VERSION);
		return GT_OPTS_EXIT_OK;
	}
	if (!find(table, opts, 0, name, len, &h))
		return complain(u, argv[*i], (int)len + 2, "no such option");
	if (!h.opt->arg && val)
		return complain(u, argv[*i], (int)len + 2, "takes no value");
	if (h.opt->arg && !val && h.opt->type != GT_OPT_T_MAYBE) {
		if (*i + 1 >= argc)
			return complain(u, argv[*i], (int)len + 2, "needs a value");
		val = argv[++*i];
	}
	if (store(&h, val, &err))
		return complain(u, name - 2, (int)len + 2, err.msg);
	return GT_OPTS_RUN;
}

/* A cluster of short options, "-qv" or "-ofile" or "-o" "file". */
static enum gt_opts_result short_ones(const struct gt_usage *u, const struct gt_opt *table,
				      void *opts, int argc, char **argv, int *i)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		char name[3] = { '-', *p, 0 };
		const char *val = NULL;
		struct gt_err err;
		struct hit h;

		if (!find(table, opts, *p, NULL, 0, &h)) {
			if (*p == 'h') {
				gt_opts_help(u, table);
				return GT_OPTS_EXIT_OK;
			}
			if (*p == 'V') {
				(void)printf("%s %s\n", u->name, GTRACE_VERSION);
				return GT_OPTS_EXIT_OK;
			}
			return complain(u, name, 2, "no such option");
		}
		if (h.opt->arg) {
			val = p[1] ? p + 1 : *i + 1 < argc ? argv[++*i] : NULL;
			if (!val)
				return complain(u, name, 2, "needs a value");
		}
		if (store(&h, val, &err))
			return complain(u, name, 2, err.msg);
		if (val)
			break;
	}
	return GT_OPTS_RUN;
}

enum gt_opts_result gt_opts_parse(const struct gt_usage *u, const struct gt_opt *table, void *opts,
				  int argc, char **argv, bool interspersed, int *ret_first,
				  bool *ret_dashes)
{
	int n_args = 0; /* arguments met so far; they stand at argv[i - n_args .. i - 1] */
	int i = 1;

	if (ret_dashes)
		*ret_dashes = false;
	for (; i < argc; i++) {
		char *a = argv[i];
		if (!strcmp(a, "--")) {
			if (ret_dashes)
				*ret_dashes = true;
			memmove(&argv[i - n_args + 1], &argv[i - n_args],
				(size_t)n_args * sizeof(*argv));
			argv[i - n_args] = a;
			i++;
			break;
		}
		if (a[0] != '-' || !a[1]) {
			if (!interspersed)
				break;
			n_args++;
			continue;
		}
		int first = i;
		enum gt_opts_result r = a[1] == '-' ? one_long(u, table, opts, argc, argv, &i)
						    : short_ones(u, table, opts, argc, argv, &i);
		if (r != GT_OPTS_RUN)
			return r;
		/* Move the arguments met before behind this option and its value. */
		for (int k = first; k <= i; k++) {
			char *opt = argv[k];
			memmove(&argv[k - n_args + 1], &argv[k - n_args],
				(size_t)n_args * sizeof(*argv));
			argv[k - n_args] = opt;
		}
	}
	*ret_first = i - n_args;
	return GT_OPTS_RUN;
}

static void help_table(const struct gt_opt *t)
{
	for (; t->type != GT_OPT_T_END; t++) {
		char left[64];
		if (t->type == GT_OPT_T_SUB) {
			help_table(t->sub);
			continue;
		}
		if (!t->help)
			continue;
		const char *eq = t->type == GT_OPT_T_MAYBE ? "[=" : t->lng ? "=" : " ";
		char shrt[4] = { '-', t->shrt, t->lng ? ',' : 0, 0 };
		(void)snprintf(left, sizeof(left), "  %-3s %s%s%s%s%s", t->shrt ? shrt : "",
			       t->lng ? "--" : "", t->lng ? t->lng : "", t->arg ? eq : "",
			       t->arg ? t->arg : "", t->type == GT_OPT_T_MAYBE ? "]" : "");
		if (strlen(left) > 30)
			(void)printf("%s\n%32s%s\n", left, "", t->help);
		else
			(void)printf("%-32s%s\n", left, t->help);
	}
}

/* TEXT line by line, the first behind FIRST, the others behind REST; NULL: nothing. */
static void help_lines(const char *first, const char *rest, const char *text)
{
	for (const char *p = text; p && *p; first = rest) {
		int len = (int)strcspn(p, "\n");
		(void)printf("%s%.*s\n", first, len, p);
		p += len + (p[len] == '\n');
	}
}

void gt_opts_help(const struct gt_usage *u, const struct gt_opt *table)
{
	help_lines("  ", "  ", u->examples);
	(void)printf("\n");
	help_lines("usage: ", "       ", u->usage);
	(void)printf("\n");
	help_table(table);
	(void)printf("  -h, --help                    this help\n"
		     "  -V, --version                 version\n");
	if (u->footer)
		(void)printf("\n");
	help_lines("", "", u->footer);
}
