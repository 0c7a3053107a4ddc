/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a Go executable tells about itself: version, build, code range, functions, lines,
 * layout of the runtime's structs, and the best address for a probe. It knows Go binaries and
 * nothing of tracing. Everything read is hostile until checked: any file may be handed to us,
 * and we run as root.
 *
 * Facts of the runtime carry their source in docs/PROBES.md; tables are generated from the
 * toolchains by tests/scripts (and compared again by a test).
 */
#ifndef GT_GOLANG_H
#define GT_GOLANG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/err.h"
#include "format/model.h"

enum gt_goarch { GT_ARCH_AMD64 = 1, GT_ARCH_ARM64 = 2 };

/* How a fact was found, told by `gtrec doctor`. */
enum gt_how {
	GT_HOW_NONE = 0,
	GT_HOW_BUILDINFO, /* the build info blob */
	GT_HOW_RUNTIME,	  /* runtime.buildVersion's string in the data */
	GT_HOW_PCLNTAB,	  /* shape of pclntab and the functions in it */
	GT_HOW_SYMTAB,
	GT_HOW_SIGNATURE, /* byte signature */
	GT_HOW_TABLE,	  /* our table for this version */
	GT_HOW_NEWEST, /* our newest table, for a version that we do not know: a guess, warned of */
	GT_HOW_DWARF,
	GT_HOW_SCAN, /* found in the process's memory */
};

/*
 * From this minor version a creation already shows its goid [proc.go: newproc1 sets it before
 * casgstatus; up to Go 1.23 after].
 */
#define GT_GOID_AT_BIRTH 24

struct gt_gobin; /* an open Go executable or shared object */

struct gt_gobin_info {
	enum gt_goarch arch;
	int minor; /* 26 for go1.26.x */
	int patch; /* 8 for go1.26.8; -1 where the string has none */
	enum gt_how version_how;
	const char *version; /* as found, e.g. "go1.24.11 X:synctest"; lives as long as the gobin */
	const char *go_build_id;  /* "" where there is none */
	const char *gnu_build_id; /* hex */
	const char *main_path;	  /* module path of main from the build info; "" */
	bool pie;		  /* position independent: addresses move at load */
	bool stripped;		  /* no .symtab */
	bool cgo;		  /* runtime/cgo is linked in */
	bool race;
	bool shared;	      /* c-shared */
	uint64_t text, etext; /* runtime.text, runtime.etext (link-time addresses) */
	uint64_t moduledata;  /* link-time address of runtime.firstmoduledata */
	uint32_t n_funcs;
};

/*
 * gt_gobin_open: FD is open for reading and stays the caller's; PATH is for messages only.
 * Fails with GT_UNSUPPORTED (not ELF, 32-bit, not Go, Go < 1.17, plugin, packed: says which),
 * GT_TRUNCATED or GT_CORRUPT (hostile or cut), GT_LIMIT, GT_IO, GT_NOMEM. Reads at most what
 * it needs, when it needs it, and keeps some of that: a file of any size is fine, and one that
 * shrinks meanwhile costs answers, no more. One gobin is for one thread at a time.
 */
int gt_gobin_open(struct gt_gobin **out, int fd, const char *path,
		  struct gt_err *err) GT_MUST_CHECK;
void gt_gobin_free(struct gt_gobin *b);
const struct gt_gobin_info *gt_gobin_info(const struct gt_gobin *b);

/* gt_gobin_is_go: was FD built by Go, as its build info says, also one that gt_gobin_open does not
 * handle? RET is the version, "" where it is not told. */
bool gt_gobin_is_go(int fd, const char *path, char ret[64]);

/* gt_gobin_file_offset: where link-time address VADDR lies in the file; false outside. */
bool gt_gobin_file_offset(const struct gt_gobin *b, uint64_t vaddr, uint64_t *ret);
/*
 * gt_gobin_bias: load bias of a process from a mapping of this file: MAP_START is mapped from
 * MAP_OFFSET of the file with permission to execute. Address in memory = vaddr + bias.
 */
