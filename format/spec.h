/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of the file format: magics, limits, block kinds, column and field ids. All of
 * them are for ever: append, never renumber, never reuse. docs/FORMAT.md says what they mean.
 */
#ifndef GT_SPEC_H
#define GT_SPEC_H

#define GT_FORMAT_VERSION 1

/* ---- pcapng ----------------------------------------------------------------------------- */

#define GT_PCAP_SHB	   0x0a0d0d0au
#define GT_PCAP_IDB	   1u
#define GT_PCAP_EPB	   6u
#define GT_PCAP_INDEX	   0x80475452u /* local use: our index, dropped by every rewriting tool */
#define GT_PCAP_ORDER	   0x1a2b3c4du
#define GT_PCAP_LINKTYPE   147u	       /* USER0 */
#define GT_PCAP_MAX_BLOCK  (16u << 20) /* libpcap refuses longer ones */
#define GT_PCAP_MAX_PACKET 262144u     /* wiretap refuses longer ones */

/* ---- our block: the payload of an Enhanced Packet Block ---------------------------------- */

#define GT_BLK_MAGIC	 0x31525447u /* "GTR1", little-endian */
#define GT_BLK_HDR	 72u
#define GT_BLK_MAX_BODY	 (GT_PCAP_MAX_PACKET - GT_BLK_HDR) /* stored, and uncompressed too */
#define GT_BLK_MAX_RATIO 1024u				   /* uncompressed to stored */
#define GT_BLK_SOFT_BODY 180000u /* a table is written when it holds so much: one more row fits */

#define GT_BF_ZSTD	0x0001u /* the body is one zstd frame */
#define GT_BF_FRAGMENT	0x0002u /* reserved */
#define GT_BF_CRITICAL	0x0004u /* who does not know the kind must not read on */
#define GT_BF_SENSITIVE 0x0008u /* holds strings */
#define GT_BF_REWRITTEN 0x0020u /* written by a repairing, cutting or redacting tool */

enum gt_block_kind {
	GT_K_META = 1,
	GT_K_CLOCK = 2,
	GT_K_STRINGS = 3,
	GT_K_MODULES = 4,
	GT_K_PCS = 5,
	GT_K_PROCESS = 6,
	GT_K_STACKS = 7,
	GT_K_GTAB = 8,
	GT_K_THREADS = 9,
	GT_K_EVENTS = 16,
	GT_K_KEYFRAME = 17,
	GT_K_LOSS = 18,
	GT_K_STATS = 19,
	GT_K_NOTE = 20,
	GT_K_END = 21,
	/* Reserved for facts that want a shape of their own; today all are events. */
	GT_K_SNAPSHOT = 24,
	GT_K_GC = 25,
	GT_K_RUNQ = 26,
	GT_K_SCHED = 27,
	GT_K_GAP = 28,
	GT_K_GUARD = 29,
	GT_K_LABELS = 30,
	GT_K_PRIVATE = 128, /* 128 to 255: anybody's, skipped */
};

/* ---- limits that a reader enforces ------------------------------------------------------- */

#define GT_MAX_ID	  (1u << 24) /* strings, pcs, stacks */
#define GT_MAX_STRING	  65535u
#define GT_MAX_DEPTH	  512u /* pcs of one stack */
#define GT_MAX_FRAMES	  64u  /* frames of one pc */
#define GT_MAX_REASONS	  256u
#define GT_MAX_PROCESSES  65535u
#define GT_MAX_LIST	  1024u	  /* numbers in one list field */
#define GT_MAX_RUNS	  8192u	  /* CPUs of one block */
#define GT_MAX_EVENTS	  262144u /* of one block */
#define GT_MAX_SPAN_BITS  47	  /* an EVENTS block spans fewer than 2^47 quanta */
#define GT_MAX_QUANTUM	  1024u	  /* ns; quanta are powers of two */
#define GT_MAX_TIME	  INT64_MAX
#define GT_MAX_GID	  ((1ull << 62) - 1)
#define GT_MAX_INDEX_ROWS 262144u /* of one index block; more go into another, chained */
#define GT_MAX_INDEX_RAW  (16u << 20)

/* ---- META: tag, length, value ------------------------------------------------------------ */

enum gt_meta_tag {
	GT_M_VERSION = 1,   /* varint: format version */
	GT_M_COMPAT = 2,    /* varint: feature words; unknown bits: ignore */
	GT_M_RO_COMPAT = 3, /* unknown bits: may be read, must not be rewritten */
	GT_M_INCOMPAT = 4,  /* unknown bits: must not be read */
	GT_M_QUANTUM = 5,   /* varint: ns */
	GT_M_CLOCK = 6,	    /* varint: 1 CLOCK_MONOTONIC */
	GT_M_START = 7,	    /* varint: ns */
	GT_M_START_WALL = 8,
	GT_M_CPUS = 9,
	GT_M_BOOT_ID = 16, /* text, class HOST from here on where not said otherwise */
	GT_M_HOSTNAME = 17,
	GT_M_OS = 18,
	GT_M_HARDWARE = 19,
	GT_M_TOOL = 20,	   /* class FACT */
	GT_M_COMMENT = 21, /* class COMMENT, repeatable */
};

