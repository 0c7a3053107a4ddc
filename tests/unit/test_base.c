/* SPDX-License-Identifier: BSD-2-Clause */
/* format/base: what every room leans on keeps its promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include "format/base/in.h"
#include "format/base/json.h"
#include "format/base/opts.h"
#include "format/base/out.h"
#include "format/base/parse.h"
#include "format/base/u64map.h"
#include "tests/unit/rng.h"

#define LEN(a) (sizeof(a) / sizeof(*(a)))

/* ---- times, durations, sizes ---- */

static void durations_are_exact(void **state)
{
	static const struct {
		const char *s;
		uint64_t ns;
	} ok[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "90us", 90000 },
		{ "90µs", 90000 },
		{ "1.5s", 1500000000 },
		{ "0.000000001s", 1 },
		{ "1h30m", 5400000000000 },
		{ "1m1ms1ns", 60001000001 },
		{ "0.1h", 360000000000 },
		{ "9223372036854775807ns", INT64_MAX },
		{ "9223372036.854775807s", INT64_MAX },
		{ "1.500ms", 1500000 },
	};
	(void)state;
	for (size_t i = 0; i < LEN(ok); i++) {
		uint64_t ns = 77;
		assert_int_equal(gt_parse_duration(ok[i].s, &ns, NULL), GT_OK);
		assert_int_equal(ns, ok[i].ns);
	}
}

static void durations_that_are_not_exact_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"1",
		"s",
		"-1s",
		"+1s",
		" 1s",
		"1s ",
		"1 s",
		"1.s",
		".5s",
		"1e3s",
		"0x1s",
		"1sec",
		"1s1",
		"0.5ns",
		"1.0000000001s",
		"9223372036854775808ns",
		"300000000h",
		"18446744073709551616ns",
		"9223372036854775807ns1ns",
		"1h-1m",
		"1S",
	};
	struct gt_err err;
	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		uint64_t ns = 77;
		assert_int_equal(gt_parse_duration(bad[i], &ns, &err), GT_USAGE);
		assert_int_equal(ns, 77);
		assert_non_null(strstr(err.msg, bad[i]));
	}
}

static void a_duration_without_unit_is_told_so(void **state)
{
	static const struct {
		const char *s;
		bool lacks;
	} in[] = {
		{ "3", true },	 { "1.5", true }, { "00", true },    { "1h30", true },
		{ "", false },	 { "s", false },  { "3sec", false }, { "1.5.3s", false },
		{ "-3", false }, { "3 ", false },
	};
	struct gt_err err;
	uint64_t ns;
	(void)state;
	for (size_t i = 0; i < LEN(in); i++) {
		assert_int_equal(gt_parse_duration(in[i].s, &ns, &err), GT_USAGE);
		assert_int_equal(strstr(err.msg, "lacks a unit") != NULL, in[i].lacks);
	}
}

static void sizes_are_powers_of_1024_or_refused(void **state)
{
	static const struct {
		const char *s;
		uint64_t n;
	} ok[] = { { "0", 0 },		{ "4096", 4096 },	{ "1K", 1024 },
		   { "64M", 64 << 20 }, { "1.5G", 3ull << 29 }, { "1GiB", 1 << 30 },
		   { "1MB", 1 << 20 },	{ "2k", 2048 },		{ "7B", 7 },
		   { "1T", 1ull << 40 } };
	static const char *const bad[] = { "",	 "K",  "1KK",	      "1BB", "1BiB", "1.5",
					   "-1", "1X", "9999999999T", "1 K", "1iB",  "1.5B" };
	(void)state;
	for (size_t i = 0; i < LEN(ok); i++) {
		uint64_t n = 77;
		assert_int_equal(gt_parse_size(ok[i].s, &n, NULL), GT_OK);
		assert_int_equal(n, ok[i].n);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		uint64_t n = 77;
		assert_int_equal(gt_parse_size(bad[i], &n, NULL), GT_USAGE);
		assert_int_equal(n, 77);
	}
}

