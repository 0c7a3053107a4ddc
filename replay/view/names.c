/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and places as users read them. */
#include "names.h"

#include <string.h>

#include "format/base/json.h"

#define MAX_INLINED 64

const char *gt_name_func(const struct gt_reader *r, uint32_t pc)
{
	struct gt_frame f;

	return pc && gt_reader_frames(r, pc, &f, 1) ? f.func : "";
}

const char *gt_name_entry(const struct gt_reader *r, const struct gt_goroutine *g)
{
	struct gt_frame f[MAX_INLINED];
	uint32_t n = g->start_pc ? gt_reader_frames(r, g->start_pc, f, MAX_INLINED) : 0;

	/* At an entry the innermost frame may be a call that was inlined right there. */
	if (!n)
		return "";
	return f[(n < MAX_INLINED ? n : MAX_INLINED) - 1].func;
}

const char *gt_name_end(const struct gt_process *p, char buf[GT_NAME_MAX])
{
	switch (p->end) {
	case GT_PE_NONE: return "";
	case GT_PE_EXITED:
		(void)snprintf(buf, GT_NAME_MAX, "exited with status %u", p->end_status);
		return buf;
	case GT_PE_KILLED:
		(void)snprintf(buf, GT_NAME_MAX, "killed by signal %u", p->end_status);
		return buf;
	case GT_PE_EXEC: return "executed another program";
	default: return "ended";
	}
}

const char *gt_name_frame(const struct gt_frame *f, char buf[GT_NAME_MAX])
{
	if (*f->file)
		snprintf(buf, GT_NAME_MAX, "%s%s%s:%u", f->func, *f->func ? " " : "", f->file,
			 f->line);
	else
		snprintf(buf, GT_NAME_MAX, "%s", f->func);
	return buf;
}

const char *gt_name_place(const struct gt_reader *r, uint32_t pc, char buf[GT_NAME_MAX])
{
	struct gt_frame f;

	buf[0] = '\0';
	return pc && gt_reader_frames(r, pc, &f, 1) ? gt_name_frame(&f, buf) : buf;
}

const char *gt_name_site(const struct gt_reader *r, const struct gt_goroutine *g,
			 char buf[GT_NAME_MAX])
{
	/* The main goroutine is made by the runtime's start, not by a go statement. */
	return gt_name_place(r, g->goid == 1 ? 0 : g->site_pc, buf);
}

const char *gt_name_reason(const struct gt_reader *r, uint32_t process, enum gt_gstate state,
			   uint8_t reason)
{
	const char *s = NULL;

	if (reason && (state == GT_S_WAITING || state == GT_S_SELFWAIT))
		s = gt_reader_reason(r, process, reason);
	return s ? s : "";
}

const char *gt_name_wake(enum gt_ra_class cls)
{
	switch ((int)cls) {
	case GT_RA_READY: return "timer or runtime";
	case GT_RA_INJECT: return "netpoll or runtime";
	case GT_RA_FIND: return "scheduler";
	case GT_RA_FINDGC: return "GC";
	case GT_RA_GOSCHED: return "yield or preemption";
	case GT_RA_GOYIELD: return "yield";
	case GT_RA_EXITSYSCALL_NOP: return "no P free after syscall";
	case GT_RA_PARK: return "park called off";
	case GT_RA_DEBUGCALL: return "debugger";
	default: return "";
	}
}

const char *gt_name_cause(uint32_t cause)
{
	switch (cause) {
	case GT_LOSS_RING_FULL: return "ring full";
	case GT_LOSS_THROTTLED: return "throttled";
	case GT_LOSS_DAMAGED: return "damaged block";
	case GT_LOSS_MISSING: return "missing block";
	case GT_LOSS_NOSPACE: return "disk full";
	case GT_LOSS_UNRECORDED: return "not recorded";
	default: return "unknown cause";
	}
}

const char *gt_name_leaf(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

const char *gt_names_safe(const char *s, char buf[GT_NAME_MAX])
{
	size_t n = strnlen(s, GT_NAME_MAX - 1);

	/* Not in the middle of a character. */
	if (s[n])
		while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	memcpy(buf, s, n);
	buf[n] = '\0';
	gt_text_safe(buf);
	return buf;
}

bool gt_name_is_inside(const char *func)
{
	return strncmp(func, "runtime.", 8) == 0 && !(func[8] >= 'A' && func[8] <= 'Z');
}

bool gt_name_is_idle(const char *reason)
{
	static const char *const idle[] = {
		"GC worker (idle)",	     "GC sweep wait",	       "GC scavenge wait",
		"force gc (idle)",	     "finalizer wait",	       "cleanup wait",
		"GOMAXPROCS updater (idle)", "trace reader (blocked)", "timer goroutine (idle)",
	};

	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		if (strcmp(reason, idle[i]) == 0)
			return true;
	}
	return false;
}
