/* SPDX-License-Identifier: BSD-2-Clause */
/* What session.c (the file and the flow into it) and session_proc.c (processes) share. */
#ifndef GT_SESSION_IMPL_H
#define GT_SESSION_IMPL_H

#include "session.h"

#include "detach.h"
#include "govern.h"
#include "kernel.h"
#include "slice.h"

#define GT_RACE_NS 2000000u /* a probe precedes its change: what is read later, is later */

/* One process under trace. */
struct gt_member {
	struct gt_target *t; /* NULL: it is gone, and all that it did is encoded */
	struct gt_attach *a; /* NULL: the process is gone, its probes and losses are dealt with */
	uint64_t allgs;	     /* where its list of goroutines is; 0 not known */
	/*
	 * After a loss all goroutines are read anew: not before DUE_NS (0: no need), and not before
	 * NEXT_NS, as it must not cost more than a small part of our time.
	 */
	uint64_t due_ns, next_ns;
	uint64_t tick_ns; /* the next of the looks that were asked for */
	uint64_t gap_ns;  /* no probes are in it since then, or since the last look; 0: they are */
	uint64_t took_ns; /* what the last look took */
	struct gt_governor governor;
	struct gt_slice *slice; /* NULL: its probes stay in */
	uint64_t hits;
	bool launched, gone, checked;
	bool told_unread;
	bool known; /* all of its goroutines are, or were at one time */
};

struct gt_session {
	struct gt_outfile *file;
	struct gt_sink sink;
	struct gt_rings *rings; /* NULL: no probes at all, only looks */
	uint32_t n_cpus;
	struct gt_drain *drain;
	struct gt_detach *detach;
	struct gt_kernel *kernel; /* NULL: its view was not asked for */
	struct gt_writer *w;
	struct gt_encoder *enc;
	struct gt_attach_opts attach;
	struct {
		struct gt_member *p;
		size_t n, cap;
	} members;
	uint64_t start_ns, next_stats_ns, next_clock_ns, drain_cpu_ns;
	uint64_t stop_ns, end_ns;   /* UINT64_MAX until it stops; 0 until it ended */
	uint64_t lost, lost_places; /* as told in the file */
	double part, hit_ns;	    /* of one core that probes may cost, 0 all; what a hit costs */
	uint64_t dice;		    /* of looks that are not at even times */
	uint64_t snapshot_ns;	    /* between the looks that were asked for; 0 none */
	uint64_t gap_total_ns;	    /* without probes, all processes */
	uint64_t lost_after;	    /* after the end of the trace */
	bool committed;
};

/* ---- session_look.c ---- */

/*
 * gt_session_snapshot: all goroutines of member I, to the encoder; what cannot be read is told, and
 * is no reason to stop.
 */
int gt_session_snapshot(struct gt_session *s, uint32_t i, struct gt_err *err) GT_MUST_CHECK;
/* gt_session_gap: member I had no probes in it since the last look, or gap, up to NS: told. */
int gt_session_gap(struct gt_session *s, uint32_t i, uint64_t ns, struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_session_resync_after: events of process PROCESS (a number, from 1) are missing up to LAST_NS.
 * gt_session_look: the looks that are due, for that or because they were asked for.
 */
void gt_session_resync_after(struct gt_session *s, uint32_t process, uint64_t last_ns);
int gt_session_look(struct gt_session *s, struct gt_err *err) GT_MUST_CHECK;

/* ---- session_slice.c ---- */

/* gt_session_slices: M is under the budget from now on, if there is one. */
int gt_session_slices(struct gt_session *s, struct gt_member *m, struct gt_err *err) GT_MUST_CHECK;
/* gt_session_govern: puts probes in and takes them out, as the budget allows. */
int gt_session_govern(struct gt_session *s, struct gt_err *err) GT_MUST_CHECK;

/* ---- session_proc.c ---- */

/* gt_session_let_go: the probes of member I go: at the end of the trace, or of the process. */
void gt_session_let_go(struct gt_session *s, uint32_t i);
/*
 * gt_session_bury: those whose probes are out: their last losses are told, then what the kernel
 * holds for them is given back. WAIT: for all that are on their way out.
 */
int gt_session_bury(struct gt_session *s, bool wait, struct gt_err *err) GT_MUST_CHECK;

/* ---- session.c ---- */

/* gt_session_loss: L, into the file and to the user; CTX is the session. */
int gt_session_loss(void *ctx, const struct gt_loss *l, struct gt_err *err);

#endif