bool gt_gobin_bias(const struct gt_gobin *b, uint64_t map_start, uint64_t map_offset,
		   uint64_t *ret);

/* gt_gobin_func: entry (link-time) and size of the function NAME, wrappers left out. */
bool gt_gobin_func(const struct gt_gobin *b, const char *name, uint64_t *ret_entry,
		   uint64_t *ret_size);
/* gt_gobin_read: N bytes at link-time address VADDR as the file has them; false outside. */
bool gt_gobin_read(const struct gt_gobin *b, uint64_t vaddr, void *buf, size_t n);
/* gt_gobin_symbol: address of a data symbol ("runtime.allgs") by .symtab; false if stripped. */
bool gt_gobin_symbol(const struct gt_gobin *b, const char *name, uint64_t *ret_addr);

/*
 * gt_gobin_frames: the frames at link-time PC, innermost first, inlined calls included; for a
 * return address pass the address - 1. How many there are; fills at most MAX; 0 outside Go
 * text. Strings live as long as the gobin; type arguments are as in the binary, "[...]" to Go
 * 1.20 and "[go.shape.int]" after. STD[i], where STD is not NULL: the function is of Go's
 * standard library (its import path begins with one of that library's names, and not with the
 * main module's path): in doubt, and for a name that we do not know, it is the user's own.
 */
uint32_t gt_gobin_frames(const struct gt_gobin *b, uint64_t pc, struct gt_frame *ret, bool *std,
			 uint32_t max);
/* gt_gobin_class: role of the function that the return address RA (link-time) lies in. */
enum gt_ra_class gt_gobin_class(const struct gt_gobin *b, uint64_t ra);
/*
 * gt_gobin_entry: the function that a `go` statement named, for the g.startpc of its goroutine:
 * where arguments had to be passed the compiler started a wrapper around it (main.main.gowrap1).
 * From Go 1.18 on; STARTPC itself where there is no wrapper or nothing to tell what it wraps.
 * [src/runtime/tracestack.go: startPCForTrace, Go 1.18-1.26]
 */
uint64_t gt_gobin_entry(const struct gt_gobin *b, uint64_t startpc);
/* gt_gobin_system: does a goroutine with this entry pc count as the runtime's own?
 * [runtime/traceback.go:isSystemGoroutine, Go 1.17-1.26] */
bool gt_gobin_system(const struct gt_gobin *b, uint64_t startpc);

/* Where to put a probe. */
struct gt_site {
	uint64_t vaddr;	 /* link-time address of the probed instruction */
	uint64_t offset; /* its file offset */
	uint32_t delta;	 /* vaddr - entry */
	uint32_t ra_off; /* amd64: return address is at rsp + ra_off here; arm64: 0 (x30) unless
			    args_on_stack */
	bool emulated; /* the kernel emulates the instruction; false: single-stepped, ~10x dearer */
	bool args_on_stack; /* Go 1.17 arm64: gp at [sp+arg_off], old, new behind it */
	uint32_t arg_off;
	enum gt_how how;
	uint8_t insn[16]; /* the bytes there; insn_len of them */
	uint8_t insn_len;
	char why[120]; /* one line for gtrec doctor -v */
};

/*
 * gt_gobin_site: best site in function NAME ("runtime.casgstatus", "runtime.reentersyscall",
 * ...): the first emulatable instruction with all arguments still in registers, behind the
 * stack check. GT_UNSUPPORTED: no such function. casgstatus also by its byte signature.
 * Refuses (GT_CORRUPT) when the code does not look as it must.
 */
int gt_gobin_site(const struct gt_gobin *b, const char *name, struct gt_site *ret,
		  struct gt_err *err) GT_MUST_CHECK;

/* Where a value is when a probe fires. */
enum gt_place_kind { GT_PLACE_NONE = 0, GT_PLACE_REG, GT_PLACE_STACK, GT_PLACE_CONST };
struct gt_place {
	enum gt_place_kind kind;
	uint32_t v; /* register in the machine's numbering; bytes above sp; the value */
};

