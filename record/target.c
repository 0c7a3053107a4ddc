/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a target. The pidfd comes first: whatever was opened through /proc/PID while the
 * pidfd is alive belongs to that very process. The image is opened through magic links
 * (/proc/PID/exe, map_files), so it is the inode that is mapped, whatever has become of the
 * name on disk and whichever mount namespace the name is valid in.
 */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "priv.h"
#include "target_impl.h"

#define PF_KTHREAD 0x00200000u /* include/linux/sched.h, shown in stat field 9 */
#define MAX_SO	   512	       /* shared objects looked at in one process */
#define DELETED	   " (deleted)"
#define STAT_FLAGS 9
#define STAT_START 22

/* ---- /proc files ---------------------------------------------------------------------- */

long gt_proc_read(const struct gt_target *t, const char *name, char *buf, size_t n)
{
	int fd = openat(t->procfd, name, O_RDONLY | O_CLOEXEC);
	size_t at = 0;

	if (fd < 0)
		return -1;
	while (at < n - 1) {
		ssize_t got = read(fd, buf + at, n - 1 - at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int e = errno;
			close(fd);
			errno = e;
			return -1;
		}
		if (!got)
			break;
		at += (size_t)got;
	}
	close(fd);
	buf[at] = 0;
	return (long)at;
}

static int gone(const struct gt_target *t, struct gt_err *err)
{
	return gt_fail(err, GT_GONE, "no process %d (it has ended)", (int)t->pid);
}

/* A failed open or read under /proc/PID: the process went away, or we may not. */
static int proc_error(const struct gt_target *t, const char *what, struct gt_err *err)
{
	if (errno == ESRCH || errno == ENOENT)
		return gone(t, err);
	if (errno == EACCES || errno == EPERM) {
		int e = errno;
		bool may = !gt_priv_check(GT_PRIV_READ, NULL);
		errno = e;
		return gt_fail_errno(
			err, GT_DENIED, "cannot open %s of process %d ('%s')%s", what, (int)t->pid,
			t->comm,
			may ? " in spite of CAP_SYS_PTRACE: a security module or a user "
			      "namespace keeps it from us"
			    : " (need root or CAP_SYS_PTRACE)");
	}
	return gt_fail_errno(err, GT_IO, "cannot open %s of process %d", what, (int)t->pid);
}

/* State, kernel thread?, start time, name. */
static int read_stat(struct gt_target *t, struct gt_err *err)
{
	char buf[2048];

	if (gt_proc_read(t, "stat", buf, sizeof(buf)) < 0)
		return proc_error(t, "stat", err);
	char *l = strchr(buf, '('), *r = strrchr(buf, ')');
	if (!l || !r || r < l || r[1] != ' ')
		return gt_fail(err, GT_CORRUPT, "cannot read /proc/%d/stat", (int)t->pid);
	*r = 0;
	(void)snprintf(t->comm, sizeof(t->comm), "%s", l + 1);
	char *p = r + 2, st = *p;
	unsigned long long flags = 0, start = 0;
	for (int field = 3; field <= STAT_START && *p; field++) {
		char *end = strchr(p, ' ');
		if (field == STAT_FLAGS)
			flags = strtoull(p, NULL, 10);
		if (field == STAT_START)
			start = strtoull(p, NULL, 10);
		p = end ? end + 1 : p + strlen(p);
	}
	if (st == 'Z' || st == 'X')
		return gt_fail(err, GT_GONE, "process %d ('%s') has ended: it is a zombie",
			       (int)t->pid, t->comm);
	if (flags & PF_KTHREAD)
		return gt_fail(err, GT_UNSUPPORTED, "process %d ('%s') is a kernel thread",
			       (int)t->pid, t->comm);
	long hz = sysconf(_SC_CLK_TCK);
	t->start_ns = start * (1000000000ULL / (uint64_t)(hz > 0 ? hz : 100));
	return GT_OK;
}

static void read_ids(struct gt_target *t)
{
	char buf[4096];

	t->ns_pid = (uint32_t)t->pid;
	t->uid = (uid_t)-1;
	if (gt_proc_read(t, "status", buf, sizeof(buf)) < 0)
		return;
	const char *uid = strstr(buf, "\nUid:");
	if (uid) {
		char *end;
		(void)strtoul(uid + 5, &end, 10); /* real, then effective */
		t->uid = (uid_t)strtoul(end, NULL, 10);
	}
	t->ns_pid = gt_proc_nspid(buf, t->ns_pid);
}

uint32_t gt_proc_nspid(const char *status, uint32_t otherwise)
{
	const char *p = strstr(status, "\nNSpid:");
	uint32_t last = otherwise;

	if (!p)
		return last;
	for (p += 7; *p && *p != '\n';) {
		char *end;
		unsigned long v = strtoul(p, &end, 10);
		if (end == p)
			break;
		last = (uint32_t)v;
		p = end;
	}
	return last;
}

