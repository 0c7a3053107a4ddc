/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gtrec list: the Go processes that are here. /proc is a moving picture: a process that ends
 * while it is looked at is left out; one that may not be looked at is counted and said.
 */
#include "doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/json.h"
#include "format/base/log.h"
#include "format/base/opts.h"
#include "probe_list.h"
#include "target.h"

struct list_opts {
	bool json;
};

static const struct gt_usage usage = {
	.name = "gtrec list",
	.usage = "gtrec list [--json]",
	.examples = "gtrec list              # Go processes of this host, and whether gtrec can "
		    "trace them\n"
		    "sudo gtrec list --json  # everybody's, one JSON document",
	.footer = NULL,
};

static const struct gt_opt table[] = {
	GT_OPT(FLAG, 0, "json", NULL, "one JSON document", struct list_opts, json),
	GT_OPT_END,
};

struct list {
	struct gt_json json;
	bool as_json;
	unsigned rows, denied;
};

static const char *user_name(uid_t uid, char *buf, size_t n)
{
	struct passwd pw, *found = NULL;
	char strings[4096];

	if (!getpwuid_r(uid, &pw, strings, sizeof(strings), &found) && found)
		(void)snprintf(buf, n, "%s", pw.pw_name);
	else
		(void)snprintf(buf, n, "%u", (unsigned)uid);
	return buf;
}

/* One line of the listing. */
struct entry {
	pid_t pid;
	uid_t uid;
	const char *go, *exe, *image, *argv0;
	const char *why_not;  /* NULL: it can be traced */
	const bool *stripped; /* NULL: not known */
	bool shared;
};

static void json_row(struct list *l, const struct entry *e, const char *user)
{
	struct gt_json *j = &l->json;

	gt_json_object(j);
	gt_json_ku64(j, "pid", (uint64_t)e->pid);
	gt_json_kstr(j, "user", user);
	gt_json_kstr(j, "go", *e->go ? e->go : NULL);
	gt_json_key(j, "stripped");
	if (e->stripped)
		gt_json_bool(j, *e->stripped);
	else
		gt_json_null(j);
	gt_json_kbool(j, "traceable", !e->why_not);
	gt_json_kstr(j, "why_not", e->why_not);
	gt_json_kstr(j, "exe", e->exe);
	gt_json_kstr(j, "image", e->image);
	gt_json_kstr(j, "command", e->argv0);
	gt_json_object_end(j);
}

static void text_row(const struct list *l, const struct entry *e, char *user)
{
	char version[64], command[256], why[256];

	if (!l->rows)
		(void)printf("%7s %-10s %-14s %-8s %-9s %s\n", "PID", "USER", "GO", "STRIPPED",
			     "TRACEABLE", "COMMAND");
	(void)snprintf(version, sizeof(version), "%s", *e->go ? e->go : "?");
	(void)snprintf(command, sizeof(command), "%s", *e->argv0 ? e->argv0 : e->exe);
	(void)snprintf(why, sizeof(why), "%s", e->why_not ? e->why_not : "");
	gt_text_safe(user);
	gt_text_safe(version);
	gt_text_safe(command);
	gt_text_safe(why);
	(void)printf("%7d %-10s %-14s %-8s %-9s %s%s%s%s%s\n", (int)e->pid, user, version,
		     !e->stripped   ? "?"
		     : *e->stripped ? "yes"
				    : "no",
		     e->why_not ? "no" : "yes", command,
		     e->shared ? " (Go in a shared object)" : "", *why ? " (" : "", why,
		     *why ? ")" : "");
}

static void row(struct list *l, const struct entry *e)
{
	char user[64];

	(void)user_name(e->uid, user, sizeof(user));
	if (l->as_json)
		json_row(l, e, user);
	else
		text_row(l, e, user);
	l->rows++;
}

static void target_row(struct list *l, const struct gt_target *t)
{
	const struct gt_gobin_info *info = gt_gobin_info(t->bin);
	struct gt_err why = { 0 };
	bool can = !gt_probe_check(t->bin, &why);

	row(l, &(struct entry){ .pid = t->pid,
				.uid = t->uid,
				.go = info->version,
				.exe = t->exe,
				.image = t->image,
				.argv0 = t->argv0,
				.why_not = can ? NULL : why.msg,
				.stripped = &info->stripped,
				.shared = t->bits & GT_TF_SO });
}