#define GT_COMPAT_KNOWN	   0u
#define GT_RO_COMPAT_KNOWN 0u
#define GT_INCOMPAT_KNOWN  0u
#define GT_RO_COMPAT_KNOWN 0u

/* ---- tables: fields of their rows, F(NAME, id, encoding, parameter) ----------------------- */

enum gt_enc {
	GT_E_VAR = 1,	/* varint */
	GT_E_DELTA = 2, /* zigzag: less the row before (0 for the first) */
	GT_E_AGO = 3,	/* 0: 0, else 1 + zigzag(t_min (KEYFRAME: t_max) - value): a time */
	GT_E_REL = 4,	/* zigzag: less the field PARAMETER of the same row */
	GT_E_LIST = 5,	/* varint count, then so many varints */
	GT_E_BYTES = 6, /* varint length, then so many bytes */
};

#define GT_COL_CRITICAL 0x80u /* in a column id: who does not know it must not use the block */

/* KEY_CHANGE: what a row of a keyframe is, beside the whole keyframe that it builds on. */
enum gt_key_change {
	GT_KC_WHOLE = 0, /* all there is to say */
	GT_KC_STATE = 1, /* its directory row is as it was */
	GT_KC_GONE = 2,	 /* not alive any more */
};

#define GT_CLOCK_FIELDS(F)                                                                         \
	F(CLOCK_MONO, 1, DELTA, 0)                                                                 \
	F(CLOCK_BOOT, 2, VAR, 0)                                                                   \
	F(CLOCK_WALL, 3, VAR, 0)                                                                   \
	F(CLOCK_ERROR, 4, VAR, 0)
#define GT_STRINGS_FIELDS(F)                                                                       \
	F(STR_ID, 1, DELTA, 0)                                                                     \
	F(STR_CLASS, 2, VAR, 0)                                                                    \
	F(STR_BYTES, 3, BYTES, 0)
#define GT_MODULES_FIELDS(F)                                                                       \
	F(MOD_ID, 1, DELTA, 0)                                                                     \
	F(MOD_PROCESS, 2, VAR, 0)                                                                  \
	F(MOD_PATH, 3, VAR, 0)                                                                     \
	F(MOD_BUILD_ID, 4, VAR, 0)                                                                 \
	F(MOD_BIAS, 5, VAR, 0)                                                                     \
	F(MOD_TEXT_START, 6, VAR, 0)                                                               \
	F(MOD_TEXT_END, 7, VAR, 0)
#define GT_PCS_FIELDS(F)                                                                           \
	F(PC_ID, 1, DELTA, 0)                                                                      \
	F(PC_PROCESS, 2, VAR, 0)                                                                   \
	F(PC_MODULE, 3, VAR, 0)                                                                    \
	F(PC_OFFSET, 4, DELTA, 0)                                                                  \
	F(PC_CLASS, 5, VAR, 0)                                                                     \
	F(PC_FRAMES, 6, LIST, 0)
#define GT_PROCESS_FIELDS(F)                                                                       \
	F(PROC_ID, 1, DELTA, 0)                                                                    \
	F(PROC_PID, 2, VAR, 0)                                                                     \
	F(PROC_START, 3, VAR, 0)                                                                   \
	F(PROC_SEEN, 4, VAR, 0)                                                                    \
	F(PROC_LAUNCHED, 5, VAR, 0)                                                                \
	F(PROC_GOMAXPROCS, 6, VAR, 0)                                                              \
	F(PROC_PROBES, 7, VAR, 0)                                                                  \
	F(PROC_EXE, 8, VAR, 0)                                                                     \
	F(PROC_BUILD_ID, 9, VAR, 0)                                                                \
	F(PROC_GNU_BUILD_ID, 10, VAR, 0)                                                           \
	F(PROC_GO_VERSION, 11, VAR, 0)                                                             \
	F(PROC_ARCH, 12, VAR, 0)                                                                   \
	F(PROC_CMDLINE0, 13, VAR, 0)                                                               \
	F(PROC_REASONS, 14, LIST, 0)                                                               \
	F(PROC_END, 15, VAR, 0)                                                                    \
	F(PROC_END_HOW, 16, VAR, 0)                                                                \
	F(PROC_END_STATUS, 17, VAR, 0)
#define GT_STACKS_FIELDS(F)                                                                        \
	F(STK_ID, 1, DELTA, 0)                                                                     \
	F(STK_PARENT, 2, VAR, 0)                                                                   \
	F(STK_PCS, 3, LIST, 0)
