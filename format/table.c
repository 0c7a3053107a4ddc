/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables: rows of numbers, stored column by column. */
#include "table.h"

#define FIELD(name, id, enc, param) { #name, id, GT_E_##enc, param },
#define SPEC(f)                                                                                    \
	{                                                                                          \
		f, sizeof(f) / sizeof(f[0])                                                        \
	}

static const struct gt_field clock_fields[] = { GT_CLOCK_FIELDS(FIELD) };
static const struct gt_field strings_fields[] = { GT_STRINGS_FIELDS(FIELD) };
static const struct gt_field modules_fields[] = { GT_MODULES_FIELDS(FIELD) };
static const struct gt_field pcs_fields[] = { GT_PCS_FIELDS(FIELD) };
static const struct gt_field process_fields[] = { GT_PROCESS_FIELDS(FIELD) };
static const struct gt_field stacks_fields[] = { GT_STACKS_FIELDS(FIELD) };
static const struct gt_field gtab_fields[] = { GT_GTAB_FIELDS(FIELD) };
static const struct gt_field key_fields[] = { GT_KEY_FIELDS(FIELD) };
static const struct gt_field threads_fields[] = { GT_THREADS_FIELDS(FIELD) };
static const struct gt_field loss_fields[] = { GT_LOSS_FIELDS(FIELD) };
static const struct gt_field stats_fields[] = { GT_STATS_FIELDS(FIELD) };
static const struct gt_field note_fields[] = { GT_NOTE_FIELDS(FIELD) };
static const struct gt_field end_fields[] = { GT_END_FIELDS(FIELD) };
static const struct gt_field index_fields[] = { GT_INDEX_FIELDS(FIELD) };

const struct gt_table_spec gt_index_spec = SPEC(index_fields);

static const struct gt_table_spec specs[] = {
	[GT_K_CLOCK] = SPEC(clock_fields),     [GT_K_STRINGS] = SPEC(strings_fields),
	[GT_K_MODULES] = SPEC(modules_fields), [GT_K_PCS] = SPEC(pcs_fields),
	[GT_K_PROCESS] = SPEC(process_fields), [GT_K_STACKS] = SPEC(stacks_fields),
	[GT_K_GTAB] = SPEC(gtab_fields),       [GT_K_THREADS] = SPEC(threads_fields),
	[GT_K_KEYFRAME] = SPEC(key_fields),    [GT_K_LOSS] = SPEC(loss_fields),
	[GT_K_STATS] = SPEC(stats_fields),     [GT_K_NOTE] = SPEC(note_fields),
	[GT_K_END] = SPEC(end_fields),
};

const struct gt_table_spec *gt_table_spec(enum gt_block_kind kind)
{
	if ((unsigned)kind >= sizeof(specs) / sizeof(specs[0]) || !specs[kind].fields)
		return NULL;
	return &specs[kind];
}

static uint64_t zigzag(uint64_t diff)
{
	return diff << 1 ^ (0 - (diff >> 63));
}

static uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

static int position(const struct gt_table_spec *spec, uint8_t id)
{
	for (int i = 0; i < spec->n_fields; i++)
		if (spec->fields[i].id == id)
			return i;
	return -1;
}

/* ---- writing ---- */

void gt_table_init(struct gt_table *t, const struct gt_table_spec *spec)
{
	memset(t, 0, sizeof(*t));
	t->spec = spec;
	t->extra = -1;
	for (int i = 0; i < spec->n_fields; i++)
		if (spec->fields[i].enc >= GT_E_LIST)
			t->extra = i;
		else if (spec->fields[i].enc == GT_E_REL)
			t->rel[i] = (uint8_t)position(spec, spec->fields[i].param);
}

void gt_table_free(struct gt_table *t)
{
	for (int i = 0; i < GT_ROW_MAX; i++)
		gt_out_free(&t->col[i]);
}