/* What /proc/PID/NAME holds, its first string; "" where it cannot be read. */
static void first_string(int proc, const char *name, char *buf, size_t size)
{
	int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);

	buf[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
}

/* A process that gt_target_open refused with WHY: shown where Go built it. */
static void refused(struct list *l, pid_t pid, const struct gt_err *why)
{
	char path[32], go[64], exe[PATH_MAX], argv0[4096];
	const char *text = why->msg, *prefix = strstr(why->msg, ": ");
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = proc < 0 ? -1 : openat(proc, "exe", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : readlinkat(proc, "exe", exe, sizeof(exe) - 1);

	if (n >= 0 && !fstatat(proc, "", &st, AT_EMPTY_PATH)) {
		exe[n] = 0;
		first_string(proc, "cmdline", argv0, sizeof(argv0));
		/* The row says already which process. */
		if (prefix && strncmp(text, "process ", 8) == 0)
			text = prefix + 2;
		if (gt_gobin_is_go(fd, exe, go))
			row(l, &(struct entry){ .pid = pid,
						.uid = st.st_uid,
						.go = go,
						.exe = exe,
						.image = exe,
						.argv0 = argv0,
						.why_not = text });
	}
	if (fd >= 0)
		close(fd);
	if (proc >= 0)
		close(proc);
}

static void look(struct list *l, pid_t pid)
{
	struct gt_target *t = NULL;
	struct gt_err err = { 0 };
	int rc = gt_target_open(&t, pid, &err);

	if (rc == GT_DENIED)
		l->denied++;
	else if (rc && rc != GT_GONE)
		refused(l, pid, &err);
	if (rc)
		return;
	target_row(l, t);
	gt_target_free(t);
}

static int by_pid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* All pids, ascending: readdir's order is nobody's promise. -1: no /proc. */
static long all_pids(pid_t **ret)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0, cap = 0;
	pid_t *p = NULL;

	if (!d)
		return -1;
	while ((e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (n == cap) {
			pid_t *q = realloc(p, (cap = cap ? cap * 2 : 256) * sizeof(*p));
			if (!q)
				break;
			p = q;
		}
		p[n++] = (pid_t)strtol(e->d_name, NULL, 10);
	}
	(void)closedir(d);
	if (n)
		qsort(p, n, sizeof(*p), by_pid);
	*ret = p;
	return (long)n;
}

int gt_list_main(int argc, char **argv)
{
	struct list_opts o = { 0 };
	struct list l = { 0 };
	struct gt_err err;
	pid_t *pids = NULL;
	int first;

	switch (gt_opts_parse(&usage, table, &o, argc, argv, true, &first, NULL)) {
	case GT_OPTS_EXIT_OK: return GT_EXIT_OK;
	case GT_OPTS_EXIT_USAGE: return GT_EXIT_USAGE;
	case GT_OPTS_RUN: break;
	}
	gt_log_init("gtrec list", false, 0);
	if (first < argc) {
		gt_log_error("it takes no arguments (gtrec doctor %s looks at one)", argv[first]);
		return GT_EXIT_USAGE;
	}
	long n = all_pids(&pids);
	if (n < 0) {
		gt_log_error("cannot read /proc: is it mounted?");
		return GT_EXIT_ENV;
	}
	l.as_json = o.json;
	gt_json_init(&l.json, stdout);
	if (o.json) {
		gt_json_object(&l.json);
		gt_json_key(&l.json, "processes");
		gt_json_array(&l.json);
	}
	for (long i = 0; i < n; i++)
		look(&l, pids[i]);
	free(pids);
	if (o.json) {
		gt_json_array_end(&l.json);
		gt_json_ku64(&l.json, "not_permitted", l.denied);
		gt_json_object_end(&l.json);
		gt_json_line(&l.json);
	} else if (!l.rows) {
		gt_log_note("no Go process found");
	}
	if (l.denied)
		gt_log_note("%u process%s may not be looked at%s", l.denied,
			    l.denied == 1 ? "" : "es",
			    geteuid() ? " (try sudo)" : ", not even as root");
	if (gt_json_finish(&l.json, &err)) {
		gt_log_error("%s", err.msg);
		return GT_EXIT_ENV;
	}
	return GT_EXIT_OK;
}
