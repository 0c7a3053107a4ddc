/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Program counters become ids of the trace: each address met is looked up once in its
 * process's binary (function, file, line, inlined frames, role) and embedded in the file, so
 * that analysis needs neither binary nor source.
 */
#ifndef GT_SYMBOLS_H
#define GT_SYMBOLS_H

#include "format/gtrace.h"
#include "record/target.h"

struct gt_symbols;

int gt_symbols_new(struct gt_symbols **out, struct gt_writer *w, struct gt_err *err) GT_MUST_CHECK;
void gt_symbols_free(struct gt_symbols *s);

/* How an address is meant. */
enum gt_pc_kind {
	GT_PC_RETURN, /* a return address: the call stands before it */
	GT_PC_EXACT,  /* the instruction itself: function entries */
};

/* gt_symbols_pc: the id of address PC in process PROCESS (T borrowed); 0 for pc 0. */
int gt_symbols_pc(struct gt_symbols *s, uint32_t process, const struct gt_target *t, uint64_t pc,
		  enum gt_pc_kind kind, uint32_t *ret_id, struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_symbols_start: the id of the function that a goroutine with this STARTPC (not 0) runs, behind
 * the compiler's wrapper; *ret_system: it is one of the runtime's own.
 */
int gt_symbols_start(struct gt_symbols *s, uint32_t process, const struct gt_target *t,
		     uint64_t startpc, uint32_t *ret_id, bool *ret_system,
		     struct gt_err *err) GT_MUST_CHECK;
/* gt_symbols_stack: N return addresses, innermost first, as a stack id; 0 for none. */
int gt_symbols_stack(struct gt_symbols *s, uint32_t process, const struct gt_target *t,
		     const uint64_t *pcs, uint32_t n, uint32_t *ret_id,
		     struct gt_err *err) GT_MUST_CHECK;
/* gt_symbols_class: role of a pc id; the engine's pc_class callback (ctx: the gt_symbols). */
enum gt_ra_class gt_symbols_class(void *ctx, uint32_t id);

#endif
