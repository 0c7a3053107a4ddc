/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, times, durations and sizes, from people and for them. */
#include "parse.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct unit {
	const char *name;
	uint64_t mul;
};

static const struct unit time_units[] = { { "ns", 1 },		 { "us", 1000 },
					  { "µs", 1000 },	 { "ms", 1000000 },
					  { "s", 1000000000 },	 { "m", 60000000000 },
					  { "h", 3600000000000 } };
static const struct unit size_units[] = { { "", 1 },	       { "B", 1 },
					  { "K", 1ULL << 10 }, { "M", 1ULL << 20 },
					  { "G", 1ULL << 30 }, { "T", 1ULL << 40 },
					  { "P", 1ULL << 50 }, { "E", 1ULL << 60 } };

/*
 * number: digits at *S with at most 9 decimals that are not 0, as whole and billionths.
 * Integer arithmetic throughout: a duration is exact or refused.
 */
static bool number(const char **s, uint64_t *ret_whole, uint64_t *ret_nano)
{
	const char *p = *s;
	uint64_t whole = 0, nano = 0, place = 100000000;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
			return false;
	if (*p == '.') {
		p++;
		if (!isdigit((unsigned char)*p))
			return false;
		for (; isdigit((unsigned char)*p); p++, place /= 10) {
			if (!place && *p != '0')
				return false;
			nano += (uint64_t)(*p - '0') * place;
		}
	}
	*s = p;
	*ret_whole = whole;
	*ret_nano = nano;
	return true;
}

static const struct unit *unit(const struct unit *units, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(units[i].name) == len && !strncmp(units[i].name, s, len))
			return &units[i];
	return NULL;
}

/*
 * scale: (whole + nano/1e9) * mul, false past 2^63 - 1; EXACT: also where it is no whole
 * number (nobody means 1.1G of memory to the byte, but 0.5ns is a mistake).
 */
static bool scale(uint64_t whole, uint64_t nano, uint64_t mul, bool exact, uint64_t *ret)
{
	unsigned __int128 part = (unsigned __int128)nano * mul;
	unsigned __int128 v = (unsigned __int128)whole * mul + part / 1000000000;

	if (v > INT64_MAX || (exact && part % 1000000000))
		return false;
	*ret = (uint64_t)v;
	return true;
}

int gt_parse_duration(const char *s, uint64_t *ret_ns, struct gt_err *err)
{
	const char *p = s;
	uint64_t total = 0;

	if (!strcmp(s, "0")) {
		*ret_ns = 0;
		return GT_OK;
	}
	do {
		uint64_t whole, nano, part;
		if (!number(&p, &whole, &nano))
			goto bad;
		if (!*p)
			return gt_fail(err, GT_USAGE,
				       "'%s' lacks a unit (say 10s, 250ms, 90us, 1h30m)", s);
		size_t len = strcspn(p, "0123456789.");
		const struct unit *u = unit(time_units, sizeof(time_units) / sizeof(*time_units), p,
					    len);
		if (!u || !scale(whole, nano, u->mul, true, &part) || total + part > INT64_MAX)
			goto bad;
		total += part;
		p += len;
	} while (*p);
	*ret_ns = total;
	return GT_OK;
bad:
	return gt_fail(err, GT_USAGE, "'%s' is no duration (say 10s, 250ms, 90us, 1h30m)", s);
}

int gt_parse_size(const char *s, uint64_t *ret, struct gt_err *err)
{
	const char *p = s;
	uint64_t whole, nano;

	if (number(&p, &whole, &nano)) {
		size_t len = strlen(p);
		bool prefixed = len > 1 && toupper((unsigned char)*p) != 'B';
		if (prefixed && (!strcmp(p + 1, "iB") || !strcmp(p + 1, "B")))
			len = 1;
		char up[2] = { (char)toupper((unsigned char)*p), 0 };
		const struct unit *u = len > 1 ? NULL
					       : unit(size_units,
						      sizeof(size_units) / sizeof(*size_units), up,
						      len);
		if (u && scale(whole, nano, u->mul, u->mul == 1, ret))
			return GT_OK;
	}
	return gt_fail(err, GT_USAGE, "'%s' is no size (say 4096, 64M, 1G)", s);
}

int gt_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret, struct gt_err *err)
{
	const char *p = s;
	uint64_t whole, nano = 0;

	if (!strchr(s, '.') && number(&p, &whole, &nano) && !*p && whole >= min && whole <= max) {
		*ret = whole;
		return GT_OK;
	}
	return gt_fail(err, GT_USAGE, "'%s' is no number from %" PRIu64 " to %" PRIu64, s, min,
		       max);
}

/* two digits at s[0..1] in [0, max]; -1 otherwise */
static int two(const char *s, int max)
{
	if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]))
		return -1;
	int v = (s[0] - '0') * 10 + s[1] - '0';
	return v <= max ? v : -1;
}

static int days_in(int year, int mon)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;

	return days[mon - 1] + (mon == 2 && leap);
}

