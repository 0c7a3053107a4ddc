/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One recording: the rings and their drain, the trace file, and the processes under trace. It
 * knows nothing of signals, command lines or children; record/run.c drives it.
 */
#ifndef GT_SESSION_H
#define GT_SESSION_H

#include "attach.h"
#include "encode.h"
#include "outfile.h"
#include "priv.h"

struct gt_session;

struct gt_session_opts { /* zero means the default everywhere */
	const char *out; /* path, default trace.gtr; "-" stdout */
	uint64_t buffer; /* bytes of ring for each CPU */
	uint64_t time_res_ns;
	int level;	      /* of zstd */
	uint64_t snapshot_ns; /* all goroutines are read every so often; 0: not */
	double part;	      /* of one core that probes may cost; 0: no limit */
	bool passive;	      /* and nothing else: no probes, nothing asked of the kernel */
	struct gt_attach_opts attach;
	const struct gt_user *owner; /* of the file; borrowed during gt_session_new */
	const char *const *comments; /* NULL-terminated */
};

/* What was recorded, for the closing line. */
struct gt_session_report {
	struct gt_encoder_counts counts;
	uint64_t events; /* in the file, snapshot rows too */
	uint64_t lost, bytes, live, wall_ns, cpu_ns;
	uint64_t gap_ns; /* without probes, all processes */
	uint32_t processes;
};

/* gt_session_new: opens the output (hidden until the first process is attached) and the rings. */
int gt_session_new(struct gt_session **out, const struct gt_session_opts *opts,
		   struct gt_err *err) GT_MUST_CHECK;
/* gt_session_free: probes out, everything closed; a file that was not committed is removed. */
void gt_session_free(struct gt_session *s);

/*
 * gt_session_add: trace process PID. LAUNCHED: it has not run an instruction yet, so no
 * snapshot is due, and if it was traced as another program before, that one has ended. Errors are
 * gt_target_open's and gt_attach_start's; the session goes on.
 */
int gt_session_add(struct gt_session *s, pid_t pid, bool launched,
		   struct gt_err *err) GT_MUST_CHECK;
/* gt_session_start: begin to drain; after privileges were dropped, as it starts a thread. */
int gt_session_start(struct gt_session *s, struct gt_err *err) GT_MUST_CHECK;

/* gt_session_fd: readable when gt_session_pump has something to do. */
int gt_session_fd(const struct gt_session *s);
/* gt_session_due: when gt_session_pump has something to do even so; UINT64_MAX never. */
uint64_t gt_session_due(const struct gt_session *s);
int gt_session_pump(struct gt_session *s, struct gt_err *err) GT_MUST_CHECK;

/* The processes: how many were added, and the pidfd of number I (from 0), -1 when it is gone. */
uint32_t gt_session_processes(const struct gt_session *s);
int gt_session_pidfd(const struct gt_session *s, uint32_t i);
/* gt_session_ended: PID, if it is one of them, has ended with WSTATUS as waitpid told it. */
int gt_session_ended(struct gt_session *s, pid_t pid, int wstatus,
		     struct gt_err *err) GT_MUST_CHECK;
/* gt_session_live: how many still run; those that ended, or became another program, are let go. */
int gt_session_live(struct gt_session *s, uint32_t *ret_n, struct gt_err *err) GT_MUST_CHECK;

/*
 * gt_session_finish: with SNAPSHOT the last state of every goroutine is read while it still
 * runs; then probes out, rings drained, file closed. WHY and STATUS go into its END block.
 */
int gt_session_finish(struct gt_session *s, bool snapshot, enum gt_end_reason why, int status,
		      struct gt_err *err) GT_MUST_CHECK;
void gt_session_get_report(const struct gt_session *s, struct gt_session_report *ret);

#endif