void gt_table_clear(struct gt_table *t, uint64_t base)
{
	for (int i = 0; i < t->spec->n_fields; i++)
		gt_out_reset(&t->col[i]);
	memset(t->prev, 0, sizeof(t->prev));
	t->used = 0;
	t->bytes = 0;
	t->n = t->n_batch = 0;
	t->base = base;
}

/*
 * Columns are begun at their first value that is not zero: most rows leave most fields at 0.
 * What was left out is a zero byte for each row, in every encoding.
 */
static bool begin_column(struct gt_table *t, int i, uint32_t rows)
{
	struct gt_out *o = &t->col[i];

	if (t->used >> i & 1)
		return true;
	if (!gt_out_room(o, rows))
		return false;
	if (rows)
		memset(o->p, 0, rows);
	o->n = rows;
	t->bytes += rows;
	t->used |= 1ull << i;
	return true;
}

/*
 * The batch's values of a field as they are stored, and which bits some of these have; true when
 * they are not all zeros.
 */
static bool codes_of(struct gt_table *t, int i, uint64_t *code, uint64_t *ret_bits)
{
	const uint64_t *v = t->batch[i], *base = t->batch[t->rel[i]];
	uint32_t n = t->n_batch;
	uint64_t some = 0, bits = 0, before = t->prev[i];

	for (uint32_t k = 0; k < n; k++)
		some |= v[k];
	switch (t->spec->fields[i].enc) {
	case GT_E_DELTA:
		for (uint32_t k = 0; k < n; before = v[k++])
			code[k] = zigzag(v[k] - before);
		t->prev[i] = before;
		break;
	case GT_E_AGO:
		for (uint32_t k = 0; k < n; k++)
			code[k] = v[k] ? 1 + zigzag(t->base - v[k]) : 0;
		break;
	case GT_E_REL:
		for (uint32_t k = 0; k < n; k++)
			code[k] = zigzag(v[k] - base[k]);
		break;
	default:
		for (uint32_t k = 0; k < n; k++)
			code[k] = v[k];
	}
	for (uint32_t k = 0; k < n; k++)
		bits |= code[k];
	*ret_bits = bits;
	/* An absent column means 0, which for REL is not what zeros mean. */
	return some || bits;
}

/* Append N varints, of which none has other bits than BITS. */
static void put_codes(struct gt_out *o, const uint64_t *code, uint32_t n, uint64_t bits)
{
	if (!gt_out_room(o, (size_t)n * 10))
		return;
	uint8_t *p = o->p + o->n;
	if (bits < 0x80) {
		for (uint32_t k = 0; k < n; k++)
			p[k] = (uint8_t)code[k];
		o->n += n;
		return;
	}
	for (uint32_t k = 0; k < n; k++) {
		uint64_t v = code[k];

		for (; v >= 0x80; v >>= 7)
			*p++ = (uint8_t)(v | 0x80);
		*p++ = (uint8_t)v;
	}
	o->n = (size_t)(p - o->p);
}

/* Put the numbers of the batch into their columns. */
static void settle(struct gt_table *t)
{
	uint64_t code[GT_TABLE_BATCH], bits;

	for (int i = 0; i < t->spec->n_fields && t->n_batch; i++) {
		struct gt_out *o = &t->col[i];
		size_t before;

		if (t->spec->fields[i].enc >= GT_E_LIST)
			continue;
		if (!codes_of(t, i, code, &bits) && !(t->used >> i & 1))
			continue;
		if (!begin_column(t, i, t->n - t->n_batch))
			continue; /* the column is bad now, which whoever packs it sees */
		before = o->n;
		put_codes(o, code, t->n_batch, bits);
		t->bytes += o->n - before;
	}
	t->n_batch = 0;
}