static bool other_namespace(const struct gt_target *t, const char *name)
{
	char self[32], a[64], b[64];

	(void)snprintf(self, sizeof(self), "/proc/self/%s", name);
	ssize_t n = readlink(self, a, sizeof(a)), m = readlinkat(t->procfd, name, b, sizeof(b));
	return n > 0 && m > 0 && (n != m || memcmp(a, b, (size_t)n) != 0);
}

static char *read_argv0(const struct gt_target *t)
{
	char buf[4096];

	return strdup(gt_proc_read(t, "cmdline", buf, sizeof(buf)) < 0 ? "" : buf);
}

/* What the exe link says, as the kernel spells it; NULL: none. */
static char *read_exe_link(const struct gt_target *t)
{
	char buf[PATH_MAX];
	ssize_t n = readlinkat(t->procfd, "exe", buf, sizeof(buf) - 1);

	if (n < 0)
		return NULL;
	buf[n] = 0;
	return strdup(buf);
}

/* ---- the image ------------------------------------------------------------------------ */

/* Where the image's code is mapped gives the bias. */
static bool bias_visit(void *ctx, const struct gt_map *m)
{
	struct gt_target *t = ctx;
	bool same = (m->dev == t->dev && m->ino == t->ino) || !strcmp(m->path, t->map_name);

	return same && gt_gobin_bias(t->bin, m->start, m->offset, &t->bias);
}

int gt_target_rebase(struct gt_target *t, struct gt_err *err)
{
	int rc = gt_maps_exec(t, bias_visit, t, err);

	if (rc < 0)
		return rc;
	return rc ? GT_OK
		  : gt_fail(err, GT_UNSUPPORTED, "'%s' is not mapped in process %d", t->image,
			    (int)t->pid);
}

static int set_image(struct gt_target *t, int fd, const char *name, struct gt_gobin *bin)
{
	struct stat st;
	size_t n = strlen(name), d = strlen(DELETED);

	if (fstat(fd, &st))
		return -1;
	t->imagefd = fd;
	t->bin = bin;
	t->dev = st.st_dev;
	t->ino = st.st_ino;
	t->map_name = strdup(name);
	t->image = strdup(name);
	if (!t->map_name || !t->image)
		return -1;
	if (!st.st_nlink)
		t->bits |= GT_TF_DELETED;
	if (n > d && !strcmp(name + n - d, DELETED)) {
		t->bits |= GT_TF_DELETED;
		t->image[n - d] = 0;
	}
	(void)snprintf(t->image_path, sizeof(t->image_path), "/proc/self/fd/%d", fd);
	return 0;
}

/* A Go shared object among the mappings of a process whose executable is not Go. */
struct so_search {
	struct gt_target *t;
	struct {
		uint64_t dev, ino;
	} seen[MAX_SO];
	size_t n;
};

static int open_mapped(const struct gt_target *t, const struct gt_map *m)
{
	char name[PATH_MAX + 16];
	struct stat st;

	(void)snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, m->start, m->end);
	int fd = openat(t->procfd, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	/* map_files takes more rights than the file itself */
	(void)snprintf(name, sizeof(name), "root%s", m->path);
	fd = openat(t->procfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) || st.st_ino != m->ino || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool so_visit(void *ctx, const struct gt_map *m)
{
	struct so_search *s = ctx;
	struct gt_gobin *bin = NULL;

	if (!m->ino || m->path[0] != '/')
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (s->seen[i].ino == m->ino && s->seen[i].dev == m->dev)
			return false;
	if (s->n == MAX_SO)
		return true; /* enough */
	s->seen[s->n].dev = m->dev;
	s->seen[s->n++].ino = m->ino;
	int fd = open_mapped(s->t, m);
	if (fd < 0)
		return false;
	if (gt_gobin_open(&bin, fd, m->path, NULL)) {
		close(fd);
		return false;
	}
	s->t->bits |= GT_TF_SO;
	if (set_image(s->t, fd, m->path, bin))
		s->t->bits |= GT_TF_NOMEM;
	return true;
}

/* Go in the executable, else in a shared object. */
static int find_image(struct gt_target *t, struct gt_err *err)
{
	struct gt_gobin *bin = NULL;
	struct gt_err why = { 0 };
	char *link = read_exe_link(t);
	int fd = openat(t->procfd, "exe", O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		int rc = proc_error(t, "the executable", err);
		free(link);
		return rc;
	}
	if (!link) {
		close(fd);
		return gone(t, err);
	}
	size_t n = strlen(link), d = strlen(DELETED);
	t->exe = strdup(link);
	if (t->exe && n > d && !strcmp(link + n - d, DELETED))
		t->exe[n - d] = 0;
	int rc = gt_gobin_open(&bin, fd, t->exe ? t->exe : link, &why);
	if (!rc && set_image(t, fd, link, bin))
		t->bits |= GT_TF_NOMEM;
	free(link);
	if (rc)
		close(fd);
	if (rc == GT_UNSUPPORTED) {
		struct so_search *s = calloc(1, sizeof(*s));
		if (s) {
			s->t = t;
			(void)gt_maps_exec(t, so_visit, s, NULL);
			rc = t->bin ? GT_OK : rc;
			free(s);
		}
	}
	if (rc) {
		(void)gt_fail(err, why.code, "process %d: %s", (int)t->pid, why.msg);
		return why.code;
	}
	if (!t->exe || (t->bits & GT_TF_NOMEM))
		return gt_fail(err, GT_NOMEM, "out of memory");
	return GT_OK;
}

/* ---- open, close ---------------------------------------------------------------------- */

static int open_pid(struct gt_target *t, struct gt_err *err)
{
	char path[32];

	t->pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	int e = errno;
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)t->pid);
	t->procfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->pidfd >= 0 && t->procfd >= 0)
		return GT_OK;
	if (t->procfd < 0 || e == ESRCH)
		return gt_fail(err, GT_GONE, "no process %d", (int)t->pid);
	char buf[4096];
	const char *tgid = NULL;
	if (gt_proc_read(t, "status", buf, sizeof(buf)) > 0)
		tgid = strstr(buf, "\nTgid:");
	long leader = tgid ? strtol(tgid + 6, NULL, 10) : 0;
	if (leader && leader != t->pid)
		return gt_fail(err, GT_UNSUPPORTED,
			       "%d is a thread of process %ld: trace that instead", (int)t->pid,
			       leader);
	errno = e;
	return gt_fail_errno(err, GT_IO, "cannot open process %d", (int)t->pid);
}

