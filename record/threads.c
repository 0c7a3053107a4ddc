/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads of a target and the join of their three numbers (see target.h). */
#include "target_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "format/base/u64map.h"
#include "format/base/vec.h"

#define PIDNS_INIT "pid:[4026531836]" /* PROC_PID_INIT_INO, include/linux/proc_ns.h: ABI */

bool gt_pidns_initial(void)
{
	char link[64];
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link));

	return n == (ssize_t)strlen(PIDNS_INIT) && !memcmp(link, PIDNS_INIT, (size_t)n);
}

void gt_target_pidns(const struct gt_target *t, uint64_t *ret_dev, uint64_t *ret_ino)
{
	struct stat st;

	*ret_dev = *ret_ino = 0;
	if (fstatat(t->procfd, "ns/pid", &st, 0))
		return;
	*ret_dev = (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev); /* as BPF has it: MKDEV */
	*ret_ino = st.st_ino;
}

static bool read_task(const struct gt_target *t, uint32_t tid, struct gt_task *ret)
{
	char name[32], buf[4096];

	(void)snprintf(name, sizeof(name), "task/%u/status", tid);
	if (gt_proc_read(t, name, buf, sizeof(buf)) <= 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->tid = tid;
	ret->ns_tid = gt_proc_nspid(buf, tid);
	if (!strncmp(buf, "Name:\t", 6))
		(void)snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)strcspn(buf + 6, "\n"),
			       buf + 6);
	return true;
}

int gt_target_threads(const struct gt_target *t, void (*fn)(void *ctx, const struct gt_task *task),
		      void *ctx, struct gt_err *err)
{
	int fd = openat(t->procfd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		enum gt_code code = errno == ESRCH || errno == ENOENT ? GT_GONE : GT_IO;
		(void)gt_fail_errno(err, code, "cannot list the threads of process %d",
				    (int)t->pid);
		if (fd >= 0)
			close(fd);
		return code;
	}
	while ((e = readdir(d))) {
		struct gt_task task;
		unsigned long tid = strtoul(e->d_name, NULL, 10);
		if (tid && read_task(t, (uint32_t)tid, &task))
			fn(ctx, &task);
	}
	(void)closedir(d);
	return GT_OK;
}

/* ---- the join ------------------------------------------------------------------------- */

struct gt_tidmap {
	const struct gt_target *t;
	bool initial; /* gtrec's tids are init_tids */
	bool nomem;
	struct {
		struct gt_tid *p;
		size_t n, cap;
	} tids;
	struct gt_u64map by_init, by_ns; /* -> index into tids */
};

int gt_tidmap_new(struct gt_tidmap **out, const struct gt_target *t, struct gt_err *err)
{
	struct gt_tidmap *m = calloc(1, sizeof(*m));

	if (!m)
		return gt_fail(err, GT_NOMEM, "out of memory");
	m->t = t;
	m->initial = gt_pidns_initial();
	*out = m;
	return GT_OK;
}

void gt_tidmap_free(struct gt_tidmap *m)
{
	if (!m)
		return;
	GT_VEC_FREE(&m->tids);
	gt_u64map_free(&m->by_init);
	gt_u64map_free(&m->by_ns);
	free(m);
}

/* The entry of the thread that Go calls NS_TID, made when it is new; NULL: memory is short. */
static struct gt_tid *entry(struct gt_tidmap *m, uint32_t ns_tid)
{
	uint64_t *at = gt_u64map_get(&m->by_ns, ns_tid);

	if (at)
		return &m->tids.p[*at];
	struct gt_tid *e = GT_VEC_PUSH(&m->tids);
	if (!e)
		return NULL;
	e->ns_tid = ns_tid;
	if (!gt_u64map_put(&m->by_ns, ns_tid, m->tids.n - 1)) {
		m->tids.n--;
		return NULL;
	}
	return e;
}

static bool set_init(struct gt_tidmap *m, struct gt_tid *e, uint32_t init_tid)
{
	e->init_tid = init_tid;
	return gt_u64map_put(&m->by_init, init_tid, (uint64_t)(e - m->tids.p)) != NULL;
}

static void refresh_one(void *ctx, const struct gt_task *task)
{
	struct gt_tidmap *m = ctx;
	struct gt_tid *e = entry(m, task->ns_tid);

	if (!e || (m->initial && !set_init(m, e, task->tid))) {
		m->nomem = true;
		return;
	}
	e->tid = task->tid;
	memcpy(e->comm, task->comm, sizeof(e->comm));
}

int gt_tidmap_refresh(struct gt_tidmap *m, struct gt_err *err)
{
	m->nomem = false;
	int rc = gt_target_threads(m->t, refresh_one, m, err);
	return rc || !m->nomem ? rc : gt_fail(err, GT_NOMEM, "out of memory");
}

const struct gt_tid *gt_tidmap_get(const struct gt_tidmap *m, uint32_t init_tid)
{
	const uint64_t *at = gt_u64map_get(&m->by_init, init_tid);

	return at ? &m->tids.p[*at] : NULL;
}

const struct gt_tid *gt_tidmap_by_procid(const struct gt_tidmap *m, uint32_t procid)
{
	const uint64_t *at = gt_u64map_get(&m->by_ns, procid);

	return at ? &m->tids.p[*at] : NULL;
}
