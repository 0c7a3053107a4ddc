/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine's state table, printed: docs/STATES.md holds what `md` prints. */
#include "replay/engine/states.h"

#include <string.h>

#include "show.h"

/* Names of the beliefs in a set, "a, b". */
static void beliefs(FILE *out, uint16_t set)
{
	const char *sep = "";

	for (unsigned b = 0; b < GT_B_COUNT; b++) {
		if (set >> b & 1) {
			(void)fprintf(out, "%s%s", sep, gt_belief_name((enum gt_belief)b));
			sep = ", ";
		}
	}
}

static void inputs(FILE *out, uint32_t set)
{
	const char *sep = "";

	for (unsigned i = 0; i < GT_IN_COUNT; i++) {
		if (set >> i & 1) {
			(void)fprintf(out, "%s`%s`", sep, gt_input_name((enum gt_input)i));
			sep = ", ";
		}
	}
}

static void md_rows(FILE *out)
{
	unsigned n;
	const struct gt_rule *r = gt_states_rules(&n);

	(void)fputs("| rule | believed | event | becomes | repair | meaning |\n"
		    "| --- | --- | --- | --- | --- | --- |\n",
		    out);
	for (unsigned i = 1; i < n; i++) {
		(void)fprintf(out, "| %s | ", r[i].rule);
		beliefs(out, r[i].from);
		(void)fputs(" | ", out);
		inputs(out, r[i].in);
		(void)fputs(" | ", out);
		if (r[i].via)
			(void)fprintf(out, "%s, then ", gt_belief_name((enum gt_belief)r[i].via));
		(void)fprintf(out, "%s | %s | %s |\n", gt_belief_name((enum gt_belief)r[i].to),
			      r[i].repair ? gt_repair_name((enum gt_repair)r[i].repair) : "",
			      r[i].why);
	}
	(void)fprintf(out, "| %s | any other | any | its old state, then as above | %s | %s |\n",
		      r[0].rule, gt_repair_name((enum gt_repair)r[0].repair), r[0].why);
	(void)fputs(
		"| R16 | any | other statuses | what the new status says | bad status | "
		"a change that the runtime does not make, or a status that it does not have |\n",
		out);
}

/* The matrix: what each cell becomes; "." is R1's repair. */
static void md_matrix(FILE *out)
{
	struct gt_states t;

	gt_states_init(&t);
	(void)fputs("\n| event", out);
	for (unsigned b = 0; b < GT_B_COUNT; b++)
		(void)fprintf(out, " | %s",
			      b == GT_S_DEAD ? "no goroutine" : gt_belief_name((enum gt_belief)b));
	(void)fputs(" |\n| ---", out);
	for (unsigned b = 0; b < GT_B_COUNT; b++)
		(void)fputs(" | ---", out);
	(void)fputs(" |\n", out);
	for (unsigned in = GT_IN_ALLOC; in < GT_IN_ODD; in++) {
		(void)fprintf(out, "| `%s`", gt_input_name((enum gt_input)in));
		for (unsigned b = 0; b < GT_B_COUNT; b++) {
			const struct gt_cell *c = &t.cell[b][in];

			if (c->row)
				(void)fprintf(out, " | %s%s", gt_belief_name((enum gt_belief)c->to),
					      c->repair ? " \\*" : "");
			else
				(void)fputs(" | .", out);
		}
		(void)fputs(" |\n", out);
	}
}

static void dot(FILE *out)
{
	unsigned n;
	const struct gt_rule *r = gt_states_rules(&n);

	(void)fputs("digraph goroutine {\n\trankdir=LR;\n\tnode [shape=box, style=rounded];\n",
		    out);
	for (unsigned i = 1; i < n; i++) {
		if (r[i].repair || r[i].via)
			continue;
		for (unsigned b = 1; b < GT_B_COUNT; b++) {
			if (!(r[i].from >> b & 1))
				continue;
			(void)fprintf(out, "\t\"%s\" -> \"%s\" [label=\"",
				      gt_belief_name((enum gt_belief)b),
				      gt_belief_name((enum gt_belief)r[i].to));
			for (unsigned in = 0, first = 1; in < GT_IN_COUNT; in++) {
				if (r[i].in >> in & 1) {
					(void)fprintf(out, "%s%s", first ? "" : ", ",
						      gt_input_name((enum gt_input)in));
					first = 0;
				}
			}
			(void)fprintf(out, " (%s)\"];\n", r[i].rule);
		}
	}
	(void)fputs("}\n", out);
}

int gt_show_states(const char *format, FILE *out, struct gt_err *err)
{
	if (strcmp(format, "dot") == 0) {
		dot(out);
	} else if (strcmp(format, "md") == 0) {
		md_rows(out);
		md_matrix(out);
	} else {
		return gt_fail(err, GT_USAGE, "--states: '%.40s' is neither dot nor md", format);
	}
	if (fflush(out) || ferror(out))
		return gt_fail_errno(err, GT_IO, "cannot write the output");
	return GT_OK;
}