static void numbers_keep_to_their_range(void **state)
{
	static const char *const bad[] = { "",	 "4",	"101",
					   "5.", "5.0", "5x",
					   "-5", " 5",	"18446744073709551621" };
	uint64_t v = 77;
	(void)state;
	assert_int_equal(gt_parse_u64("5", 5, 100, &v, NULL), GT_OK);
	assert_int_equal(v, 5);
	assert_int_equal(gt_parse_u64("100", 5, 100, &v, NULL), GT_OK);
	assert_int_equal(v, 100);
	assert_int_equal(gt_parse_u64("18446744073709551615", 0, UINT64_MAX, &v, NULL), GT_OK);
	assert_true(v == UINT64_MAX);
	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(gt_parse_u64(bad[i], 5, 100, &v, NULL), GT_USAGE);
	assert_true(v == UINT64_MAX);
}

static void when_says_start_end_or_wall_clock(void **state)
{
	static const struct {
		const char *s;
		enum gt_when_kind kind;
		uint64_t ns;
	} ok[] = {
		{ "1.5s", GT_WHEN_START, 1500000000 },
		{ "+1s", GT_WHEN_START, 1000000000 },
		{ "-2s", GT_WHEN_END, 2000000000 },
		{ "0", GT_WHEN_START, 0 },
		{ "1970-01-01T00:00:00Z", GT_WHEN_WALL, 0 },
		{ "1970-01-01T01:00:01+01:00", GT_WHEN_WALL, 1000000000 },
		{ "2026-11-23T18:05:00.5Z", GT_WHEN_WALL, 1795457100500000000 },
		{ "2026-11-23 13:05:00-05:00", GT_WHEN_WALL, 1795457100000000000 },
		{ "2024-02-29T00:00:00z", GT_WHEN_WALL, 1709164800000000000 },
	};
	static const char *const bad[] = {
		"",
		"-",
		"--1s",
		"1",
		"2026-11-23",
		"2026-11-23T18:05:00",
		"2026-13-23T18:05:00Z",
		"2026-02-30T18:05:00Z",
		"2025-02-29T18:05:00Z",
		"2026-11-23T24:05:00Z",
		"2026-11-23T18:05:055Z",
		"2026-11-23T18:05:00+1",
		"2026-11-23T18:05:00+0100",
		"2026-11-23T18:05:00Zx",
		"2026-00-23T18:05:00Z",
		"1960-01-01T00:00:00Z",
	};
	(void)state;
	for (size_t i = 0; i < LEN(ok); i++) {
		struct gt_when w = { 0 };
		assert_int_equal(gt_parse_when(ok[i].s, &w, NULL), GT_OK);
		assert_int_equal(w.kind, ok[i].kind);
		assert_int_equal(w.ns, ok[i].ns);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		struct gt_when w = { GT_WHEN_END, 7 };
		char *heap = strdup(bad[i]); /* so that a read past the end is seen */
		assert_int_equal(gt_parse_when(heap, &w, NULL), GT_USAGE);
		assert_int_equal(w.ns, 7);
		free(heap);
	}
}

static void what_is_printed_can_be_said(void **state)
{
	uint64_t seed = 88172645463325252u;
	(void)state;
	for (int i = 0; i < 20000; i++) {
		char buf[GT_DUR_MAX], minus[GT_DUR_MAX + 1];
		uint64_t ns, back;
		struct gt_when w;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		ns = seed >> (2 + (seed >> 58) % 62);
		assert_int_equal(gt_parse_duration(gt_format_duration(buf, ns), &back, NULL),
				 GT_OK);
		/* Rounded to half of the last digit or unit printed. */
		assert_true((back > ns ? back - ns : ns - back) <= ns / 100 + 1);
		assert_int_equal(gt_parse_when(gt_format_time(buf, ns), &w, NULL), GT_OK);
		assert_true(w.kind == GT_WHEN_START && w.ns == ns);
		(void)snprintf(minus, sizeof(minus), "-%s", buf);
		assert_int_equal(gt_parse_when(minus, &w, NULL), GT_OK);
		assert_true(w.kind == GT_WHEN_END && w.ns == ns);
		assert_int_equal(gt_parse_size(gt_format_size(buf, ns), &back, NULL), GT_OK);
	}
}