#define GT_GTAB_FIELDS(F)                                                                          \
	F(G_GID, 1, DELTA, 0)                                                                      \
	F(G_GOID, 2, DELTA, 0)                                                                     \
	F(G_GPTR, 3, DELTA, 0)                                                                     \
	F(G_PARENT, 4, DELTA, 0)                                                                   \
	F(G_PARENT_GOID, 5, REL, 4)                                                                \
	F(G_CREATED, 6, DELTA, 0)                                                                  \
	F(G_PROCESS, 7, VAR, 0)                                                                    \
	F(G_START_PC, 8, VAR, 0)                                                                   \
	F(G_SITE_PC, 9, VAR, 0)                                                                    \
	F(G_STACK, 10, VAR, 0)                                                                     \
	F(G_FLAGS, 11, VAR, 0)                                                                     \
	F(G_STACK_BYTES, 12, VAR, 0)                                                               \
	F(G_LABELS, 13, VAR, 0)
#define GT_KEY_FIELDS(F)                                                                           \
	GT_GTAB_FIELDS(F)                                                                          \
	F(KEY_SINCE, 16, AGO, 0)                                                                   \
	F(KEY_LAST, 17, REL, 16)                                                                   \
	F(KEY_WAKER, 18, VAR, 0)                                                                   \
	F(KEY_TID, 19, VAR, 0)                                                                     \
	F(KEY_P, 20, VAR, 0)                                                                       \
	F(KEY_STACK, 21, VAR, 0)                                                                   \
	F(KEY_PC, 22, VAR, 0)                                                                      \
	F(KEY_STATE, 23, VAR, 0)                                                                   \
	F(KEY_REASON, 24, VAR, 0)                                                                  \
	F(KEY_WAKE_CLASS, 25, VAR, 0)                                                              \
	F(KEY_KFLAGS, 26, VAR, 0)                                                                  \
	F(KEY_PARTNER, 27, VAR, 0)                                                                 \
	F(KEY_UNCERTAIN, 28, AGO, 0)                                                               \
	F(KEY_OLD, 29, VAR, 0)                                                                     \
	F(KEY_CHANGE, 30, VAR, 0)
#define GT_THREADS_FIELDS(F)                                                                       \
	F(THR_PROCESS, 1, VAR, 0)                                                                  \
	F(THR_TID, 2, DELTA, 0)                                                                    \
	F(THR_NS_TID, 3, DELTA, 0)                                                                 \
	F(THR_M, 4, VAR, 0)                                                                        \
	F(THR_FIRST, 5, AGO, 0)                                                                    \
	F(THR_LAST, 6, AGO, 0)                                                                     \
	F(THR_COMM, 7, VAR, 0)
#define GT_LOSS_FIELDS(F)                                                                          \
	F(LOSS_PROCESS, 1, VAR, 0)                                                                 \
	F(LOSS_CPU, 2, VAR, 0)                                                                     \
	F(LOSS_CAUSE, 3, VAR, 0)                                                                   \
	F(LOSS_T0, 4, DELTA, 0)                                                                    \
	F(LOSS_T1, 5, REL, 4)                                                                      \
	F(LOSS_COUNT, 6, VAR, 0)
#define GT_STATS_FIELDS(F)                                                                         \
	F(STAT_TS, 1, DELTA, 0)                                                                    \
	F(STAT_EVENTS, 2, VAR, 0)                                                                  \
	F(STAT_LOST, 3, VAR, 0)                                                                    \
	F(STAT_GOID_ZERO, 4, VAR, 0)                                                               \
	F(STAT_UNREADABLE, 5, VAR, 0)                                                              \
	F(STAT_BAD_STATUS, 6, VAR, 0)                                                              \
	F(STAT_RESYNC, 7, VAR, 0)                                                                  \
	F(STAT_BYTES, 8, VAR, 0)                                                                   \
	F(STAT_CPU_NS, 9, VAR, 0)                                                                  \
	F(STAT_HITS, 10, VAR, 0)
#define GT_NOTE_FIELDS(F)                                                                          \
	F(NOTE_TS, 1, DELTA, 0)                                                                    \
	F(NOTE_TEXT, 2, VAR, 0)
#define GT_END_FIELDS(F)                                                                           \
	F(END_TS, 1, DELTA, 0)                                                                     \
	F(END_EVENTS, 2, VAR, 0)                                                                   \
	F(END_LOST, 3, VAR, 0)                                                                     \
	F(END_REASON, 4, VAR, 0)                                                                   \
	F(END_STATUS, 5, DELTA, 0)