static void add_extra(struct gt_table *t, int i, const struct gt_row_extra *x)
{
	bool list = t->spec->fields[i].enc == GT_E_LIST;
	uint32_t n = !x ? 0 : list ? x->n_list : x->n_bytes;
	struct gt_out *o = &t->col[i];

	if ((!n && !(t->used >> i & 1)) || !begin_column(t, i, t->n))
		return;
	t->bytes -= o->n;
	gt_out_varint(o, n);
	for (uint32_t k = 0; list && k < n; k++)
		gt_out_varint(o, x->list[k]);
	if (!list && n)
		gt_out_bytes(o, x->bytes, n);
	t->bytes += o->n;
}

static int check(const struct gt_table *t, struct gt_err *err)
{
	for (int i = 0; i < t->spec->n_fields; i++)
		if (t->col[i].bad)
			return gt_fail(err, GT_NOMEM, "no memory for a table of the trace");
	return GT_OK;
}

int gt_table_add(struct gt_table *t, const uint64_t *v, const struct gt_row_extra *x,
		 struct gt_err *err)
{
	for (int i = 0; i < t->spec->n_fields; i++)
		t->batch[i][t->n_batch] = v[i];
	if (t->extra >= 0)
		add_extra(t, t->extra, x);
	t->n++;
	if (++t->n_batch < GT_TABLE_BATCH)
		return GT_OK;
	settle(t);
	return check(t, err);
}

int gt_table_pack(struct gt_table *t, struct gt_out *out, size_t *marks, size_t *ret_n_marks,
		  struct gt_err *err)
{
	size_t n_marks = 0;
	int rc;

	settle(t);
	rc = check(t, err);
	if (rc)
		return rc;
	gt_out_varint(out, (uint64_t)__builtin_popcountll(t->used));
	for (int i = 0; i < t->spec->n_fields; i++) {
		const struct gt_field *f = &t->spec->fields[i];

		if (!(t->used >> i & 1))
			continue;
		gt_out_u8(out, f->id);
		gt_out_u8(out, f->enc);
		gt_out_u8(out, f->param);
		gt_out_varint(out, t->col[i].n);
	}
	for (int i = 0; i < t->spec->n_fields; i++) {
		if (!(t->used >> i & 1))
			continue;
		marks[n_marks++] = out->n;
		gt_out_bytes(out, t->col[i].p, t->col[i].n);
	}
	*ret_n_marks = n_marks;
	if (out->bad)
		return gt_fail(err, GT_NOMEM, "no memory for a block of the trace");
	return GT_OK;
}

/* ---- reading ---- */

struct column {
	uint8_t id, enc, param;
	uint64_t len;
};

static struct column column_head(struct gt_in *in)
{
	struct column c = { .id = gt_in_u8(in), .enc = gt_in_u8(in), .param = gt_in_u8(in) };

	c.len = gt_in_varint(in);
	return c;
}

static int take_column(struct gt_rows *r, const struct column *c, struct gt_in data,
		       struct gt_err *err)
{
	int pos = position(r->spec, c->id);
	bool shape;

	if (pos < 0 && c->id & GT_COL_CRITICAL)
		return gt_fail(err, GT_VERSION, "column %u is new to this version", c->id);
	if (pos < 0) {
		r->unknown++;
		return GT_OK;
	}
	shape = r->spec->fields[pos].enc >= GT_E_LIST;
	if (c->enc < GT_E_VAR || c->enc > GT_E_BYTES || r->enc[pos] ||
	    (shape ? c->enc != r->spec->fields[pos].enc : c->enc >= GT_E_LIST))
		return gt_fail(err, GT_CORRUPT, "column %u has encoding %u", c->id, c->enc);
	if (c->enc == GT_E_REL) {
		int base = position(r->spec, c->param);

		/* Rows are decoded in column order: the other value must be known by then. */
		if (base < 0 || base >= pos || r->spec->fields[base].enc >= GT_E_LIST)
			return gt_fail(err, GT_CORRUPT, "column %u refers to %u", c->id, c->param);
		r->param[pos] = (uint8_t)base;
	}
	r->enc[pos] = c->enc;
	r->col[pos] = data;
	return GT_OK;
}

