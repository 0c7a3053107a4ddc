/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gtdump: all that the reader makes of a trace, one JSON object a line, for tests to compare;
 * and small traces for tests to start from.
 *
 *	gtdump FILE          what the reader says
 *	gtdump -e FILE       only the events
 *	gtdump -w FILE [N]   write a trace of N events (default 5000) with a bit of everything
 *	gtdump -x FILE       write the example of docs/FORMAT.md
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/gtrace.h"

static void die(const struct gt_err *err)
{
	fprintf(stderr, "gtdump: %s: %s\n", gt_code_name(err->code), err->msg);
	exit(1);
}

static void ok(int rc, const struct gt_err *err)
{
	if (rc < 0)
		die(err);
}

/* ---- dumping ---- */

static void quoted(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s < 0x20)
			printf("\\u%04x", (unsigned char)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void text(const char *key, const char *s)
{
	printf("\"%s\":", key);
	quoted(s);
}

static void dump_event(const struct gt_event *e)
{
	printf("{\"event\":{\"ts\":%" PRIu64 ",\"process\":%u,\"cpu\":%u,\"kind\":%u,\"old\":%u,"
	       "\"new\":%u,\"flags\":%u,\"gid\":%" PRIu64 ",\"actor\":%" PRIu64 ",\"tid\":%u,",
	       e->ts, e->process, e->cpu, e->kind, e->old, e->new, e->flags, e->gid, e->actor,
	       e->tid);
	printf("\"ra\":%u,\"pc\":%u,\"stack\":%u,\"reason\":%u,\"p\":%d,\"m\":%d,\"qlen\":%d,"
	       "\"arg\":%" PRIu64 "}}\n",
	       e->ra, e->pc, e->stack, e->reason, e->p, e->m, e->qlen, e->arg);
}

static void dump_g(const char *name, const struct gt_goroutine *g)
{
	printf("{\"%s\":{\"gid\":%" PRIu64 ",\"goid\":%" PRIu64 ",\"gptr\":%" PRIu64
	       ",\"parent\":%" PRIu64 ",\"parent_goid\":%" PRIu64 ",\"created\":%" PRIu64
	       ",\"process\":%u,\"start_pc\":%u,\"site_pc\":%u,\"stack\":%u,\"flags\":%u}",
	       name, g->gid, g->goid, g->gptr, g->parent, g->parent_goid, g->created_ns, g->process,
	       g->start_pc, g->site_pc, g->stack, g->flags);
}

static void dump_key(const struct gt_key *k)
{
	dump_g("key", &k->g);
	printf(",\"since\":%" PRIu64 ",\"last\":%" PRIu64 ",\"waker\":%" PRIu64
	       ",\"tid\":%u,\"p\":%d,\"stack\":%u,\"pc\":%u,\"state\":%u,\"reason\":%u,"
	       "\"wake_class\":%u,\"kflags\":%u,\"partner\":%" PRIu64 ",\"uncertain\":%" PRIu64
	       ",\"old\":%u}\n",
	       k->since_ns, k->last_ns, k->waker, k->tid, k->p, k->stack, k->pc, k->state,
	       k->reason, k->wake_class, k->kflags, k->partner, k->uncertain_ns, k->old);
}

static void dump_process(const struct gt_process *p)
{
	printf("{\"process\":{\"process\":%u,\"pid\":%u,\"start\":%" PRIu64 ",\"seen\":%" PRIu64
	       ",\"launched\":%u,\"gomaxprocs\":%u,",
	       p->process, p->pid, p->start_ns, p->seen_ns, p->launched, p->gomaxprocs);
	text("exe", p->exe);
	putchar(',');
	text("go", p->go_version);
	printf(",\"reasons\":[");
	for (uint32_t i = 0; i < p->n_reasons; i++) {
		printf("%s", i ? "," : "");
		quoted(p->reasons[i]);
	}
	putchar(']');
	if (p->end)
		printf(",\"end\":[%" PRIu64 ",%u,%u]", p->end_ns, p->end, p->end_status);
	printf("}}\n");
}

static void dump_item(const struct gt_item *it)
{
	switch (it->type) {
	case GT_IT_EVENT: dump_event(&it->u.ev); return;
	case GT_IT_GOROUTINE:
		dump_g("goroutine", &it->u.g);
		printf("}\n");
		return;
	case GT_IT_PROCESS: dump_process(&it->u.process); return;
	case GT_IT_THREAD:
		printf("{\"thread\":{\"process\":%u,\"tid\":%u,\"ns_tid\":%u,\"m\":%d,\"first\":"
		       "%" PRIu64 ",\"last\":%" PRIu64 ",\"comm\":\"%s\"}}\n",
		       it->u.thread.process, it->u.thread.tid, it->u.thread.ns_tid, it->u.thread.m,
		       it->u.thread.first_ns, it->u.thread.last_ns, it->u.thread.comm);
		return;
	case GT_IT_LOSS:
		printf("{\"loss\":{\"process\":%u,\"cpu\":%d,\"cause\":%u,\"t0\":%" PRIu64
		       ",\"t1\":%" PRIu64 ",\"count\":%" PRIu64 "}}\n",
		       it->u.loss.process, (int)it->u.loss.cpu, it->u.loss.cause, it->u.loss.t0,
		       it->u.loss.t1, it->u.loss.count);
		return;
	case GT_IT_KEY_BEGIN: printf("{\"keyframe\":%" PRIu64 "}\n", it->u.key_as_of); return;
	case GT_IT_KEY: dump_key(&it->u.key); return;
	case GT_IT_BLOCK: return; /* not asked for */
	case GT_IT_KEY_END: printf("{\"keyframe_end\":1}\n"); return;
	case GT_IT_CLOCK:
		printf("{\"clock\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]}\n",
		       it->u.clock.mono_ns, it->u.clock.boot_ns, it->u.clock.wall_ns,
		       it->u.clock.error_ns);
		return;
	case GT_IT_STATS:
		printf("{\"stats\":{\"ts\":%" PRIu64 ",\"events\":%" PRIu64 ",\"lost\":%" PRIu64
		       ",\"bytes\":%" PRIu64 "}}\n",
		       it->u.stats.ts, it->u.stats.events, it->u.stats.lost, it->u.stats.bytes);
		return;
	case GT_IT_NOTE:
		printf("{\"note\":{\"ts\":%" PRIu64 ",", it->u.note.ts);
		text("text", it->u.note.text);
		printf("}}\n");
		return;
	case GT_IT_END:
		printf("{\"end\":{\"ts\":%" PRIu64 ",\"events\":%" PRIu64 ",\"lost\":%" PRIu64
		       ",\"reason\":%u,\"status\":%d}}\n",
		       it->u.end.ts, it->u.end.events, it->u.end.lost, it->u.end.reason,
		       it->u.end.status);
		return;
	}
}

static void dump_tables(const struct gt_reader *r)
{
	struct gt_frame f[8];
	uint32_t pcs[64], n;

	for (uint32_t id = 1; id < 200 && (n = gt_reader_frames(r, id, f, 8)) > 0; id++) {
		printf("{\"pc\":%u,\"class\":%u,\"frames\":[", id, gt_reader_pc_class(r, id));
		for (uint32_t i = 0; i < n && i < 8; i++) {
			printf("%s[", i ? "," : "");
			quoted(f[i].func);
			putchar(',');
			quoted(f[i].file);
			printf(",%u]", f[i].line);
		}
		printf("]}\n");
	}
	for (uint32_t id = 1; id < 200 && (n = gt_reader_stack(r, id, pcs, 64)) > 0; id++) {
		printf("{\"stack\":%u,\"pcs\":[", id);
		for (uint32_t i = 0; i < n && i < 64; i++)
			printf("%s%u", i ? "," : "", pcs[i]);
		printf("]}\n");
	}
}

static int dump(const char *path, bool events_only)
{
	struct gt_reader_opts opts = { .keyframes = true };
	const struct gt_trace_info *i;
	const struct gt_damage *d;
	struct gt_source src;
	struct gt_reader *r;
	struct gt_item it;
	struct gt_err err;
	int rc;

	ok(gt_source_open(&src, path, &err), &err);
	rc = gt_reader_new(&r, &src, &opts, &err);
	if (rc) {
		printf("{\"refused\":\"%s\"}\n", gt_code_name(err.code));
		gt_source_close(&src);
		return 0;
	}
	i = gt_reader_info(r);
	if (!events_only)
		printf("{\"info\":{\"session\":%" PRIu64
		       ",\"version\":%u,\"quantum\":%u,\"start\":%" PRIu64 ",\"wall\":%" PRIu64
		       ",\"cpus\":%u,\"host\":\"%s\",\"tool\":\"%s\",\"indexed\":%s}}\n",
		       i->session, i->version, i->time_res_ns, i->start_ns, i->start_wall_ns,
		       i->n_cpus, i->hostname, i->tool, i->indexed ? "true" : "false");
	while ((rc = gt_reader_next(r, &it, &err)) != 0) {
		if (rc < 0)
			printf("{\"error\":\"%s\"}\n", gt_code_name(err.code));
		else if (!events_only || it.type == GT_IT_EVENT)
			dump_item(&it);
		if (rc == GT_IO || rc == GT_NOMEM || rc == GT_LIMIT)
			break;
	}
	d = gt_reader_damage(r);
	if (!events_only) {
		dump_tables(r);
		printf("{\"damage\":{\"bad_blocks\":%" PRIu64 ",\"missing_blocks\":%" PRIu64
		       ",\"missing_end\":%" PRIu64 ",\"unknown_blocks\":%" PRIu64 "}}\n",
		       d->bad_blocks, d->missing_blocks, d->missing_end, d->unknown_blocks);
	}
	gt_reader_free(r);
	gt_source_close(&src);
	return 0;
}

/* ---- writing ---- */

#define T0 1000000000ull

static struct gt_writer *begin(struct gt_fd_sink *fs, const char *path, uint32_t processes)
{
	static const char *const comments[] = { "made by the tests", NULL };
	static const char *const reasons[] = { "", "chan receive" };
	struct gt_writer_opts o = { .session = 0x0102030405060708ull,
				    .time_res_ns = 1,
				    .start_ns = T0,
				    .start_wall_ns = 1700000000000000000ull,
				    .hostname = "box",
				    .os = "Linux 6.1.0",
				    .hardware = "x86_64",
				    .tool = "gtrec 0.1.0",
				    .comments = comments,
				    .n_cpus = 4 };
	struct gt_sink sink;
	struct gt_writer *w = NULL;
	struct gt_err err = { .msg = "cannot open" };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		die(&err);
	ok(gt_sink_fd(&sink, fs, fd, &err), &err);
	if (processes == 1) { /* the example is to be short */
		o.hostname = o.os = o.hardware = "";
		o.comments = NULL;
	}
	ok(gt_writer_new(&w, &sink, &o, &err), &err);
	for (uint32_t p = 1; p <= processes; p++) {
		struct gt_process pr = { .process = p, .pid = 100 + p, .exe = "/bin/svc" };

		if (processes > 1) {
			pr.reasons = reasons;
			pr.n_reasons = 2;
		}
		ok(gt_writer_process(w, &pr, &err), &err);
	}
	return w;
}

static void end(struct gt_writer *w, struct gt_fd_sink *fs, uint64_t ts)
{
	struct gt_end e = { .ts = ts, .reason = GT_END_EXIT };
	struct gt_err err;

	ok(gt_writer_finish(w, &e, &err), &err);
	gt_writer_free(w);
	close(fs->fd);
}

static int write_example(const char *path)
{
	static const uint8_t moves[3][2] = { { 6, 1 }, { 1, 2 }, { 2, 4 } };
	struct gt_fd_sink fs;
	struct gt_writer *w = begin(&fs, path, 1);
	struct gt_err err;

	for (uint32_t i = 0; i < 3; i++) {
		struct gt_event e = { .ts = T0 + 100 + 300 * i,
				      .gid = 1,
				      .process = 1,
				      .tid = 101,
				      .kind = GT_EV_STATUS,
				      .old = moves[i][0],
				      .new = moves[i][1],
				      .p = -1,
				      .m = -1,
				      .qlen = -1 };

		ok(gt_writer_event(w, &e, &err), &err);
	}
	end(w, &fs, T0 + 1000);
	return 0;
}

static int write_trace(const char *path, uint32_t n)
{
	static const uint8_t moves[][2] = { { 6, 1 }, { 1, 2 }, { 2, 4 },
					    { 4, 1 }, { 2, 3 }, { 3, 2 } };
	struct gt_fd_sink fs;
	struct gt_writer *w = begin(&fs, path, 2);
	struct gt_frame f = { "main.main", "/src/main.go", 7 };
	uint64_t ts = T0;
	uint32_t pc, stack, x = 12345;
	struct gt_err err;

	ok(gt_writer_pc(w, 1, 0x401000, GT_RA_PARK, &f, NULL, 1, &pc, &err), &err);
	ok(gt_writer_stack(w, &pc, 1, &stack, &err), &err);
	for (uint32_t i = 0; i < n; i++) {
		struct gt_event e = {
			.process = 1 + i / 7 % 2, .tid = 101 + i % 4, .p = -1, .m = -1
		};

		x = x * 1664525 + 1013904223;
		ts += x % 1000;
		e.ts = ts;
		e.cpu = (uint16_t)(x >> 8 & 3);
		e.gid = 1 + (x >> 12) % 50;
		e.kind = GT_EV_STATUS;
		e.old = moves[x >> 20 & 3][0];
		e.new = moves[x >> 20 & 3][1];
		e.ra = pc;
		e.stack = stack;
		e.qlen = -1;
		ok(gt_writer_event(w, &e, &err), &err);
		if (i % 500 == 499) {
			struct gt_loss l = {
				.cause = GT_LOSS_RING_FULL, .t0 = ts, .t1 = ts, .count = 3
			};

			ok(gt_writer_loss(w, &l, &err), &err);
			ok(gt_writer_flush(w, ts, &err), &err);
		}
	}
	end(w, &fs, ts + 1);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return dump(argv[1], false);
	if (argc >= 3 && !strcmp(argv[1], "-e"))
		return dump(argv[2], true);
	if (argc >= 3 && !strcmp(argv[1], "-x"))
		return write_example(argv[2]);
	if (argc >= 3 && !strcmp(argv[1], "-w"))
		return write_trace(argv[2], argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 5000);
	fprintf(stderr, "usage: gtdump [-e] FILE | -w FILE [N] | -x FILE\n");
	return 2;
}