/* Rows of the index; offsets count from the start of the section. */
#define GT_INDEX_FIELDS(F)                                                                         \
	F(IX_OFFSET, 1, DELTA, 0)                                                                  \
	F(IX_LENGTH, 2, VAR, 0)                                                                    \
	F(IX_KIND, 3, VAR, 0)                                                                      \
	F(IX_PROCESS, 4, VAR, 0)                                                                   \
	F(IX_SEQ, 5, DELTA, 0)                                                                     \
	F(IX_T_MIN, 6, DELTA, 0)                                                                   \
	F(IX_T_MAX, 7, REL, 6)                                                                     \
	F(IX_N, 8, VAR, 0)                                                                         \
	F(IX_LOST, 9, VAR, 0)                                                                      \
	F(IX_AUX, 10, VAR, 0)                                                                      \
	F(IX_GID_MIN, 11, DELTA, 0)                                                                \
	F(IX_GID_MAX, 12, REL, 11)

/* Positions of the fields in a row, by table. */
#define GT_FIELD_POS(name, id, enc, param) GT_F_##name,
enum { GT_CLOCK_FIELDS(GT_FIELD_POS) GT_N_CLOCK };
enum { GT_STRINGS_FIELDS(GT_FIELD_POS) GT_N_STRINGS };
enum { GT_MODULES_FIELDS(GT_FIELD_POS) GT_N_MODULES };
enum { GT_PCS_FIELDS(GT_FIELD_POS) GT_N_PCS };
enum { GT_PROCESS_FIELDS(GT_FIELD_POS) GT_N_PROCESS };
enum { GT_STACKS_FIELDS(GT_FIELD_POS) GT_N_STACKS };
enum {
	GT_KEY_FIELDS(GT_FIELD_POS) GT_N_KEY,
	GT_N_GTAB = GT_F_KEY_SINCE
}; /* G_* positions are the same in GTAB */
enum { GT_THREADS_FIELDS(GT_FIELD_POS) GT_N_THREADS };
enum { GT_LOSS_FIELDS(GT_FIELD_POS) GT_N_LOSS };
enum { GT_STATS_FIELDS(GT_FIELD_POS) GT_N_STATS };
enum { GT_NOTE_FIELDS(GT_FIELD_POS) GT_N_NOTE };
enum { GT_END_FIELDS(GT_FIELD_POS) GT_N_END };
enum { GT_INDEX_FIELDS(GT_FIELD_POS) GT_N_INDEX };
#define GT_ROW_MAX GT_N_KEY /* the widest */

/* ---- EVENTS: columns and shapes ---------------------------------------------------------- */

enum gt_event_col {		     /* ids; order of the columns in a block as here */
		    GT_C_SHAPE = 1,  /* u8: number of the shape; 255: see SHAPEX */
		    GT_C_DT0 = 2,    /* u8: low byte of the time since the CPU's event before, in
					quanta */
		    GT_C_DT1 = 3,    /* u8: the rest; 255: DTX is to be added */
		    GT_C_SHAPEX = 4, /* varint: what the number is more than 255 */
		    GT_C_DTX = 5,    /* varint */
		    GT_C_TID = 6,    /* zigzag: less the tid before of this CPU */
		    GT_C_G = 7,	     /* zigzag: less the gid written before of this CPU */
		    GT_C_ACT = 8,    /* zigzag: less the event's gid */
		    GT_C_P = 9,	     /* varint: P + 1 */
		    GT_C_M = 10,     /* varint: M + 1 */
		    GT_C_QLEN = 11,  /* zigzag: less the queue length before of this CPU */
		    GT_C_ARG = 12,   /* varint */
		    GT_C_COUNT = 12
};

/* How an event of a shape gets what the shape does not say. */
#define GT_H_G	      0x0003u /* enum gt_h_gid */
#define GT_H_ACT      0x000cu /* enum gt_h_actor << GT_H_ACT_AT */
#define GT_H_ACT_AT   2
#define GT_H_TID      0x0010u /* column TID; else the CPU's last */
#define GT_H_P	      0x0020u /* column P; else the thread's last */
#define GT_H_M	      0x0040u /* column M; else the thread's last */
#define GT_H_ARG      0x0080u /* column ARG; else 0 */
#define GT_H_QLEN     0x0700u /* 0 to 6: the zigzag code of what to add to the CPU's last */
#define GT_H_QLEN_AT  8
#define GT_H_QLEN_COL 7u /* column QLEN */
#define GT_H_UNUSED   0xf800u
#define GT_H_RARE     (GT_H_TID | GT_H_P | GT_H_M | GT_H_ARG)

enum gt_h_gid { GT_HG_THREAD, GT_HG_NEWEST, GT_HG_OLDEST, GT_HG_COLUMN };
enum gt_h_actor { GT_HA_NONE, GT_HA_SELF, GT_HA_THREAD, GT_HA_COLUMN };

#define GT_MAX_SHAPES 4096u /* of one block */

#endif
