/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `empty COMMAND [ARG...]`: run it with programs that do nothing at gtrec's own probe sites:
 * the price of the trap alone, which the benches hold gtrec against.
 */
#include <stdio.h>

#include "record/groups.h"
#include "record/run.h"

int main(int argc, char **argv)
{
	struct gt_signals signals;
	struct gt_err err;

	gt_signals_save(&signals);
	struct gt_run_opts run = { .signals = &signals, .command = argv + 1 };
	if (argc < 2 || gt_user_invoker(&run.owner, NULL, &err) ||
	    gt_groups_parse(NULL, &run.session.attach.groups, &err))
		return 2;
	run.session.out = "/dev/null";
	run.session.owner = &run.owner;
	run.session.attach.empty = true;
	(void)gt_run(&run); /* complains that nothing was recorded: that is the point */
	return 0;
}
