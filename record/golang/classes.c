/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The role of the function that called runtime.casgstatus, by its name.
 * [callers of casgstatus and casGToWaiting* in src/runtime, Go 1.17-1.26: docs/PROBES.md]
 */
#include <string.h>

#include "gobin.h"

#define MAX_FRAMES 16

/* EXACT: the function and its closures. FAMILY: every name that begins so. */
enum how { EXACT, FAMILY };

static const struct role {
	const char *name;
	enum how how;
	enum gt_ra_class class;
} roles[] = {
	{ "runtime.newproc1", EXACT, GT_RA_NEWPROC },
	{ "runtime.execute", EXACT, GT_RA_EXECUTE },
	{ "runtime.park_m", EXACT, GT_RA_PARK },
	{ "runtime.ready", EXACT, GT_RA_READY },
	{ "runtime.goready", EXACT, GT_RA_READY },
	{ "runtime.injectglist", EXACT, GT_RA_INJECT },
	{ "runtime.findRunnable", EXACT, GT_RA_FIND },
	{ "runtime.findrunnable", EXACT, GT_RA_FIND },
	{ "runtime.schedule", EXACT, GT_RA_FIND }, /* to 1.18: the trace reader */
	{ "runtime.(*gcControllerState).findRunnableGCWorker", EXACT, GT_RA_FINDGC },
	{ "runtime.goschedImpl", EXACT, GT_RA_GOSCHED },
	{ "runtime.gosched_m", EXACT, GT_RA_GOSCHED },
	{ "runtime.gopreempt_m", EXACT, GT_RA_GOSCHED },
	{ "runtime.goschedguarded_m", EXACT, GT_RA_GOSCHED },
	{ "runtime.goyield_m", EXACT, GT_RA_GOYIELD },
	{ "runtime.reentersyscall", EXACT, GT_RA_ENTERSYSCALL },
	{ "runtime.entersyscall", EXACT, GT_RA_ENTERSYSCALL },
	{ "runtime.entersyscallblock", EXACT, GT_RA_ENTERSYSBLOCK },
	{ "runtime.exitsyscall", EXACT, GT_RA_EXITSYSCALL },
	{ "runtime.exitsyscall0", EXACT, GT_RA_EXITSYSCALL_NOP },
	{ "runtime.exitsyscallNoP", EXACT, GT_RA_EXITSYSCALL_NOP },
	{ "runtime.goexit0", EXACT, GT_RA_GOEXIT },
	{ "runtime.gdestroy", EXACT, GT_RA_GOEXIT },
	{ "runtime.needm", EXACT, GT_RA_NEEDM },
	{ "runtime.needAndBindM", EXACT, GT_RA_NEEDM },
	{ "runtime.dropm", EXACT, GT_RA_DROPM },
	{ "runtime.oneNewExtraM", EXACT, GT_RA_EXTRAM },
	{ "runtime.newstack", EXACT, GT_RA_NEWSTACK },
	{ "runtime.coroswitch_m", EXACT, GT_RA_CORO },
	{ "runtime.newcoro", EXACT, GT_RA_CORO },
	{ "runtime.casGToWaiting", FAMILY, GT_RA_SELFWAIT },
	{ "runtime.stopTheWorld", FAMILY, GT_RA_SELFWAIT },
	{ "runtime.startTheWorld", FAMILY, GT_RA_SELFWAIT },
	{ "runtime.forEachP", FAMILY, GT_RA_SELFWAIT },
	{ "runtime.gcMarkDone", EXACT, GT_RA_SELFWAIT },
	{ "runtime.gcMarkTermination", EXACT, GT_RA_SELFWAIT },
	{ "runtime.gcStart", EXACT, GT_RA_SELFWAIT },
	{ "runtime.writeheapdump_m", EXACT, GT_RA_SELFWAIT },
	{ "runtime/debug.WriteHeapDump", EXACT, GT_RA_SELFWAIT },
	{ "runtime.traceAdvance", EXACT, GT_RA_SELFWAIT },
	{ "runtime.markroot", FAMILY, GT_RA_SELFWAIT },
	{ "runtime.gcBgMarkWorker", FAMILY, GT_RA_GCWORKER },
	{ "runtime.gcAssistAlloc", FAMILY, GT_RA_GCASSIST },
	{ "runtime.findGoroutineLeaks", EXACT, GT_RA_LEAKCHECK },
	{ "runtime.debugCall", FAMILY, GT_RA_DEBUGCALL },
	{ "runtime.cgocall", EXACT, GT_RA_CGO_PC },
	{ "runtime.asmcgocall", EXACT, GT_RA_CGO_PC },
	{ "syscall.", FAMILY, GT_RA_SYSCALL_PC },
	{ "runtime/internal/syscall.", FAMILY, GT_RA_SYSCALL_PC },
	{ "internal/runtime/syscall", FAMILY, GT_RA_SYSCALL_PC }, /* 1.26: .../syscall/linux */
	{ "golang.org/x/sys/unix.", FAMILY, GT_RA_SYSCALL_PC },
};

static bool plays(const struct role *r, const char *name)
{
	size_t n = strlen(r->name);

	return !strncmp(name, r->name, n) && (r->how == FAMILY || name[n] == 0 || name[n] == '.');
}

static enum gt_ra_class by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (plays(&roles[i], name))
			return roles[i].class;
	return GT_RA_UNKNOWN;
}

enum gt_ra_class gt_gobin_class(const struct gt_gobin *b, uint64_t ra)
{
	struct gt_frame frames[MAX_FRAMES];
	enum gt_ra_class class = GT_RA_UNKNOWN;
	/* a call may be a function's last instruction: what it returns to is then another's */
	uint32_t n = gt_gobin_frames(b, ra - 1, frames, NULL, MAX_FRAMES);

	/* the caller may itself be inlined, as profile-guided optimisation does with ready */
	for (uint32_t i = 0; i < n && i < MAX_FRAMES && class == GT_RA_UNKNOWN; i++)
		class = by_name(frames[i].func);
	return class;
}
