/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening several recordings as one: finding them, their common axis of time, joint facts. */
#include "joint.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"

#define WALK_CHUNK 4096u
#define MAX_FACT   4096u

/* A recording in a source, as the block headers tell. */
struct session {
	uint64_t id, from, to; /* offsets: of its section, and behind its last block */
};

struct sessions {
	struct session *p;
	size_t n, cap;
};

/* ---- finding recordings ---- */

/* Headers alone can be wrong in a bit: a recording must have one block that checks. */
static bool checks(struct gt_feed *feed, const struct gt_found *f)
{
	struct gt_damage ignored = { 0 };
	struct gt_scan s;
	struct gt_found again;

	gt_scan_init(&s, feed, &ignored);
	s.pos = f->offset;
	s.limit = f->offset + 1;
	return gt_scan_next(&s, &again, NULL) == 1 && again.offset == f->offset;
}

/* A torn block's header may be fine; following its length would lead into the next recording. */
static bool framed(struct gt_feed *feed, const struct gt_found *f)
{
	const uint8_t *p;
	size_t n;
	struct gt_in in;

	if (gt_feed_at(feed, f->offset + f->length - 4, 4, &p, &n, NULL) || n < 4)
		return false;
	in = gt_in_init(p, 4);
	return gt_in_u32(&in) == f->length;
}

static int note(struct sessions *all, struct gt_feed *whole, const struct gt_scan *s,
		const struct gt_found *f, struct gt_err *err)
{
	struct session *e;

	for (size_t i = 0; i < all->n; i++)
		if (all->p[i].id == f->h.session) {
			all->p[i].to = f->offset + f->length;
			return GT_OK;
		}
	if (all->n == GT_J_MAX_PARTS)
		return gt_fail(err, GT_LIMIT, "more than %u recordings", GT_J_MAX_PARTS);
	if (!checks(whole, f))
		return GT_OK;
	e = GT_VEC_PUSH(all);
	if (!e)
		return gt_j_no_memory(err);
	*e = (struct session){ f->h.session, s->section, f->offset + f->length };
	/* A torn block before it may have hidden where its section begins. */
	if (all->n > 1 && e->from < e[-1].to)
		e->from = e[-1].to;
	return GT_OK;
}

static int find_sessions(const struct gt_source *src, struct sessions *all, struct gt_err *err)
{
	struct gt_damage ignored = { 0 };
	struct gt_feed feed, whole;
	struct gt_scan s;
	struct gt_found f;
	int rc;

	gt_feed_init(&feed, src, WALK_CHUNK);
	gt_feed_init(&whole, src, WALK_CHUNK);
	gt_scan_init(&s, &feed, &ignored);
	s.peek = true;
	while ((rc = gt_scan_next(&s, &f, err)) != 0) {
		if (rc == GT_VERSION || rc == GT_UNSUPPORTED)
			continue;
		if (rc == 1 && !framed(&whole, &f))
			s.pos = f.offset + 4;
		else if (rc == 1)
			rc = note(all, &whole, &s, &f, err);
		if (rc < 0)
			break;
	}
	gt_feed_free(&feed);
	gt_feed_free(&whole);
	return rc < 0 ? rc : GT_OK;
}

int gt_j_several(const struct gt_source *src, struct gt_err *err)
{
	struct sessions all = { 0 };
	int rc = find_sessions(src, &all, err);

	rc = rc ? rc : all.n > 1;
	GT_VEC_FREE(&all);
	return rc;
}

/* ---- parts ---- */

static long window_read_at(void *ctx, uint64_t off, void *p, size_t n, struct gt_err *err)
{
	const struct gt_window *w = ctx;

	if (off >= w->to - w->from)
		return 0;
	if (n > w->to - w->from - off)
		n = (size_t)(w->to - w->from - off);
	return w->src->read_at(w->src->ctx, w->from + off, p, n, err);
}

static struct gt_part *add_part(struct gt_joint *j)
{
	return j->parts.n < GT_J_MAX_PARTS ? GT_VEC_PUSH(&j->parts) : NULL;
}

