/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which goroutines and which of their states the user asked for. Expensive tests (regular
 * expressions on names) are made once for each pc and remembered.
 */
#ifndef GT_VIEW_FILTER_H
#define GT_VIEW_FILTER_H

#include <regex.h>

#include "format/base/opts.h"
#include "format/base/u64map.h"
#include "format/gtrace.h"
#include "replay/engine/engine.h"

struct gt_filter_opts {
	struct gt_strlist goids;   /* -g ID[,ID], each ID a goid or PID:GOID */
	const char *func, *site;   /* regular expressions (POSIX extended) */
	const char *state;	   /* S[,S] */
	struct gt_strlist reasons; /* the runtime's words, without case; any of them */
	const char *process;	   /* PID[,PID] */
};

#define GT_FILTER_MAX_IDS 1024

struct gt_filter {
	struct {
		uint64_t pid, goid; /* pid 0: any */
	} ids[GT_FILTER_MAX_IDS];
	uint32_t n_ids;
	uint32_t pids[64], n_pids;
	uint32_t states; /* bit for each enum gt_gstate; 0: all */
	struct gt_strlist reasons;
	regex_t func, site;
	bool has_func, has_site;
	struct gt_u64map func_seen, site_seen; /* pc -> matches */
	bool met_goroutine, met_state;	       /* something was, so that what was not is told */
};

/* gt_filter_init: GT_USAGE with a message that names the option. */
int gt_filter_init(struct gt_filter *f, const struct gt_filter_opts *o,
		   struct gt_err *err) GT_MUST_CHECK;
void gt_filter_free(struct gt_filter *f);

/* gt_filter_goroutine: by id, process, entry function and creation site. */
bool gt_filter_goroutine(struct gt_filter *f, const struct gt_reader *r,
			 const struct gt_goroutine *g);
/* gt_filter_state: by state and wait reason. */
bool gt_filter_state(struct gt_filter *f, const struct gt_reader *r, uint32_t process,
		     enum gt_gstate state, uint8_t reason);
/* gt_filter_step: the goroutine is asked for, and the state it leaves or the one it enters. */
bool gt_filter_step(struct gt_filter *f, const struct gt_reader *r, const struct gt_goroutine *g,
		    const struct gt_step *s);
/* gt_filter_process: the process is asked for, and no single goroutines or states are. */
bool gt_filter_process(const struct gt_filter *f, const struct gt_reader *r, uint32_t process);
/* gt_filter_active: anything but everything is asked for. */
bool gt_filter_active(const struct gt_filter *f);

#endif
