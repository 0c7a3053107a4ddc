/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libgtrace: write and read trace files. This is the only header of format/ that other rooms
 * include (with model.h, which it brings). The format itself is docs/FORMAT.md.
 *
 * Writer and reader are single-threaded objects without globals (but see gt_reader_opts.ahead):
 * several may be at work, each used by one thread at a time. They never print, never look at the
 * clock, and do no I/O but through the caller's sink or source.
 *
 * Units: times are ns of CLOCK_MONOTONIC of the recording host where a name does not say
 * another clock (wall: since 1970), sizes are bytes.
 * Ownership: what _new made, _free ends. Strings and arrays that are given to a function are the
 * caller's and are copied; those that come from one belong to its object, and live as long as
 * it where nothing else is said.
 * Errors: functions that can fail return GT_OK (or a count) or one of enum gt_code, all < 0, and
 * fill *ERR, which may be NULL, with the reason in words. On failure outputs are untouched. Any of
 * them may return GT_NOMEM; those that read or write may return GT_IO; others are named.
 *
 * Names never change their meaning: what is added gets a symbol version of its own. C only
 * (fields are named `new`).
 */
#ifndef GTRACE_H
#define GTRACE_H

#include <stddef.h>

#include "base/err.h"
#include "model.h"

/* ---- where bytes go to and come from ------------------------------------------------- */

/* The writer calls write() with whole pcapng blocks only, in order, never seeks. */
struct gt_sink {
	int (*write)(void *ctx, const void *p, size_t n, struct gt_err *err);
	void *ctx;
};

/*
 * read_at() gives up to N bytes at OFF: the count, 0 at the end, or a gt_code < 0. SIZE is
 * UINT64_MAX for a stream that cannot seek; then OFF only ever grows by what was read.
 */
struct gt_source {
	long (*read_at)(void *ctx, uint64_t off, void *p, size_t n, struct gt_err *err);
	uint64_t size;
	void *ctx;
};

/* ---- writer --------------------------------------------------------------------------- */

struct gt_writer;

struct gt_writer_opts {		/* zero means the default everywhere */
	uint32_t block_events;	/* events in a block before it is written, default 16384 */
	int zstd_level;		/* default 1 */
	uint32_t time_res_ns;	/* quantum of event times, a power of two up to 1024; default
				   16. The order of events is kept whatever it is */
	uint64_t session;	/* random id of the trace; the caller draws it; not 0 */
	uint64_t start_ns;	/* monotonic time that is 0 on people's time axis */
	uint64_t start_wall_ns; /* realtime (Unix ns) at start_ns */
	const char *boot_id, *hostname, *os, *hardware, *tool; /* "" or NULL: left out */
	const char *const *comments;			       /* NULL-terminated, or NULL */
	uint32_t n_cpus;
	bool rewritten; /* by a tool that copies: blocks say so */
};

/* A block that is passed on unread: its body uncompressed, borrowed. */
struct gt_raw_block {
	uint8_t kind;
	uint32_t process, n;
	uint64_t t_min, t_max;
	const uint8_t *body;
	uint32_t size;
};

/* Figures of what was written; may be asked at any time, also after finish. */
struct gt_writer_stats {
	uint64_t events, blocks, bytes, keyframes, keyframe_bytes;
};

/* gt_writer_new: *out owns nothing of SINK, which must outlive it. Writes the section header. */
int gt_writer_new(struct gt_writer **out, const struct gt_sink *sink,
		  const struct gt_writer_opts *opts, struct gt_err *err) GT_MUST_CHECK;
/* NULL is fine. A trace that was not finished stays readable to its last block. */
void gt_writer_free(struct gt_writer *w);

/* Tables. Rows are written no later than the block that first uses them. */
int gt_writer_string(struct gt_writer *w, enum gt_string_class cls, const char *s, uint32_t *ret_id,
		     struct gt_err *err) GT_MUST_CHECK;
int gt_writer_process(struct gt_writer *w, const struct gt_process *p,
		      struct gt_err *err) GT_MUST_CHECK;
