/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables: rows of numbers stored column by column, the shape of every block but META and
 * EVENTS, and of the index. A row is an array of u64 in the order of the table's fields; a
 * table has at most one list field and one bytes field. Columns that hold only zeros are
 * left out, columns that a reader does not know are skipped by their length.
 */
#ifndef GT_TABLE_H
#define GT_TABLE_H

#include "base/err.h"
#include "base/in.h"
#include "base/out.h"
#include "spec.h"

struct gt_field {
	const char *name;
	uint8_t id, enc, param;
};

struct gt_table_spec {
	const struct gt_field *fields;
	uint8_t n_fields;
};

/* gt_table_spec: the fields of a block kind; NULL for kinds that are no tables. */
const struct gt_table_spec *gt_table_spec(enum gt_block_kind kind);
extern const struct gt_table_spec gt_index_spec;

/* What a row has besides its numbers. The value of these fields in v[] is not looked at. */
struct gt_row_extra {
	const uint32_t *list;
	const uint8_t *bytes;
	uint32_t n_list, n_bytes;
};

/* ---- writing ------------------------------------------------------------------------------ */

#define GT_TABLE_BATCH 64u

struct gt_table {
	const struct gt_table_spec *spec;
	struct gt_out col[GT_ROW_MAX]; /* owned */
	uint64_t prev[GT_ROW_MAX];
	uint8_t rel[GT_ROW_MAX]; /* position of the field that a REL field refers to */
	int extra;		 /* position of the list or bytes field, -1 none */
	uint64_t used;		 /* bit per field: not all zero */
	size_t bytes;		 /* of all columns; numbers of the batch do not count yet */
	uint32_t n;		 /* rows */
	uint32_t n_batch;	 /* rows whose numbers are not in the columns yet */
	uint64_t batch[GT_ROW_MAX][GT_TABLE_BATCH]; /* by field: columns are made in one go */
	uint64_t base; /* what AGO counts back from: t_min of the block to be */
};

void gt_table_init(struct gt_table *t, const struct gt_table_spec *spec);
void gt_table_free(struct gt_table *t);
/* gt_table_clear: empty it; keeps the memory. BASE for the rows to come. */
void gt_table_clear(struct gt_table *t, uint64_t base);
/* gt_table_add: X may be NULL. GT_NOMEM; then the table must be cleared. */
int gt_table_add(struct gt_table *t, const uint64_t *v, const struct gt_row_extra *x,
		 struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_table_pack: append the body to OUT. MARKS (GT_ROW_MAX + 1 places): where the directory
 * and the columns end, but for the last.
 */
int gt_table_pack(struct gt_table *t, struct gt_out *out, size_t *marks, size_t *ret_n_marks,
		  struct gt_err *err) GT_MUST_CHECK;

/* ---- reading ------------------------------------------------------------------------------ */

struct gt_rows {
	const struct gt_table_spec *spec;
	struct gt_in col[GT_ROW_MAX];
	uint64_t prev[GT_ROW_MAX];
	uint8_t enc[GT_ROW_MAX], param[GT_ROW_MAX]; /* as the block says; 0: column absent */
	uint8_t order[GT_ROW_MAX], n_order;
	uint32_t left;
	uint64_t base;
	uint64_t unknown; /* columns that were skipped */
	uint32_t list[GT_MAX_LIST];
};

/*
 * gt_rows_init: BODY must live as long as the rows are read. N and BASE come from the
 * block's header. GT_CORRUPT, or GT_VERSION for a critical column that is not known.
 */
int gt_rows_init(struct gt_rows *r, const struct gt_table_spec *spec, const void *body, size_t size,
		 uint32_t n, uint64_t base, struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_rows_next: 1 with the next row in V (GT_ROW_MAX values), 0 after the last, GT_CORRUPT.
 * X's pointers live until the next call.
 */
int gt_rows_next(struct gt_rows *r, uint64_t *v, struct gt_row_extra *x,
		 struct gt_err *err) GT_MUST_CHECK;

#endif
