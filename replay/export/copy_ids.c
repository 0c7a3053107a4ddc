/* SPDX-License-Identifier: BSD-2-Clause */
/* Ids of one trace for those of another. */
#include "copy_ids.h"

#include <stdlib.h>
#include <string.h>

#include "redact.h"

#define MAX_DEPTH  512u
#define MAX_FRAMES 64u

void gt_ids_free(struct gt_ids *x)
{
	gt_u64map_free(&x->process);
	gt_u64map_free(&x->pc);
	gt_u64map_free(&x->stack);
}

static int remember(struct gt_u64map *m, uint64_t from, uint64_t to, struct gt_err *err)
{
	return gt_u64map_put(m, from, to) ? GT_OK : gt_fail(err, GT_NOMEM, "no memory to copy");
}

/* ID of the other trace in place of this one's, where M has it. */
static bool known(const struct gt_u64map *m, uint32_t *id)
{
	const uint64_t *to = gt_u64map_get(m, *id);

	if (to)
		*id = (uint32_t)*to;
	return to != NULL;
}

/* ---- processes and threads ---- */

static int write_process(struct gt_ids *x, const struct gt_process *from, uint32_t to,
			 struct gt_err *err)
{
	struct gt_process p = *from;

	p.process = to;
	if (x->redact)
		gt_redact_process(x->redact, &p);
	return gt_writer_process(x->w, &p, err);
}

/* A trace that is damaged may use processes that it does not tell of. */
static const struct gt_process nobody = {
	.exe = "", .build_id = "", .gnu_build_id = "", .go_version = "", .arch = "", .cmdline0 = ""
};

static int write_threads(struct gt_ids *x, uint32_t process, struct gt_err *err)
{
	const struct gt_thread *t;
	int rc = GT_OK;

	for (size_t i = 0; !rc && (t = gt_reader_thread_at(x->r, i)); i++)
		if (t->process == process)
			rc = gt_ids_thread(x, t, err);
	return rc;
}

int gt_ids_process(struct gt_ids *x, uint32_t process, uint32_t *ret, struct gt_err *err)
{
	const struct gt_process *p;
	int rc;

	*ret = process;
	if (!process || known(&x->process, ret))
		return GT_OK;
	p = gt_reader_process(x->r, process);
	rc = write_process(x, p ? p : &nobody, x->processes + 1, err);
	if (!rc)
		rc = remember(&x->process, process, ++x->processes, err);
	*ret = x->processes;
	return rc ? rc : write_threads(x, process, err);
}

int gt_ids_process_row(struct gt_ids *x, const struct gt_process *p, struct gt_err *err)
{
	uint32_t to = p->process;

	return known(&x->process, &to) ? write_process(x, p, to, err) : GT_OK;
}

int gt_ids_thread(struct gt_ids *x, const struct gt_thread *t, struct gt_err *err)
{
	struct gt_thread to = *t;

	if (!known(&x->process, &to.process))
		return GT_OK;
	if (x->redact)
		gt_redact_thread(x->redact, &to);
	return gt_writer_thread(x->w, &to, err);
}

/* ---- pcs and stacks ---- */

static int redacted_pc(struct gt_ids *x, uint32_t process, const struct gt_pc *p,
		       struct gt_frame *frames, const bool *std, uint32_t n, uint32_t *ret,
		       struct gt_err *err)
{
	struct gt_redact_room *rooms = calloc(n + 1, sizeof(*rooms));
	int rc;

	if (!rooms)
		return gt_fail(err, GT_NOMEM, "no memory to replace names");
	for (uint32_t i = 0; i < n; i++)
		gt_redact_frame(x->redact, &frames[i], std[i], &rooms[i]);
	rc = gt_writer_pc(x->w, process, gt_redact_offset(x->redact, p->offset), p->cls, frames,
			  std, n, ret, err);
	free(rooms);
	return rc;
}

static int new_pc(struct gt_ids *x, uint32_t pc, uint32_t *ret, struct gt_err *err)
{
	struct gt_frame frames[MAX_FRAMES];
	bool std[MAX_FRAMES];
	struct gt_pc p;
	uint32_t process, n;
	int rc;

	*ret = 0;
	if (!gt_reader_pc(x->r, pc, &p))
		return GT_OK;
	rc = gt_ids_process(x, p.process, &process, err);
	if (rc)
		return rc;
	n = gt_reader_frames(x->r, pc, frames, MAX_FRAMES);
	if (n > MAX_FRAMES)
		n = MAX_FRAMES;
	(void)gt_reader_frames_std(x->r, pc, std, n);
	if (x->redact)
		return redacted_pc(x, process, &p, frames, std, n, ret, err);
	return gt_writer_pc(x->w, process, p.offset, p.cls, frames, std, n, ret, err);
}

static int map_pc(struct gt_ids *x, uint32_t *pc, struct gt_err *err)
{
	uint32_t from = *pc;
	int rc;

	if (!from || known(&x->pc, pc))
		return GT_OK;
	rc = new_pc(x, from, pc, err);
	return rc ? rc : remember(&x->pc, from, *pc, err);
}

static int new_stack(struct gt_ids *x, uint32_t stack, uint32_t *ret, struct gt_err *err)
{
	uint32_t pcs[MAX_DEPTH], n = gt_reader_stack(x->r, stack, pcs, MAX_DEPTH), kept = 0;
	int rc = GT_OK;

	*ret = 0;
	if (n > MAX_DEPTH)
		n = MAX_DEPTH;
	for (uint32_t i = 0; i < n && !rc; i++) {
		rc = map_pc(x, &pcs[i], err);
		if (!rc && pcs[i]) /* the row of a pc may be lost */
			pcs[kept++] = pcs[i];
	}
	return rc || !kept ? rc : gt_writer_stack(x->w, pcs, kept, ret, err);
}

static int map_stack(struct gt_ids *x, uint32_t *stack, struct gt_err *err)
{
	uint32_t from = *stack;
	int rc;

	if (x->no_stacks)
		*stack = 0;
	if (!*stack || known(&x->stack, stack))
		return GT_OK;
	rc = new_stack(x, from, stack, err);
	return rc ? rc : remember(&x->stack, from, *stack, err);
}

/* ---- what refers to them ---- */

int gt_ids_event(struct gt_ids *x, struct gt_event *ev, struct gt_err *err)
{
	int rc = gt_ids_process(x, ev->process, &ev->process, err);

	if (!rc)
		rc = map_pc(x, &ev->ra, err);
	if (!rc)
		rc = map_pc(x, &ev->pc, err);
	return rc ? rc : map_stack(x, &ev->stack, err);
}

int gt_ids_goroutine(struct gt_ids *x, struct gt_goroutine *g, struct gt_err *err)
{
	int rc = gt_ids_process(x, g->process, &g->process, err);

	if (x->redact)
		g->gptr = gt_redact_gptr(x->redact, g->gptr);
	if (!rc)
		rc = map_pc(x, &g->start_pc, err);
	if (!rc)
		rc = map_pc(x, &g->site_pc, err);
	return rc ? rc : map_stack(x, &g->stack, err);
}

int gt_ids_key(struct gt_ids *x, struct gt_key *k, struct gt_err *err)
{
	int rc = gt_ids_goroutine(x, &k->g, err);

	if (!rc)
		rc = map_stack(x, &k->stack, err);
	return rc ? rc : map_pc(x, &k->pc, err);
}
