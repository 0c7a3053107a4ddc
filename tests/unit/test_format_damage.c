/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged, cut and hostile files: whatever was done to a trace, what still checks is read,
 * what is gone is told, and nothing is made up.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "format/block.h"
#include "format/pcapng.h"
#include "tests/unit/trace_file.h"

#define MEMORY (64ull << 20)

/* What a sound reading of the test trace gives. */
static struct heard whole;
static struct gt_out file;

/* ---- blocks of the test trace, as pcapng sees them ---- */

struct span {
	size_t at, len;
	uint32_t type;
	uint8_t kind; /* of our block, else 0 */
};

static size_t spans(const struct gt_out *o, struct span *ret, size_t max)
{
	size_t n = 0;

	for (size_t at = 0; at < o->n && n < max; n++) {
		struct gt_pcap_head h;

		assert_true(gt_pcap_head(&h, o->p + at));
		ret[n] = (struct span){ at, h.length, h.type, 0 };
		if (h.type == GT_PCAP_EPB)
			ret[n].kind = o->p[at + GT_PCAP_EPB_HEAD + 5];
		at += h.length;
	}
	return n;
}

static int setup(void **state)
{
	(void)state;
	file_of_everything(&file, 120, 20);
	return hear(&whole, file.p, file.n, false, MEMORY) || damaged(&whole.damage);
}

static int teardown(void **state)
{
	(void)state;
	unhear(&whole);
	gt_out_free(&file);
	return 0;
}

/* Events heard must be events of the sound trace, in its order. */
static void assert_subsequence(const struct heard *h)
{
	size_t at = 0;

	for (size_t i = 0; i < h->n_ev; i++, at++) {
		while (at < whole.n_ev &&
		       !(whole.ev[at].ts == h->ev[i].ts && gen_same(&whole.ev[at], &h->ev[i])))
			at++;
		assert_true(at < whole.n_ev);
	}
}

/* ---- the promises ---- */

static void a_file_cut_at_any_byte_is_read_to_its_last_whole_block(void **state)
{
	struct span s[400];
	size_t n_spans = spans(&file, s, 400), meta = 0;
	size_t longest = 0;

	(void)state;
	for (size_t i = 0; i < n_spans && !meta; i++)
		if (s[i].kind)
			meta = s[i].at + s[i].len;
	for (size_t cut = 0; cut < file.n; cut++) {
		for (int stream = 0; stream < 2; stream++) {
			uint8_t *copy = malloc(cut ? cut
						   : 1); /* so that ASan sees reads behind it */
			struct heard h;
			int rc;

			memcpy(copy, file.p, cut);
			rc = hear(&h, copy, cut, stream, MEMORY);
			if (cut < meta) {
				assert_true(rc == GT_TRUNCATED || rc == GT_UNSUPPORTED);
			} else {
				assert_int_equal(rc, 0);
				assert_int_equal(h.damage.missing_end, h.items[GT_IT_END] == 0);
				assert_subsequence(&h);
				assert_int_equal(h.losses_found, h.items[GT_IT_END] == 0);
				assert_true(h.n_ev >= longest);
				longest = h.n_ev;
			}
			unhear(&h);
			free(copy);
		}
	}
	assert_int_equal(longest, whole.n_ev);
}

static void any_flipped_bit_is_harmless_and_never_silent(void **state)
{
	uint8_t *copy = malloc(file.n);
	uint32_t unread = 0;

	(void)state;
	for (size_t bit = 0; bit < file.n * 8; bit++) {
		struct heard h;
		int rc;

		memcpy(copy, file.p, file.n);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = hear(&h, copy, file.n, bit % 3 == 0, MEMORY);
		if (rc) {
			/* Refusing is right only for a file that says it is of another kind. */
			assert_true(rc == GT_VERSION || rc == GT_UNSUPPORTED);
			unread++;
		} else {
			assert_subsequence(&h);
			if (h.n_ev < whole.n_ev) {
				assert_true(damaged(&h.damage));
				assert_true(h.losses_found > 0);
				assert_true(h.damage.first[0] != 0);
			}
			assert_true(h.n_ev + 20 >= whole.n_ev); /* at most one block of events */
		}
		unhear(&h);
	}
	assert_true(unread < file.n / 4);
	free(copy);
}

