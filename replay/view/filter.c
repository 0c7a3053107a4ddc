/* SPDX-License-Identifier: BSD-2-Clause */
/* What the user asked for, read from the options once and asked for each step. */
#include "filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/base/parse.h"
#include "names.h"

/* One item of a comma-separated list: its length; *s moves behind it. */
static size_t item(const char **s, char *buf, size_t size)
{
	size_t n = strcspn(*s, ",");

	if (n < size) {
		memcpy(buf, *s, n);
		buf[n] = '\0';
	}
	*s += n + ((*s)[n] == ',');
	return n;
}

static int add_id(struct gt_filter *f, char *s, struct gt_err *err)
{
	char *colon = strchr(s, ':');
	uint64_t pid = 0, goid;
	int rc = GT_OK;

	if (f->n_ids == GT_FILTER_MAX_IDS)
		return gt_fail(err, GT_USAGE, "-g: more than %d goroutines", GT_FILTER_MAX_IDS);
	if (colon) {
		*colon = '\0';
		rc = gt_parse_u64(s, 1, UINT32_MAX, &pid, err);
	}
	if (!rc)
		rc = gt_parse_u64(colon ? colon + 1 : s, 1, UINT64_MAX, &goid, err);
	if (rc)
		return gt_fail_prefix(err, "-g");
	f->ids[f->n_ids].pid = pid;
	f->ids[f->n_ids++].goid = goid;
	return GT_OK;
}

static int add_pid(struct gt_filter *f, char *s, struct gt_err *err)
{
	uint64_t pid;

	if (f->n_pids == sizeof(f->pids) / sizeof(f->pids[0]))
		return gt_fail(err, GT_USAGE, "--process: too many processes");
	if (gt_parse_u64(s, 1, UINT32_MAX, &pid, err))
		return gt_fail_prefix(err, "--process");
	f->pids[f->n_pids++] = (uint32_t)pid;
	return GT_OK;
}

static int add_state(struct gt_filter *f, char *s, struct gt_err *err)
{
	uint32_t bits = 0;

	/* "running" is two states: also the one in which the runtime works on its own behalf. */
	for (unsigned i = 0; i < GT_S_COUNT; i++) {
		if (strcmp(gt_gstate_name((enum gt_gstate)i), s) == 0)
			bits |= 1u << i;
	}
	if (!bits)
		return gt_fail(err, GT_USAGE,
			       "--state: no such state '%s' (idle, runnable, running, syscall, "
			       "waiting, preempted, dead, unknown)",
			       s);
	f->states |= bits;
	return GT_OK;
}

static int each(struct gt_filter *f, const char *s, const char *what,
		int (*add)(struct gt_filter *, char *, struct gt_err *), struct gt_err *err)
{
	char buf[64];

	do {
		size_t n = item(&s, buf, sizeof(buf));

		if (!n || n >= sizeof(buf))
			return gt_fail(err, GT_USAGE, "%s: an empty or overlong item", what);
		int rc = add(f, buf, err);
		if (rc)
			return rc;
	} while (*s);
	return GT_OK;
}

static int compile(regex_t *re, bool *has, const char *pattern, const char *what,
		   struct gt_err *err)
{
	char why[128];
	int rc;

	if (!pattern)
		return GT_OK;
	rc = regcomp(re, pattern, REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, re, why, sizeof(why));
		return gt_fail(err, GT_USAGE, "%s: bad regular expression '%.64s': %s", what,
			       pattern, why);
	}
	*has = true;
	return GT_OK;
}

int gt_filter_init(struct gt_filter *f, const struct gt_filter_opts *o, struct gt_err *err)
{
	int rc = GT_OK;

	memset(f, 0, sizeof(*f));
	f->reasons = o->reasons;
	for (uint32_t i = 0; !rc && i < o->goids.n; i++)
		rc = each(f, o->goids.v[i], "-g", add_id, err);
	if (!rc && o->process)
		rc = each(f, o->process, "--process", add_pid, err);
	if (!rc && o->state)
		rc = each(f, o->state, "--state", add_state, err);
	if (!rc)
		rc = compile(&f->func, &f->has_func, o->func, "--func", err);
	if (!rc)
		rc = compile(&f->site, &f->has_site, o->site, "--site", err);
	if (rc)
		gt_filter_free(f);
	return rc;
}

