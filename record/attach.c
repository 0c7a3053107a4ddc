/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes in one process: sites and layout into the programs, load, attach, losses, detach. */
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "bpf/probes.skel.h"
#include "format/base/log.h"

#define MAX_LINKS 4

/* Loss counters of one CPU as user space has seen them. */
struct seen {
	uint64_t lost, first_ns; /* first_ns: taken, but not told yet */
};

struct gt_attach {
	struct gt_probes *skel;
	struct bpf_link *links[MAX_LINKS];
	uint32_t n_links, n_cpus, process;
	struct seen *seen;
	bool sleepable;
};

/* Which function gets which program. */
struct probe {
	const char *func;
	int since; /* first Go minor version that needs it */
	bool required;
	size_t sleepable, plain; /* members of gt_probes.progs */
};

#define PROG(name)                                                                                 \
	offsetof(struct gt_probes, progs.name##_s), offsetof(struct gt_probes, progs.name)

static const struct probe probes[] = {
	{ "runtime.casgstatus", 17, true, PROG(status) },
	{ "runtime.reentersyscall", 26, true, PROG(sysenter) },
	{ "runtime.exitsyscall", 26, true, PROG(sysexit) },
	{ "runtime.casGToPreemptScan", 17, false, PROG(preempt) },
};
#define N_PROBES (sizeof(probes) / sizeof(*probes))

static struct bpf_program *prog(const struct gt_probes *skel, size_t member)
{
	return *(struct bpf_program *const *)((const char *)skel + member);
}

/* libbpf's own words: its warnings only, and only when asked for. */
static int libbpf_says(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[512];

	if (level != LIBBPF_WARN)
		return 0;
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	if (n > 0 && (size_t)n < sizeof(line) && line[n - 1] == '\n')
		line[n - 1] = 0;
	gt_log_debug("%s", line);
	return n;
}

/* The g window and m window that probes.bpf.c reads in one go have one shape in all versions. */
static int config(struct gt_probe_config *cfg, const struct gt_target *t, uint32_t process,
		  const struct gt_site *site, const struct gt_attach_opts *opts, struct gt_err *err)
{
	struct gt_layout l;
	int rc = gt_gobin_layout(t->bin, &l, err);

	if (rc)
		return rc;
	if (l.g_goid != l.g_atomicstatus + 8 || l.g_waitreason != l.g_atomicstatus + 32 ||
	    (l.m_p != l.m_curg + 16 && l.m_p != l.m_curg + 24) || l.p_runqtail != l.p_runqhead + 4)
		return gt_fail(
			err, GT_UNSUPPORTED,
			"'%s': runtime.g and runtime.m are laid out as in no Go up to 1.26",
			t->image);
	*cfg = (struct gt_probe_config){
		.proc = process,
		.facts = opts->facts,
		.ra_off = site->ra_off,
		.args_on_stack = site->args_on_stack,
		.arg_off = site->arg_off,
		.stack_depth = opts->stack_depth > GT_WIRE_MAX_STACK ? GT_WIRE_MAX_STACK
								     : opts->stack_depth,
		.g_stack = l.g_stack_lo,
		.g_m = l.g_m,
		.g_sched_bp = l.g_sched_bp,
		.g_syscallpc = l.g_syscallpc,
		.g_status = l.g_atomicstatus,
		.g_parent_goid = l.g_parent_goid == UINT32_MAX ? 0 : l.g_parent_goid,
		.g_gopc = l.g_gopc,
		.g_startpc = l.g_startpc,
		.m_curg = l.m_curg,
		.m_p = l.m_p,
		.p_runqhead = l.p_runqhead,
	};
	return GT_OK;
}

/* Open and load the programs that SITES ask for, as sleepable ones or plain. */
static int load(struct gt_attach *a, const struct gt_probe_config *cfg, const bool *want,
		const struct gt_rings *rings, bool sleepable)
{
	a->skel = gt_probes__open();
	if (!a->skel)
		return -errno;
	memcpy((void *)(uintptr_t)&a->skel->rodata->cfg, cfg, sizeof(*cfg));
	struct bpf_program *p;
	bpf_object__for_each_program(p, a->skel->obj)(void) bpf_program__set_autoload(p, false);
	for (size_t i = 0; i < N_PROBES; i++)
		if (want[i])
			(void)bpf_program__set_autoload(
				prog(a->skel, sleepable ? probes[i].sleepable : probes[i].plain),
				true);
	if (want[N_PROBES])
		(void)bpf_program__set_autoload(
			sleepable ? a->skel->progs.empty_s : a->skel->progs.empty, true);
	int rc = bpf_map__reuse_fd(a->skel->maps.rings, rings->outer_fd);
	if (!rc)
		rc = gt_probes__load(a->skel);
	if (rc) {
		gt_probes__destroy(a->skel);
		a->skel = NULL;
	}
	a->sleepable = sleepable;
	return rc;
}

static int attach_one(struct gt_attach *a, const struct gt_target *t, struct bpf_program *p,
		      const struct gt_site *site, const char *func, struct gt_err *err)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts);
	struct bpf_link *link = bpf_program__attach_uprobe_opts(p, t->pid, t->image_path,
								site->offset, &opts);

	if (!link) {
		int rc = gt_fail_errno(err,
				       errno == EPERM || errno == EACCES ? GT_DENIED
				       : errno == ESRCH			 ? GT_GONE
									 : GT_IO,
				       "cannot put a probe on '%s' of pid %d", func, (int)t->pid);
		return rc;
	}
	a->links[a->n_links++] = link;
	return GT_OK;
}