/* Recordings that follow each other have windows; those that are mixed read all of it each. */
static int add_sessions(struct gt_joint *j, const struct gt_source *src, struct gt_err *err)
{
	struct sessions all = { 0 };
	bool apart = true;
	int rc = src->size == UINT64_MAX ? GT_OK : find_sessions(src, &all, err);

	for (size_t i = 1; i < all.n; i++)
		apart &= all.p[i].from >= all.p[i - 1].to;
	for (size_t i = 0; !rc && (i < all.n || (!i && !all.n)); i++) {
		struct gt_part *p = add_part(j);
		uint64_t to = src->size;

		if (!p) {
			rc = gt_fail(err, GT_LIMIT, "more than %u recordings", GT_J_MAX_PARTS);
			break;
		}
		if (all.n > 1) {
			p->session = all.p[i].id;
			p->window.from = apart && i ? all.p[i].from : 0;
			to = apart && i + 1 < all.n ? all.p[i + 1].from : to;
		}
		p->window.src = src;
		p->window.to = to;
		p->src.size = to == UINT64_MAX ? to : to - p->window.from;
	}
	GT_VEC_FREE(&all);
	return rc;
}

static int open_part(struct gt_part *p, const struct gt_reader_opts *opts, struct gt_err *err)
{
	int rc;

	p->src.read_at = window_read_at;
	p->src.ctx = &p->window;
	rc = gt_r_new(&p->r, &p->src, opts, p->session, err);
	if (rc)
		return rc;
	rc = gt_reader_span(p->r, &p->first, &p->last, err);
	if (rc == GT_UNSUPPORTED)
		rc = gt_fail(err, GT_UNSUPPORTED,
			     "several traces cannot be joined from a stream: "
			     "use files");
	return rc;
}

static uint64_t wall_start(const struct gt_part *p)
{
	return gt_reader_info(p->r)->start_wall_ns;
}

static int by_start(const void *x, const void *y)
{
	const struct gt_part *a = x, *b = y;

	return (wall_start(a) > wall_start(b)) - (wall_start(a) < wall_start(b));
}

/* ---- one axis of time ---- */

static bool same_boot(const struct gt_part *a, const struct gt_part *b)
{
	const char *x = gt_reader_info(a->r)->boot_id, *y = gt_reader_info(b->r)->boot_id;

	return *x && !strcmp(x, y);
}

/* On the axis of the first: what P's clock must be added. */
static uint64_t shift_of(const struct gt_part *first, const struct gt_part *p, uint32_t res)
{
	const struct gt_trace_info *a = gt_reader_info(first->r), *b = gt_reader_info(p->r);
	uint64_t wall = b->start_wall_ns - a->start_wall_ns, mono = b->start_ns - a->start_ns;

	return (wall - mono) / res * res;
}

static void align(struct gt_reader *r)
{
	struct gt_joint *j = r->joint;
	struct gt_trace_info *i = &r->info;
	uint32_t cpus = 0, hosts = 0, series = 0;

	i->time_res_ns = 0;
	for (size_t k = 0; k < j->parts.n; k++) {
		struct gt_part *p = &j->parts.p[k], *like = NULL, *kin = NULL;
		const struct gt_trace_info *own = gt_reader_info(p->r);

		for (size_t q = 0; q < k; q++) {
			struct gt_part *o = &j->parts.p[q];

			like = !like && same_boot(o, p) ? o : like;
			kin = !kin && gt_reader_info(o->r)->session == own->session ? o : kin;
		}
		p->host = like ? like->host : hosts++;
		p->cpu_shift = like ? like->cpu_shift : cpus;
		cpus += like ? 0 : own->n_cpus;
		p->series = kin ? kin->series : series++;
		p->shift = like ? like->shift
				: shift_of(&j->parts.p[0], p,
					   own->time_res_ns ? own->time_res_ns : 1);
		if (!i->time_res_ns || own->time_res_ns < i->time_res_ns)
			i->time_res_ns = own->time_res_ns;
	}
	i->n_cpus = cpus;
	while (1u << j->gid_bits < series)
		j->gid_bits++;
}