/* Where to put a probe on a copy of a function that was inlined. */
struct gt_inline_site {
	struct gt_site at; /* ra_off and args_on_stack mean nothing here */
	const char *func;  /* what was inlined */
	const char *host;  /* the function that holds the copy */
	uint64_t ra;	   /* link-time: where a call would return to, had it not been inlined */
	struct gt_place gp, old, new;
	struct gt_place pc; /* of the system call; GT_PLACE_NONE: g.syscallpc has it */
	bool usable;	    /* false: no probe can be put there, at.why says why */
};

#define GT_MAX_NAMES 8
/*
 * gt_gobin_inlined: the copies of the N_NAMES <= GT_MAX_NAMES functions NAMES (runtime.casgstatus,
 * and others that change g.atomicstatus by one compare-and-swap) which profile-guided
 * optimisation inlined into their callers. How many sites there are, and fills at most MAX; a
 * copy that is entered in two places has two. Each fires once before the status changes, not
 * on retries. amd64; on arm64 copies are found, but none is usable. Strings live as long as
 * the gobin and NAMES. Reads the trees of the whole runtime: 2 ms and more.
 */
uint32_t gt_gobin_inlined(const struct gt_gobin *b, const char *const *names, uint32_t n_names,
			  struct gt_inline_site *ret, uint32_t max);

/* Layout of the runtime's structs, in bytes. UINT32_MAX: the version has no such field. */
struct gt_layout {
	enum gt_how how; /* TABLE, DWARF or NEWEST */
	uint32_t g_stack_lo, g_stack_hi, g_m, g_sched_sp, g_sched_pc, g_sched_g, g_sched_bp;
	uint32_t g_syscallpc, g_atomicstatus, g_goid, g_waitreason, g_lockedm, g_parent_goid;
	uint32_t g_gopc, g_startpc, g_labels, g_coroarg, g_size;
	uint32_t m_procid, m_curg, m_p, m_id, m_preemptoff, m_size;
	uint32_t p_id, p_status, p_m, p_runqhead, p_runqtail, p_runnext;
	/* runtime.gcController, 8 bytes each */
	uint32_t gc_heap_live, gc_heap_marked, gc_heap_goal, gc_percent_goal, gc_sweep_trigger;
	uint32_t gc_triggered, gc_memory_limit, gc_heap_free, gc_total_alloc;
	uint32_t gc_total_free, gc_mapped_ready;
};
int gt_gobin_layout(const struct gt_gobin *b, struct gt_layout *ret,
		    struct gt_err *err) GT_MUST_CHECK;

/* gt_gobin_reasons: wait reason strings of this version by number; lives for ever. */
const char *const *gt_gobin_reasons(const struct gt_gobin *b, uint32_t *ret_n);

/*
 * gt_gobin_allgs: link-time address of runtime.allgs (a slice header; allglen and allgptr
 * semantics: docs/PROBES.md), from .symtab or by decoding runtime.allgadd. false: only a
 * scan of the process's memory can tell (record/snapshot does that).
 */
bool gt_gobin_allgs(const struct gt_gobin *b, uint64_t *ret, enum gt_how *ret_how);
/*
 * gt_gobin_gc_controller, gt_gobin_gomaxprocs: link-time addresses of runtime.gcController (a
 * struct) and runtime.gomaxprocs (an int32), from .symtab or by decoding a function that uses them.
 */
bool gt_gobin_gc_controller(const struct gt_gobin *b, uint64_t *ret, enum gt_how *ret_how);
bool gt_gobin_gomaxprocs(const struct gt_gobin *b, uint64_t *ret, enum gt_how *ret_how);
/* Ranges of writable Go data (link-time), for that scan: noptrdata, data, bss, noptrbss. */
uint32_t gt_gobin_data_ranges(const struct gt_gobin *b, uint64_t (*ret)[2], uint32_t max);

#endif
