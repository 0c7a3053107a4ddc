/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other names for what could tell secrets. The same name gets the same other name, and those of
 * one kind sort as the names did, so that every report but for the names stays as it was.
 * What is Go's own (std) keeps its name, but for the type arguments in it and its path.
 */
#ifndef GT_REDACT_H
#define GT_REDACT_H

#include "format/gtrace.h"
#include "redact_name.h"

/* What is replaced. */
#define GT_RD_NAMES    0x01u /* functions, packages, threads */
#define GT_RD_PATHS    0x02u
#define GT_RD_ARGS     0x04u
#define GT_RD_HOST     0x08u
#define GT_RD_COMMENTS 0x10u /* comments and notes */
#define GT_RD_PCS      0x20u /* pcs and addresses get numbers, build ids go */
#define GT_RD_ALL      0x3fu

struct gt_redact;

/* gt_redact_parse: "names,paths,args,host,comments" to bits; NULL or "all": all. GT_USAGE. */
int gt_redact_parse(const char *s, unsigned *ret, struct gt_err *err) GT_MUST_CHECK;

int gt_redact_new(struct gt_redact **out, unsigned what, struct gt_err *err) GT_MUST_CHECK;
void gt_redact_free(struct gt_redact *x);

/*
 * First all names of a trace are collected, from a reader that has read it through; then the
 * others are asked for. They live as long as X. GT_NOMEM.
 */
int gt_redact_collect(struct gt_redact *x, const struct gt_reader *r,
		      struct gt_err *err) GT_MUST_CHECK;
unsigned gt_redact_what(const struct gt_redact *x);

/* gt_redact_frame: in place, names in ROOM. STD: the function is Go's own. */
struct gt_redact_room {
	char func[GT_RN_MAX], file[GT_RN_MAX];
};
void gt_redact_frame(const struct gt_redact *x, struct gt_frame *f, bool std,
		     struct gt_redact_room *room);
void gt_redact_process(struct gt_redact *x, struct gt_process *p);
void gt_redact_thread(struct gt_redact *x, struct gt_thread *t);
/* gt_redact_gptr: another address for that of a goroutine, the same for the same. 0: no memory. */
uint64_t gt_redact_gptr(struct gt_redact *x, uint64_t gptr);
/* gt_redact_offset: another offset for that of a pc. */
uint64_t gt_redact_offset(struct gt_redact *x, uint64_t offset);

#endif
