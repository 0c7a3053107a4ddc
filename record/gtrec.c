/* SPDX-License-Identifier: BSD-2-Clause */
/* gtrec: record what a Go program's goroutines do. Options in, gt_run, exit status out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "doctor.h"
#include "format/base/log.h"
#include "format/base/opts.h"
#include "format/base/parse.h"
#include "groups.h"
#include "kernel.h"
#include "run.h"

#define DEFAULT_STACK_DEPTH 16
#define MAX_PIDS	    64
#define SNAPSHOT_NS	    5000000000u
#define SNAPSHOT_MIN_NS	    100000000u

struct rec_opts {
	const char *out, *stacks, *events, *user, *overhead;
	struct gt_strlist pids, comments;
	uint64_t duration, buffer, time_res, level, stack_depth, snapshot;
	bool quiet, follow;
	int verbose;
};

static const struct gt_opt table[] = {
	GT_OPT(LIST, 'p', "pid", "PID[,PID]", "attach to running processes", struct rec_opts, pids),
	GT_OPT(STR, 'o', "output", "FILE", "write to FILE (default: trace.gtr; - is stdout)",
	       struct rec_opts, out),
	GT_OPT(DUR, 'd', "duration", "DUR", "stop after DUR (default: until it ends or ^C)",
	       struct rec_opts, duration),
	GT_OPT(FLAG, 'f', "follow", NULL, "with a command: follow its children too",
	       struct rec_opts, follow),
	GT_OPT(STR, 0, "stacks", "LIST",
	       "call stacks: create, block, syscall, or none (default: create)", struct rec_opts,
	       stacks),
	GT_OPT(U64, 0, "stack-depth", "N", "frames of each, 1 to 128 (default: 16)",
	       struct rec_opts, stack_depth),
	GT_OPT(STR, 0, "events", "LIST", "gc, syscall, runq, sched, fault; none, default, all",
	       struct rec_opts, events),
	GT_OPT(DUR, 0, "snapshot", "DUR", "read all goroutines from memory every DUR",
	       struct rec_opts, snapshot),
	GT_OPT(STR, 0, "max-overhead", "PCT",
	       "trace in slices, for PCT of a core; 0: no probes, snapshots alone", struct rec_opts,
	       overhead),
	GT_OPT(SIZE, 0, "buffer", "SIZE", "kernel buffer for each CPU (default: 64M for all CPUs)",
	       struct rec_opts, buffer),
	GT_OPT(DUR, 0, "time-res", "DUR", "resolution of times in the file (default: 16ns)",
	       struct rec_opts, time_res),
	GT_OPT(U64, 0, "level", "N", "zstd level, 1 to 19 (default: 1)", struct rec_opts, level),
	GT_OPT(LIST, 0, "comment", "TEXT", "keep TEXT in the file; may be repeated",
	       struct rec_opts, comments),
	GT_OPT(STR, 0, "user", "NAME", "owner of the file; with a command: also who runs it",
	       struct rec_opts, user),
	GT_OPT(FLAG, 'q', "quiet", NULL, "only warnings and errors", struct rec_opts, quiet),
	GT_OPT(COUNT, 'v', "verbose", NULL, "say more", struct rec_opts, verbose),
	GT_OPT_END,
};

static const struct gt_usage usage = {
	"gtrec",
	"gtrec [options] -p PID[,PID...]\n"
	"gtrec [options] -- COMMAND [ARG...]\n"
	"gtrec list | gtrec doctor [PID|BINARY]",
	"gtrec -p 4242 -d 10s          # ten seconds of a running Go program, into trace.gtr\n"
	"gtrec -- ./server -port 80    # start it, and trace from its first goroutine\n"
	"gtrec list                    # Go processes here, and whether they can be traced\n"
	"gtrec doctor 4242             # what this host and that process can do, and why not\n",
	"Then: gtstat trace.gtr, gtreplay trace.gtr, gtexport -o trace.json trace.gtr\n",
};

/* "1,2" and repeated -p into a list. */
static int parse_pids(const struct gt_strlist *in, pid_t *ret, uint32_t *ret_n, struct gt_err *err)
{
	for (uint32_t i = 0; i < in->n; i++) {
		char *copy = strdup(in->v[i]), *save = NULL;
		if (!copy)
			return gt_fail(err, GT_NOMEM, "out of memory");
		for (char *p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
			uint64_t v;
			int rc = *ret_n == MAX_PIDS ? gt_fail(err, GT_USAGE, "too many processes")
						    : gt_parse_u64(p, 1, 1 << 30, &v, err);
			if (rc) {
				free(copy);
				return rc;
			}
			ret[(*ret_n)++] = (pid_t)v;
		}
		free(copy);
	}
	return GT_OK;
}

/* --stacks: "create,block" into GT_STACKS_*. */
static int parse_stacks(const char *in, uint32_t *ret, struct gt_err *err)
{
	static const char *const words[] = { "create", "block", "syscall" };
	const char *p = in;

	*ret = 0;
	if (!strcmp(in, "none"))
		return GT_OK;
	for (;; p++) {
		size_t n = strcspn(p, ","), i = 0;

		while (i < 3 && (strlen(words[i]) != n || strncmp(words[i], p, n) != 0))
			i++;
		if (i == 3)
			return gt_fail(err, GT_USAGE,
				       "--stacks=%s: this is a list of create, block, syscall, or "
				       "none",
				       in);
		*ret |= 1u << i;
		p += n;
		if (!*p)
			return GT_OK;
	}
}

