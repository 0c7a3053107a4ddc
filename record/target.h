/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One Go process: found, identified, its Go image opened, its memory readable. Everything is
 * bound to descriptors (pidfd, /proc/PID, /proc/PID/mem, the image file), so that a pid that
 * the kernel gives out again is noticed and never mistaken for the target.
 */
#ifndef GT_TARGET_H
#define GT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/base/err.h"
#include "record/golang/golang.h"

struct gt_target {
	pid_t pid;	      /* as gtrec sees it */
	int pidfd;	      /* readable (poll) when the process has ended */
	int procfd;	      /* /proc/PID, O_PATH */
	int memfd;	      /* /proc/PID/mem; -1 where it could not be opened */
	int imagefd;	      /* the file that Go lives in: the executable or a c-shared .so */
	char image_path[32];  /* "/proc/self/fd/N": for perf_event_open and libbpf; right inode */
	struct gt_gobin *bin; /* owned */
	uint64_t bias;	      /* address in memory = link-time address + bias */
	uint64_t start_ns;    /* start time since boot */
	uid_t uid;	      /* effective */
	uint32_t bits;	      /* GT_TF_* */
	uint32_t ns_pid;      /* its pid in its own pid namespace */
	uint64_t dev, ino;    /* of the image file */
	char comm[16];
	char *exe;	/* what /proc/PID/exe points to, " (deleted)" removed; owned */
	char *image;	/* name of the image file, == exe unless GT_TF_SO; owned */
	char *map_name; /* the same as /proc/PID/maps spells it; owned */
	char *argv0;	/* argv[0]; "" where it is empty; owned */
};

#define GT_TF_SO      0x1 /* Go lives in a shared object, not in the executable */
#define GT_TF_DELETED 0x2 /* the image was replaced or removed on disk */
#define GT_TF_MNTNS   0x4 /* other mount namespace (container) */
#define GT_TF_PIDNS   0x8 /* other pid namespace than gtrec */

/*
 * gt_target_open: PID must be a live process, a Go one, 64 bit. Fails with GT_GONE (no such
 * process, zombie), GT_UNSUPPORTED (kernel thread, a thread's id, not Go, too old, 32-bit),
 * GT_DENIED (permission; says what is missing), GT_IO, GT_NOMEM. Works on a process in its
 * exec stop. Close with gt_target_free (NULL is fine).
 */
int gt_target_open(struct gt_target **out, pid_t pid, struct gt_err *err) GT_MUST_CHECK;
void gt_target_free(struct gt_target *t);
/* gt_target_alive: still the same live process. */
bool gt_target_alive(const struct gt_target *t);
/* gt_target_same_image: its address space is still the one that was opened: no exec since. */
bool gt_target_same_image(const struct gt_target *t);
/*
 * gt_target_life: what has become of it. One that is on its way out lives until its pidfd says
 * otherwise, though its memory is gone.
 */
enum gt_target_life { GT_TL_LIVES, GT_TL_EXECUTED, GT_TL_ENDED };
enum gt_target_life gt_target_life(const struct gt_target *t);
/*
 * gt_target_exit: how it ended, as waitpid has it, read from /proc; false: nobody there can tell
 * (its parent has taken it, or we may not know).
 */
bool gt_target_exit(const struct gt_target *t, int *ret_wstatus);
/*
 * gt_target_rebase: where the image is mapped now. gt_target_open has done it already; a .so
 * that was dlopened again may have moved. GT_UNSUPPORTED: not mapped.
 */
int gt_target_rebase(struct gt_target *t, struct gt_err *err) GT_MUST_CHECK;
/* gt_target_process: the words of the trace file for it (PROCESS number, times: the caller's). */
void gt_target_process(const struct gt_target *t, struct gt_process *ret);

/* ---- memory --------------------------------------------------------------------------- */

/*
 * gt_target_read: N bytes at ADDR, all or an error: GT_IO (nothing mapped there: os_errno
 * EFAULT), GT_GONE, GT_DENIED. No signal, no stop, no trap in the target.
 */
int gt_target_read(const struct gt_target *t, uint64_t addr, void *buf, size_t n,
		   struct gt_err *err) GT_MUST_CHECK;

struct gt_read {
	uint64_t addr;
	void *buf;
	uint32_t n;
	bool ok; /* out: all N bytes were read */
};
/*
 * gt_target_read_many: each of N reads; those that fail have !ok. One system call for about
 * 1000 of them (one more for each that fails). Error: only GT_GONE, GT_DENIED.
 */
int gt_target_read_many(const struct gt_target *t, struct gt_read *r, size_t n,
			struct gt_err *err) GT_MUST_CHECK;

/* ---- threads -------------------------------------------------------------------------- */

struct gt_task {
	uint32_t tid;	 /* as gtrec sees it */
	uint32_t ns_tid; /* in its own pid namespace: Go's m.procid */
	char comm[16];
};
/* gt_target_threads: FN for each thread; threads that end meanwhile are left out. */
int gt_target_threads(const struct gt_target *t, void (*fn)(void *ctx, const struct gt_task *task),
		      void *ctx, struct gt_err *err) GT_MUST_CHECK;

/*
 * gt_target_settle: wait until every thread that was on its way somewhere has got on: it
 * sleeps, or has been on a CPU since. What it had begun in Go code before the call is done
 * then, but for a thread that the kernel keeps waiting: after LIMIT_MS it is left at that (false).
 */
bool gt_target_settle(const struct gt_target *t, uint32_t limit_ms);

/*
 * Joining threads. /proc tells a thread by its tid in gtrec's pid namespace, and its NSpid line
 * leads from there to the innermost one, which is what Go keeps in m.procid. In the initial
 * namespace BPF tells the same number (init_tid); where gtrec is in another, no file there shows
 * that, and BPF is asked for the number in the target's own namespace (GT_WIRE_TID_NS).
 *
 *   gt_tidmap_refresh    from /proc, when a tid is not known yet (cheap: once for each thread)
 *   gt_tidmap_get        init_tid -> what is known
 *   gt_tidmap_by_procid  m.procid -> what is known
 */
struct gt_tidmap;
struct gt_tid {
	uint32_t init_tid; /* 0 not known */
	uint32_t tid;	   /* as gtrec sees it; 0 not known */
	uint32_t ns_tid;   /* == m.procid; 0 not known */
	char comm[16];
};
int gt_tidmap_new(struct gt_tidmap **out, const struct gt_target *t,
		  struct gt_err *err) GT_MUST_CHECK;
void gt_tidmap_free(struct gt_tidmap *m);
int gt_tidmap_refresh(struct gt_tidmap *m, struct gt_err *err) GT_MUST_CHECK;
/* NULL: not known yet. Valid until the next refresh or learn. */
const struct gt_tid *gt_tidmap_get(const struct gt_tidmap *m, uint32_t init_tid);
/* gt_tidmap_by_procid: the thread that Go calls PROCID; its init_tid may still be 0. */
const struct gt_tid *gt_tidmap_by_procid(const struct gt_tidmap *m, uint32_t procid);
/* gt_target_pidns: T's pid namespace as the kernel's nsfs has it; both 0 where it may not be known.
 */
void gt_target_pidns(const struct gt_target *t, uint64_t *ret_dev, uint64_t *ret_ino);
/* gt_pidns_initial: gtrec lives in the initial pid namespace. */
bool gt_pidns_initial(void);

#endif
