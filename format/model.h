/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words that all rooms share: what a trace is made of. Recorder, file, engine and tools
 * speak in these structs; none of them is ever written to disk as it lies in memory.
 *
 * A goroutine is known by its gid: a number that the recorder gives out, dense from 1 in the
 * order in which goroutines were first met in a trace, across all its processes. It stands
 * for (process, g pointer, incarnation); the runtime's own goid is a property of it, as
 * goids can be late (Go <= 1.23 sets them after creation) or shared (C threads' extra Ms).
 *
 * Times are CLOCK_MONOTONIC nanoseconds of the recording host. Ids of pcs, stacks and
 * strings are dense from 1; 0 means none.
 */
#ifndef GT_MODEL_H
#define GT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* The runtime's g status values [src/runtime/runtime2.go, Go 1.17-1.26]; 5 and 7 are unused. */
enum gt_status {
	GT_G_IDLE = 0,
	GT_G_RUNNABLE = 1,
	GT_G_RUNNING = 2,
	GT_G_SYSCALL = 3,
	GT_G_WAITING = 4,
	GT_G_DEAD = 6,
	GT_G_COPYSTACK = 8,
	GT_G_PREEMPTED = 9,
	GT_G_LEAKED = 10,    /* Go 1.26 */
	GT_G_DEADEXTRA = 11, /* Go 1.26 */
};

/* What happened. Values are the file's: append, never renumber. */
enum gt_event_kind {
	GT_EV_STATUS = 1,   /* runtime.casgstatus: old -> new */
	GT_EV_SYSENTER = 2, /* Go 1.26 runtime.reentersyscall: running -> syscall */
	GT_EV_SYSEXIT = 3,  /* Go 1.26 runtime.exitsyscall: syscall -> running */
	GT_EV_SNAP = 4,	    /* the goroutine's status as read from memory in [ts - arg, ts] */
	GT_EV_PREEMPT = 5,  /* casGToPreemptScan: running -> preempted */
	GT_EV_CORO = 6,	    /* coroswitch_m: gid yields to actor on the same M */
	GT_EV_GAP = 7,	    /* sampled from memory while no probe was attached */
	GT_EV_STW = 16,	    /* one stop of the world: [ts - arg, ts], reason enum gt_stw */
	GT_EV_GC = 17,	    /* a GC phase begins: reason enum gt_gc_phase; arg: heap live, bytes */
	GT_EV_RUNQ = 18,    /* reason enum gt_runq_event, of P */
	GT_EV_SCHED = 19,   /* the kernel switched a target thread on or off a CPU */
	GT_EV_FAULT = 20,   /* a major page fault of a target thread */
	GT_EV_GUARD = 21,   /* a guard fired */
	GT_EV_LABELS = 22,  /* the goroutine's pprof labels changed */
	GT_EV_PROCESS_END = 23, /* the process is no more, nor are its goroutines; gid 0 */
	GT_EV_STOPPED = 24,	/* before its STW: nothing ran in [ts - arg, ts] */
	GT_EV_HEAP_GOAL = 25,	/* behind its GC: the heap's goal is arg bytes; 0 none */
	GT_EV_PROCS = 26,	/* GOMAXPROCS is arg from now on */
};

/* Why the world was stopped: the runtime's stwReason [proc.go, Go 1.21-1.26]. */
enum gt_stw {
	GT_STW_UNKNOWN = 0,
	GT_STW_MARK_TERM = 1,
	GT_STW_SWEEP_TERM = 2,
	GT_STW_HEAP_DUMP = 3,
	GT_STW_GOROUTINE_PROFILE = 4,
	GT_STW_PROFILE_CLEANUP = 5,
	GT_STW_ALL_STACKS = 6,
	GT_STW_READ_MEMSTATS = 7,
	GT_STW_ALL_THREADS = 8,
	GT_STW_GOMAXPROCS = 9,
	GT_STW_START_TRACE = 10,
	GT_STW_STOP_TRACE = 11,
};

enum gt_gc_phase {
	GT_GC_MARK = 1,	     /* the world has started again after sweep termination */
	GT_GC_MARK_TERM = 2, /* all is marked, the world stands */
	GT_GC_SWEEP = 3,     /* the world has started again; the next cycle ends it */
};

enum gt_runq_event {
	GT_RUNQ_OVERFLOW = 1, /* the local queue was full: half of it went to the global one */
};

/* What a GT_EV_SCHED says of its thread, as its reason. Values are the file's. */
enum gt_sched {
	GT_SCHED_ON = 1,	/* runs, on the event's CPU */
	GT_SCHED_PREEMPTED = 2, /* off its CPU, though it could run on */
	GT_SCHED_SLEEPS = 3,	/* off it: waits, or has nothing to do */
	GT_SCHED_BLOCKED = 4,	/* off it, in a wait that no signal ends: mostly for a disk */
	GT_SCHED_STOPPED = 5,	/* off it, by a signal, a debugger or the freezer */
	GT_SCHED_ENDS = 6,	/* off it, for good */
	GT_SCHED_WAKES = 7,	/* could run from now on */
	GT_SCHED_BORN = 8,	/* as WAKES, for the first time */
	GT_SCHED_COUNT
};

/* Flags of one event. */
#define GT_EVF_GOID_ZERO  0x01 /* goid was 0 where one was due */
#define GT_EVF_UNREADABLE 0x02 /* a user-memory read failed: fields may be 0 */
#define GT_EVF_BAD_STATUS 0x04 /* old or new is no status that the runtime has; kept raw */
#define GT_EVF_RESYNC	  0x08 /* goid did not match: events were lost before this one */
#define GT_EVF_UNCERTAIN  0x10 /* lies in or right after a loss of its CPU */
#define GT_EVF_STACK_CUT  0x20 /* the stack goes on: too deep, or a frame could not be read */

/*
 * Who called: the function that a return address lies in, by its role. Computed once for
 * each pc by the recorder (record/golang), stored with the pc. [go-runtime facts: docs/PROBES.md]
 */
enum gt_ra_class {
	GT_RA_UNKNOWN = 0,
	GT_RA_NEWPROC = 1, /* newproc1 */
	GT_RA_EXECUTE = 2, /* execute */
	GT_RA_PARK = 3,	   /* park_m: a real park */
	GT_RA_READY = 4,   /* ready: by a goroutine, or a timer when there is no actor */
	GT_RA_INJECT = 5,  /* injectglist: netpoll rest list, sysmon, STW restart, GC queues */
	GT_RA_FIND = 6,	   /* findRunnable, findrunnable: netpoll, GC worker, trace reader */
	GT_RA_FINDGC = 7,  /* findRunnableGCWorker */
	GT_RA_GOSCHED = 8, /* goschedImpl: Gosched or preemption */
	GT_RA_GOYIELD = 9, /* goyield_m */
	GT_RA_ENTERSYSCALL = 10,  /* reentersyscall, entersyscall */
	GT_RA_ENTERSYSBLOCK = 11, /* entersyscallblock */
	GT_RA_EXITSYSCALL = 12,	  /* exitsyscall */
	GT_RA_EXITSYSCALL_NOP =
		13,	       /* exitsyscall0 (<= 1.25), exitsyscallNoP (1.26): no P was free */
	GT_RA_GOEXIT = 14,     /* goexit0, gdestroy */
	GT_RA_NEEDM = 15,      /* needm: a C thread enters Go */
	GT_RA_DROPM = 16,      /* dropm: it leaves */
	GT_RA_EXTRAM = 17,     /* oneNewExtraM */
	GT_RA_NEWSTACK = 18,   /* newstack: stack growth */
	GT_RA_CORO = 19,       /* coroswitch_m */
	GT_RA_SELFWAIT = 20,   /* casGToWaiting*, STW, forEachP, GC mark: on CPU, on g0 */
	GT_RA_GCWORKER = 21,   /* gcBgMarkWorker and its closures: as SELFWAIT */
	GT_RA_GCASSIST = 22,   /* gcAssistAlloc*: as SELFWAIT */
	GT_RA_LEAKCHECK = 23,  /* findGoroutineLeaks (1.26 experiment) */
	GT_RA_DEBUGCALL = 24,  /* debugCall* */
	GT_RA_SYSCALL_PC = 32, /* not a casgstatus caller: a pc in package syscall or runtime's
				  syscall stubs */
	GT_RA_CGO_PC = 33,     /* a pc in runtime.cgocall or asmcgocall */
};

/* One event. Fields that an event does not carry are 0, or -1 where said. */
struct gt_event {
	uint64_t ts;	  /* ns */
	uint64_t gid;	  /* whose event it is */
	uint64_t actor;	  /* gid of m.curg at the event: waker or creator; 0: none (timer, netpoll,
			     ...) */
	uint64_t arg;	  /* by kind: width of a snapshot read or STW in ns, ... */
	uint32_t process; /* from 1, see struct gt_process */
	uint32_t tid;	  /* thread, as gtrec's pid namespace numbers it: mostly the host's */
	uint32_t ra;	  /* pc id: return address of casgstatus, 0 for SYSENTER */
	uint32_t pc;	/* pc id: for running -> syscall, where the syscall or cgo call was made */
	uint32_t stack; /* stack id: creator's stack at creation, the block stack at a park or SNAP
			 */
	int32_t p;	/* P id; -1 not known */
	int32_t m;	/* M id; -1 not known */
	int32_t qlen;	/* local run-queue length of P; -1 not known */
	uint16_t cpu;	/* ring the event came through, == the CPU it happened on */
	uint8_t kind;	/* enum gt_event_kind */
	uint8_t old, new; /* enum gt_status, scan bit removed */
	uint8_t reason;	  /* the runtime's wait reason number, valid at parks (name: by process) */
	uint8_t flags;	  /* GT_EVF_* */
};

/* Flags of a goroutine. */
#define GT_GF_SYSTEM  0x01 /* the runtime's own [traceback.go:isSystemGoroutine] */
#define GT_GF_EXTRAM  0x02 /* stands for a C thread that called into Go */
#define GT_GF_EXISTED 0x04 /* not created within the trace: found by snapshot or first event */
#define GT_GF_PROVISIONAL                                                                          \
	0x08		  /* goid not yet known (Go <= 1.23, between creation and first run)       \
			   */
#define GT_GF_LOCKED 0x10 /* locked to its thread when last read */
#define GT_GF_FOUND  0x20 /* made unseen, between two snapshots: created_ns is when it was found */

/* What does not change over a goroutine's life. A later row for the same gid replaces it. */
struct gt_goroutine {
	uint64_t gid;
	uint64_t goid;	      /* the runtime's; 0 while not known */
	uint64_t gptr;	      /* address of the runtime.g */
	uint64_t parent;      /* gid of the creator; 0 not known */
	uint64_t parent_goid; /* as the runtime says (>= 1.21) or the creator's goid; 0 not known */
	uint64_t created_ns;  /* 0: before the trace */
	uint32_t process;
	uint32_t start_pc;    /* pc id of the entry function */
	uint32_t site_pc;     /* pc id of the go statement (g.gopc) */
	uint32_t stack;	      /* creation stack id */
	uint32_t flags;	      /* GT_GF_* */
	uint32_t stack_bytes; /* size of its own stack when last read; 0 not known */
	uint32_t labels;      /* string id of its pprof labels: {"key":"value", ...}; 0 none */
};

/* How a process, as the program that it was, came to its end. */
enum gt_process_end {
	GT_PE_NONE = 0,	   /* it outlived the trace, or nobody saw it */
	GT_PE_EXITED = 1,  /* end_status: its exit status */
	GT_PE_KILLED = 2,  /* end_status: the signal */
	GT_PE_EXEC = 3,	   /* it executed another program, or itself anew */
	GT_PE_UNKNOWN = 4, /* it ended; nobody could say how */
};

/* Groups of facts beyond goroutine states that were asked for (gtrec --events). */
#define GT_PG_TOLD    0x01 /* the other bits mean something */
#define GT_PG_SYSCALL 0x02
#define GT_PG_GC      0x04
#define GT_PG_RUNQ    0x08
#define GT_PG_SCHED   0x10
#define GT_PG_FAULT   0x20
#define GT_PG_LABELS  0x40

/* One process of the trace. */
struct gt_process {
	uint32_t process; /* number in the trace, from 1; its pcapng interface too (0: the trace) */
	uint32_t pid;	  /* as gtrec saw it */
	uint64_t start_ns;    /* start time since boot, /proc/PID/stat field 22, in ns */
	uint64_t seen_ns;     /* when it came under trace */
	uint32_t launched;    /* 1: traced from its first instruction (gtrec -- COMMAND) */
	uint32_t gomaxprocs;  /* 0 not known */
	uint64_t probe_flags; /* GT_PG_* */
	uint64_t end_ns;      /* when it had ended, at the latest; 0: it did not within the trace */
	uint32_t end;	      /* enum gt_process_end */
	uint32_t end_status;
	const char *exe;      /* path; strings are borrowed, "" where not known */
	const char *build_id; /* Go build id */
	const char *gnu_build_id;
	const char *go_version;	    /* as in the binary, e.g. "go1.26.8 X:synctest" */
	const char *arch;	    /* "amd64", "arm64" */
	const char *cmdline0;	    /* argv[0] only */
	const char *const *reasons; /* wait reason names by number */
	uint32_t n_reasons;
};

/* One thread of a process. */
struct gt_thread {
	uint32_t process;
	uint32_t tid;	 /* host's */
	uint32_t ns_tid; /* in its own pid namespace (== m.procid); 0 not known */
	int32_t m;	 /* M id; -1 not known */
	uint64_t first_ns, last_ns;
	char comm[16];
};

/* Events that could not be kept. */
enum gt_loss_cause {
	GT_LOSS_RING_FULL = 1,	/* no room in a CPU's ring */
	GT_LOSS_THROTTLED = 2,	/* the budget's governor had detached the probes */
	GT_LOSS_DAMAGED = 3,	/* a block of the file did not check (made by the reader) */
	GT_LOSS_MISSING = 4,	/* blocks are missing by sequence number (made by the reader) */
	GT_LOSS_NOSPACE = 5,	/* the disk was full */
	GT_LOSS_UNRECORDED = 6, /* between two recordings of a process (made by the reader) */
};

struct gt_loss {
	uint32_t process; /* 0: all */
	uint32_t cpu;	  /* UINT32_MAX: all */
	uint32_t cause;	  /* enum gt_loss_cause */
	uint64_t t0, t1;  /* the events lost lie in [t0, t1] */
	uint64_t count;	  /* 0: not known */
};

/* The state of one goroutine in a keyframe, as of the keyframe's time. */
struct gt_key {
	struct gt_goroutine g;
	uint64_t since_ns;     /* when it came into this state; 0: before the trace */
	uint64_t last_ns;      /* its last event, or snapshot that said something; 0: none */
	uint64_t waker;	       /* gid that made it runnable last; 0 none */
	uint64_t partner;      /* gid at the other end of its last coroutine switch; 0 none */
	uint64_t uncertain_ns; /* events up to here may be lost: uncertain while last_ns is less */
	uint32_t tid;	       /* thread it is on, 0 none */
	int32_t p;	       /* P it ran on last, -1 */
	uint32_t stack;	       /* block stack, 0 none */
	uint32_t pc;	       /* pc id of the syscall's caller, 0 none */
	uint8_t state;	       /* enum gt_gstate of replay/engine */
	uint8_t reason;	       /* wait reason number */
	uint8_t wake_class;    /* enum gt_ra_class of the last wake-up */
	uint8_t kflags;	       /* GT_KF_* */
	uint8_t old;	       /* enum gt_status: what it was before its last event */
};

/* What else the engine knows of a goroutine's state. */
#define GT_KF_LEAKED	 0x01 /* the runtime's leak finder said so */
#define GT_KF_UNCERTAIN	 0x02 /* last_ns < uncertain_ns: events may be missing since */
#define GT_KF_PENDING	 0x04 /* only its directory row was met: not born as of now */
#define GT_KF_CORO_WAIT	 0x08 /* it waits because it switched to another coroutine */
#define GT_KF_COROUTINE	 0x10 /* made parked, by iter.Pull */
#define GT_KF_STACK_CUT	 0x40 /* its stack goes on, see GT_EVF_STACK_CUT */
#define GT_KF_STACK_READ 0x80 /* a snapshot told its stack, in full, not an event */
#define GT_KF_SYSPROBE	 0x20 /* its state was told by a SYSENTER or SYSEXIT probe */

/* Cumulative figures, written about once a second and at the end. */
struct gt_stats {
	uint64_t ts;
	uint64_t events;				    /* written to the file so far */
	uint64_t lost;					    /* ring reservations that failed */
	uint64_t goid_zero, unreadable, bad_status, resync; /* kept, but flagged; by reason */
	uint64_t bytes;					    /* of the file so far */
	uint64_t recorder_cpu_ns;			    /* user + system of gtrec */
	uint64_t hits; /* probe hits, where the kernel counts them; else 0 */
};

enum gt_end_reason {
	GT_END_SIGNAL = 1, /* Ctrl-C, SIGTERM */
	GT_END_DURATION = 2,
	GT_END_EXIT = 3,   /* the target exited */
	GT_END_KILLED = 4, /* the target died of a signal */
	GT_END_NOSPACE = 5,
	GT_END_SIZE = 6,
	GT_END_ERROR = 7,
	GT_END_COPY = 8, /* written by a copying tool */
};

struct gt_end {
	uint64_t ts;
	uint64_t events, lost;
	uint32_t reason; /* enum gt_end_reason */
	int32_t status;	 /* exit status or signal of the target where reason is EXIT, KILLED */
};

/* One frame of a pc, innermost first. Strings are borrowed from their table. */
struct gt_frame {
	const char *func; /* "" where not known */
	const char *file;
	uint32_t line;
};

/* Classes of strings, so that redaction is a filter. Values are the file's. */
enum gt_string_class {
	GT_STR_STD = 1,	    /* function, package or file of Go's standard library or runtime */
	GT_STR_NAME = 2,    /* function or package of the program's own */
	GT_STR_PATH = 3,    /* file name or path */
	GT_STR_ARG = 4,	    /* command line */
	GT_STR_HOST = 5,    /* host name, kernel, container */
	GT_STR_LABEL = 6,   /* pprof label */
	GT_STR_COMMENT = 7, /* what the user said */
	GT_STR_FACT = 8,    /* Go version, wait reason names, build ids, arch: tells no secret */
};

#endif