/* What the kernel tells is not counted by the budget: it cannot be under one. */
static int parse_events(const char *list, const char *overhead, uint32_t *ret, struct gt_err *err)
{
	int rc = gt_groups_parse(list, ret, err);

	if (!rc && overhead && *ret & GT_KERNEL_GROUPS)
		rc = gt_fail(
			err, GT_USAGE,
			"--events=sched,fault cannot be kept to --max-overhead: one or the other");
	return rc;
}

/* "1%", "0.5", "0". */
static int budget(struct gt_session_opts *s, const char *text, struct gt_err *err)
{
	char *end;
	double v;

	if (!text)
		return GT_OK;
	v = strtod(text, &end);
	end += *end == '%';
	if (end == text || *end || !(v >= 0 && v <= 100) ||
	    strspn(text, "0123456789.%") != strlen(text))
		return gt_fail(err, GT_USAGE,
			       "--max-overhead=%s: this is percent of a core, 0 to 100", text);
	s->part = v / 100;
	s->passive = v == 0;
	if (s->passive && !s->snapshot_ns)
		s->snapshot_ns = SNAPSHOT_NS;
	return GT_OK;
}

static int fill(struct gt_run_opts *run, const struct rec_opts *o, pid_t *pids, struct gt_err *err)
{
	uint32_t stacks;
	int rc = parse_pids(&o->pids, pids, &run->n_pids, err);

	if (!rc)
		rc = parse_stacks(o->stacks ? o->stacks : "create", &stacks, err);
	if (rc)
		return rc;
	if (o->stack_depth > GT_WIRE_MAX_STACK)
		return gt_fail(err, GT_USAGE, "--stack-depth goes from 1 to %d", GT_WIRE_MAX_STACK);
	if (o->level > 19)
		return gt_fail(err, GT_USAGE, "--level goes from 1 to 19");
	if (o->time_res > 1024 || o->time_res & (o->time_res - 1))
		return gt_fail(err, GT_USAGE,
			       "--time-res is a power of two from 1ns to 1024ns (16ns, 64ns, ...)");
	if (!run->n_pids == !run->command)
		return gt_fail(err, GT_USAGE,
			       run->command ? "either -p or a command, not both"
					    : "say what to trace: -p PID, or -- COMMAND");
	if (o->snapshot && o->snapshot < SNAPSHOT_MIN_NS)
		return gt_fail(err, GT_USAGE, "--snapshot goes down to 100ms");
	run->session.snapshot_ns = o->snapshot;
	rc = budget(&run->session, o->overhead, err);
	if (rc)
		return rc;
	run->pids = pids;
	run->follow = o->follow;
	run->duration_ns = o->duration;
	run->session.out = o->out;
	run->session.buffer = o->buffer;
	run->session.time_res_ns = o->time_res;
	run->session.level = (int)o->level;
	run->session.comments = o->comments.n ? o->comments.v : NULL;
	run->session.attach = (struct gt_attach_opts){
		.stacks = stacks,
		.stack_depth = o->stack_depth ? (uint32_t)o->stack_depth : DEFAULT_STACK_DEPTH,
	};
	rc = parse_events(o->events, o->overhead, &run->session.attach.groups, err);
	run->session.attach.facts = GT_FACT_ACTOR;
	if (run->session.attach.groups & GT_PG_RUNQ)
		run->session.attach.facts |= GT_FACT_P | GT_FACT_QLEN;
	return rc ? rc : gt_user_invoker(&run->owner, o->user, err);
}

int main(int argc, char **argv)
{
	struct gt_signals signals;
	struct rec_opts o = { 0 };
	struct gt_run_opts run = { .signals = &signals };
	struct gt_err err = { 0 };
	pid_t pids[MAX_PIDS];
	int first;

	gt_signals_save(&signals);
	gt_priv_raise_files();
	if (argc > 1 && !strcmp(argv[1], "list"))
		return gt_list_main(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "doctor"))
		return gt_doctor_main(argc - 1, argv + 1);
	switch (gt_opts_parse(&usage, table, &o, argc, argv, false, &first, NULL)) {
	case GT_OPTS_EXIT_OK: return GT_EXIT_OK;
	case GT_OPTS_EXIT_USAGE: return GT_EXIT_USAGE;
	case GT_OPTS_RUN: break;
	}
	gt_log_init("gtrec", o.quiet, o.verbose);
	if (first < argc)
		run.command = argv + first;
	int own = run.command ? GT_EXIT_RECORDER : GT_EXIT_ENV;
	switch (fill(&run, &o, pids, &err)) {
	case GT_OK: break;
	case GT_USAGE: gt_log_error("%s (see gtrec --help)", err.msg); return GT_EXIT_USAGE;
	default: gt_log_error("%s", err.msg); return own;
	}
	run.session.owner = &run.owner;
	if (o.user)
		run.run_as = &run.owner;
	if (!run.session.passive &&
	    (gt_priv_check(GT_PRIV_ATTACH, &err) || gt_priv_memlock(&err))) {
		gt_log_error("%s", err.msg);
		return own;
	}
	return gt_run(&run);
}
