/* SPDX-License-Identifier: BSD-2-Clause */
/* gtrec doctor: its command line and its report. The checks are in doctor_host.c, doctor_target.c.
 */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor_impl.h"
#include "format/base/log.h"
#include "format/base/opts.h"

struct doctor_opts {
	bool json;
	int verbose;
};

static const struct gt_usage usage = {
	.name = "gtrec doctor",
	.usage = "gtrec doctor [-v] [--json] [PID | BINARY]",
	.examples = "sudo gtrec doctor          # can this host trace?\n"
		    "sudo gtrec doctor 4711     # and this process?\n"
		    "gtrec doctor -v ./server   # where the probes would go, and why there\n",
	.footer =
		"Exit status: 0 it can be traced, 4 it cannot: the lines marked `fail` say why and "
		"what to do.",
};

static const struct gt_opt table[] = {
	GT_OPT(COUNT, 'v', "verbose", NULL, "say how each fact was found", struct doctor_opts,
	       verbose),
	GT_OPT(FLAG, 0, "json", NULL, "one JSON document", struct doctor_opts, json),
	GT_OPT_END,
};

void gt_doctor_say(struct gt_doctor *d, enum gt_verdict v, const char *check, const char *mend,
		   const char *says, ...)
{
	static const char *const names[] = { "ok", "warn", "fail" };
	char line[512];
	va_list ap;

	va_start(ap, says);
	(void)vsnprintf(line, sizeof(line), says, ap);
	va_end(ap);
	d->warns += v == GT_DOC_WARN;
	d->fails += v == GT_DOC_FAIL;
	if (d->as_json) {
		gt_json_object(&d->json);
		gt_json_kstr(&d->json, "area", d->area);
		gt_json_kstr(&d->json, "check", check);
		gt_json_kstr(&d->json, "verdict", names[v]);
		gt_json_kstr(&d->json, "says", line);
		gt_json_kstr(&d->json, "mend", mend);
		gt_json_object_end(&d->json);
		return;
	}
	gt_text_safe(line);
	(void)printf("%-5s %-12s %s\n", names[v], check, line);
	if (mend)
		(void)printf("%-5s %-12s -> %s\n", "", "", mend);
}

static void verdict(struct gt_doctor *d, bool target)
{
	if (d->as_json) {
		gt_json_array_end(&d->json);
		gt_json_kbool(&d->json, "traceable", !d->fails);
		gt_json_ku64(&d->json, "warnings", d->warns);
		gt_json_ku64(&d->json, "failures", d->fails);
		gt_json_object_end(&d->json);
		gt_json_line(&d->json);
		return;
	}
	(void)printf("%s\n", d->fails ? (target ? "gtrec cannot trace it from here"
						: "gtrec cannot trace on this host")
				      : (target ? "gtrec can trace it" : "gtrec can trace here"));
}

int gt_doctor_main(int argc, char **argv)
{
	struct doctor_opts o = { 0 };
	struct gt_doctor d = { 0 };
	struct gt_err err;
	int first;

	switch (gt_opts_parse(&usage, table, &o, argc, argv, true, &first, NULL)) {
	case GT_OPTS_EXIT_OK: return GT_EXIT_OK;
	case GT_OPTS_EXIT_USAGE: return GT_EXIT_USAGE;
	case GT_OPTS_RUN: break;
	}
	gt_log_init("gtrec doctor", false, o.verbose);
	if (argc - first > 1) {
		gt_log_error("one process or binary at a time (see gtrec doctor --help)");
		return GT_EXIT_USAGE;
	}
	const char *what = first < argc ? argv[first] : NULL;
	d.as_json = o.json;
	d.verbose = o.verbose;
	gt_json_init(&d.json, stdout);
	if (o.json) {
		gt_json_object(&d.json);
		gt_json_key(&d.json, "checks");
		gt_json_array(&d.json);
	}
	d.area = "host";
	gt_doctor_host(&d);
	d.area = "target";
	if (what)
		gt_doctor_target(&d, what);
	verdict(&d, what != NULL);
	if (gt_json_finish(&d.json, &err)) {
		gt_log_error("%s", err.msg);
		return GT_EXIT_ENV;
	}
	return d.fails ? GT_EXIT_ENV : GT_EXIT_OK;
}