static void rebuild(struct gt_out *o, const struct span *s, const size_t *order, size_t n)
{
	gt_out_reset(o);
	for (size_t i = 0; i < n; i++)
		gt_out_bytes(o, file.p + s[order[i]].at, s[order[i]].len);
}

static void a_block_taken_out_is_told(void **state)
{
	struct span s[400];
	size_t n = spans(&file, s, 400), order[400];
	struct gt_out o = { 0 };

	(void)state;
	for (size_t gone = 2; gone < n; gone++) {
		struct heard h;
		size_t k = 0;

		for (size_t i = 0; i < n; i++)
			if (i != gone)
				order[k++] = i;
		rebuild(&o, s, order, k);
		assert_int_equal(hear(&h, o.p, o.n, gone % 2, MEMORY), 0);
		assert_subsequence(&h);
		if (s[gone].kind == GT_K_END)
			assert_int_equal(h.damage.missing_end, 1);
		else if (s[gone].kind)
			assert_int_equal(h.damage.missing_blocks, 1);
		if (s[gone].kind && s[gone].kind != GT_K_END)
			assert_int_equal(h.losses_found, 1);
		unhear(&h);
	}
	gt_out_free(&o);
}

static void swapped_and_doubled_blocks_add_nothing(void **state)
{
	struct span s[400];
	size_t n = spans(&file, s, 400), order[400];
	struct gt_out o = { 0 };

	(void)state;
	for (size_t at = 2; at + 1 < n; at++) {
		for (int doubled = 0; doubled < 2; doubled++) {
			struct heard h;
			size_t k = 0;

			for (size_t i = 0; i < n; i++) {
				order[k++] = i;
				if (i == at && doubled)
					order[k++] = i;
			}
			if (!doubled) {
				order[at] = at + 1;
				order[at + 1] = at;
			}
			rebuild(&o, s, order, k);
			assert_int_equal(hear(&h, o.p, o.n, at % 2, MEMORY), 0);
			assert_subsequence(&h);
			if (doubled)
				assert_int_equal(h.n_ev, whole.n_ev);
			if (s[at].kind && (doubled || s[at + 1].kind))
				assert_true(damaged(&h.damage));
			unhear(&h);
		}
	}
	gt_out_free(&o);
}

static void zeroed_and_garbled_stretches_cost_only_what_they_cover(void **state)
{
	struct gen g = { .rng = 12 };
	uint8_t *copy = malloc(file.n);

	(void)state;
	for (int i = 0; i < 600; i++) {
		size_t len = 1 + gen_below(&g, 3000), at = gen_below(&g, (uint32_t)(file.n - len));
		struct heard h;
		int rc;

		memcpy(copy, file.p, file.n);
		if (i % 2)
			memset(copy + at, 0, len);
		else
			for (size_t k = 0; k < len; k++)
				copy[at + k] = (uint8_t)gen_u64(&g);
		rc = hear(&h, copy, file.n, i % 3 == 0, MEMORY);
		assert_true(rc == 0 || rc == GT_UNSUPPORTED || rc == GT_VERSION);
		assert_subsequence(&h);
		if (!rc && h.n_ev < whole.n_ev)
			assert_true(damaged(&h.damage));
		unhear(&h);
	}
	free(copy);
}

static void loss_in_damage_is_counted_and_timed_with_the_index(void **state)
{
	struct span s[400];
	size_t n = spans(&file, s, 400);
	uint8_t *copy = malloc(file.n);
	uint32_t tried = 0;

	(void)state;
	for (size_t i = 0; i + 3 < n; i++) {
		struct heard h;

		if (s[i].kind != GT_K_EVENTS)
			continue;
		tried++;
		memcpy(copy, file.p, file.n);
		copy[s[i].at + GT_PCAP_EPB_HEAD + GT_BLK_HDR + 2] ^= 1;
		assert_int_equal(hear(&h, copy, file.n, false, MEMORY), 0);
		assert_int_equal(h.damage.bad_blocks, 1);
		assert_int_equal(h.n_ev + (h.lost - whole.lost), whole.n_ev);
		unhear(&h);
	}
	assert_true(tried > 5);
	free(copy);
}