int gt_attach_start(struct gt_attach **out, const struct gt_target *t, uint32_t process,
		    const struct gt_rings *rings, const struct gt_attach_opts *opts,
		    struct gt_err *err)
{
	int minor = gt_gobin_info(t->bin)->minor, rc = GT_OK;
	struct gt_site site[N_PROBES];
	bool want[N_PROBES + 1] = { 0 };
	struct gt_probe_config cfg;

	for (size_t i = 0; i < N_PROBES; i++) {
		if (minor < probes[i].since)
			continue;
		rc = gt_gobin_site(t->bin, probes[i].func, &site[i], err);
		if (rc && probes[i].required)
			return rc;
		want[i] = !rc;
	}
	rc = config(&cfg, t, process, &site[0], opts, err);
	if (rc)
		return rc;
	struct gt_attach *a = calloc(1, sizeof(*a));
	if (a)
		a->seen = calloc(GT_WIRE_MAX_CPUS, sizeof(*a->seen));
	if (!a || !a->seen) {
		free(a);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	a->n_cpus = rings->n < GT_WIRE_MAX_CPUS ? rings->n : GT_WIRE_MAX_CPUS;
	a->process = process;
	(void)libbpf_set_print(libbpf_says);
	want[N_PROBES] = opts->empty;
	rc = load(a, &cfg, want, rings, true);
	if (rc)
		rc = load(a, &cfg, want, rings, false);
	if (rc) {
		errno = -rc;
		rc = gt_fail_errno(err, rc == -EPERM ? GT_DENIED : GT_IO,
				   "the kernel does not take the probe programs (gtrec doctor says "
				   "what is missing)");
	}
	for (size_t i = 0; !rc && i < N_PROBES; i++) {
		if (!want[i])
			continue;
		struct bpf_program *p = opts->empty
						? (a->sleepable ? a->skel->progs.empty_s
								: a->skel->progs.empty)
						: prog(a->skel, a->sleepable ? probes[i].sleepable
									     : probes[i].plain);
		rc = attach_one(a, t, p, &site[i], probes[i].func, err);
	}
	if (rc) {
		gt_attach_free(a);
		return rc;
	}
	*out = a;
	return GT_OK;
}

int gt_attach_losses(struct gt_attach *a,
		     int (*fn)(void *ctx, const struct gt_loss *l, struct gt_err *err), void *ctx,
		     struct gt_err *err)
{
	for (uint32_t c = 0; c < a->n_cpus; c++) {
		struct gt_wire_loss *l = &a->skel->bss->loss[c];
		struct seen *s = &a->seen[c];
		/* The count last: whoever counts has set the range before. */
		uint64_t lost = __atomic_load_n(&l->lost, __ATOMIC_ACQUIRE);
		if (lost == s->lost)
			continue;
		uint64_t first = __atomic_exchange_n(&l->first_ns, 0, __ATOMIC_ACQ_REL);
		uint64_t last = __atomic_load_n(&l->last_ns, __ATOMIC_ACQUIRE);
		if (!s->first_ns)
			s->first_ns = first;
		struct gt_loss loss = { .process = a->process,
					.cpu = c,
					.cause = GT_LOSS_RING_FULL,
					.t0 = s->first_ns ? s->first_ns : last,
					.t1 = last,
					.count = lost - s->lost };
		s->lost = lost;
		s->first_ns = 0;
		int rc = fn(ctx, &loss, err);
		if (rc)
			return rc;
	}
	return GT_OK;
}

uint64_t gt_attach_lost(const struct gt_attach *a)
{
	uint64_t n = 0;

	for (uint32_t c = 0; c < a->n_cpus; c++)
		n += __atomic_load_n(&a->skel->bss->loss[c].lost, __ATOMIC_RELAXED);
	return n;
}

bool gt_attach_sleepable(const struct gt_attach *a)
{
	return a->sleepable;
}

void gt_attach_stop(struct gt_attach *a)
{
	while (a->n_links)
		(void)bpf_link__destroy(a->links[--a->n_links]);
}

void gt_attach_free(struct gt_attach *a)
{
	if (!a)
		return;
	gt_attach_stop(a);
	gt_probes__destroy(a->skel);
	free(a->seen);
	free(a);
}