void gt_filter_free(struct gt_filter *f)
{
	if (f->has_func)
		regfree(&f->func);
	if (f->has_site)
		regfree(&f->site);
	gt_u64map_free(&f->func_seen);
	gt_u64map_free(&f->site_seen);
	memset(f, 0, sizeof(*f));
}

bool gt_filter_active(const struct gt_filter *f)
{
	return f->n_ids || f->n_pids || f->states || f->reasons.n || f->has_func || f->has_site;
}

static bool by_id(const struct gt_filter *f, uint32_t pid, uint64_t goid)
{
	if (!f->n_ids)
		return true;
	for (uint32_t i = 0; i < f->n_ids; i++) {
		if (f->ids[i].goid == goid && (!f->ids[i].pid || f->ids[i].pid == pid))
			return true;
	}
	return false;
}

static bool by_pid(const struct gt_filter *f, uint32_t pid)
{
	if (!f->n_pids)
		return true;
	for (uint32_t i = 0; i < f->n_pids; i++) {
		if (f->pids[i] == pid)
			return true;
	}
	return false;
}

/* A failing allocation only makes the next question as slow as this one. */
static bool by_regex(const regex_t *re, struct gt_u64map *seen, uint32_t pc, const char *name)
{
	const uint64_t *known = gt_u64map_get(seen, pc);
	bool yes;

	if (known)
		return *known != 0;
	yes = regexec(re, name, 0, NULL, 0) == 0;
	(void)gt_u64map_put(seen, pc, yes);
	return yes;
}

static bool matches(struct gt_filter *f, const struct gt_reader *r, const struct gt_goroutine *g)
{
	char buf[GT_NAME_MAX];

	if (f->n_ids || f->n_pids) {
		const struct gt_process *p = gt_reader_process(r, g->process);
		uint32_t pid = p ? p->pid : 0;

		if (!by_id(f, pid, g->goid) || !by_pid(f, pid))
			return false;
	}
	if (f->has_func && !by_regex(&f->func, &f->func_seen, g->start_pc, gt_name_entry(r, g)))
		return false;
	return !f->has_site ||
	       by_regex(&f->site, &f->site_seen, g->site_pc, gt_name_site(r, g, buf));
}

bool gt_filter_goroutine(struct gt_filter *f, const struct gt_reader *r,
			 const struct gt_goroutine *g)
{
	bool yes = matches(f, r, g);

	f->met_goroutine |= yes;
	return yes;
}

static bool in_state(const struct gt_filter *f, const struct gt_reader *r, uint32_t process,
		     enum gt_gstate state, uint8_t reason)
{
	if (f->states && !(f->states >> (unsigned)state & 1))
		return false;
	if (!f->reasons.n)
		return true;
	const char *name = gt_name_reason(r, process, state, reason);
	for (uint32_t i = 0; i < f->reasons.n; i++) {
		if (strcasecmp(name, f->reasons.v[i]) == 0)
			return true;
	}
	return false;
}

bool gt_filter_state(struct gt_filter *f, const struct gt_reader *r, uint32_t process,
		     enum gt_gstate state, uint8_t reason)
{
	bool yes = in_state(f, r, process, state, reason);

	f->met_state |= yes;
	return yes;
}

bool gt_filter_step(struct gt_filter *f, const struct gt_reader *r, const struct gt_goroutine *g,
		    const struct gt_step *s)
{
	if (!gt_filter_active(f))
		return true;
	return gt_filter_goroutine(f, r, g) &&
	       (gt_filter_state(f, r, g->process, (enum gt_gstate)s->from, s->from_reason) ||
		gt_filter_state(f, r, g->process, (enum gt_gstate)s->to, s->reason));
}

bool gt_filter_process(const struct gt_filter *f, const struct gt_reader *r, uint32_t process)
{
	const struct gt_process *p = gt_reader_process(r, process);

	return !f->n_ids && !f->states && !f->reasons.n && !f->has_func && !f->has_site &&
	       by_pid(f, p ? p->pid : 0);
}