/* Every event that is missing lies in the time of some loss that was told. */
static void what_is_lost_lies_in_the_time_that_is_told(void **state)
{
	struct span s[400];
	size_t n = spans(&file, s, 400);
	uint8_t *copy = malloc(file.n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct gt_mem mem = { copy, file.n };
		struct gt_source src;
		struct gt_reader *r;
		struct gt_item it;
		struct gt_loss told = { 0 };
		size_t at = 0;

		if (s[i].kind != GT_K_EVENTS)
			continue;
		memcpy(copy, file.p, file.n);
		memset(copy + s[i].at + 40, 0xaa, s[i].len - 50);
		gt_source_mem(&src, &mem);
		assert_int_equal(gt_reader_new(&r, &src, NULL, NULL), GT_OK);
		while (gt_reader_next(r, &it, NULL) == 1)
			if (it.type == GT_IT_LOSS && it.u.loss.cause == GT_LOSS_DAMAGED)
				told = it.u.loss;
		assert_int_equal(told.cause, GT_LOSS_DAMAGED);
		gt_reader_free(r);
		assert_int_equal(gt_reader_new(&r, &src, NULL, NULL), GT_OK);
		while (gt_reader_next(r, &it, NULL) == 1) {
			if (it.type != GT_IT_EVENT)
				continue;
			for (; !gen_same(&whole.ev[at], &it.u.ev) || whole.ev[at].ts != it.u.ev.ts;
			     at++)
				assert_true(whole.ev[at].ts >= told.t0 &&
					    whole.ev[at].ts <= told.t1);
			at++;
		}
		for (; at < whole.n_ev; at++)
			assert_true(whole.ev[at].ts >= told.t0 && whole.ev[at].ts <= told.t1);
		gt_reader_free(r);
	}
	free(copy);
}

static void a_lying_index_is_found_out(void **state)
{
	struct span s[400];
	size_t n = spans(&file, s, 400), order[400];
	struct gt_out o = { 0 };
	struct gt_mem mem;
	struct gt_source src;
	struct gt_reader *r;
	struct heard h = { 0 };
	size_t k = 0;

	(void)state;
	/* Without one early block all offsets are wrong by its length; so is the index's own. */
	for (size_t i = 0; i < n; i++)
		if (i != 4)
			order[k++] = i;
	rebuild(&o, s, order, k);
	mem = (struct gt_mem){ o.p, o.n };
	gt_source_mem(&src, &mem);
	assert_int_equal(gt_reader_new(&r, &src, NULL, NULL), GT_OK);
	assert_false(gt_reader_info(r)->indexed);
	assert_int_equal(gt_reader_seek(r, UINT64_MAX, NULL), GT_OK);
	hear_all(&h, r);
	assert_int_equal(h.rc, 0);
	assert_true(h.items[GT_IT_KEY] > 0);
	gt_reader_free(r);
	unhear(&h);

	/* A keyframe that is damaged: the one before it is taken. */
	gt_out_reset(&o);
	file_of_everything(&o, 300, 40);
	for (size_t i = spans(&o, s, 400); i-- > 0;) {
		if (s[i].kind == GT_K_KEYFRAME) {
			o.p[s[i].at + 120] ^= 4;
			break;
		}
	}
	mem = (struct gt_mem){ o.p, o.n };
	src.size = o.n;
	assert_int_equal(gt_reader_new(&r, &src, NULL, NULL), GT_OK);
	assert_true(gt_reader_info(r)->indexed);
	assert_int_equal(gt_reader_seek(r, UINT64_MAX - 1, NULL), GT_OK);
	hear_all(&h, r);
	assert_int_equal(h.rc, 0);
	assert_int_equal(h.items[GT_IT_KEY_BEGIN], 1);
	gt_reader_free(r);
	unhear(&h);
	gt_out_free(&o);
}

/* ---- other people's files ---- */

static void foreign_files_are_named_for_what_they_are(void **state)
{
	struct gt_out o = { 0 };
	struct heard h;
	uint8_t be[28] = { 0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1 };

	(void)state;
	be[27] = 28;
	assert_int_equal(hear(&h, (const uint8_t *)"", 0, false, 0), GT_TRUNCATED);
	assert_non_null(strstr(h.err.msg, "empty"));
	assert_int_equal(hear(&h, (const uint8_t *)"hello, this is no trace at all", 30, true, 0),
			 GT_UNSUPPORTED);
	assert_non_null(strstr(h.err.msg, "not a trace"));
	assert_int_equal(hear(&h, be, sizeof(be), false, 0), GT_UNSUPPORTED);
	assert_non_null(strstr(h.err.msg, "big-endian"));
	gt_pcap_put_shb(&o, &(struct gt_pcap_section){ .os = "Linux" });
	gt_pcap_put_idb(&o, "eth0", NULL);
	gt_pcap_put_epb(&o, 0, 5, "an ethernet frame", 17, NULL, 0, 0);
	assert_int_equal(hear(&h, o.p, o.n, false, 0), GT_UNSUPPORTED);
	assert_non_null(strstr(h.err.msg, "pcapng, but not a gtrace trace"));
	gt_out_free(&o);
}

