/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing the reader: any bytes as a file and as a stream, and, as checksums keep a fuzzer out
 * of the bodies, any bytes as bodies of blocks that check. Memory is capped: what the reader
 * takes beyond the cap is a finding (the sanitizers and -rss_limit_mb see to that).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"

#define MEMORY (64u << 20)
#define ITEMS  2000000 /* more than a MiB of input can hold in reason */

static void use_tables(const struct gt_reader *r, const struct gt_item *it)
{
	struct gt_frame f[4];
	uint32_t pcs[16];

	if (it->type != GT_IT_EVENT || it->u.ev.ts % 64)
		return;
	gt_reader_stack(r, it->u.ev.stack, pcs, 16);
	gt_reader_frames(r, it->u.ev.ra, f, 4);
	gt_reader_pc_class(r, it->u.ev.pc);
	gt_reader_string(r, it->u.ev.pc, NULL);
	gt_reader_reason(r, it->u.ev.process, it->u.ev.reason);
	gt_reader_thread(r, it->u.ev.process, it->u.ev.tid);
}

static uint64_t read_all(struct gt_reader *r)
{
	struct gt_item it;
	uint64_t last = 0;
	long n = 0;
	int rc;

	while ((rc = gt_reader_next(r, &it, NULL)) != 0 && n++ < ITEMS) {
		if (rc == GT_NOMEM || rc == GT_LIMIT || rc == GT_IO)
			break;
		if (rc < 0)
			continue;
		if (it.type == GT_IT_EVENT) {
			if (it.u.ev.ts < last)
				abort(); /* never out of order, whatever the file says */
			last = it.u.ev.ts;
		}
		use_tables(r, &it);
	}
	return last;
}

static void try(const uint8_t *p, size_t n, bool stream)
{
	struct gt_reader_opts opts = { .max_memory = MEMORY, .keyframes = n % 2 };
	struct gt_mem mem = { p, n };
	struct gt_source src;
	struct gt_reader *r;
	uint64_t first, last;

	gt_source_mem(&src, &mem);
	if (stream)
		src.size = UINT64_MAX;
	if (gt_reader_new(&r, &src, &opts, NULL))
		return;
	last = read_all(r);
	if (!stream && !gt_reader_seek(r, last / 2, NULL))
		read_all(r);
	if (!stream)
		(void)!gt_reader_span(r, &first, &last, NULL);
	gt_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_out o = { 0 };

	if (!size)
		return 0;
	if (data[0] == 0x0a) /* as every trace begins */
		gt_out_bytes(&o, data, size);
	else
		fuzz_trace(&o, data + 1, size - 1);
	if (!o.bad) {
		try(o.p, o.n, false);
		try(o.p, o.n, true);
	}
	gt_out_free(&o);
	return 0;
}
