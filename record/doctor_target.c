/* SPDX-License-Identifier: BSD-2-Clause */
/* gtrec doctor: one process or binary: what it is, and where the probes go. */
#include "doctor_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe_list.h"

static const char *how_name(enum gt_how how)
{
	switch (how) {
	case GT_HOW_NONE: return "not found";
	case GT_HOW_BUILDINFO: return "build info";
	case GT_HOW_RUNTIME: return "runtime.buildVersion";
	case GT_HOW_PCLNTAB: return "function table";
	case GT_HOW_SYMTAB: return "symbol table";
	case GT_HOW_SIGNATURE: return "byte signature";
	case GT_HOW_TABLE: return "table of this Go version";
	case GT_HOW_NEWEST: return "table of the newest Go known";
	case GT_HOW_DWARF: return "DWARF";
	case GT_HOW_SCAN: return "memory scan";
	}
	return "?";
}

static void check_site(struct gt_doctor *d, const struct gt_gobin *b, const struct gt_probe_fn *p)
{
	struct gt_site s;
	struct gt_err err;
	char hex[3 * sizeof(s.insn) + 1] = "";

	if (gt_gobin_site(b, p->func, &s, &err)) {
		if (gt_probe_only_inlined(b, p->func)) {
			gt_doctor_say(d, GT_DOC_OK, "probe", NULL,
				      "%s: inlined by PGO wherever it is called", p->func);
			return;
		}
		gt_doctor_say(d, p->required ? GT_DOC_FAIL : GT_DOC_OK, "probe",
			      p->required ? "tell the makers of gtrec, with this output" : NULL,
			      "%s: %s%s", p->func, err.msg, p->required ? "" : " (not needed)");
		return;
	}
	for (unsigned i = 0; i < s.insn_len && i < sizeof(s.insn); i++)
		(void)snprintf(hex + 3 * i, 4, " %02x", s.insn[i]);
	gt_doctor_say(
		d, s.emulated ? GT_DOC_OK : GT_DOC_WARN, "probe",
		s.emulated ? NULL
			   : "it works, but each event costs the target about ten times as much",
		"%s+%u (file offset 0x%" PRIx64 "):%s%s, found by %s", p->func, s.delta, s.offset,
		hex, s.emulated ? ", emulated" : ", single-stepped", how_name(s.how));
	if (d->verbose)
		gt_doctor_say(d, GT_DOC_OK, "", NULL, "%s; %s", p->what, s.why);
}

/* Copies of probed functions, as profile-guided optimisation makes them. */
static void check_inlined(struct gt_doctor *d, const struct gt_gobin *b)
{
	struct gt_inline_site *s = calloc(GT_MAX_INLINED, sizeof(*s));
	uint32_t n = s ? gt_probe_inlined(b, UINT32_MAX, s) : 0;

	if (n > GT_MAX_INLINED)
		gt_doctor_say(d, GT_DOC_WARN, "probe", NULL,
			      "%u inlined copies, of which only %u get a probe", n, GT_MAX_INLINED);
	for (uint32_t i = 0; i < n && i < GT_MAX_INLINED; i++)
		if (!s[i].usable)
			gt_doctor_say(d, GT_DOC_WARN, "probe",
				      "a build without -pgo, or tell the makers of gtrec",
				      "%s: %s; its transitions will be missing", s[i].func,
				      s[i].at.why);
		else if (d->verbose)
			gt_doctor_say(d, GT_DOC_OK, "probe", NULL,
				      "%s: inlined by PGO, %s+%u (file offset 0x%" PRIx64 "), %s",
				      s[i].func, s[i].host, s[i].at.delta, s[i].at.offset,
				      s[i].at.emulated ? "emulated" : "single-stepped");
	if (n && !d->verbose)
		gt_doctor_say(d, GT_DOC_OK, "probe", NULL,
			      "profile-guided build: %u more sites (-v lists them)", n);
	free(s);
}