/* A block of ours with any header and a stored body. */
static void put_block(struct gt_out *o, struct gt_blk b, const void *body, uint32_t n)
{
	uint8_t head[GT_BLK_HDR];

	b.session = 9;
	b.stored = n;
	if (!(b.flags & GT_BF_ZSTD))
		b.raw = n;
	gt_blk_pack(head, &b, body);
	gt_pcap_put_epb(o, 0, 0, head, sizeof(head), body, n, 0);
}

static void put_start(struct gt_out *o)
{
	gt_pcap_put_shb(o, &(struct gt_pcap_section){ .os = NULL });
	gt_pcap_put_idb(o, "gtrace", NULL);
}

static void newer_traces_say_that_they_are_newer(void **state)
{
	static const uint8_t meta_new[] = { GT_M_INCOMPAT, 1, 4 };
	struct gt_out o = { 0 };
	struct heard h;

	(void)state;
	put_start(&o);
	put_block(&o, (struct gt_blk){ .kind = GT_K_META, .n = 1 }, meta_new, sizeof(meta_new));
	assert_int_equal(hear(&h, o.p, o.n, false, 0), GT_VERSION);
	assert_non_null(strstr(h.err.msg, "0x4"));

	gt_out_reset(&o);
	put_start(&o);
	put_block(&o, (struct gt_blk){ .kind = GT_K_META, .n = 1 }, NULL, 0);
	put_block(&o, (struct gt_blk){ .kind = 99, .seq = 1 }, "x", 1);
	put_block(&o, (struct gt_blk){ .kind = 200, .seq = 2 }, "x", 1);
	assert_int_equal(hear(&h, o.p, o.n, false, 0), 0);
	assert_int_equal(h.damage.unknown_blocks, 2);
	assert_int_equal(h.damage.bad_blocks, 0);
	put_block(&o, (struct gt_blk){ .kind = 99, .seq = 3, .flags = GT_BF_CRITICAL }, "x", 1);
	assert_int_equal(hear(&h, o.p, o.n, false, 0), GT_VERSION);

	gt_out_reset(&o);
	put_start(&o);
	put_block(&o, (struct gt_blk){ .kind = GT_K_META, .n = 1 }, NULL, 0);
	o.p[o.n - 4 - GT_BLK_HDR + 3] = '2';
	assert_int_equal(hear(&h, o.p, o.n, false, 0), GT_VERSION);
	gt_out_free(&o);
}

static void bodies_that_lie_are_damage_not_disaster(void **state)
{
	struct gen g = { .rng = 21 };
	static const uint8_t kinds[] = { GT_K_STRINGS, GT_K_PCS,      GT_K_STACKS, GT_K_PROCESS,
					 GT_K_GTAB,    GT_K_THREADS,  GT_K_LOSS,   GT_K_EVENTS,
					 GT_K_END,     GT_K_KEYFRAME, GT_K_META,   GT_K_NOTE,
					 GT_K_CLOCK,   GT_K_STATS };
	struct span s[400];
	size_t n = spans(&file, s, 400);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct gt_out o = { 0 };
		struct gt_blk b = { .kind = kinds[gen_below(&g, sizeof(kinds))], .seq = 1 };
		uint8_t body[600];
		uint32_t len = gen_below(&g, sizeof(body));
		const struct span *like = &s[gen_below(&g, (uint32_t)n)];
		struct heard h;

		put_start(&o);
		put_block(&o, (struct gt_blk){ .kind = GT_K_META, .n = 1 }, NULL, 0);
		for (uint32_t i = 0; i < len; i++)
			body[i] = (uint8_t)(gen_below(&g, 2) ? gen_below(&g, 8) : gen_u64(&g));
		b.n = gen_below(&g, 2) ? gen_below(&g, 20) : (uint32_t)gen_u64(&g);
		b.t_max = gen_below(&g, 2) ? 1000 : gen_u64(&g) >> 1;
		/* Half of the bodies are real ones, mended so that the checksum fits again. */
		if (round % 2 && like->kind) {
			const uint8_t *p = file.p + like->at + GT_PCAP_EPB_HEAD;

			b.kind = p[5];
			b.flags = p[6];
			b.n = p[56];
			b.raw = (uint32_t)(p[52] | p[53] << 8 | p[54] << 16);
			b.t_max = 1ull << 40;
			len = (uint32_t)(p[48] | p[49] << 8);
			if (len > sizeof(body))
				len = sizeof(body);
			memcpy(body, p + GT_BLK_HDR, len);
			for (uint32_t k = 0; k < 3 && len; k++)
				body[gen_below(&g, len)] = (uint8_t)gen_u64(&g);
		}
		put_block(&o, b, body, len);
		(void)hear(&h, o.p, o.n, round % 2, MEMORY);
		unhear(&h);
		gt_out_free(&o);
	}
}