int gt_rows_init(struct gt_rows *r, const struct gt_table_spec *spec, const void *body, size_t size,
		 uint32_t n, uint64_t base, struct gt_err *err)
{
	struct gt_in in = gt_in_init(body, size), dir;
	uint64_t n_cols = gt_in_varint(&in), total = 0;
	int rc;

	memset(r, 0, offsetof(struct gt_rows, list));
	r->spec = spec;
	r->left = n;
	r->base = base;
	if (n_cols > 256)
		return gt_fail(err, GT_CORRUPT, "table has %llu columns",
			       (unsigned long long)n_cols);
	dir = in;
	for (uint64_t i = 0; i < n_cols; i++) {
		struct column c = column_head(&in);

		if (c.len > size)
			gt_in_fail(&in);
		total += c.len;
	}
	if (in.bad || total != gt_in_left(&in))
		return gt_fail(err, GT_CORRUPT, "columns of a table do not fill its block");
	for (uint64_t i = 0; i < n_cols; i++) {
		struct column c = column_head(&dir);

		rc = take_column(r, &c, gt_in_sub(&in, c.len), err);
		if (rc)
			return rc;
	}
	for (int i = 0; i < spec->n_fields; i++)
		if (r->enc[i])
			r->order[r->n_order++] = (uint8_t)i;
	/* Each row takes a byte of each column, so that N cannot be larger than what is there. */
	if (n && (!r->n_order || n > size))
		return gt_fail(err, GT_CORRUPT, "table claims %u rows", n);
	return GT_OK;
}

static bool read_list(struct gt_rows *r, struct gt_in *in, struct gt_row_extra *x)
{
	uint64_t n = gt_in_varint(in);

	if (n > GT_MAX_LIST)
		return false;
	for (uint64_t k = 0; k < n; k++) {
		uint64_t v = gt_in_varint(in);

		if (v > UINT32_MAX)
			return false;
		r->list[k] = (uint32_t)v;
	}
	x->list = r->list;
	x->n_list = (uint32_t)n;
	return true;
}

static bool read_bytes(struct gt_in *in, struct gt_row_extra *x)
{
	uint64_t n = gt_in_varint(in);

	if (n > GT_MAX_STRING)
		return false;
	x->bytes = gt_in_bytes(in, n);
	x->n_bytes = x->bytes ? (uint32_t)n : 0;
	return x->bytes != NULL;
}

static bool read_value(struct gt_rows *r, int i, uint64_t *v, struct gt_row_extra *x)
{
	struct gt_in *in = &r->col[i];
	uint64_t e;

	switch (r->enc[i]) {
	case GT_E_LIST: return read_list(r, in, x) && !in->bad;
	case GT_E_BYTES: return read_bytes(in, x);
	default: break;
	}
	e = gt_in_varint(in);
	switch (r->enc[i]) {
	case GT_E_DELTA: v[i] = r->prev[i] += unzigzag(e); break;
	case GT_E_AGO: v[i] = e ? r->base - unzigzag(e - 1) : 0; break;
	case GT_E_REL: v[i] = v[r->param[i]] + unzigzag(e); break;
	default: v[i] = e;
	}
	return !in->bad;
}

int gt_rows_next(struct gt_rows *r, uint64_t *v, struct gt_row_extra *x, struct gt_err *err)
{
	memset(v, 0, GT_ROW_MAX * sizeof(*v));
	*x = (struct gt_row_extra){ 0 };
	if (!r->left) {
		for (int k = 0; k < r->n_order; k++)
			if (gt_in_left(&r->col[r->order[k]]))
				return gt_fail(err, GT_CORRUPT,
					       "a column has more values than rows");
		return 0;
	}
	r->left--;
	for (int k = 0; k < r->n_order; k++)
		if (!read_value(r, r->order[k], v, x))
			return gt_fail(err, GT_CORRUPT, "column '%s' ends early or holds nonsense",
				       r->spec->fields[r->order[k]].name);
	return 1;
}
