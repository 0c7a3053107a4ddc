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
#include "probe_list.h"

#define MAX_LINKS (GT_N_PROBES + GT_MAX_INLINED)

struct gt_attach {
	struct gt_probes *skel;
	struct bpf_link *links[MAX_LINKS];
	uint32_t n_links, process;
	struct gt_losses losses;
	struct plan *plan; /* owned: where they go each time */
	bool sleepable;
	bool derives; /* nothing that changes who is on a thread goes past the probes */
};

/* Which program goes to a function of gt_probe_fns: members of gt_probes.progs. */
struct probe {
	size_t sleepable, plain;
};

#define PROG(name)                                                                                 \
	offsetof(struct gt_probes, progs.name##_s), offsetof(struct gt_probes, progs.name)

static const struct probe probes[GT_N_PROBES] = {
	[GT_PROBE_STATUS] = { PROG(status) },
	[GT_PROBE_SYSENTER] = { PROG(sysenter) },
	[GT_PROBE_SYSEXIT] = { PROG(sysexit) },
	[GT_PROBE_PREEMPT] = { PROG(preempt) },
	[GT_PROBE_WORLD_STOPS] = { PROG(world_stops) },
	[GT_PROBE_WORLD_STARTS] = { PROG(world_starts) },
	[GT_PROBE_MARK_ENDS] = { PROG(mark_ends) },
	[GT_PROBE_PROCS] = { PROG(procs) },
	[GT_PROBE_OVERFLOW] = { PROG(overflow) },
};

static struct bpf_program *prog(const struct gt_probes *skel, size_t member)
{
	return *(struct bpf_program *const *)((const char *)skel + member);
}

_Static_assert(GT_MAX_INLINED == GT_WIRE_MAX_INLINED, "copies that the programs have room for");

/* Where the probes of one target go. */
struct plan {
	struct gt_site site[GT_N_PROBES];
	bool want[GT_N_PROBES];
	struct gt_inline_site inlined[GT_MAX_INLINED]; /* all usable */
	uint32_t n_inlined;
	bool empty;
	bool gaps; /* transitions are missing */
};

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

/* What runtime.bpf.c has to know. */
static void config_runtime(struct gt_probe_config *cfg, const struct gt_target *t,
			   const struct gt_layout *l)
{
	int minor = gt_gobin_info(t->bin)->minor;
	uint64_t at;
	enum gt_how how;

	/* [src/runtime/proc.go: worldStop came with 1.22, finishedStopping with 1.23] */
	cfg->stw_args = minor >= 23 ? 3 : minor == 22 ? 2 : 0;
	cfg->m_preemptoff = minor <= 20 && l->m_preemptoff != UINT32_MAX ? l->m_preemptoff : 0;
	if (gt_gobin_gc_controller(t->bin, &at, &how))
		cfg->gc_controller = at + t->bias;
}

/* What probes.bpf.c reads in one go has one shape in all versions. */
static int config(struct gt_probe_config *cfg, const struct gt_target *t, uint32_t process,
		  const struct gt_site *site, const struct gt_attach_opts *opts, struct gt_err *err)
{
	struct gt_layout l;
	uint64_t dev = 0, ino = 0, park, size;
	int rc = gt_gobin_layout(t->bin, &l, err);

	if (rc)
		return rc;
	if (l.g_waitreason != l.g_goid + 24 || l.g_startpc != l.g_gopc + 16 ||
	    (l.g_parent_goid != UINT32_MAX && l.g_parent_goid != l.g_gopc - 8) ||
	    l.p_runqtail != l.p_runqhead + 4)
		return gt_fail(err, GT_UNSUPPORTED,
			       "'%s': runtime.g and runtime.m are laid out as in no Go up to 1.26",
			       t->image);
	*cfg = (struct gt_probe_config){
		.proc = process,
		.facts = opts->facts,
		.ra_off = site->ra_off,
		.args_on_stack = site->args_on_stack,
		.arg_off = site->arg_off,
		.goid_late = gt_gobin_info(t->bin)->minor < GT_GOID_AT_BIRTH,
		.stacks = opts->stacks,
		.stack_depth = opts->stack_depth,
		.g_stack = l.g_stack_lo,
		.g_m = l.g_m,
		.g_sched_pc = l.g_sched_pc,
		.g_sched_bp = l.g_sched_bp,
		.g_syscallpc = l.g_syscallpc,
		.g_goid = l.g_goid,
		.g_parent_goid = l.g_parent_goid == UINT32_MAX ? 0 : l.g_parent_goid,
		.g_gopc = l.g_gopc,
		.m_curg = l.m_curg,
		.m_p = l.m_p,
		.p_runqhead = l.p_runqhead,
	};
	bool known = gt_gobin_func(t->bin, "runtime.park_m", &park, &size);
	cfg->park_lo = known ? park + t->bias : 0;
	cfg->park_hi = known ? park + size + t->bias : UINT64_MAX;
	config_runtime(cfg, t, &l);
	/* Where the host's numbers are not to be seen, the target's own are. */
	if (!gt_pidns_initial())
		gt_target_pidns(t, &dev, &ino);
	cfg->pidns_dev = dev;
	cfg->pidns_ino = ino;
	return GT_OK;
}

/*
 * The copies that the compiler made of the probed functions. One that cannot be probed means
 * that transitions are missing: that is said, at once.
 */
static int plan_inlined(struct plan *p, const struct gt_target *t, uint32_t groups,
			struct gt_err *err)
{
	uint32_t n = gt_probe_inlined(t->bin, groups, p->inlined);

	if (n > GT_MAX_INLINED) {
		gt_log_warn("profile-guided build: only %u of %u inlined copies can be probed; "
			    "transitions of the others are missing",
			    GT_MAX_INLINED, n);
		n = GT_MAX_INLINED;
		p->gaps = true;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct gt_inline_site *s = &p->inlined[i];
		if (s->usable) {
			p->inlined[p->n_inlined++] = *s;
			continue;
		}
		p->gaps = true;
		gt_log_warn("profile-guided build: the transitions of %s in %s are missing, "
			    "the trace will show gaps (%s)",
			    s->func, s->host, s->at.why);
	}
	if (p->n_inlined &&
	    libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie, NULL) != 1)
		return gt_fail(err, GT_UNSUPPORTED,
			       "'%s' is a profile-guided build with %s inlined in %u places; "
			       "recording it needs Linux 5.15",
			       t->image, p->inlined[0].func, p->n_inlined);
	return GT_OK;
}

