/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tools say to people: one line on stderr, in one write. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *tool = "gtrace";
static bool be_quiet;
static int be_verbose;

void gt_log_init(const char *name, bool quiet, int verbose)
{
	tool = name;
	be_quiet = quiet;
	be_verbose = verbose;
}

static void say(const char *level, const char *fmt, va_list ap)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s: %s", tool, level);

	(void)vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	size_t len = strlen(line);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] =
				'?'; /* names come from files and processes: no terminal escapes */
	line[len++] = '\n';
	(void)!write(STDERR_FILENO, line, len);
}

#define LOG(fn, level, cond)                                                                       \
	void fn(const char *fmt, ...)                                                              \
	{                                                                                          \
		va_list ap;                                                                        \
		if (!(cond))                                                                       \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		say(level, fmt, ap);                                                               \
		va_end(ap);                                                                        \
	}

LOG(gt_log_error, "error: ", true)
LOG(gt_log_warn, "warning: ", true)
LOG(gt_log_note, "", !be_quiet)
LOG(gt_log_debug, "debug: ", be_verbose > 0)