int gt_target_open(struct gt_target **out, pid_t pid, struct gt_err *err)
{
	struct gt_target *t = calloc(1, sizeof(*t));

	if (!t)
		return gt_fail(err, GT_NOMEM, "out of memory");
	t->pid = pid;
	t->pidfd = t->procfd = t->memfd = t->imagefd = -1;
	int rc = open_pid(t, err);
	if (!rc)
		rc = read_stat(t, err);
	if (!rc) {
		read_ids(t);
		t->argv0 = read_argv0(t);
		if (!t->argv0)
			rc = gt_fail(err, GT_NOMEM, "out of memory");
		if (other_namespace(t, "ns/mnt"))
			t->bits |= GT_TF_MNTNS;
		if (other_namespace(t, "ns/pid"))
			t->bits |= GT_TF_PIDNS;
	}
	if (!rc)
		rc = find_image(t, err);
	if (!rc) {
		t->memfd = openat(t->procfd, "mem", O_RDONLY | O_CLOEXEC);
		if (t->memfd < 0)
			rc = proc_error(t, "the memory", err);
	}
	if (!rc)
		rc = gt_target_rebase(t, err);
	/* The pid was ours all the time, so all of the above is about one process. */
	if (!rc && !gt_target_alive(t))
		rc = gone(t, err);
	if (rc) {
		gt_target_free(t);
		return rc;
	}
	*out = t;
	return GT_OK;
}

void gt_target_free(struct gt_target *t)
{
	if (!t)
		return;
	gt_gobin_free(t->bin);
	int fds[] = { t->pidfd, t->procfd, t->memfd, t->imagefd };
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(t->exe);
	free(t->image);
	free(t->map_name);
	free(t->argv0);
	free(t);
}

/* 0 where it cannot be known, and before the program has set it. */
static uint32_t gomaxprocs(const struct gt_target *t)
{
	enum gt_how how;
	uint64_t at;
	int32_t n;

	if (!gt_gobin_gomaxprocs(t->bin, &at, &how) ||
	    gt_target_read(t, at + t->bias, &n, sizeof(n), NULL) || n < 0 || n > 1 << 16)
		return 0;
	return (uint32_t)n;
}

void gt_target_process(const struct gt_target *t, struct gt_process *ret)
{
	const struct gt_gobin_info *info = gt_gobin_info(t->bin);

	memset(ret, 0, sizeof(*ret));
	ret->pid = (uint32_t)t->pid;
	ret->start_ns = t->start_ns;
	ret->exe = t->exe;
	ret->build_id = info->go_build_id;
	ret->gnu_build_id = info->gnu_build_id;
	ret->go_version = info->version;
	ret->arch = info->arch == GT_ARCH_ARM64 ? "arm64" : "amd64";
	ret->cmdline0 = t->argv0;
	ret->reasons = gt_gobin_reasons(t->bin, &ret->n_reasons);
	ret->gomaxprocs = gomaxprocs(t);
}
