/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the BPF programs promise about themselves, by the verifier's own words. Needs the right to
 * load programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "bpf/probes.skel.h"

#define LOG_STATS     4	 /* BPF_LOG_STATS of the verifier */
#define PRIVATE_STACK 64 /* BPF_PRIV_STACK_MIN_SIZE [linux: kernel/bpf/verifier.c, 6.13] */
#define LOG_SIZE      65536

/* No program has so much stack in one function that the kernel gives it the CPU's. */
static void programs_stay_on_the_threads_own_stack(void **state)
{
	struct gt_probes *skel = gt_probes__open();
	struct bpf_program *p;
	unsigned n = 0;

	(void)state;
	assert_non_null(skel);
	/* All facts on, or the verifier would not look at the code for them. */
	*(struct gt_probe_config *)&skel->rodata->cfg = (struct gt_probe_config){
		.proc = 1,
		.facts = GT_FACT_ACTOR | GT_FACT_P | GT_FACT_QLEN,
		.ra_off = 8,
		.stacks = GT_STACKS_CREATE | GT_STACKS_BLOCK | GT_STACKS_SYSCALL,
		.stack_depth = GT_WIRE_MAX_STACK,
		.park_hi = UINT64_MAX,
		.g_parent_goid = 264,
		.g_gopc = 272,
		.pidns_ino = 1,
	};
	struct gt_wire_inlined *in = (void *)&skel->rodata->inlined[0];
	in->g.kind = in->old.kind = in->new.kind = in->pc.kind = GT_WIRE_P_STACK;
	int inner = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "t", 0, 0, 4096, NULL);
	if (inner < 0 && errno == EPERM) {
		gt_probes__destroy(skel);
		print_message("no right to load BPF programs\n");
		skip();
	}
	char *logs = calloc(64, LOG_SIZE);
	assert_non_null(logs);
	bpf_object__for_each_program(p, skel->obj)
	{
		assert_true(n < 64);
		assert_int_equal(bpf_program__set_log_buf(p, logs + n++ * LOG_SIZE, LOG_SIZE), 0);
		(void)bpf_program__set_log_level(p, LOG_STATS);
	}
	assert_int_equal(gt_probes__load(skel), 0);
	for (unsigned i = 0; i < n; i++) {
		char *at = strstr(logs + i * LOG_SIZE, "stack depth ");
		assert_non_null(at);
		/* "stack depth 40+16": one number for each function */
		at += strlen("stack depth ");
		for (char *end; *at >= '0' && *at <= '9'; at = *end == '+' ? end + 1 : end) {
			unsigned long depth = strtoul(at, &end, 10);
			if ((depth + 15) / 16 * 16 >= PRIVATE_STACK)
				fail_msg("program %u: %.40s", i,
					 strstr(logs + i * LOG_SIZE, "stack depth "));
		}
	}
	assert_true(n >= 10);
	free(logs);
	gt_probes__destroy(skel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_stay_on_the_threads_own_stack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
