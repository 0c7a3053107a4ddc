/* SPDX-License-Identifier: BSD-2-Clause */
/* BPF ring buffers, one for each CPU: creation, mapping, and reading in stretches. */
#include "ring.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/base/parse.h"

#define RINGS_MAX (64ULL << 20) /* all rings together, by default */
#define RING_MIN  (64ULL << 10)
#define RING_MAX  (1ULL << 30)

/* One number from a file, 0 when there is none ("max"). */
static uint64_t read_number(const char *path, const char *after)
{
	char line[256];
	uint64_t v = 0;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, after, strlen(after))) {
			v = strtoull(line + strlen(after), NULL, 10);
			break;
		}
	if (f)
		(void)fclose(f);
	return v;
}

/* The least memory.max of our cgroup and those above it (v2), where it is less than LIMIT. */
static uint64_t cgroup_limit(uint64_t limit)
{
	char line[PATH_MAX] = "", path[PATH_MAX + 64];
	FILE *f = fopen("/proc/self/cgroup", "re");
	bool v2 = false;

	while (f && !v2 && fgets(line, sizeof(line), f))
		v2 = !strncmp(line, "0::/", 4);
	if (f)
		(void)fclose(f);
	if (!v2)
		return limit;
	line[strcspn(line, "\n")] = 0;
	for (char *own = line + 3, *slash = own; slash;) {
		(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", own);
		uint64_t max = read_number(path, "");
		if (max && max < limit)
			limit = max;
		slash = strrchr(own, '/');
		if (slash)
			*slash = 0;
	}
	return limit;
}

uint64_t gt_rings_default_size(uint32_t n_online)
{
	uint64_t limit = cgroup_limit(read_number("/proc/meminfo", "MemTotal:") * 1024);
	uint64_t all = RINGS_MAX, size = RING_MIN;

	if (limit && limit / 100 < all)
		all = limit / 100;
	while (size * 2 * n_online <= all)
		size *= 2;
	return size;
}

/* "0-3,8" -> which of N CPUs are online; how many. */
static uint32_t online(bool *ret, uint32_t n)
{
	uint32_t count = 0;
	char line[4096] = "";
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");

	if (f && !fgets(line, sizeof(line), f))
		line[0] = 0;
	if (f)
		(void)fclose(f);
	for (char *p = line; *p >= '0' && *p <= '9';) {
		unsigned long lo = strtoul(p, &p, 10), hi = lo;
		if (*p == '-')
			hi = strtoul(p + 1, &p, 10);
		for (unsigned long c = lo; c <= hi && c < n; c++) {
			count += !ret[c];
			ret[c] = true;
		}
		if (*p == ',')
			p++;
	}
	for (uint32_t c = 0; !count && c < n; c++)
		ret[c] = true;
	return count ? count : n;
}

static int ring_open(struct gt_ring *r, uint64_t size, struct gt_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	r->fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gt_ring", 0, 0, (uint32_t)size, NULL);
	if (r->fd < 0)
		return gt_fail_errno(err, errno == EPERM ? GT_DENIED : GT_IO,
				     "cannot create a BPF ring buffer of %llu bytes",
				     (unsigned long long)size);
	r->size = size;
	void *cons = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (cons == MAP_FAILED)
		return gt_fail_errno(err, GT_IO, "cannot map a BPF ring buffer");
	r->cons_pos = cons;
	void *prod = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, r->fd, (off_t)page);
	if (prod == MAP_FAILED)
		return gt_fail_errno(err, GT_IO, "cannot map a BPF ring buffer");
	r->prod_pos = prod;
	r->data = (const uint8_t *)prod + page;
	return GT_OK;
}

static int outer_open(struct gt_rings *rs, uint64_t size, const bool *is_online, struct gt_err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	for (uint32_t c = 0; c < rs->n; c++) {
		if (!is_online[c])
			continue;
		if (ring_open(&rs->r[c], size, err))
			return err ? err->code : GT_IO;
		if (rs->outer_fd < 0) {
			opts.inner_map_fd = (uint32_t)rs->r[c].fd;
			rs->outer_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rings", 4, 4,
						      rs->n, &opts);
			if (rs->outer_fd < 0)
				return gt_fail_errno(err, GT_IO, "cannot create the map of rings");
		}
		if (bpf_map_update_elem(rs->outer_fd, &c, &rs->r[c].fd, BPF_ANY))
			return gt_fail_errno(err, GT_IO, "cannot enter the ring of cpu %u", c);
	}
	return GT_OK;
}

int gt_rings_new(struct gt_rings **out, uint64_t bytes, struct gt_err *err)
{
	int n = libbpf_num_possible_cpus();
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);

	if (n <= 0)
		return gt_fail(err, GT_IO, "cannot tell how many CPUs there are");
	if (bytes > RING_MAX)
		return gt_fail(err, GT_USAGE, "a ring of more than 1G for each CPU is too much");
	struct gt_rings *rs = calloc(1, sizeof(*rs));
	bool *is_online = calloc((size_t)n, sizeof(*is_online));
	if (rs)
		rs->r = calloc((size_t)n, sizeof(*rs->r));
	if (!rs || !is_online || !rs->r) {
		free(is_online);
		free(rs);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	rs->n = (uint32_t)n;
	rs->outer_fd = -1;
	for (uint32_t c = 0; c < rs->n; c++)
		rs->r[c].fd = -1;
	rs->n_online = online(is_online, rs->n);
	if (!bytes)
		bytes = gt_rings_default_size(rs->n_online);
	while (size < bytes)
		size *= 2;
	int rc = outer_open(rs, size, is_online, err);
	free(is_online);
	if (rc) {
		gt_rings_free(rs);
		return rc;
	}
	*out = rs;
	return GT_OK;
}

void gt_rings_free(struct gt_rings *rs)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!rs)
		return;
	for (uint32_t c = 0; c < rs->n; c++) {
		struct gt_ring *r = &rs->r[c];
		if (r->cons_pos)
			(void)munmap(r->cons_pos, page);
		if (r->prod_pos)
			(void)munmap((void *)(uintptr_t)r->prod_pos, page + 2 * r->size);
		if (r->fd >= 0)
			(void)close(r->fd);
	}
	if (rs->outer_fd >= 0)
		(void)close(rs->outer_fd);
	free(rs->r);
	free(rs);
}

size_t gt_ring_peek(const struct gt_ring *r, const uint8_t **ret_p, bool *ret_all)
{
	uint64_t cons = *r->cons_pos;
	uint64_t prod = __atomic_load_n(r->prod_pos, __ATOMIC_ACQUIRE);
	uint64_t pos = cons;

	*ret_p = r->data + (cons & (r->size - 1));
	while (pos < prod) {
		const uint32_t *hdr = (const uint32_t *)(r->data + (pos & (r->size - 1)));
		uint32_t h = __atomic_load_n(hdr, __ATOMIC_ACQUIRE);
		if (h & BPF_RINGBUF_BUSY_BIT)
			break;
		pos += gt_ring_step(h);
	}
	*ret_all = pos >= prod;
	return pos - cons;
}

void gt_ring_advance(struct gt_ring *r, size_t len)
{
	__atomic_store_n(r->cons_pos, *r->cons_pos + len, __ATOMIC_RELEASE);
}

uint64_t gt_ring_used(const struct gt_ring *r)
{
	return r->fd < 0 ? 0 : __atomic_load_n(r->prod_pos, __ATOMIC_RELAXED) - *r->cons_pos;
}