static int plan(struct plan *p, const struct gt_target *t, uint32_t groups, struct gt_err *err)
{
	uint64_t entry, size;
	for (int i = 0; i < GT_N_PROBES; i++) {
		if (!gt_probe_wanted(t->bin, groups, i))
			continue;
		int rc = gt_gobin_site(t->bin, gt_probe_fns[i].func, &p->site[i], err);
		if (rc && gt_probe_fns[i].required &&
		    !gt_probe_only_inlined(t->bin, gt_probe_fns[i].func))
			return rc;
		p->want[i] = !rc;
	}
	/* These change hands without casgstatus. */
	p->gaps = (!p->want[GT_PROBE_PREEMPT] &&
		   !gt_probe_only_inlined(t->bin, gt_probe_fns[GT_PROBE_PREEMPT].func)) ||
		  gt_gobin_func(t->bin, "runtime.coroswitch_m", &entry, &size);
	return plan_inlined(p, t, groups, err);
}

static struct gt_wire_place wire_place(struct gt_place p)
{
	static const uint32_t kinds[] = { [GT_PLACE_REG] = GT_WIRE_P_REG,
					  [GT_PLACE_STACK] = GT_WIRE_P_STACK,
					  [GT_PLACE_CONST] = GT_WIRE_P_CONST };

	return (struct gt_wire_place){ kinds[p.kind], p.v };
}

static struct bpf_program *inlined_prog(const struct gt_attach *a)
{
	return a->sleepable ? a->skel->progs.inlined_status_s : a->skel->progs.inlined_status;
}

static struct bpf_program *empty_prog(const struct gt_attach *a)
{
	return a->sleepable ? a->skel->progs.empty_s : a->skel->progs.empty;
}

static struct bpf_program *plain_prog(const struct gt_attach *a, size_t i)
{
	return prog(a->skel, a->sleepable ? probes[i].sleepable : probes[i].plain);
}

/* Open and load the programs that the plan asks for, as sleepable ones or plain. */
static int load(struct gt_attach *a, const struct gt_probe_config *cfg, const struct plan *plan,
		uint64_t bias, const struct gt_rings *rings, bool sleepable)
{
	a->skel = gt_probes__open();
	if (!a->skel)
		return -errno;
	a->sleepable = sleepable;
	memcpy((void *)(uintptr_t)&a->skel->rodata->cfg, cfg, sizeof(*cfg));
	for (uint32_t i = 0; i < plan->n_inlined; i++) {
		const struct gt_inline_site *s = &plan->inlined[i];
		struct gt_wire_inlined in = { s->ra + bias, wire_place(s->gp), wire_place(s->old),
					      wire_place(s->new), wire_place(s->pc) };
		memcpy((void *)(uintptr_t)&a->skel->rodata->inlined[i], &in, sizeof(in));
	}
	struct bpf_program *p;
	bpf_object__for_each_program(p, a->skel->obj)(void) bpf_program__set_autoload(p, false);
	for (size_t i = 0; i < GT_N_PROBES; i++)
		if (plan->want[i])
			(void)bpf_program__set_autoload(plain_prog(a, i), true);
	if (plan->n_inlined)
		(void)bpf_program__set_autoload(inlined_prog(a), true);
	if (plan->empty)
		(void)bpf_program__set_autoload(empty_prog(a), true);
	int rc = bpf_map__reuse_fd(a->skel->maps.rings, rings->outer_fd);
	if (!rc)
		rc = gt_probes__load(a->skel);
	if (rc) {
		gt_probes__destroy(a->skel);
		a->skel = NULL;
	}
	return rc;
}