/* zone: "Z" or "+hh:mm" as seconds east; false for anything else. */
static bool zone(const char *p, int *ret)
{
	if (!strcmp(p, "Z") || !strcmp(p, "z")) {
		*ret = 0;
		return true;
	}
	if (strlen(p) != 6 || (*p != '+' && *p != '-') || p[3] != ':')
		return false;
	int h = two(p + 1, 23), m = two(p + 4, 59);
	*ret = (h * 3600 + m * 60) * (*p == '-' ? -1 : 1);
	return h >= 0 && m >= 0;
}

/* "2026-11-23T18:05:" as far as its punctuation goes. */
static bool date_form(const char *s)
{
	return strlen(s) >= 20 && s[4] == '-' && s[7] == '-' && (s[10] == 'T' || s[10] == ' ') &&
	       s[13] == ':' && s[16] == ':' && (s[19] == '.' || !isdigit((unsigned char)s[19]));
}

static bool rfc3339(const char *s, uint64_t *ret_ns)
{
	uint64_t whole, nano = 0;
	struct tm tm = { 0 };
	int offset;

	if (!date_form(s))
		return false;
	int hi = two(s, 99), lo = two(s + 2, 99), mon = two(s + 5, 12), day = two(s + 8, 31);
	int hour = two(s + 11, 23), min = two(s + 14, 59);
	if (hi < 19 || lo < 0 || mon < 1 || day < 1 || hour < 0 || min < 0 ||
	    day > days_in(hi * 100 + lo, mon))
		return false;
	const char *p = s + 17;
	if (two(p, 60) < 0 || !number(&p, &whole, &nano) || !zone(p, &offset))
		return false;
	tm.tm_year = hi * 100 + lo - 1900;
	tm.tm_mon = mon - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = min;
	tm.tm_sec = (int)whole;
	time_t t = timegm(&tm) - offset;
	if (t < 0)
		return false;
	return scale((uint64_t)t, nano, 1000000000, false, ret_ns);
}

/* "12.345678901": seconds as gt_format_time writes them; only with decimals, else it is a slip. */
static bool seconds(const char *s, uint64_t *ret_ns)
{
	uint64_t whole, nano;

	return strchr(s, '.') && number(&s, &whole, &nano) && !*s &&
	       scale(whole, nano, 1000000000, true, ret_ns);
}

int gt_parse_when(const char *s, struct gt_when *ret, struct gt_err *err)
{
	uint64_t ns;

	if (rfc3339(s, &ns)) {
		*ret = (struct gt_when){ GT_WHEN_WALL, ns };
		return GT_OK;
	}
	bool from_end = *s == '-';
	const char *d = s + (*s == '-' || *s == '+');
	if (!gt_parse_duration(d, &ns, NULL) || seconds(d, &ns)) {
		*ret = (struct gt_when){ from_end ? GT_WHEN_END : GT_WHEN_START, ns };
		return GT_OK;
	}
	return gt_fail(err, GT_USAGE,
		       "'%s' is no time (say 1.5s from the start, -2s from the end, or "
		       "2026-11-23T18:05:00Z)",
		       s);
}

static uint64_t rounded(uint64_t ns, uint64_t unit)
{
	return ns / unit + (ns % unit >= unit / 2);
}

/* From a minute on as people and Go say it; what is left out is a unit smaller than both. */
static void format_long(char buf[GT_DUR_MAX], uint64_t ns)
{
	uint64_t s = rounded(ns, 1000000000), m = rounded(ns, 60000000000);

	if (s < 3600)
		(void)snprintf(buf, GT_DUR_MAX, "%" PRIu64 "m%" PRIu64 "s", s / 60, s % 60);
	else
		(void)snprintf(buf, GT_DUR_MAX, "%" PRIu64 "h%" PRIu64 "m", m / 60, m % 60);
}

char *gt_format_duration(char buf[GT_DUR_MAX], uint64_t ns)
{
	static const struct unit steps[] = { { "s", 1000000000 },
					     { "ms", 1000000 },
					     { "us", 1000 } };

	if (ns >= 59950000000) {
		format_long(buf, ns);
		return buf;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		/* 999.9us is 1.00ms: "1000us" would be four digits */
		if (ns < steps[i].mul - steps[i].mul / 2000)
			continue;
		double v = (double)ns / (double)steps[i].mul;
		(void)snprintf(buf, GT_DUR_MAX, "%.*f%s",
			       v < 9.995   ? 2
			       : v < 99.95 ? 1
					   : 0,
			       v, steps[i].name);
		return buf;
	}
	(void)snprintf(buf, GT_DUR_MAX, "%" PRIu64 "ns", ns);
	return buf;
}

char *gt_format_time(char buf[GT_DUR_MAX], uint64_t ns)
{
	(void)snprintf(buf, GT_DUR_MAX, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
	return buf;
}

char *gt_format_size(char buf[GT_DUR_MAX], uint64_t bytes)
{
	const char *units = "BKMGTPE";
	double v = (double)bytes;

	while (v >= 1023.5 && units[1]) {
		v /= 1024;
		units++;
	}
	(void)snprintf(buf, GT_DUR_MAX, "%.*f%c", *units == 'B' || v >= 99.95 ? 0 : 1, v, *units);
	return buf;
}
