/* SPDX-License-Identifier: BSD-2-Clause */
/* Searching a trace: what an answer depends on is checked, however little of the file was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/block.h"
#include "format/pcapng.h"
#include "tests/unit/trace_file.h"

#define LATE (START + 900000000ull) /* behind all events: the last keyframe is taken */

static struct gt_out file;

static int setup(void **state)
{
	(void)state;
	file_of_everything(&file, 500, 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gt_out_free(&file);
	return 0;
}

/* What a seek to the end of the trace told: its events, and the names that go with them. */
struct answer {
	struct heard h;
	char names[2048];
	uint64_t unread;
};

/* AHEAD: with a second thread that decodes. */
static void ask_by(struct answer *a, const uint8_t *p, size_t n, uint64_t t, bool all, bool ahead)
{
	struct gt_reader_opts opts = { .ahead = ahead };
	struct gt_mem mem = { p, n };
	struct gt_source src;
	struct gt_reader *r = NULL;
	struct gt_frame f[4];
	size_t at = 0;

	memset(a, 0, sizeof(*a));
	gt_source_mem(&src, &mem);
	assert_int_equal(gt_reader_new(&r, &src, &opts, NULL), GT_OK);
	assert_int_equal(gt_reader_seek(r, t, NULL), GT_OK);
	hear_all(&a->h, r);
	assert_int_equal(gt_reader_check(r, all, NULL), GT_OK);
	a->h.damage = *gt_reader_damage(r);
	a->unread = gt_reader_unread(r);
	for (uint32_t pc = 0; (pc = gt_reader_next_pc(r, pc));) {
		uint32_t n_frames = gt_reader_frames(r, pc, f, 4);

		for (uint32_t i = 0; i < n_frames && i < 4; i++)
			at += (size_t)snprintf(a->names + at, sizeof(a->names) - at, "%s %s:%u;",
					       f[i].func, f[i].file, f[i].line);
		assert_true(at < sizeof(a->names));
	}
	for (uint8_t i = 0; i < 3; i++)
		at += (size_t)snprintf(a->names + at, sizeof(a->names) - at, "%s;",
				       gt_reader_reason(r, 1, i));
	assert_true(at < sizeof(a->names));
	gt_reader_free(r);
}

static void ask(struct answer *a, const uint8_t *p, size_t n, bool all)
{
	ask_by(a, p, n, LATE, all, false);
}

static bool same(const struct answer *a, const struct answer *b)
{
	if (a->h.n_ev != b->h.n_ev || strcmp(a->names, b->names) ||
	    memcmp(a->h.items, b->h.items, sizeof(a->h.items)))
		return false;
	for (size_t i = 0; i < a->h.n_ev; i++)
		if (a->h.ev[i].ts != b->h.ev[i].ts || !gen_same(&a->h.ev[i], &b->h.ev[i]))
			return false;
	return true;
}

/* ---- the promises ---- */

/* A bit of each block in turn, and each block taken away. */
static void an_answer_is_as_of_the_sound_file_or_its_damage_is_told(void **state)
{
	struct answer sound, a;
	uint32_t silent = 0, told = 0;

	(void)state;
	ask(&sound, file.p, file.n, false);
	assert_false(damaged(&sound.h.damage));
	assert_true(sound.h.items[GT_IT_KEY_BEGIN] == 1 && sound.h.n_ev > 10);
	assert_true(sound.unread > 0);
	for (size_t at = 0; at < file.n;) {
		struct gt_pcap_head h;

		assert_true(gt_pcap_head(&h, file.p + at));
		for (int way = 0; way < 2 && h.type == GT_PCAP_EPB; way++) {
			struct gt_out o = { 0 };

			gt_out_bytes(&o, file.p, file.n);
			if (way)
				memset(o.p + at + 8, 0, h.length - 12);
			else
				o.p[at + GT_PCAP_EPB_HEAD + GT_BLK_HDR + 1] ^= 16;
			if (at + h.length < 1024) { /* the head of the trace may not open at all */
				gt_out_free(&o);
				continue;
			}
			ask(&a, o.p, o.n, false);
			if (damaged(&a.h.damage))
				told++;
			else
				silent += same(&a, &sound) ? 1 : 1000;
			unhear(&a.h);
			/* All of the file is looked at where that is asked for. */
			ask(&a, o.p, o.n, true);
			assert_true(damaged(&a.h.damage));
			unhear(&a.h);
			gt_out_free(&o);
		}
		at += h.length;
	}
	unhear(&sound.h);
	assert_true(told > 5);
	assert_in_range(silent, 5, 999);
}

/* A recorder that was killed: there is neither an END block nor an index. */
static void a_missing_end_is_told_without_reading_all(void **state)
{
	struct answer a;
	size_t end = 0;

	(void)state;
	for (size_t at = 0; at < file.n;) {
		struct gt_pcap_head h;

		assert_true(gt_pcap_head(&h, file.p + at));
		at += h.length;
		if (h.type == GT_PCAP_EPB) /* the last one is END */
			end = at;
	}
	for (size_t cut = file.n - 4; cut > file.n - 1200; cut -= 4) {
		ask(&a, file.p, cut, false);
		assert_int_equal(a.h.damage.missing_end, cut < end);
		unhear(&a.h);
	}
}

/* Sound, and with a bit of each block flipped: from the start and from the middle. */
static void decoding_ahead_changes_nothing(void **state)
{
	static const uint64_t from[] = { 0, START + 20000 };
	size_t at = 0, bad = 0;

	(void)state;
	while (at < file.n) {
		struct gt_out o = { 0 };
		struct gt_pcap_head h;

		gt_out_bytes(&o, file.p, file.n);
		if (at > 1024)
			o.p[at + GT_PCAP_EPB_HEAD + GT_BLK_HDR + 1] ^= 16;
		for (int k = 0; k < 2; k++) {
			struct answer alone, two;

			ask_by(&alone, o.p, o.n, from[k], true, false);
			ask_by(&two, o.p, o.n, from[k], true, true);
			assert_true(same(&alone, &two));
			assert_memory_equal(&alone.h.damage, &two.h.damage, sizeof(two.h.damage));
			assert_int_equal(alone.h.lost, two.h.lost);
			bad += damaged(&two.h.damage);
			unhear(&alone.h);
			unhear(&two.h);
		}
		gt_out_free(&o);
		do {
			assert_true(gt_pcap_head(&h, file.p + at));
			at += h.length;
			assert_true(at == file.n || gt_pcap_head(&h, file.p + at));
		} while (at < file.n && h.type != GT_PCAP_EPB);
	}
	assert_true(bad > 10);
}

/* All events, by gt_reader_events where it has some, up to LAST. */
static size_t by_batches(struct gt_event *ret, size_t max, uint64_t last, size_t *ret_batches)
{
	struct gt_mem mem = { file.p, file.n };
	struct gt_source src;
	struct gt_reader *r = NULL;
	struct gt_item it;
	size_t n = 0;
	int rc;

	gt_source_mem(&src, &mem);
	assert_int_equal(gt_reader_new(&r, &src, NULL, NULL), GT_OK);
	for (;;) {
		const struct gt_event *ev;
		size_t some = gt_reader_events(r, last, &ev);

		assert_true(n + some <= max);
		for (size_t i = 0; i < some; i++) {
			assert_true(ev[i].ts <= last);
			ret[n++] = ev[i];
		}
		*ret_batches += some > 1;
		if (some)
			continue;
		rc = gt_reader_next(r, &it, NULL);
		if (rc != 1 || (it.type == GT_IT_EVENT && it.u.ev.ts > last))
			break;
		if (it.type == GT_IT_EVENT)
			ret[n++] = it.u.ev;
	}
	assert_true(rc >= 0);
	gt_reader_free(r);
	return n;
}

static void events_in_batches_are_those_one_by_one(void **state)
{
	static struct gt_event ev[1000];
	struct heard h;
	size_t batches = 0;

	(void)state;
	assert_int_equal(hear(&h, file.p, file.n, false, 0), 0);
	assert_int_equal(by_batches(ev, 1000, UINT64_MAX, &batches), h.n_ev);
	for (size_t i = 0; i < h.n_ev; i++)
		assert_true(ev[i].ts == h.ev[i].ts && gen_same(&ev[i], &h.ev[i]));
	for (size_t i = 0; i < h.n_ev; i += 7) {
		size_t upto = i + 1;

		while (upto < h.n_ev && h.ev[upto].ts == h.ev[i].ts)
			upto++;
		assert_int_equal(by_batches(ev, 1000, h.ev[i].ts, &batches), upto);
	}
	assert_true(batches > 100);
	unhear(&h);
}

/* ---- when keyframes are written ---- */

#define LIVE 8000u

static void keyframe_of(struct gt_writer *w, uint64_t ts, const uint64_t *since)
{
	assert_int_equal(gt_writer_keyframe_begin(w, ts, NULL), GT_OK);
	for (uint64_t gid = 1; gid <= LIVE; gid++) {
		struct gt_key k = {
			.g = { .gid = gid,
			       .goid = gid * 77 % 4001,
			       .gptr = gid * gid * 448,
			       .process = 1 },
			.since_ns = since[gid],
			.last_ns = since[gid],
			.waker = since[gid] % LIVE,
			.p = -1,
			.state = 6,
		};

		assert_int_equal(gt_writer_key(w, &k, NULL), GT_OK);
	}
	assert_int_equal(gt_writer_keyframe_end(w, NULL), GT_OK);
}

static void keyframes_come_evenly_and_take_a_twentieth(void **state)
{
	static uint64_t since[LIVE + 1];
	struct gt_writer_opts opts = file_opts(16);
	struct gt_out o = { 0 };
	struct gt_writer *w = file_begin(&o, &opts, 1);
	struct gen g = {
		.rng = 8, .cpus = 4, .processes = 1, .gids = LIVE, .step = 40, .ts = START
	};
	struct gt_writer_stats st;
	uint64_t last = 0, longest = 0, shortest = UINT64_MAX;

	(void)state;
	do {
		for (int i = 0; i < 4096; i++) {
			struct gt_event e = gen_event(&g);

			e.gid = 1 + e.gid % LIVE;
			assert_int_equal(gt_writer_event(w, &e, NULL), GT_OK);
			since[e.gid] = gt_writer_stored_ts(w);
		}
		gt_writer_get_stats(w, &st);
		if (!gt_writer_keyframe_due(w, LIVE))
			continue;
		keyframe_of(w, g.ts, since);
		if (st.keyframes >= 4) { /* by then it knows what they take */
			longest = st.events - last > longest ? st.events - last : longest;
			shortest = st.events - last < shortest ? st.events - last : shortest;
		}
		last = st.events;
	} while (st.keyframes < 14);
	file_end(w, g.ts);
	gt_out_free(&o);
	assert_true(longest < 2 * shortest);
	assert_in_range(st.keyframe_bytes * 1000 / st.bytes, 30, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_as_of_the_sound_file_or_its_damage_is_told),
		cmocka_unit_test(decoding_ahead_changes_nothing),
		cmocka_unit_test(events_in_batches_are_those_one_by_one),
		cmocka_unit_test(keyframes_come_evenly_and_take_a_twentieth),
		cmocka_unit_test(a_missing_end_is_told_without_reading_all),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
