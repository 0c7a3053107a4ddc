/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of a recording: how they come under trace, how they end, what they are asked. */
#include "session_impl.h"

#include <sys/wait.h>

#include "clock.h"
#include "format/base/log.h"
#include "format/base/vec.h"

#define SETTLE_MS  100 /* the rings are not drained meanwhile */
#define FILES_EACH 96  /* descriptors that one more process may take: 20, more with PGO */

void gt_session_let_go(struct gt_session *s, uint32_t i)
{
	struct gt_member *m = &s->members.p[i];

	if (m->gone)
		return;
	m->gone = true;
	gt_slice_free(m->slice);
	m->slice = NULL;
	if (s->kernel)
		gt_kernel_remove(s->kernel, m->t);
	/* The trap went with its memory, but each hit elsewhere still asks for this consumer. */
	if (m->a)
		gt_detach_put(s->detach, m->a);
}

static int ended(struct gt_session *s, uint32_t i, enum gt_process_end how, uint32_t status,
		 struct gt_err *err)
{
	uint64_t now = gt_clock_ns(CLOCK_MONOTONIC);
	int rc = gt_session_gap(s, i, now, err);

	gt_session_let_go(s, i);
	return rc ? rc : gt_encoder_process_end(s->enc, i + 1, now, how, status, err);
}

/* The one that is PID and has not ended; -1 none. */
static long member_of(const struct gt_session *s, pid_t pid)
{
	for (size_t i = 0; i < s->members.n; i++)
		if (!s->members.p[i].gone && s->members.p[i].t->pid == pid)
			return (long)i;
	return -1;
}

int gt_session_ended(struct gt_session *s, pid_t pid, int wstatus, struct gt_err *err)
{
	long i = member_of(s, pid);

	if (i < 0)
		return GT_OK;
	return WIFSIGNALED(wstatus)
		       ? ended(s, (uint32_t)i, GT_PE_KILLED, (uint32_t)WTERMSIG(wstatus), err)
		       : ended(s, (uint32_t)i, GT_PE_EXITED, (uint32_t)WEXITSTATUS(wstatus), err);
}

/* T has ended, and nobody has told us how: it may be a child still, or a zombie that says it. */
static int ended_unseen(struct gt_session *s, uint32_t i, struct gt_err *err)
{
	struct gt_target *t = s->members.p[i].t;
	siginfo_t si = { 0 };
	int wstatus;

	if (!waitid(P_PIDFD, (id_t)t->pidfd, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) &&
	    si.si_pid)
		return si.si_code == CLD_EXITED
			       ? ended(s, i, GT_PE_EXITED, (uint32_t)si.si_status, err)
			       : ended(s, i, GT_PE_KILLED, (uint32_t)si.si_status, err);
	if (gt_target_exit(t, &wstatus))
		return gt_session_ended(s, t->pid, wstatus, err);
	return ended(s, i, GT_PE_UNKNOWN, 0, err);
}

/*
 * Room for one more process: taking the probes out of those that have ended takes a while, and
 * until then they hold theirs. Where no room can be made, what fails next says so.
 */
static int make_room(struct gt_session *s, struct gt_err *err)
{
	int rc = gt_session_bury(s, false, err);

	if (!rc && gt_priv_files() < FILES_EACH)
		rc = gt_session_bury(s, true, err);
	return rc;
}

/* Probes into M, number N: now, when the budget allows it, or never. */
static int attach(struct gt_session *s, struct gt_member *m, uint32_t n, struct gt_err *err)
{
	struct gt_attach_opts how = s->attach;
	int rc = GT_OK;

	how.later = s->part > 0 && !m->launched;
	if (s->rings)
		rc = gt_attach_start(&m->a, m->t, n, s->rings, &how, err);
	else
		m->gap_ns = gt_clock_ns(CLOCK_MONOTONIC);
	m->tick_ns = gt_clock_ns(CLOCK_MONOTONIC) + (m->launched ? s->snapshot_ns : 0);
	if (!rc)
		rc = gt_session_slices(s, m, err);
	if (!rc && m->launched && m->a) /* it stands at its first instruction */
		gt_attach_trust(m->a);
	return !rc && s->kernel ? gt_kernel_add(s->kernel, m->t, n, err) : rc;
}

