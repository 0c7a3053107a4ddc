/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading bpf/kernel.bpf.c, and marking the processes that it is to tell of. */
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/kernel.skel.h"
#include "bpf/wire.h"

#define BTF_FILE "/sys/kernel/btf/vmlinux"

struct gt_kernel {
	struct gt_kernel_progs *skel;
	struct gt_losses losses;
	struct bpf_link **fault; /* owned; one for each possible CPU, NULL where it is offline */
	uint32_t n_cpus;
};

int gt_kernel_check(uint32_t groups, struct gt_err *err)
{
	if (groups & GT_KERNEL_GROUPS && access(BTF_FILE, R_OK))
		return gt_fail_errno(err, GT_UNSUPPORTED,
				     "--events=%s needs the kernel's own types (%s, from "
				     "CONFIG_DEBUG_INFO_BTF=y): leave it out",
				     !(groups & GT_PG_FAULT)   ? "sched"
				     : !(groups & GT_PG_SCHED) ? "fault"
							       : "sched,fault",
				     BTF_FILE);
	return GT_OK;
}

/* Every major fault on one CPU, whoever's: they are rare, and dear by themselves. */
static int open_faults(uint32_t cpu)
{
	struct perf_event_attr attr = { .size = sizeof(attr),
					.type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_PAGE_FAULTS_MAJ,
					.sample_period = 1 };

	return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static int attach_faults(struct gt_kernel *k, const struct gt_rings *rings, struct gt_err *err)
{
	for (uint32_t c = 0; c < rings->n; c++) {
		if (rings->r[c].fd < 0)
			continue;
		int fd = open_faults(c);
		if (fd >= 0)
			k->fault[c] = bpf_program__attach_perf_event(k->skel->progs.fault, fd);
		if (k->fault[c])
			continue;
		int rc = gt_fail_errno(err, errno == EPERM || errno == EACCES ? GT_DENIED : GT_IO,
				       "--events=fault: the kernel does not tell page faults");
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	return GT_OK;
}

static int start(struct gt_kernel *k, const struct gt_rings *rings, uint32_t groups,
		 struct gt_err *err)
{
	bool sched = groups & GT_PG_SCHED, fault = groups & GT_PG_FAULT;

	k->skel = gt_kernel_progs__open();
	if (!k->skel)
		return gt_fail_errno(err, GT_IO, "cannot open the kernel programs");
	k->skel->rodata->ns_tids = !gt_pidns_initial();
	(void)bpf_program__set_autoload(k->skel->progs.sched_switch, sched);
	(void)bpf_program__set_autoload(k->skel->progs.sched_wakeup, sched);
	(void)bpf_program__set_autoload(k->skel->progs.sched_wakeup_new, sched);
	(void)bpf_program__set_autoload(k->skel->progs.fault, fault);
	int rc = bpf_map__reuse_fd(k->skel->maps.rings, rings->outer_fd);
	if (!rc)
		rc = gt_kernel_progs__load(k->skel);
	if (!rc && sched)
		rc = gt_kernel_progs__attach(k->skel);
	if (rc) {
		errno = -rc;
		return gt_fail_errno(err,
				     rc == -EPERM || rc == -EACCES ? GT_DENIED : GT_UNSUPPORTED,
				     "the kernel does not take the programs of --events=sched and "
				     "fault (they need Linux 5.11, with BTF)");
	}
	return fault ? attach_faults(k, rings, err) : GT_OK;
}

int gt_kernel_start(struct gt_kernel **out, const struct gt_rings *rings, uint32_t groups,
		    struct gt_err *err)
{
	struct gt_kernel *k;
	int rc = gt_kernel_check(groups, err);

	if (rc)
		return rc;
	k = calloc(1, sizeof(*k));
	if (k)
		k->fault = calloc(rings->n, sizeof(struct bpf_link *));
	if (!k || !k->fault) {
		free(k);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	k->n_cpus = rings->n;
	rc = gt_losses_init(&k->losses, 0, rings->n, err);
	if (!rc)
		rc = start(k, rings, groups, err);
	if (rc) {
		gt_kernel_free(k);
		return rc;
	}
	*out = k;
	return GT_OK;
}

int gt_kernel_add(struct gt_kernel *k, const struct gt_target *t, uint32_t process,
		  struct gt_err *err)
{
	int fd = bpf_map__fd(k->skel->maps.targets);

	if (!bpf_map_update_elem(fd, &t->pidfd, &process, BPF_ANY))
		return GT_OK;
	return gt_fail_errno(err, errno == ESRCH ? GT_GONE : GT_IO,
			     "cannot mark process %d for --events=sched and fault", (int)t->pid);
}

void gt_kernel_remove(struct gt_kernel *k, const struct gt_target *t)
{
	(void)bpf_map_delete_elem(bpf_map__fd(k->skel->maps.targets), &t->pidfd);
}

int gt_kernel_losses(struct gt_kernel *k, gt_losses_fn *fn, void *ctx, struct gt_err *err)
{
	return gt_losses_tell(&k->losses, k->skel->bss->loss, fn, ctx, err);
}

void gt_kernel_stop(struct gt_kernel *k)
{
	gt_kernel_progs__detach(k->skel);
	for (uint32_t c = 0; c < k->n_cpus; c++) {
		(void)bpf_link__destroy(k->fault[c]);
		k->fault[c] = NULL;
	}
}

void gt_kernel_free(struct gt_kernel *k)
{
	if (!k)
		return;
	if (k->skel)
		gt_kernel_stop(k);
	gt_kernel_progs__destroy(k->skel);
	gt_losses_free(&k->losses);
	free(k->fault);
	free(k);
}