static void check_layout(struct gt_doctor *d, const struct gt_gobin *b)
{
	struct gt_layout l;
	struct gt_err err;
	enum gt_how how = GT_HOW_NONE;
	uint64_t at;

	if (gt_gobin_layout(b, &l, &err))
		gt_doctor_say(d, GT_DOC_FAIL, "layout", NULL, "%s", err.msg);
	else if (l.how == GT_HOW_NEWEST)
		gt_doctor_say(d, GT_DOC_WARN, "layout", "a newer gtrec, or a binary with DWARF",
			      "structs of the newest Go that gtrec knows: a guess");
	else
		gt_doctor_say(d, GT_DOC_OK, "layout", NULL, "runtime.g, m and p by %s",
			      how_name(l.how));
	if (gt_gobin_allgs(b, &at, &how))
		gt_doctor_say(d, GT_DOC_OK, "snapshot", NULL, "runtime.allgs found by %s",
			      how_name(how));
	else
		gt_doctor_say(d, GT_DOC_OK, "snapshot", NULL,
			      "runtime.allgs will be searched for in the memory");
}

static void check_binary(struct gt_doctor *d, const struct gt_gobin *b)
{
	const struct gt_gobin_info *i = gt_gobin_info(b);

	gt_doctor_say(d, GT_DOC_OK, "Go", NULL, "%s %s, by %s%s%s%s%s%s", i->version,
		      i->arch == GT_ARCH_ARM64 ? "arm64" : "amd64", how_name(i->version_how),
		      i->stripped ? ", stripped" : "", i->pie ? ", PIE" : "", i->cgo ? ", cgo" : "",
		      i->race ? ", race" : "", i->shared ? ", shared object" : "");
	gt_doctor_say(d, GT_DOC_OK, "functions", NULL, "%u in the function table", i->n_funcs);
	if (d->verbose && *i->go_build_id)
		gt_doctor_say(d, GT_DOC_OK, "build id", NULL, "%s", i->go_build_id);
	for (int n = 0; n < GT_N_PROBES; n++)
		if (gt_probe_wanted(b, UINT32_MAX, n))
			check_site(d, b, &gt_probe_fns[n]);
	check_inlined(d, b);
	check_layout(d, b);
}

static void check_process(struct gt_doctor *d, pid_t pid)
{
	struct gt_target *t = NULL;
	struct gt_err err;

	if (gt_target_open(&t, pid, &err)) {
		gt_doctor_say(d, GT_DOC_FAIL, "process", NULL, "%s", err.msg);
		return;
	}
	gt_doctor_say(d, GT_DOC_OK, "process", NULL, "%d '%s', uid %u%s%s%s", (int)pid, t->image,
		      (unsigned)t->uid, t->bits & GT_TF_DELETED ? ", replaced on disk since" : "",
		      t->bits & GT_TF_MNTNS ? ", in a mount namespace" : "",
		      t->bits & GT_TF_PIDNS ? ", in a pid namespace" : "");
	check_binary(d, t->bin);
	gt_target_free(t);
}

static void check_file(struct gt_doctor *d, const char *path)
{
	struct gt_gobin *b = NULL;
	struct gt_err err;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		gt_doctor_say(d, GT_DOC_FAIL, "binary", NULL, "cannot open '%s': %s", path,
			      strerror(errno));
		return;
	}
	if (gt_gobin_open(&b, fd, path, &err)) {
		gt_doctor_say(d, GT_DOC_FAIL, "binary", NULL, "%s", err.msg);
	} else {
		gt_doctor_say(d, GT_DOC_OK, "binary", NULL, "'%s'", path);
		check_binary(d, b);
		gt_gobin_free(b);
	}
	close(fd);
}

void gt_doctor_target(struct gt_doctor *d, const char *what)
{
	char *end;
	long pid = strtol(what, &end, 10);

	if (*what >= '0' && *what <= '9' && !*end && pid > 0 && pid < 1 << 30)
		check_process(d, (pid_t)pid);
	else
		check_file(d, what);
}
