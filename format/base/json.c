/* SPDX-License-Identifier: BSD-2-Clause */
/* The streaming JSON writer. */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void gt_json_init(struct gt_json *j, FILE *f)
{
	*j = (struct gt_json){ .f = f };
}

static void raw(struct gt_json *j, const char *s, size_t n)
{
	(void)fwrite_unlocked(s, 1, n, j->f);
}

static void put(struct gt_json *j, char c)
{
	(void)putc_unlocked(c, j->f);
}

/* Before any value: the comma, unless a key or the opening bracket stands before it. */
static void lead(struct gt_json *j)
{
	if (j->after_key)
		j->after_key = false;
	else if (j->depth && j->more[j->depth])
		put(j, ',');
	j->more[j->depth] = true;
}

static void open(struct gt_json *j, char c)
{
	lead(j);
	put(j, c);
	if (j->depth + 1 < GT_JSON_DEPTH)
		j->depth++;
	j->more[j->depth] = false;
}

static void close(struct gt_json *j, char c)
{
	put(j, c);
	if (j->depth)
		j->depth--;
}

void gt_json_object(struct gt_json *j)
{
	open(j, '{');
}

void gt_json_object_end(struct gt_json *j)
{
	close(j, '}');
}

void gt_json_array(struct gt_json *j)
{
	open(j, '[');
}

void gt_json_array_end(struct gt_json *j)
{
	close(j, ']');
}

/* Length of the valid UTF-8 sequence at S (N bytes left), 0 if there is none. */
static size_t utf8(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (len == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0)))
		return 0; /* over-long, or a surrogate */
	if (len == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90)))
		return 0;
	return len;
}

static void escape(struct gt_json *j, unsigned char c)
{
	char buf[8];

	(void)snprintf(buf, sizeof(buf), "\\u%04x", c);
	raw(j, buf, 6);
}

static void quoted(struct gt_json *j, const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str;

	put(j, '"');
	for (size_t i = 0; i < n;) {
		size_t run = i;
		while (run < n && s[run] >= 0x20 && s[run] < 0x7f && s[run] != '"' &&
		       s[run] != '\\')
			run++;
		raw(j, str + i, run - i);
		i = run;
		if (i == n)
			break;
		size_t len = utf8(s + i, n - i);
		if (s[i] == '"' || s[i] == '\\') {
			put(j, '\\');
			put(j, (char)s[i]);
		} else if (len == 1 || (len == 2 && s[i] == 0xc2 && s[i + 1] < 0xa0)) {
			escape(j, len == 1 ? s[i] : s[i + 1]); /* C0, DEL, C1 */
		} else if (len) {
			raw(j, str + i, len);
		} else {
			raw(j, "\xef\xbf\xbd", 3);
		}
		i += len ? len : 1;
	}
	put(j, '"');
}

void gt_json_key(struct gt_json *j, const char *key)
{
	lead(j);
	quoted(j, key, strlen(key));
	put(j, ':');
	j->after_key = true;
}

void gt_json_strn(struct gt_json *j, const char *s, size_t n)
{
	lead(j);
	quoted(j, s, n);
}

void gt_json_str(struct gt_json *j, const char *s)
{
	if (s)
		gt_json_strn(j, s, strlen(s));
	else
		gt_json_null(j);
}

/* Decimal digits of V at the end of BUF (20 bytes); the first one. */
static char *digits(char *end, uint64_t v)
{
	do
		*--end = (char)('0' + v % 10);
	while (v /= 10);
	return end;
}

void gt_json_u64(struct gt_json *j, uint64_t v)
{
	char buf[20], *p = digits(buf + sizeof(buf), v);

	lead(j);
	raw(j, p, (size_t)(buf + sizeof(buf) - p));
}

void gt_json_i64(struct gt_json *j, int64_t v)
{
	char buf[20], *p = digits(buf + sizeof(buf), v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

	lead(j);
	if (v < 0)
		put(j, '-');
	raw(j, p, (size_t)(buf + sizeof(buf) - p));
}

void gt_json_f64(struct gt_json *j, double v)
{
	if (!isfinite(v)) {
		gt_json_null(j);
		return;
	}
	lead(j);
	(void)fprintf(j->f, "%.9g", v);
}

void gt_json_us(struct gt_json *j, uint64_t ns)
{
	char buf[24], *p = digits(buf + 20, ns / 1000);

	lead(j);
	buf[20] = '.';
	buf[21] = (char)('0' + ns / 100 % 10);
	buf[22] = (char)('0' + ns / 10 % 10);
	buf[23] = (char)('0' + ns % 10);
	raw(j, p, (size_t)(buf + sizeof(buf) - p));
}

void gt_json_bool(struct gt_json *j, bool v)
{
	lead(j);
	raw(j, v ? "true" : "false", v ? 4 : 5);
}

void gt_json_null(struct gt_json *j)
{
	lead(j);
	raw(j, "null", 4);
}

void gt_json_line(struct gt_json *j)
{
	put(j, '\n');
	j->more[0] = false;
}

int gt_json_finish(struct gt_json *j, struct gt_err *err)
{
	if (fflush(j->f) || ferror(j->f))
		return gt_fail_errno(err, GT_IO, "cannot write the output");
	return GT_OK;
}

void gt_text_safe(char *str)
{
	unsigned char *s = (unsigned char *)str;

	for (size_t n = strlen(str); *s; n = strlen((char *)s)) {
		size_t len = utf8(s, n);
		if (!len || *s < 0x20 || *s == 0x7f || (len == 2 && s[0] == 0xc2 && s[1] < 0xa0))
			*s++ = '?';
		else
			s += len;
	}
}
