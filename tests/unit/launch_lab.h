/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of record/launch share: a recorder of what launch says, and running a command
 * to its end. "Go" is whatever program the test says. A test program is also its own helper:
 * with a part's name as argv[1] it plays that part.
 */
#ifndef GT_LAUNCH_LAB_H
#define GT_LAUNCH_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <time.h>

#include "record/launch.h"

struct seen {
	const char *go; /* base name of the "Go" program; NULL none */
	int fail;	/* on_exec fails for it */
	int execs, gos, forks, exits;
	pid_t go_pid;
	char last[PATH_MAX];
	char state;	   /* of the process in on_exec, /proc/PID/stat */
	const char *probe; /* path that must not exist yet in on_exec */
	bool probe_existed;
};

#define ARGV(...)                                                                                  \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
#define OPTS(...)                                                                                  \
	(struct gt_launch_opts)                                                                    \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

extern char lab_self[PATH_MAX]; /* this test program */
extern char lab_dir[];		/* a directory of its own, removed at the end */
const char *lab_path(char *buf, const char *name);

char lab_state(pid_t pid);		    /* as in /proc/PID/stat; 0: no such process */
long lab_tracer(pid_t pid);		    /* 0 none, -1 no such process */
int lab_ms_left(const struct timespec *t0); /* of the time that anything may take */

int lab_start(struct gt_launch **l, struct seen *s, struct gt_launch_opts o, struct gt_err *err,
	      const char *const *argv);
/* lab_until: steps until DONE says so; a test that hangs fails here. */
void lab_until(struct gt_launch *l, bool (*done)(struct gt_launch *, void *), void *ctx);
bool lab_all_ended(struct gt_launch *l, void *unused);
bool lab_none_seized(struct gt_launch *l, void *unused);
/* lab_run: the whole life of a command; its wait status. */
int lab_run(struct seen *s, struct gt_launch_opts o, const char *const *argv);

/* lab_part: plays the part that argv[1] names and does not return, or returns. */
void lab_part(int argc, char **argv);
/* lab_main: the body of main. */
int lab_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n);

#endif
