/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Go's function table: which function is at a pc, its name, its pc-value tables, and what is
 * inlined in it. Formats of Go 1.17 to 1.26. Lookups read what they need and keep it.
 */
#ifndef GT_PCLNTAB_H
#define GT_PCLNTAB_H

#include "format/base/in.h"
#include "lazy.h"
#include "moduledata.h"

struct gt_pcln {
	const struct gt_image *img; /* borrowed */
	struct gt_moduledata md;
	struct gt_lazy tab;
	uint32_t n_funcs;
};

/* One function. Fields below name_off count from the table's parts, as the runtime has them. */
struct gt_gofunc {
	uint64_t entry, end; /* link-time */
	uint64_t off;	     /* of its _func, from the header */
	uint32_t name_off;
	uint32_t pcfile, pcline, n_pcdata, cu_off;
	uint8_t func_id, n_funcdata;
};

int gt_pcln_open(struct gt_pcln *p, const struct gt_image *img, const struct gt_moduledata *md,
		 struct gt_err *err) GT_MUST_CHECK;
void gt_pcln_close(struct gt_pcln *p);

/* gt_pcln_at: function number I in order of address. */
bool gt_pcln_at(const struct gt_pcln *p, uint32_t i, struct gt_gofunc *ret);
/* gt_pcln_find: the function at PC. */
bool gt_pcln_find(const struct gt_pcln *p, uint64_t pc, struct gt_gofunc *ret);
/* gt_pcln_name: a function's name; "" where it has none. */
const char *gt_pcln_name(const struct gt_pcln *p, uint32_t name_off);
/* gt_pcln_has_name: does the name occur at all, as a function or as an inlined one? */
bool gt_pcln_has_name(const struct gt_pcln *p, const char *name, uint32_t *ret_off);
/* gt_pcln_value: the table at OFF, for PC; false where it has no value. */
bool gt_pcln_value(const struct gt_pcln *p, const struct gt_gofunc *f, uint32_t off, uint64_t pc,
		   int32_t *ret);
/* gt_pcln_pcdata: value of PCDATA table WHICH at PC. */
bool gt_pcln_pcdata(const struct gt_pcln *p, const struct gt_gofunc *f, uint32_t which, uint64_t pc,
		    int32_t *ret);
/*
 * The runs of PCDATA table WHICH, from the function's entry on: each next call gives a range of
 * offsets from the entry and the value there; false at the end.
 */
struct gt_pcln_runs {
	struct gt_in in;
	uint64_t at;
	uint32_t val;
	bool first;
};
bool gt_pcln_runs(const struct gt_pcln *p, const struct gt_gofunc *f, uint32_t which,
		  struct gt_pcln_runs *ret);
bool gt_pcln_run(const struct gt_pcln *p, struct gt_pcln_runs *r, uint64_t *ret_from,
		 uint64_t *ret_to, int32_t *ret);
/* gt_pcln_funcdata: address of FUNCDATA table WHICH; false where there is none. */
bool gt_pcln_funcdata(const struct gt_pcln *p, const struct gt_gofunc *f, uint32_t which,
		      uint64_t *ret);
/* gt_pcln_file: name of file number FILENO of the function's compilation unit; "" unknown. */
const char *gt_pcln_file(const struct gt_pcln *p, const struct gt_gofunc *f, int32_t fileno);

#endif