static void people_read_three_digits_and_a_unit(void **state)
{
	static const struct {
		uint64_t ns;
		const char *s;
	} dur[] = {
		{ 0, "0ns" },
		{ 999, "999ns" },
		{ 1000, "1.00us" },
		{ 1234567, "1.23ms" },
		{ 999999, "1.00ms" },
		{ 999999999, "1.00s" },
		{ 9995000, "10.0ms" },
		{ 99950000, "100ms" },
		{ 1500000000, "1.50s" },
		{ 59949999999, "59.9s" },
		{ 59950000000, "1m0s" },
		{ 60000000000, "1m0s" },
		{ 524400000000, "8m44s" },
		{ 524500000000, "8m45s" },
		{ 3599499999999, "59m59s" },
		{ 3599500000000, "1h0m" },
		{ 7380000000000, "2h3m" },
		{ 360000000000000, "100h0m" },
		{ 999499, "999us" },
	};
	char buf[GT_DUR_MAX];
	(void)state;
	for (size_t i = 0; i < LEN(dur); i++)
		assert_string_equal(gt_format_duration(buf, dur[i].ns), dur[i].s);
	assert_true(strlen(gt_format_duration(buf, UINT64_MAX)) < GT_DUR_MAX);
	assert_string_equal(gt_format_time(buf, 1234567890), "1.234567890");
	assert_string_equal(gt_format_time(buf, UINT64_MAX), "18446744073.709551615");
	assert_string_equal(gt_format_size(buf, 0), "0B");
	assert_string_equal(gt_format_size(buf, 1536), "1.5K");
	assert_string_equal(gt_format_size(buf, 1ull << 40), "1.0T");
	assert_true(strlen(gt_format_size(buf, UINT64_MAX)) < GT_DUR_MAX);
}

/* ---- bytes ---- */

static void varints_round_trip(void **state)
{
	struct gt_out o = { 0 };
	uint64_t v[2000];
	(void)state;
	for (size_t i = 0; i < LEN(v); i++) {
		v[i] = i < 64 ? 1ull << i : i < 128 ? (1ull << (i - 64)) - 1 : rng() >> rng() % 64;
		gt_out_varint(&o, v[i]);
		gt_out_zigzag(&o, (int64_t)v[i]);
		gt_out_zigzag(&o, -(int64_t)(v[i] >> 1));
	}
	gt_out_varint(&o, UINT64_MAX);
	gt_out_zigzag(&o, INT64_MIN);
	assert_false(o.bad);
	struct gt_in in = gt_in_init(o.p, o.n);
	for (size_t i = 0; i < LEN(v); i++) {
		assert_true(gt_in_varint(&in) == v[i]);
		assert_true(gt_in_zigzag(&in) == (int64_t)v[i]);
		assert_true(gt_in_zigzag(&in) == -(int64_t)(v[i] >> 1));
	}
	assert_true(gt_in_varint(&in) == UINT64_MAX);
	assert_true(gt_in_zigzag(&in) == INT64_MIN);
	assert_false(in.bad);
	assert_int_equal(gt_in_left(&in), 0);
	gt_out_free(&o);
}

static void varints_that_are_long_or_short_are_refused(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} bad[] = {
		{ "", 0 },
		{ "\x80", 1 },
		{ "\x80\x00", 2 },
		{ "\xff\x80\x00", 3 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01", 11 },
		{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10 },
	};
	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct gt_in in = gt_in_init(bad[i].p, bad[i].n);
		assert_true(gt_in_varint(&in) == 0);
		assert_true(in.bad);
		assert_int_equal(gt_in_left(&in), 0);
	}
}

static void a_read_past_the_end_sticks(void **state)
{
	const uint8_t b[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct gt_in in = gt_in_init(b, sizeof(b));
	(void)state;
	assert_int_equal(gt_in_u64(&in), 0x0807060504030201);
	assert_int_equal(gt_in_u16(&in), 0);
	assert_true(in.bad);
	assert_int_equal(gt_in_u8(&in), 0);
	in = gt_in_init(b, sizeof(b));
	struct gt_in sub = gt_in_sub(&in, 4);
	assert_int_equal(gt_in_u32(&sub), 0x04030201);
	assert_int_equal(gt_in_left(&sub), 0);
	assert_int_equal(gt_in_u8(&in), 5);
	sub = gt_in_sub(&in, 5);
	assert_true(sub.bad && in.bad);
}

/* ---- the map, against a plain array ---- */

static void map_agrees_with_an_array(void **state)
{
	enum { KEYS = 300, ROUNDS = 60000 };
	struct gt_u64map m = { 0 };
	uint64_t val[KEYS];
	bool has[KEYS] = { false };
	size_t n = 0;
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		size_t k = rng() % KEYS;
		/* 0, all ones, and keys that differ in one high bit */
		uint64_t key = k == 1 ? UINT64_MAX : k % 3 ? k : (uint64_t)k << 52;
		switch (rng() % 3) {
		case 0:
			val[k] = rng();
			assert_true(*gt_u64map_put(&m, key, val[k]) == val[k]);
			n += !has[k];
			has[k] = true;
			break;
		case 1:
			assert_int_equal(gt_u64map_del(&m, key), has[k]);
			n -= has[k];
			has[k] = false;
			break;
		default: {
			uint64_t *v = gt_u64map_get(&m, key);
			assert_int_equal(v != NULL, has[k]);
			if (v)
				assert_true(*v == val[k]);
		}
		}
		assert_int_equal(m.n, n);
	}
	gt_u64map_free(&m);
	assert_null(gt_u64map_get(&m, 1));
	assert_false(gt_u64map_del(&m, 1));
}