int gt_session_add(struct gt_session *s, pid_t pid, bool launched, struct gt_err *err)
{
	struct gt_target *t = NULL;
	struct gt_process row;
	uint32_t n = (uint32_t)s->members.n + 1;
	/* It stands before the first instruction of a new program: what it was before has ended. */
	long before = launched ? member_of(s, pid) : -1;
	int rc = before >= 0 ? ended(s, (uint32_t)before, GT_PE_EXEC, 0, err) : GT_OK;

	if (!rc)
		rc = make_room(s, err);
	if (!rc)
		rc = gt_target_open(&t, pid, err);
	if (before >= 0 && rc == GT_UNSUPPORTED)
		gt_log_note("the trace of '%s' (pid %d) ends: it has executed another program (%s)",
			    s->members.p[before].t->comm, (int)pid, err->msg);
	if (rc)
		return rc;
	struct gt_member *m = GT_VEC_PUSH(&s->members);
	if (!m) {
		gt_target_free(t);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	m->t = t;
	m->launched = m->known = launched;
	rc = attach(s, m, n, err);
	if (rc) {
		gt_attach_free(m->a);
		gt_target_free(t);
		s->members.n--;
		return rc;
	}
	gt_target_process(t, &row);
	row.process = n;
	row.seen_ns = gt_clock_ns(CLOCK_MONOTONIC);
	row.launched = launched;
	row.probe_flags = GT_PG_TOLD | (s->rings ? s->attach.groups : 0);
	rc = gt_writer_process(s->w, &row, err);
	if (!rc)
		rc = gt_encoder_process(s->enc, &row, t, err);
	if (!rc && !launched) {
		if (m->a && !m->gap_ns && !gt_target_settle(t, SETTLE_MS))
			gt_log_debug("pid %d: some threads have not moved since", (int)pid);
		rc = gt_session_snapshot(s, n - 1, err);
	}
	if (!rc && !s->committed) {
		rc = gt_outfile_commit(s->file, err);
		s->committed = !rc;
	}
	return rc;
}

int gt_session_start(struct gt_session *s, struct gt_err *err)
{
	return s->drain || !s->rings ? GT_OK : gt_drain_start(&s->drain, s->rings, err);
}

uint32_t gt_session_processes(const struct gt_session *s)
{
	return (uint32_t)s->members.n;
}

int gt_session_pidfd(const struct gt_session *s, uint32_t i)
{
	return s->members.p[i].gone ? -1 : s->members.p[i].t->pidfd;
}

int gt_session_live(struct gt_session *s, uint32_t *ret_n, struct gt_err *err)
{
	int rc = GT_OK;

	*ret_n = 0;
	for (uint32_t i = 0; !rc && i < s->members.n; i++) {
		struct gt_member *m = &s->members.p[i];
		if (m->gone)
			continue;
		switch (gt_target_life(m->t)) {
		case GT_TL_LIVES: ++*ret_n; break;
		case GT_TL_ENDED: rc = ended_unseen(s, i, err); break;
		case GT_TL_EXECUTED:
			gt_log_note("the trace of '%s' (pid %d) ends: it has executed another "
				    "program%s",
				    m->t->comm, (int)m->t->pid,
				    m->launched ? " (gtrec -f goes on with that)" : "");
			rc = ended(s, i, GT_PE_EXEC, 0, err);
			break;
		}
	}
	return rc;
}

int gt_session_bury(struct gt_session *s, bool wait, struct gt_err *err)
{
	struct gt_attach *a;
	int rc = GT_OK;

	while (!rc && (a = gt_detach_take(s->detach, wait))) {
		rc = gt_attach_losses(a, gt_session_loss, s, err);
		for (size_t i = 0; i < s->members.n; i++)
			if (s->members.p[i].a == a)
				s->members.p[i].a = NULL;
		gt_attach_free(a);
	}
	for (uint32_t i = 0; i < s->members.n; i++) {
		struct gt_member *m = &s->members.p[i];
		if (m->a || !gt_encoder_ended(s->enc, i + 1))
			continue;
		gt_target_free(m->t);
		m->t = NULL;
	}
	return rc;
}