static void memory_is_bounded_by_what_the_caller_allows(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gt_out o = { 0 };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	char text[4000];
	struct heard h;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (int i = 0; i < 2000; i++) {
		uint32_t id;

		snprintf(text, 10, "%09u", (unsigned)i % 1000000000u);
		text[9] = 'x';
		assert_int_equal(gt_writer_string(w, GT_STR_LABEL, text, &id, NULL), GT_OK);
	}
	file_end(w, START);
	assert_int_equal(hear(&h, o.p, o.n, false, 2u << 20), GT_LIMIT);
	assert_int_equal(hear(&h, o.p, o.n, false, 32u << 20), 0);
	unhear(&h);
	gt_out_free(&o);
}

static void a_second_trace_in_the_file_is_read_too_in_a_stream_named(void **state)
{
	struct gt_writer_opts opts = file_opts(1);
	struct gt_out o = { 0 }, second = { 0 };
	struct gt_event e = { .gid = 1, .process = 1, .ts = START + 5 };
	struct gt_writer *w;
	struct heard h;

	(void)state;
	opts.session = 77;
	w = file_begin(&second, &opts, 1);
	assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
	file_end(w, START + 9);
	gt_out_bytes(&o, file.p, file.n);
	gt_out_bytes(&o, second.p, second.n);
	assert_int_equal(hear(&h, o.p, o.n, true, MEMORY), GT_UNSUPPORTED);
	assert_int_equal(h.n_ev, whole.n_ev);
	assert_non_null(strstr(h.err.msg, "000000000000004d"));
	unhear(&h);
	assert_int_equal(hear(&h, o.p, o.n, false, MEMORY), 0);
	assert_int_equal(h.n_ev, whole.n_ev + 1);
	assert_int_equal(h.items[GT_IT_END], 1);
	unhear(&h);
	/* The same file twice is the same trace, with every block there twice. */
	gt_out_reset(&o);
	gt_out_bytes(&o, file.p, file.n);
	gt_out_bytes(&o, file.p, file.n);
	assert_int_equal(hear(&h, o.p, o.n, true, MEMORY), 0);
	assert_int_equal(h.n_ev, whole.n_ev);
	unhear(&h);
	gt_out_free(&o);
	gt_out_free(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_cut_at_any_byte_is_read_to_its_last_whole_block),
		cmocka_unit_test(any_flipped_bit_is_harmless_and_never_silent),
		cmocka_unit_test(a_block_taken_out_is_told),
		cmocka_unit_test(swapped_and_doubled_blocks_add_nothing),
		cmocka_unit_test(zeroed_and_garbled_stretches_cost_only_what_they_cover),
		cmocka_unit_test(loss_in_damage_is_counted_and_timed_with_the_index),
		cmocka_unit_test(what_is_lost_lies_in_the_time_that_is_told),
		cmocka_unit_test(a_lying_index_is_found_out),
		cmocka_unit_test(foreign_files_are_named_for_what_they_are),
		cmocka_unit_test(newer_traces_say_that_they_are_newer),
		cmocka_unit_test(bodies_that_lie_are_damage_not_disaster),
		cmocka_unit_test(memory_is_bounded_by_what_the_caller_allows),
		cmocka_unit_test(a_second_trace_in_the_file_is_read_too_in_a_stream_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