/* ---- json ---- */

static char *json_of(void (*fn)(struct gt_json *), size_t *ret_n)
{
	char *buf = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&buf, &n);
	struct gt_json j;

	gt_json_init(&j, f);
	fn(&j);
	assert_int_equal(gt_json_finish(&j, NULL), GT_OK);
	(void)fclose(f);
	if (ret_n)
		*ret_n = n;
	return buf;
}

static void some_json(struct gt_json *j)
{
	gt_json_object(j);
	gt_json_ku64(j, "max", UINT64_MAX);
	gt_json_ki64(j, "min", INT64_MIN);
	gt_json_key(j, "us");
	gt_json_array(j);
	gt_json_us(j, 0);
	gt_json_us(j, 999);
	gt_json_us(j, 1234567);
	gt_json_us(j, UINT64_MAX);
	gt_json_array_end(j);
	gt_json_key(j, "empty");
	gt_json_object(j);
	gt_json_object_end(j);
	gt_json_kstr(j, "none", NULL);
	gt_json_key(j, "nan");
	gt_json_f64(j, 0.0 / 0.0);
	gt_json_key(j, "half");
	gt_json_f64(j, 0.5);
	gt_json_key(j, "b");
	gt_json_bool(j, true);
	gt_json_object_end(j);
	gt_json_line(j);
	gt_json_object(j);
	gt_json_object_end(j);
	gt_json_line(j);
}

static void json_places_commas_and_keeps_integers(void **state)
{
	char *s = json_of(some_json, NULL);
	(void)state;
	assert_string_equal(s, "{\"max\":18446744073709551615,\"min\":-9223372036854775808,"
			       "\"us\":[0.000,0.999,1234.567,18446744073709551.615],\"empty\":{},"
			       "\"none\":null,\"nan\":null,\"half\":0.5,\"b\":true}\n{}\n");
	free(s);
}

static void bytes_json(struct gt_json *j)
{
	static const char bytes[] = "\"\\\n\x00\x7f\xc2\x9b\xc3\xa9\xff\xc0\x80"
				    "\xed\xa0\x80\xf0\x9f\x98\x80\xe2";

	gt_json_strn(j, bytes, sizeof(bytes) - 1);
}

static void json_makes_any_bytes_valid_text(void **state)
{
	char *s = json_of(bytes_json, NULL);
	(void)state;
	assert_string_equal(s, "\"\\\"\\\\\\u000a\\u0000\\u007f\\u009b\xc3\xa9"
			       "\xef\xbf\xbd"			      /* ff */
			       "\xef\xbf\xbd\xef\xbf\xbd"	      /* over-long NUL */
			       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" /* surrogate */
			       "\xf0\x9f\x98\x80"
			       "\xef\xbf\xbd\"");
	free(s);
}

static void random_json(struct gt_json *j)
{
	char b[64];
	size_t n = rng() % sizeof(b);

	for (size_t i = 0; i < n; i++)
		b[i] = (char)(rng() % 3 ? rng() : 0xe0 | rng() % 32);
	gt_json_strn(j, b, n);
}

