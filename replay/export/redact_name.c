/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of Go's names. */
#include "redact_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "replay/view/names.h"

bool gt_rn_is_std(const char *func, bool said)
{
	return said || !strncmp(func, "runtime.", 8);
}

/* Type arguments may hold dots and slashes. */
static size_t plain(const char *func)
{
	return strcspn(func, "[({ ");
}

size_t gt_rn_package(const char *func)
{
	size_t n = plain(func), from = 0;

	for (size_t i = 0; i < n; i++)
		if (func[i] == '/')
			from = i + 1;
	while (from < n && func[from] != '.')
		from++;
	return from;
}

static size_t digits(const char *s)
{
	size_t n = 0;

	while (isdigit((unsigned char)s[n]))
		n++;
	return n;
}

/* The length of a compiler's part at S, which begins with '.' or '-'; 0: none. */
static size_t part(const char *s)
{
	static const char *const words[] = { ".func",	".gowrap", ".deferwrap",
					     ".dwrap.", "-range",  "." };

	if (!strncmp(s, "-fm", 3))
		return 3;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i]);

		if (!strncmp(s, words[i], n) && digits(s + n))
			return n + digits(s + n);
	}
	return 0;
}

/* All that is behind S is the compiler's. */
static bool only_parts(const char *s)
{
	while (*s) {
		size_t n = part(s);

		if (!n)
			return false;
		s += n;
	}
	return true;
}

size_t gt_rn_base(const char *func)
{
	size_t n = strlen(func), from = gt_rn_package(func);

	for (size_t i = from + 1; i < n; i++)
		if ((func[i] == '.' || func[i] == '-') && only_parts(func + i))
			return i;
	return n;
}

const char *gt_rn_suffix(const char *file)
{
	static const char *const known[] = { ".go", ".s", ".c" };
	size_t n = strlen(file);

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size_t k = strlen(known[i]);

		if (n > k && !strcmp(file + n - k, known[i]))
			return known[i];
	}
	return "";
}

void gt_rn_std_func(const char *func, char to[GT_RN_MAX])
{
	size_t n = 0, depth = 0;

	for (; *func && n + 8 < GT_RN_MAX; func++) {
		if (*func == '[' && !depth++) {
			memcpy(to + n, "[...]", 5);
			n += 5;
		}
		if (!depth)
			to[n++] = *func;
		if (*func == ']' && depth)
			depth--;
	}
	to[n] = 0;
}

void gt_rn_std_file(const char *func, const char *file, char to[GT_RN_MAX])
{
	size_t n = gt_rn_package(func);

	if (!*file)
		*to = 0;
	else
		(void)snprintf(to, GT_RN_MAX, "%.*s/%s", (int)(n < 512 ? n : 512), func,
			       gt_name_leaf(file));
}

/* TEXT is WORD, digits, and then, if they are asked for, a compiler's parts or a file's suffix. */
static bool numbered(const char *text, const char *word)
{
	size_t n = strlen(word), k;

	if (strncmp(text, word, n) || !(k = digits(text + n)))
		return false;
	text += n + k;
	return !*text || only_parts(text) || !strcmp(text, gt_rn_suffix(text - 1));
}

bool gt_rn_is_made(const char *text)
{
	static const char *const words[] = { "main.fn", "src/file", "exe", "arg", "thread" };
	size_t pkg = strncmp(text, "pkg", 3) ? 0 : digits(text + 3);

	if (!strcmp(text, "(redacted)") || !strncmp(text, "cut by gtexport", 15) ||
	    (!strncmp(text, "main.main", 9) && only_parts(text + 9)))
		return true;
	if (pkg && numbered(text + 3 + pkg, ".fn"))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (numbered(text, words[i]))
			return true;
	return false;
}