/* Times below 0 there are none: the whole moves up until there are none. */
static void settle(struct gt_reader *r)
{
	struct gt_joint *j = r->joint;
	struct gt_trace_info *i = &r->info;
	const struct gt_trace_info *a = gt_reader_info(j->parts.p[0].r);
	uint64_t up = 0, least = UINT64_MAX;

	for (size_t k = 0; k < j->parts.n; k++) {
		uint64_t t = gt_reader_info(j->parts.p[k].r)->start_ns + j->parts.p[k].shift;

		if (t > GT_MAX_TIME && 0 - t > up) /* below 0 */
			up = 0 - t;
	}
	up = (up + 1023) / 1024 * 1024;
	i->t_first = UINT64_MAX;
	i->t_last = 0;
	for (size_t k = 0; k < j->parts.n; k++) {
		struct gt_part *p = &j->parts.p[k];
		uint64_t t;

		p->shift += up;
		p->first += p->shift;
		p->last += p->shift;
		t = gt_reader_info(p->r)->start_ns + p->shift;
		least = t < least ? t : least;
		i->t_first = p->first < i->t_first ? p->first : i->t_first;
		i->t_last = p->last > i->t_last ? p->last : i->t_last;
		i->events += gt_reader_info(p->r)->events;
		i->ro_compat |= gt_reader_info(p->r)->ro_compat;
	}
	i->start_ns = least;
	i->start_wall_ns = a->start_wall_ns + (least - (a->start_ns + j->parts.p[0].shift));
	i->version = a->version;
	i->session = a->session;
	i->complete = true;
	for (size_t k = 0; k < j->parts.n; k++)
		i->complete &= gt_reader_info(j->parts.p[k].r)->complete;
}

/* ---- facts ---- */

/* The different values of one fact, one behind the other; where in O they begin. */
static size_t join(struct gt_joint *j, const char *(*get)(const struct gt_trace_info *),
		   struct gt_out *o)
{
	size_t at = o->n;

	for (size_t k = 0; k < j->parts.n && o->n - at < MAX_FACT; k++) {
		const char *s = get(gt_reader_info(j->parts.p[k].r));
		bool seen = !*s;

		for (size_t q = 0; q < k && !seen; q++)
			seen = !strcmp(s, get(gt_reader_info(j->parts.p[q].r)));
		if (seen)
			continue;
		if (o->n > at)
			gt_out_bytes(o, ", ", 2);
		gt_out_bytes(o, s, strnlen(s, 1024));
	}
	gt_out_u8(o, 0);
	return at;
}

static const char *hostname(const struct gt_trace_info *i)
{
	return i->hostname;
}
static const char *os(const struct gt_trace_info *i)
{
	return i->os;
}
static const char *hardware(const struct gt_trace_info *i)
{
	return i->hardware;
}
static const char *tool(const struct gt_trace_info *i)
{
	return i->tool;
}

static int join_comments(struct gt_reader *r, struct gt_err *err)
{
	struct gt_joint *j = r->joint;
	size_t n = 0;

	for (size_t k = 0; k < j->parts.n; k++)
		n += gt_reader_info(j->parts.p[k].r)->n_comments;
	j->comments = calloc(n + 1, sizeof(*j->comments));
	if (!j->comments)
		return gt_j_no_memory(err);
	for (size_t k = 0; k < j->parts.n; k++) {
		const struct gt_trace_info *i = gt_reader_info(j->parts.p[k].r);

		for (uint32_t c = 0; c < i->n_comments; c++)
			j->comments[r->info.n_comments++] = i->comments[c];
	}
	r->info.comments = j->comments;
	return GT_OK;
}