/* A second opinion on UTF-8: decode to code points, as the standard's table says. */
static bool valid_utf8(const unsigned char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c = s[i], min;
		int more;
		if (c < 0x80)
			more = 0, min = 0;
		else if (c >> 5 == 6)
			more = 1, min = 0x80, c &= 31;
		else if (c >> 4 == 14)
			more = 2, min = 0x800, c &= 15;
		else if (c >> 3 == 30)
			more = 3, min = 0x10000, c &= 7;
		else
			return false;
		for (i++; more; more--, i++) {
			if (i == n || s[i] >> 6 != 2)
				return false;
			c = c << 6 | (s[i] & 63);
		}
		if (c < min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

static void json_of_random_bytes_is_utf8_without_controls(void **state)
{
	(void)state;
	for (int i = 0; i < 5000; i++) {
		size_t n;
		char *s = json_of(random_json, &n);
		assert_true(valid_utf8((unsigned char *)s, n));
		for (size_t k = 0; k < n; k++)
			assert_true((unsigned char)s[k] >= 0x20 && s[k] != 0x7f);
		free(s);
	}
}

static void text_for_terminals_has_no_escapes(void **state)
{
	char s[] = "a\x1b[31m\xc2\x9b\xc3\xa9\xff\n";
	(void)state;
	gt_text_safe(s);
	assert_string_equal(s, "a?[31m??\xc3\xa9??");
}

/* ---- options ---- */

struct sub_opts {
	bool sub;
	uint64_t n;
};

struct opts {
	const char *out;
	uint64_t dur, size;
	bool quiet;
	int verbose;
	struct gt_strlist list;
	struct gt_when when;
	struct sub_opts sub;
};

static const struct gt_opt sub_table[] = {
	GT_OPT(FLAG, 's', "sub", NULL, "sub", struct sub_opts, sub),
	GT_OPT(U64, 0, "number", "N", "number", struct sub_opts, n),
	GT_OPT_END,
};
static const struct gt_opt table[] = {
	GT_OPT(STR, 'o', "output", "FILE", "output", struct opts, out),
	GT_OPT(DUR, 'd', "duration", "DUR", "duration", struct opts, dur),
	GT_OPT(SIZE, 0, "size", "SIZE", "size", struct opts, size),
	GT_OPT(FLAG, 'q', "quiet", NULL, "quiet", struct opts, quiet),
	GT_OPT(COUNT, 'v', "verbose", NULL, "verbose", struct opts, verbose),
	GT_OPT(LIST, 'l', "list", "X", "list", struct opts, list),
	GT_OPT(WHEN, 0, "from", "T", "from", struct opts, when),
	GT_OPT_SUB(sub_table, struct opts, sub),
	GT_OPT_END,
};
static const struct gt_usage usage = { .name = "test", .usage = "test" };

/* parse: split WORDS at blanks; the rest behind the options is joined in REST */
static enum gt_opts_result parse(const char *words, bool interspersed, struct opts *o, char *rest,
				 bool *dashes)
{
	static char copy[256];
	char *argv[32], *save = NULL;
	int argc = 1, first = 0;

	(void)snprintf(copy, sizeof(copy), "%s", words);
	argv[0] = (char *)(uintptr_t) "test";
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	*o = (struct opts){ 0 };
	enum gt_opts_result r = gt_opts_parse(&usage, table, o, argc, argv, interspersed, &first,
					      dashes);
	size_t n = 0;
	*rest = 0;
	for (int i = first; r == GT_OPTS_RUN && i < argc; i++)
		n += (size_t)snprintf(rest + n, 256 - n, "%s%s", n ? " " : "", argv[i]);
	return r;
}

static void options_take_values_in_every_usual_form(void **state)
{
	struct opts o;
	char rest[256];
	(void)state;
	assert_int_equal(parse("-ofile -qvv -d 1s --size=2K --from -2s -l a --list=b --list c -s "
			       "--number 7 x",
			       false, &o, rest, NULL),
			 GT_OPTS_RUN);
	assert_string_equal(o.out, "file");
	assert_true(o.quiet && o.sub.sub);
	assert_int_equal(o.verbose, 2);
	assert_int_equal(o.dur, 1000000000);
	assert_int_equal(o.size, 2048);
	assert_int_equal(o.when.kind, GT_WHEN_END);
	assert_int_equal(o.list.n, 3);
	assert_string_equal(o.list.v[2], "c");
	assert_int_equal(o.sub.n, 7);
	assert_string_equal(rest, "x");
	assert_int_equal(parse("-qo - -", false, &o, rest, NULL), GT_OPTS_RUN);
	assert_string_equal(o.out, "-");
	assert_string_equal(rest, "-");
}

static void a_list_ends_with_null_and_says_when_it_is_full(void **state)
{
	struct opts o = { 0 };
	char *argv[66];
	int first;
	(void)state;
	argv[0] = (char *)(uintptr_t) "test";
	for (int i = 1; i < 65; i++)
		argv[i] = (char *)(uintptr_t) "-lx";
	argv[64] = NULL;
	assert_int_equal(gt_opts_parse(&usage, table, &o, 64, argv, false, &first, NULL),
			 GT_OPTS_RUN);
	assert_int_equal(o.list.n, 63);
	assert_null(o.list.v[63]);
	o = (struct opts){ 0 };
	argv[64] = argv[1];
	argv[65] = NULL;
	assert_int_equal(gt_opts_parse(&usage, table, &o, 65, argv, false, &first, NULL),
			 GT_OPTS_EXIT_USAGE);
}

static void options_may_follow_arguments(void **state)
{
	struct opts o;
	char rest[256];
	bool dashes;
	(void)state;
	assert_int_equal(parse("a -o f b -q -- c -v", true, &o, rest, &dashes), GT_OPTS_RUN);
	assert_string_equal(o.out, "f");
	assert_true(o.quiet && dashes);
	assert_int_equal(o.verbose, 0);
	assert_string_equal(rest, "a b c -v");
}

static void options_stop_at_the_command(void **state)
{
	struct opts o;
	char rest[256];
	bool dashes;
	(void)state;
	assert_int_equal(parse("-q cmd -v -o x", false, &o, rest, &dashes), GT_OPTS_RUN);
	assert_true(o.quiet && !dashes);
	assert_null(o.out);
	assert_string_equal(rest, "cmd -v -o x");
	assert_int_equal(parse("-q -- -v", false, &o, rest, &dashes), GT_OPTS_RUN);
	assert_true(dashes);
	assert_string_equal(rest, "-v");
}

static void options_that_are_wrong_are_refused(void **state)
{
	static const char *const bad[] = { "--outpu=x", "--output", "-o",   "--quiet=1",
					   "-z",	"--",	    "-d 1", "--size=x",
					   "--subs",	"-qz",	    "--=x", "--number -1" };
	struct opts o;
	char rest[256];
	(void)state;
	(void)fflush(stderr);
	int keep = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
	assert_true(keep >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0);
	enum gt_opts_result got[LEN(bad)];
	for (size_t i = 0; i < LEN(bad); i++)
		got[i] = parse(bad[i], true, &o, rest, NULL);
	(void)fflush(stderr);
	(void)dup2(keep, STDERR_FILENO);
	(void)close(keep);
	(void)close(null);
	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(got[i], strcmp(bad[i], "--") ? GT_OPTS_EXIT_USAGE : GT_OPTS_RUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_exact),
		cmocka_unit_test(durations_that_are_not_exact_are_refused),
		cmocka_unit_test(a_duration_without_unit_is_told_so),
		cmocka_unit_test(sizes_are_powers_of_1024_or_refused),
		cmocka_unit_test(numbers_keep_to_their_range),
		cmocka_unit_test(when_says_start_end_or_wall_clock),
		cmocka_unit_test(people_read_three_digits_and_a_unit),
		cmocka_unit_test(what_is_printed_can_be_said),
		cmocka_unit_test(varints_round_trip),
		cmocka_unit_test(varints_that_are_long_or_short_are_refused),
		cmocka_unit_test(a_read_past_the_end_sticks),
		cmocka_unit_test(map_agrees_with_an_array),
		cmocka_unit_test(json_places_commas_and_keeps_integers),
		cmocka_unit_test(json_makes_any_bytes_valid_text),
		cmocka_unit_test(json_of_random_bytes_is_utf8_without_controls),
		cmocka_unit_test(text_for_terminals_has_no_escapes),
		cmocka_unit_test(options_take_values_in_every_usual_form),
		cmocka_unit_test(a_list_ends_with_null_and_says_when_it_is_full),
		cmocka_unit_test(options_may_follow_arguments),
		cmocka_unit_test(options_stop_at_the_command),
		cmocka_unit_test(options_that_are_wrong_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