static int attach_one(struct gt_attach *a, const struct gt_target *t, struct bpf_program *p,
		      const struct gt_site *site, uint64_t cookie, const char *func,
		      struct gt_err *err)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = cookie);
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

static int attach_all(struct gt_attach *a, const struct gt_target *t, const struct plan *plan,
		      struct gt_err *err)
{
	int rc = GT_OK;

	for (size_t i = 0; !rc && i < GT_N_PROBES; i++)
		if (plan->want[i])
			rc = attach_one(a, t, plan->empty ? empty_prog(a) : plain_prog(a, i),
					&plan->site[i], 0, gt_probe_fns[i].func, err);
	for (uint32_t i = 0; !rc && i < plan->n_inlined; i++)
		rc = attach_one(a, t, plan->empty ? empty_prog(a) : inlined_prog(a),
				&plan->inlined[i].at, i, plan->inlined[i].host, err);
	return rc;
}

static int start(struct gt_attach *a, const struct gt_target *t, const struct gt_rings *rings,
		 const struct gt_attach_opts *opts, struct plan *p, struct gt_err *err)
{
	struct gt_probe_config cfg;
	int rc = plan(p, t, opts->groups, err);

	if (!rc)
		rc = config(&cfg, t, a->process, &p->site[0], opts, err);
	if (rc)
		return rc;
	p->empty = opts->empty;
	a->derives = !p->gaps;
	rc = load(a, &cfg, p, t->bias, rings, true);
	if (rc)
		rc = load(a, &cfg, p, t->bias, rings, false);
	if (rc) {
		errno = -rc;
		return gt_fail_errno(err, rc == -EPERM ? GT_DENIED : GT_IO,
				     "the kernel does not take the probe programs (gtrec doctor "
				     "says what is missing)");
	}
	return opts->later ? GT_OK : attach_all(a, t, p, err);
}

int gt_attach_start(struct gt_attach **out, const struct gt_target *t, uint32_t process,
		    const struct gt_rings *rings, const struct gt_attach_opts *opts,
		    struct gt_err *err)
{
	struct gt_attach *a = calloc(1, sizeof(*a));
	struct plan *p = calloc(1, sizeof(*p));
	int rc = a && p ? gt_losses_init(&a->losses, process, rings->n, err)
			: gt_fail(err, GT_NOMEM, "out of memory");

	(void)libbpf_set_print(libbpf_says);
	if (!a)
		free(p);
	else
		a->plan = p;
	if (!rc) {
		a->process = process;
		rc = start(a, t, rings, opts, p, err);
	}
	if (rc) {
		gt_attach_free(a);
		return rc;
	}
	*out = a;
	return GT_OK;
}

int gt_attach_again(struct gt_attach *a, const struct gt_target *t, struct gt_err *err)
{
	int rc = a->n_links ? GT_OK : attach_all(a, t, a->plan, err);

	if (rc)
		gt_attach_stop(a);
	return rc;
}

int gt_attach_losses(struct gt_attach *a, gt_losses_fn *fn, void *ctx, struct gt_err *err)
{
	return gt_losses_tell(&a->losses, a->skel->bss->loss, fn, ctx, err);
}

uint64_t gt_attach_lost(const struct gt_attach *a)
{
	return gt_losses_total(&a->losses, a->skel->bss->loss);
}

void gt_attach_trust(struct gt_attach *a)
{
	if (!a->derives || gt_attach_lost(a))
		return;
	/* A loss takes it back after it is counted: one of the two sees the other. */
	__atomic_store_n(&a->skel->bss->known, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (gt_attach_lost(a))
		__atomic_store_n(&a->skel->bss->known, 0, __ATOMIC_SEQ_CST);
}

bool gt_attach_sleepable(const struct gt_attach *a)
{
	return a->sleepable;
}

void gt_attach_stop(struct gt_attach *a)
{
	/* From here on changes are missed, so all is told again when the probes come back. */
	if (a->skel)
		__atomic_store_n(&a->skel->bss->known, 0, __ATOMIC_SEQ_CST);
	/* First the one that is hit most. Threads would not help: the kernel has one lock. */
	for (uint32_t i = 0; i < a->n_links; i++)
		(void)bpf_link__destroy(a->links[i]);
	a->n_links = 0;
}

void gt_attach_free(struct gt_attach *a)
{
	if (!a)
		return;
	gt_attach_stop(a);
	gt_probes__destroy(a->skel);
	gt_losses_free(&a->losses);
	free(a->plan);
	free(a);
}
