/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A target's mappings and memory. /proc/PID/mem was opened while we had the rights and is
 * bound to one address space: it needs no capability later and never reads another
 * process's or a successor program's memory. process_vm_readv is used where many small
 * reads go in one system call.
 */
#include "target_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#define BATCH 1024 /* UIO_MAXIOV */

/* ---- mappings ------------------------------------------------------------------------- */

/* "start-end perms offset major:minor inode   path" */
static bool parse_map(char *line, struct gt_map *m)
{
	char perms[8];
	unsigned major, minor;
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %x:%x %" SCNu64 " %n", &m->start,
		   &m->end, perms, &m->offset, &major, &minor, &m->ino, &at) < 7 ||
	    !strchr(perms, 'x'))
		return false;
	m->dev = makedev(major, minor);
	m->path = at ? line + at : "";
	return true;
}

int gt_maps_exec(const struct gt_target *t, bool (*fn)(void *ctx, const struct gt_map *m),
		 void *ctx, struct gt_err *err)
{
	int fd = openat(t->procfd, "maps", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int found = 0;

	if (!f) {
		enum gt_code code = errno == ESRCH || errno == ENOENT ? GT_GONE : GT_DENIED;
		(void)gt_fail_errno(err, code, "cannot read the mappings of process %d",
				    (int)t->pid);
		if (fd >= 0)
			close(fd);
		return code;
	}
	while (!found && (n = getline(&line, &cap, f)) > 0) {
		struct gt_map m;
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		if (parse_map(line, &m))
			found = fn(ctx, &m);
	}
	free(line);
	(void)fclose(f);
	return found;
}

/* ---- memory --------------------------------------------------------------------------- */

/* pread gives 0 when the address space is no more: the process ended or became another. */
static bool space_is_gone(const struct gt_target *t, uint64_t addr)
{
	char c;

	return pread(t->memfd, &c, 1, (off_t)addr) == 0;
}

bool gt_target_same_image(const struct gt_target *t)
{
	return t->memfd < 0 || !space_is_gone(t, 0);
}

int gt_target_read(const struct gt_target *t, uint64_t addr, void *buf, size_t n,
		   struct gt_err *err)
{
	size_t at = 0;

	if (addr > INT64_MAX - n)
		goto fault;
	while (at < n) {
		ssize_t got = pread(t->memfd, (char *)buf + at, n - at, (off_t)(addr + at));
		if (got > 0)
			at += (size_t)got;
		else if (got == 0)
			return gt_fail(err, GT_GONE, "process %d has ended", (int)t->pid);
		else if (errno == EIO)
			goto fault;
		else if (errno != EINTR)
			return gt_fail_errno(err, GT_DENIED, "cannot read the memory of process %d",
					     (int)t->pid);
	}
	return GT_OK;
fault:
	errno = EFAULT;
	return gt_fail_errno(err, GT_IO, "cannot read %zu bytes at 0x%" PRIx64 " of process %d", n,
			     addr, (int)t->pid);
}

/* One by one, where the kernel does not let us use process_vm_readv. */
static int read_each(const struct gt_target *t, struct gt_read *r, size_t n, struct gt_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc = gt_target_read(t, r[i].addr, r[i].buf, r[i].n, err);
		if (rc && rc != GT_IO)
			return rc;
		r[i].ok = !rc;
	}
	return GT_OK;
}

/* How many of R were read in full by one call; -1: errno. The one behind them failed. */
static long read_batch(const struct gt_target *t, struct gt_read *r, size_t n)
{
	struct iovec local[BATCH], remote[BATCH];
	size_t done = 0;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		local[i] = (struct iovec){ r[i].buf, r[i].n };
		remote[i] = (struct iovec){ (void *)(uintptr_t)r[i].addr, r[i].n };
	}
	ssize_t got = process_vm_readv(t->pid, local, n, remote, n, 0);
	if (got < 0)
		return errno == EFAULT ? 0 : -1;
	while (done < n && (size_t)got >= r[done].n)
		got -= (ssize_t)r[done++].n;
	return (long)done;
}

int gt_target_read_many(const struct gt_target *t, struct gt_read *r, size_t n, struct gt_err *err)
{
	for (size_t i = 0; i < n; i++)
		r[i].ok = false;
	for (size_t at = 0; at < n;) {
		size_t len = n - at < BATCH ? n - at : BATCH;
		long done = read_batch(t, r + at, len);
		if (done < 0 && errno == ESRCH)
			return gt_fail(err, GT_GONE, "process %d has ended", (int)t->pid);
		if (done < 0)
			return read_each(t, r + at, n - at, err);
		for (long i = 0; i < done; i++)
			r[at + (size_t)i].ok = true;
		at += (size_t)done;
		if ((size_t)done < len)
			at++; /* that one is not readable; on behind it */
	}
	/* process_vm_readv goes by pid: make sure that it was still the same address space. */
	if (n && space_is_gone(t, r[0].addr))
		return gt_fail(err, GT_GONE, "process %d has ended", (int)t->pid);
	return GT_OK;
}