int gt_writer_thread(struct gt_writer *w, const struct gt_thread *t,
		     struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_writer_pc: a pc of PROCESS as its file offset in module MODULE (0: the executable), its
 * class, and its frames, innermost first (inlined ones too; n may be 0). STD tells for each
 * frame whether its names are the standard library's. The id is new each time: the caller
 * interns.
 */
int gt_writer_pc(struct gt_writer *w, uint32_t process, uint64_t offset, enum gt_ra_class cls,
		 const struct gt_frame *frames, const bool *std, uint32_t n, uint32_t *ret_id,
		 struct gt_err *err) GT_MUST_CHECK;
/* gt_writer_stack: N pc ids, innermost first, 1 <= n <= 512. Interned: same pcs, same id. */
int gt_writer_stack(struct gt_writer *w, const uint32_t *pcs, uint32_t n, uint32_t *ret_id,
		    struct gt_err *err) GT_MUST_CHECK;
int gt_writer_goroutine(struct gt_writer *w, const struct gt_goroutine *g,
			struct gt_err *err) GT_MUST_CHECK;

/*
 * gt_writer_event: events of all processes in the order (ts, cpu); GT_USAGE when time goes back.
 * The event is in the file after the block is flushed: when full, or by gt_writer_flush.
 */
int gt_writer_event(struct gt_writer *w, const struct gt_event *ev,
		    struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_writer_stored_ts: the time under which the last event stands in the file: rounded down to
 * the quantum, or moved up where order asked for it. Who keeps state beside the file (for
 * keyframes) must use it instead of the event's own.
 */
uint64_t gt_writer_stored_ts(const struct gt_writer *w);
int gt_writer_loss(struct gt_writer *w, const struct gt_loss *l, struct gt_err *err) GT_MUST_CHECK;
int gt_writer_clock(struct gt_writer *w, uint64_t mono_ns, uint64_t boot_ns, uint64_t wall_ns,
		    uint64_t error_ns, struct gt_err *err) GT_MUST_CHECK;
int gt_writer_stats_row(struct gt_writer *w, const struct gt_stats *s,
			struct gt_err *err) GT_MUST_CHECK;
int gt_writer_note(struct gt_writer *w, uint64_t ts, const char *text,
		   struct gt_err *err) GT_MUST_CHECK;

/*
 * Keyframes. _begin flushes the open event blocks; AS_OF: the keyframe holds the state after
 * every event with ts <= as_of that was added, and no other. Then one _key for each goroutine that
 * is not dead, gids ascending, then _end. gt_writer_keyframe_due: true when the event bytes since
 * the last keyframe say that one is worth its size. What is as in the last whole keyframe is not
 * written again: of that one the writer keeps 24 bytes for each goroutine.
 */
bool gt_writer_keyframe_due(const struct gt_writer *w, uint64_t live);
int gt_writer_keyframe_begin(struct gt_writer *w, uint64_t as_of, struct gt_err *err) GT_MUST_CHECK;
int gt_writer_key(struct gt_writer *w, const struct gt_key *k, struct gt_err *err) GT_MUST_CHECK;
int gt_writer_keyframe_end(struct gt_writer *w, struct gt_err *err) GT_MUST_CHECK;

/*
 * gt_writer_block: a block of a kind that this version does not know, as a reader gave it
 * (GT_IT_BLOCK). GT_USAGE for kinds that it knows.
 */
int gt_writer_block(struct gt_writer *w, const struct gt_raw_block *b,
		    struct gt_err *err) GT_MUST_CHECK;

/* gt_writer_flush: write all that is open. WATERMARK: no event before it will come any more. */
int gt_writer_flush(struct gt_writer *w, uint64_t watermark, struct gt_err *err) GT_MUST_CHECK;
/* gt_writer_finish: flush, END block, index. Afterwards only gt_writer_get_stats and _free. */
int gt_writer_finish(struct gt_writer *w, const struct gt_end *end,
		     struct gt_err *err) GT_MUST_CHECK;
void gt_writer_get_stats(const struct gt_writer *w, struct gt_writer_stats *ret);

/* ---- reader --------------------------------------------------------------------------- */

struct gt_reader;

struct gt_reader_opts {
	uint64_t max_memory; /* bytes for tables and open blocks; default 4 GiB */
	bool keyframes;	     /* also deliver keyframes met in passing (tests, copying) */
	bool blocks;	     /* also deliver blocks of unknown kinds (copying) */
	/* Of a file, decode the blocks that come next in a second thread, for 11 MB. The source's
	 * read_at is called from both. */
	bool ahead;
	bool follow; /* a missing end is "still growing": next gives 0, may be called again */
};

enum gt_item_type {
	GT_IT_EVENT = 1,
	GT_IT_GOROUTINE, /* directory row; comes before the first event that needs it, or mends it
			  */
	GT_IT_PROCESS,
	GT_IT_THREAD,
	GT_IT_LOSS, /* recorded, or found by the reader (damage, missing blocks) */
	/* A keyframe follows: forget all state; ts in u.key_as_of. One comes after a seek, and
	 * where a trace begins with one, as those do that were cut from longer ones. */
	GT_IT_KEY_BEGIN,
	GT_IT_KEY,
	GT_IT_KEY_END,
	GT_IT_CLOCK,
	GT_IT_STATS,
	GT_IT_NOTE,
	GT_IT_END,
	GT_IT_BLOCK, /* where asked for: a block of a kind that is not known, not critical */
};

struct gt_clock {
	uint64_t mono_ns, boot_ns, wall_ns, error_ns;
};

struct gt_note {
	uint64_t ts;
	const char *text; /* borrowed until the next call on the reader */
};

struct gt_item {
	enum gt_item_type type;
	union {
		struct gt_event ev;
		struct gt_goroutine g;
		struct gt_process process;
		struct gt_thread thread;
		struct gt_loss loss;
		struct gt_key key;
		uint64_t key_as_of;
		struct gt_clock clock;
		struct gt_stats stats;
		struct gt_note note;
		struct gt_end end;
		struct gt_raw_block block; /* its body lives until the next call on the reader */
	} u;
};

/* Facts about the trace; strings live as long as the reader. */
struct gt_trace_info {
	uint64_t session, start_ns, start_wall_ns;
	uint32_t version, time_res_ns, n_cpus;
	const char *boot_id, *hostname, *os, *hardware, *tool;
	uint32_t n_comments;
	const char *const *comments;
	bool indexed;		  /* an index was found and checks; then the next three are exact */
	bool complete;		  /* the END block is there */
	uint64_t t_first, t_last; /* of events; t_last UINT64_MAX while not known */
	uint64_t events;
	uint64_t ro_compat; /* features that forbid rewriting and that this version does not know */
};

/* What was wrong with the file, so far. All zero: nothing. */
struct gt_damage {
	uint64_t bad_blocks, bad_bytes, missing_blocks, missing_end, unknown_blocks;
	char first[192]; /* the first problem, in words; "" none */
};

/* gt_reader_new: reads the head (and the index where SRC can seek). SRC must outlive it. */
int gt_reader_new(struct gt_reader **out, const struct gt_source *src,
		  const struct gt_reader_opts *opts, struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_reader_join: N sources as one trace, which must all be able to seek. So are the recordings
 * of one source that was concatenated. They are laid side by side by the monotonic clock (same
 * boot) or the wall clock; processes, goroutines and CPUs get new numbers; a process that several
 * have seen, one after the other, is one, and what lies between is a loss. A seek goes to the
 * start.
 */
int gt_reader_join(struct gt_reader **out, const struct gt_source *srcs, size_t n,
		   const struct gt_reader_opts *opts, struct gt_err *err) GT_MUST_CHECK;
void gt_reader_free(struct gt_reader *r);
const struct gt_trace_info *gt_reader_info(const struct gt_reader *r);
const struct gt_damage *gt_reader_damage(const struct gt_reader *r);

/*
 * gt_reader_next: the next item, events of all processes in time order: 1, 0 at the end, or a
 * gt_code. Damage is skipped, told as GT_IT_LOSS items and in gt_reader_damage; only I/O
 * errors, NOMEM and LIMIT end the reading.
 */
int gt_reader_next(struct gt_reader *r, struct gt_item *ret, struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_reader_events: the events that come next, up to the time LAST and with no other item between
 * them, as far as they are at hand: how many, in *RET until the next call on the reader. 0 says
 * nothing: ask gt_reader_next. For readings of many events.
 */
size_t gt_reader_events(struct gt_reader *r, uint64_t last, const struct gt_event **ret);
/*
 * gt_reader_seek: go to the last keyframe with as_of <= T (or to the start). The next items
 * are that keyframe, then what follows it. GT_UNSUPPORTED on a stream. Takes, once, 80 bytes for
 * each block of the file (some 6 MB for a GB of events), and while a keyframe is given out its
 * stored size (17 bytes a goroutine).
 */
int gt_reader_seek(struct gt_reader *r, uint64_t t, struct gt_err *err) GT_MUST_CHECK;
/*
 * gt_reader_check: count in gt_reader_damage what is wrong with blocks that the reading so far has
 * not met. ALL: look at the sums of all blocks of the file, a millisecond for each megabyte. Else:
 * what the index, or the walk that made one, tells of the end and of blocks that are not there;
 * every block that the items given out depend on was checked when it was read. Nothing to do where
 * all were met, and with follow. GT_UNSUPPORTED on a stream; I/O errors and NOMEM.
 */
int gt_reader_check(struct gt_reader *r, bool all, struct gt_err *err) GT_MUST_CHECK;
/* gt_reader_unread: bytes of the files that have blocks which were not met; 0: all were met. */
uint64_t gt_reader_unread(const struct gt_reader *r);
/*
 * gt_reader_span: the time of the first event, and of the trace's end: its END block, or where
 * that is missing its last event. By index or by scanning block headers.
 */
int gt_reader_span(struct gt_reader *r, uint64_t *ret_first, uint64_t *ret_last,
		   struct gt_err *err) GT_MUST_CHECK;

/* Tables met so far. What is returned lives as long as the reader. Unknown ids give NULL or 0. */
const char *gt_reader_string(const struct gt_reader *r, uint32_t id, enum gt_string_class *ret);
uint32_t gt_reader_frames(const struct gt_reader *r, uint32_t pc, struct gt_frame *ret,
			  uint32_t max); /* how many frames the pc has; fills at most MAX */
/* gt_reader_next_pc: the smallest pc id above AFTER that was met, 0: none. */
uint32_t gt_reader_next_pc(const struct gt_reader *r, uint32_t after);
/* gt_reader_pc: the pc's row; false where the id is not known. */
struct gt_pc {
	uint32_t process, module; /* module 0: the executable */
	uint64_t offset;	  /* in the module's file */
	enum gt_ra_class cls;
};
bool gt_reader_pc(const struct gt_reader *r, uint32_t pc, struct gt_pc *ret);
/* gt_reader_frames_std: which frames' names are Go's own; count and MAX as gt_reader_frames. */
uint32_t gt_reader_frames_std(const struct gt_reader *r, uint32_t pc, bool *ret, uint32_t max);
enum gt_ra_class gt_reader_pc_class(const struct gt_reader *r, uint32_t pc);
uint32_t gt_reader_stack(const struct gt_reader *r, uint32_t stack, uint32_t *ret_pcs,
			 uint32_t max); /* depth; fills at most MAX pc ids, innermost first */
const struct gt_process *gt_reader_process(const struct gt_reader *r, uint32_t process);
uint32_t gt_reader_processes(const struct gt_reader *r); /* how many; they number from 1 */
/* gt_reader_thread: the newest row of that thread, NULL when none was met. */
const struct gt_thread *gt_reader_thread(const struct gt_reader *r, uint32_t process, uint32_t tid);
/* gt_reader_thread_at: the threads met so far, one by one from 0; NULL behind the last. */
const struct gt_thread *gt_reader_thread_at(const struct gt_reader *r, size_t i);
const char *gt_reader_reason(const struct gt_reader *r, uint32_t process, uint8_t reason);

/* ---- files ---------------------------------------------------------------------------- */

/*
 * gt_source_open: PATH, "-" is stdin. What begins as gzip or zstd does is unpacked into an
 * unlinked file first, also from a stream; GT_LIMIT where it unpacks to more than 64 times its
 * size. Close with gt_source_close.
 */
int gt_source_open(struct gt_source *ret, const char *path, struct gt_err *err) GT_MUST_CHECK;
void gt_source_close(struct gt_source *src);

/* Bytes in memory as a source; both must outlive the reader. */
struct gt_mem {
	const uint8_t *p;
	size_t n;
};
void gt_source_mem(struct gt_source *ret, const struct gt_mem *mem);

/*
 * A file descriptor as a sink. A write that fails half way (disk full) is taken back on a regular
 * file, so that the file ends with a whole block. The descriptor stays the caller's.
 */
struct gt_fd_sink {
	int fd;
	bool regular;
	uint64_t end; /* bytes written through it */
	uint64_t at;  /* where in the file its first byte lies */
};
int gt_sink_fd(struct gt_sink *ret, struct gt_fd_sink *f, int fd, struct gt_err *err) GT_MUST_CHECK;

#endif
