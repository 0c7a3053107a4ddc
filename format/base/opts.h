/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One table for each command: it parses the arguments, checks their ranges and prints --help.
 * Long options must be given whole (an abbreviation would break when options are added).
 * `-h`, `--help`, `-V` and `--version` are understood everywhere.
 *
 *	struct my_opts { const char *out; uint64_t limit_ns; bool quiet; };
 *	static const struct gt_opt table[] = {
 *		GT_OPT(STR, 'o', "output", "FILE", "write to FILE (default: trace.gtr)", struct
 *my_opts, out), GT_OPT(DUR, 'd', "duration", "DUR", "stop after DUR", struct my_opts, limit_ns),
 *		GT_OPT(FLAG, 'q', "quiet", NULL, "no progress", struct my_opts, quiet),
 *		GT_OPT_END,
 *	};
 */
#ifndef GT_OPTS_H
#define GT_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum gt_opt_type {
	GT_OPT_T_END = 0,
	GT_OPT_T_FLAG,	/* bool: set to true */
	GT_OPT_T_COUNT, /* int: one more each time (-v -v) */
	GT_OPT_T_STR,	/* const char *: borrowed from argv */
	GT_OPT_T_MAYBE, /* const char *: "" for --name, else what --name=VALUE says */
	GT_OPT_T_LIST,	/* struct gt_strlist: each time one more; borrowed from argv */
	GT_OPT_T_U64,	/* uint64_t */
	GT_OPT_T_DUR,	/* uint64_t ns */
	GT_OPT_T_SIZE,	/* uint64_t bytes */
	GT_OPT_T_WHEN,	/* struct gt_when */
	GT_OPT_T_SUB, /* another table for the same struct member, e.g. the readers' common options
		       */
};

struct gt_strlist {
	const char *v[64]; /* NULL behind the last */
	uint32_t n;
};

struct gt_opt {
	enum gt_opt_type type;
	char shrt;	  /* 0: none */
	const char *lng;  /* without dashes; NULL: none */
	const char *arg;  /* metavariable; NULL: takes none */
	const char *help; /* one line; NULL: not listed */
	size_t offset;	  /* of the member in the options struct */
	const struct gt_opt *sub;
};

#define GT_OPT(t, s, l, a, h, strct, member)                                                       \
	{                                                                                          \
		GT_OPT_T_##t, s, l, a, h, offsetof(strct, member), NULL                            \
	}
#define GT_OPT_SUB(table, strct, member)                                                           \
	{                                                                                          \
		GT_OPT_T_SUB, 0, NULL, NULL, NULL, offsetof(strct, member), table                  \
	}
#define GT_OPT_END                                                                                 \
	{                                                                                          \
		GT_OPT_T_END, 0, NULL, NULL, NULL, 0, NULL                                         \
	}

/* What a command says about itself. */
struct gt_usage {
	const char *name;     /* "gtreplay" */
	const char *usage;    /* the lines behind "usage: ", one form a line */
	const char *examples; /* shown first, indented: lines of "command   # what it does" */
	const char *footer;   /* more text, or NULL */
};

enum gt_opts_result {
	GT_OPTS_RUN = 0,    /* go on */
	GT_OPTS_EXIT_OK,    /* help or version was printed: exit 0 */
	GT_OPTS_EXIT_USAGE, /* a message was printed: exit 2 */
};

/*
 * gt_opts_parse: fill OPTS by TABLE. *ret_first is the index of the first argument that is no
 * option; parsing stops there or behind "--" (*ret_dashes, may be NULL, tells). With
 * INTERSPERSED options may also follow arguments, which are moved behind them.
 */
enum gt_opts_result gt_opts_parse(const struct gt_usage *u, const struct gt_opt *table, void *opts,
				  int argc, char **argv, bool interspersed, int *ret_first,
				  bool *ret_dashes) GT_MUST_CHECK;

/* gt_opts_help: the help text on stdout. */
void gt_opts_help(const struct gt_usage *u, const struct gt_opt *table);

/* Exit statuses. */
enum gt_exit {
	GT_EXIT_OK = 0,
	GT_EXIT_FOUND = 1,
	GT_EXIT_USAGE = 2,
	GT_EXIT_DAMAGED = 3,
	GT_EXIT_ENV = 4
};

#endif