static int join_facts(struct gt_reader *r, struct gt_err *err)
{
	struct gt_joint *j = r->joint;
	struct gt_trace_info *i = &r->info;
	struct gt_out o = { 0 };
	size_t host_at = join(j, hostname, &o), os_at = join(j, os, &o);
	size_t hardware_at = join(j, hardware, &o), tool_at = join(j, tool, &o);

	if (o.bad) {
		gt_out_free(&o);
		return gt_j_no_memory(err);
	}
	j->text = (char *)o.p;
	i->hostname = j->text + host_at;
	i->os = j->text + os_at;
	i->hardware = j->text + hardware_at;
	i->tool = j->text + tool_at;
	i->boot_id = gt_reader_info(j->parts.p[0].r)->boot_id;
	for (size_t k = 1; k < j->parts.n; k++)
		if (!same_boot(&j->parts.p[0], &j->parts.p[k]))
			i->boot_id = "";
	return join_comments(r, err);
}

/* ---- opening ---- */

/* Recordings of one host, one after the other, may be of the same processes. */
static bool may_follow(const struct gt_joint *j)
{
	for (size_t k = 1; k < j->parts.n; k++)
		for (size_t q = 0; q < k; q++)
			if (same_boot(&j->parts.p[q], &j->parts.p[k]) &&
			    j->parts.p[k].series != j->parts.p[q].series)
				return true;
	return false;
}

static int open_all(struct gt_reader *r, const struct gt_source *srcs, size_t n, struct gt_err *err)
{
	struct gt_joint *j = r->joint;
	struct gt_reader_opts opts = { .max_memory = r->opts.max_memory };
	int rc = GT_OK;

	for (size_t i = 0; i < n && !rc; i++)
		rc = add_sessions(j, &srcs[i], err);
	if (j->parts.n)
		opts.max_memory /= j->parts.n;
	for (size_t i = 0; i < j->parts.n && !rc; i++)
		rc = open_part(&j->parts.p[i], &opts, err);
	if (rc)
		return rc;
	qsort(j->parts.p, j->parts.n, sizeof(*j->parts.p), by_start);
	for (size_t i = 0; i < j->parts.n; i++) { /* they have moved */
		j->parts.p[i].src.ctx = &j->parts.p[i].window;
		gt_r_moved(j->parts.p[i].r, &j->parts.p[i].src);
	}
	align(r);
	settle(r);
	rc = join_facts(r, err);
	if (!rc && !GT_VEC_PUSH(&j->procs))
		rc = gt_j_no_memory(err);
	return rc || !may_follow(j) ? rc : gt_j_list(j, err);
}

int gt_j_open(struct gt_reader *r, const struct gt_source *srcs, size_t n, struct gt_err *err)
{
	r->joint = calloc(1, sizeof(*r->joint));
	if (!r->joint)
		return gt_j_no_memory(err);
	return open_all(r, srcs, n, err);
}

void gt_j_free(struct gt_joint *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->parts.n; i++) {
		struct gt_part *p = &j->parts.p[i];

		gt_reader_free(p->r);
		GT_VEC_FREE(&p->procs);
		gt_u64map_free(&p->listed);
	}
	GT_VEC_FREE(&j->parts);
	GT_VEC_FREE(&j->procs);
	GT_VEC_FREE(&j->threads);
	GT_VEC_FREE(&j->queue);
	gt_u64map_free(&j->thread_at);
	gt_u64map_free(&j->alive);
	gt_u64map_free(&j->key_of);
	gt_u64map_free(&j->alias);
	free(j->text);
	free(j->comments);
	free(j);
}

void gt_j_damage(struct gt_reader *r)
{
	struct gt_damage *all = &r->damage;

	*all = (struct gt_damage){ 0 };
	for (size_t i = 0; i < r->joint->parts.n; i++) {
		const struct gt_damage *d = gt_reader_damage(r->joint->parts.p[i].r);

		all->bad_blocks += d->bad_blocks;
		all->bad_bytes += d->bad_bytes;
		all->missing_blocks += d->missing_blocks;
		all->missing_end += d->missing_end;
		all->unknown_blocks += d->unknown_blocks;
		if (!all->first[0])
			memcpy(all->first, d->first, sizeof(all->first));
	}
}

int gt_j_check(struct gt_reader *r, bool all, struct gt_err *err)
{
	int rc = GT_OK;

	for (size_t i = 0; i < r->joint->parts.n && !rc; i++)
		rc = gt_reader_check(r->joint->parts.p[i].r, all, err);
	gt_j_damage(r);
	return rc;
}
