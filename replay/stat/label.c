/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose figures go into one row: creation sites and entry functions, wait reasons, places.
 * Each is found by name, as one line of source has many pcs and reasons differ in number
 * between Go versions; the ids of the trace are remembered, so a name is made once for each.
 */
#include <stdio.h>
#include <string.h>

#include "format/base/vec.h"
#include "replay/view/names.h"
#include "tally.h"

#define FRAMES 16
#define DEPTH  64

static bool starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* Functions that block on behalf of their caller: not the place that one wants to see. */
static bool plumbing(const char *func)
{
	static const char *const prefixes[] = { "runtime.",  "runtime/",   "sync.",   "sync/",
						"internal/", "time.Sleep", "syscall." };

	if (!*func)
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (starts(func, prefixes[i]))
			return true;
	return false;
}

static void place_of_pc(const struct gt_reader *r, uint32_t pc, struct gt_place *ret)
{
	struct gt_frame f;

	if (pc && gt_reader_frames(r, pc, &f, 1))
		*ret = (struct gt_place){ f.func ? f.func : "", f.file ? f.file : "", f.line,
					  false };
	else
		*ret = (struct gt_place){ "", "", 0, false };
}

static void label(char buf[GT_NAME_MAX], const struct gt_place *p)
{
	(void)snprintf(buf, GT_NAME_MAX, "%s %s:%u", p->func, p->file, p->line);
}

static long new_group(struct gt_tally *t, const struct gt_goroutine *g)
{
	char name[2 * GT_NAME_MAX], site[GT_NAME_MAX];
	struct gt_place p;
	const char *func = gt_name_entry(t->o.reader, g);

	/* The main goroutine is made by the runtime's start, not by a go statement. */
	place_of_pc(t->o.reader, g->goid == 1 ? 0 : g->site_pc, &p);
	label(site, &p);
	(void)snprintf(name, sizeof(name), "%s\n%s", func, t->o.by_func ? "" : site);
	long i = gt_intern(&t->group_names, name);
	if (i < 0 || (size_t)i < t->groups.n)
		return i;
	struct gt_group *row = GT_VEC_PUSH(&t->groups);
	if (!row)
		return -1;
	*row = (struct gt_group){ .site = p, .func = func };
	if (t->o.by_func)
		row->site = (struct gt_place){ "", "", 0, false };
	return i;
}

long gt_tally_group(struct gt_tally *t, const struct gt_goroutine *g)
{
	uint64_t key = (uint64_t)g->site_pc << 32 | g->start_pc;
	uint64_t *known = gt_u64map_get(&t->group_of_pcs, key);

	if (known)
		return (long)*known;
	long i = new_group(t, g);
	if (i < 0 || !gt_u64map_put(&t->group_of_pcs, key, (uint64_t)i))
		return -1;
	return i;
}

static bool one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(s, *list))
			return true;
	return false;
}

static bool is_lock(const char *name)
{
	static const char *const list[] = { "sync.Mutex.Lock", "sync.RWMutex.RLock",
					    "sync.RWMutex.Lock", NULL };
	return one_of(name, list);
}

/* Ended by another goroutine of the program, or by nobody; not by time, network or files. */
static bool is_peer(const char *name)
{
	static const char *const list[] = { "chan receive",
					    "chan send",
					    "chan receive (nil chan)",
					    "chan send (nil chan)",
					    "select",
					    "select (no cases)",
					    "sync.Cond.Wait",
					    "sync.WaitGroup.Wait",
					    "semacquire", /* WaitGroup; before Go 1.20 locks too */
					    "coroutine",
					    NULL };
	return is_lock(name) || one_of(name, list);
}

static long new_reason(struct gt_tally *t, uint32_t process, uint8_t number)
{
	char buf[16];
	const char *name = gt_name_reason(t->o.reader, process, GT_S_WAITING, number);

	if (!*name) {
		(void)snprintf(buf, sizeof(buf), "reason %u", number);
		name = buf;
	}
	long i = gt_intern(&t->reason_names, name);
	if (i < 0 || (size_t)i < t->reasons.n)
		return i;
	struct gt_reason_sum *row = GT_VEC_PUSH(&t->reasons);
	if (!row)
		return -1;
	name = t->reason_names.names.p[i];
	row->name = name;
	row->lock = is_lock(name);
	row->peer = is_peer(name);
	row->idle = gt_name_is_idle(name);
	return i;
}

long gt_tally_reason(struct gt_tally *t, uint32_t process, uint8_t number)
{
	uint64_t key = (uint64_t)process << 8 | number;
	uint64_t *known = gt_u64map_get(&t->reason_of, key);

	if (known)
		return (long)*known;
	long i = new_reason(t, process, number);
	if (i < 0 || !gt_u64map_put(&t->reason_of, key, (uint64_t)i))
		return -1;
	return i;
}

static bool is_mutex(const char *func)
{
	return starts(func, "sync.(*Mutex)") || starts(func, "sync.(*RWMutex)") ||
	       starts(func, "internal/sync.(*Mutex)");
}

/* The innermost frame of STACK that is not plumbing; else the innermost that has a name. */
static bool find_place(const struct gt_reader *r, uint32_t stack, struct gt_place *ret)
{
	uint32_t pcs[DEPTH], n = gt_reader_stack(r, stack, pcs, DEPTH);
	struct gt_frame f[FRAMES];
	bool any = false, mutex = false;

	for (uint32_t i = 0; i < n && i < DEPTH; i++) {
		uint32_t k = gt_reader_frames(r, pcs[i], f, FRAMES);
		for (uint32_t j = 0; j < k && j < FRAMES; j++) {
			bool skip = plumbing(f[j].func);
			mutex = mutex || is_mutex(f[j].func);
			if (skip && (any || !*f[j].func))
				continue;
			*ret = (struct gt_place){ f[j].func, f[j].file, f[j].line, mutex };
			any = true;
			if (!skip)
				return true;
		}
	}
	return any;
}

uint32_t gt_tally_place(struct gt_tally *t, uint32_t stack)
{
	uint64_t *known = stack ? gt_u64map_get(&t->place_of_stack, stack) : NULL;
	char name[GT_NAME_MAX];
	struct gt_place p;
	long i;

	if (!stack)
		return GT_NO_PLACE;
	if (known)
		return (uint32_t)*known;
	if (!find_place(t->o.reader, stack, &p))
		return GT_NO_PLACE;
	label(name, &p);
	i = gt_intern(&t->place_names, name);
	if (i < 0)
		return GT_NO_PLACE;
	if ((size_t)i == t->places.n) {
		struct gt_place *row = GT_VEC_PUSH(&t->places);
		if (!row)
			return GT_NO_PLACE;
		*row = p;
	}
	/* A full map only costs time: the place is found again by name. */
	(void)gt_u64map_put(&t->place_of_stack, stack, (uint64_t)i);
	return (uint32_t)i;
}
