/* SPDX-License-Identifier: BSD-2-Clause */
/* gtstat leaks: goroutines that do not come back, by who made them and where they wait. */
#include "ask.h"

static int answer(struct gt_ask *a, struct gt_err *err)
{
	(void)err;
	if (a->o->view.json) {
		gt_json_object(&a->json);
		gt_json_losses(a);
		gt_json_share(&a->json, "goroutine_leak_score", gt_leak_score(&a->suspects));
		gt_json_suspects(a);
		gt_json_object_end(&a->json);
		gt_json_line(&a->json);
		return GT_OK;
	}
	gt_text_head(a);
	(void)fprintf(a->out, "%-14s %.2f\n\n", "leak score", gt_leak_score(&a->suspects));
	for (size_t i = 0; i < a->suspects.leaks.n && i < a->top; i++)
		gt_text_leak(a, &a->suspects.leaks.p[i]);
	if (!a->suspects.leaks.n)
		(void)fprintf(a->out, "no goroutine leak was seen\n");
	return GT_OK;
}

const struct gt_question gt_q_leaks = { "leaks", "goroutines that do not come back", NULL, NULL,
					answer };
