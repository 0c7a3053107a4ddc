/* SPDX-License-Identifier: BSD-2-Clause */
/* gtstat on histories whose every figure was worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "replay/stat/run.h"
#include "tests/story.h"

static char dir[] = "/tmp/gt-stat-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/t.gtr", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static struct gt_ask_opts defaults(void)
{
	struct gt_ask_opts o = { .top = UINT64_MAX, .over = "300ms", .by = "site" };

	o.view.json = o.view.quiet = true;
	return o;
}

/* The answer as text; the caller frees it. */
static char *ask(const char *question, const struct gt_ask_opts *o, int want_status)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	assert_int_equal(gt_stat_run(gt_stat_question(question), path, o, f), want_status);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' in\n%s", part, text);
}

/*
 * The pool, in us. Lives: workers 20-310 (290), 30-330 (300), 40-300 (260); main 0-400.
 * Waits for a processor: 10 40 40 40 10 20 30 10 5 20, in all 225. Blocked: main 40 chan send
 * and 40 WaitGroup; workers 20 20 20 10 chan receive. One syscall of 50. Running: main 280,
 * workers 220 155 170, in all 825. Ratio: (150 + 50) / (825 + 150 + 50).
 */
static void summary_of_the_pool_is_exact(void **state)
{
	struct gt_ask_opts o = defaults();
	char *s;
	(void)state;
	story_pool(path);
	o.over = "280us";
	s = ask("summary", &o, 0);
	has(s, "{\"span_ns\":400000,\"from_ns\":0,\"events\":31,\"lost\":0,\"gaps\":0,"
	       "\"gaps_ns\":0,\"losses\":[],");
	has(s, "\"goroutines\":{\"created\":4,\"exited\":3,\"live\":1,\"live_max\":4,"
	       "\"existed\":0,\"system\":0,\"with_process\":0},");
	has(s, "\"goroutine_block_ratio\":0.195121951,"
	       "\"goroutine_block_ratio_error\":0,\"goroutine_leak_score\":0,");
	has(s, "\"lifetime\":{\"count\":3,\"estimated\":0,"
	       "\"mean\":283333,\"p50\":290000,\"p90\":300000,"
	       "\"p99\":300000,\"max\":300000,\"over(280us)\":0.666666667,\"over_count\":2,"
	       "\"over_live\":1}");
	has(s, "\"state_ns\":{\"running\":825000,\"runnable\":225000,\"waiting\":150000,"
	       "\"syscall\":50000,\"preempted\":0,\"unknown\":0}");
	has(s, "\"runq\":{\"wait\":{\"count\":10,\"estimated\":0,"
	       "\"mean\":22500,\"p50\":20000,\"p90\":40000,"
	       "\"p99\":40000,\"max\":40000,\"open\":0,\"open_max_ns\":0}");
	has(s, "\"syscall\":{\"count\":1,\"estimated\":0,"
	       "\"mean\":50000,\"p50\":50000,\"p90\":50000,"
	       "\"p99\":50000,\"max\":50000}");
	has(s,
	    "\"chan_receive\":{\"reason\":\"chan receive\",\"share\":0.466666667,\"share_error\":0,"
	    "\"total_ns\":70000,\"count\":4,\"estimated\":0,"
	    "\"mean\":17500,\"p50\":20000,\"p90\":20000,"
	    "\"p99\":20000,\"max\":20000,\"open\":0,\"open_max_ns\":0}");
	has(s, "\"chan_send\":{\"reason\":\"chan "
	       "send\",\"share\":0.266666667,\"share_error\":0,\"total_ns\":40000,");
	has(s, "\"sync_WaitGroup_Wait\":{");
	has(s,
	    "{\"site\":\"main.main /src/pool/main.go:31\",\"func\":\"main.worker\","
	    "\"existed\":0,\"created\":3,\"exited\":3,\"live\":0,\"running_ns\":545000,"
	    "\"runnable_ns\":185000,\"waiting_ns\":70000,\"syscall_ns\":50000,\"with_process\":0}");
	has(s, "\"leaks\":[],\"locks\":[]}\n");
	free(s);
}

static void goroutines_of_the_pool_are_exact(void **state)
{
	struct gt_ask_opts o = defaults();
	char *s = ask("goroutines", &o, 0);
	(void)state;
	assert_string_equal(
		s,
		"{\"goid\":4,\"parent\":1,\"func\":\"main.worker\",\"site\":\"main.main "
		"/src/pool/"
		"main.go:31\",\"created_ns\":40000,\"ended_ns\":300000,\"runnable_ns\":70000,"
		"\"running_ns\":170000,\"syscall_ns\":0,\"waiting_ns\":20000,\"preempted_ns\":0,"
		"\"unknown_ns\":0,\"blocked_ns\":{\"chan receive\":20000},\"pid\":4242,"
		"\"system\":false,\"with_process\":false,\"stack_bytes\":null,\"locked\":false}\n"
		"{\"goid\":2,\"parent\":1,\"func\":\"main.worker\",\"site\":\"main.main "
		"/src/pool/"
		"main.go:31\",\"created_ns\":20000,\"ended_ns\":310000,\"runnable_ns\":50000,"
		"\"running_ns\":220000,\"syscall_ns\":0,\"waiting_ns\":20000,\"preempted_ns\":0,"
		"\"unknown_ns\":0,\"blocked_ns\":{\"chan receive\":20000},\"pid\":4242,"
		"\"system\":false,\"with_process\":false,\"stack_bytes\":null,\"locked\":false}\n"
		"{\"goid\":3,\"parent\":1,\"func\":\"main.worker\",\"site\":\"main.main "
		"/src/pool/"
		"main.go:31\",\"created_ns\":30000,\"ended_ns\":330000,\"runnable_ns\":65000,"
		"\"running_ns\":155000,\"syscall_ns\":50000,\"waiting_ns\":30000,\"preempted_ns\":"
		"0,"
		"\"unknown_ns\":0,\"blocked_ns\":{\"chan receive\":30000},\"pid\":4242,"
		"\"system\":false,\"with_process\":false,\"stack_bytes\":null,\"locked\":false}\n"
		"{\"goid\":1,\"parent\":null,\"func\":\"runtime.main\",\"site\":null,\"created_"
		"ns\":0,"
		"\"ended_ns\":null,\"runnable_ns\":40000,\"running_ns\":280000,\"syscall_ns\":0,"
		"\"waiting_ns\":80000,\"preempted_ns\":0,\"unknown_ns\":0,\"blocked_ns\":{\"chan "
		"send\":40000,\"sync.WaitGroup.Wait\":40000},\"pid\":4242,\"system\":false,\"with_"
		"process\":false,\"stack_bytes\":null,\"locked\":false}\n");
	free(s);
	o.top = 1;
	s = ask("goroutines", &o, 0);
	has(s, "{\"goid\":1,");
	has_not(s, "\"goid\":2,");
	free(s);
}

/* From 100 to 200 us: main runs all of it; w1 100-160, 190-200; waits 20, queues 10; ... */
static void a_part_of_the_pool_is_exact(void **state)
{
	struct gt_ask_opts o = defaults();
	char *s;
	(void)state;
	o.view.from = (struct gt_when){ GT_WHEN_START, 100000 };
	o.view.to = (struct gt_when){ GT_WHEN_START, 200000 };
	s = ask("summary", &o, 0);
	/* main 100; w1 60 + 10; w2 10 + 50; w3 20 + 30 = 280. Queued: main 0 (ends at 100),
	 * w1 10, w2 20, w3 30. Waited: w1 20, w2 20, w3 20. */
	has(s, "{\"span_ns\":100000,");
	has(s,
	    "\"goroutines\":{\"created\":0,\"exited\":0,\"live\":4,\"live_max\":4,\"existed\":4,");
	has(s, "\"state_ns\":{\"running\":280000,\"runnable\":60000,\"waiting\":60000,"
	       "\"syscall\":0,");
	/* main's wait of 10 ended within the span, at its very begin */
	has(s, "\"runq\":{\"wait\":{\"count\":4,\"estimated\":0,"
	       "\"mean\":17500,");
	has(s, "\"lifetime\":{\"count\":0,\"estimated\":0,"
	       "\"mean\":null,\"p50\":null,");
	free(s);
}

static void filters_choose_goroutines_and_states(void **state)
{
	struct gt_ask_opts o = defaults();
	char *s;
	(void)state;
	o.view.filter.func = "worker";
	s = ask("summary", &o, 0);
	has(s, "\"goroutines\":{\"created\":3,\"exited\":3,\"live\":0,\"live_max\":3,");
	has(s, "\"waiting\":70000,");
	free(s);
	o = defaults();
	o.view.filter.reasons = (struct gt_strlist){ { "chan send" }, 1 };
	s = ask("blocks", &o, 0);
	has(s, "\"waiting_ns\":40000,");
	has_not(s, "WaitGroup");
	free(s);
}

static void questions_and_options_are_checked(void **state)
{
	struct gt_ask_opts o = defaults();
	(void)state;
	assert_null(gt_stat_question("nonsense"));
	o.by = "colour";
	free(ask("summary", &o, GT_EXIT_USAGE));
	o = defaults();
	o.over = "7";
	free(ask("summary", &o, GT_EXIT_USAGE));
	o = defaults();
	o.max_loss = "0";
	free(ask("summary", &o, 0));
}

/* ---- what is ill, and what is not ---- */

#define MS 1000000ull

/* A goroutine that is made at T, runs for a little, and waits for REASON. */
static void made_and_waits(struct story *s, uint64_t t, uint64_t gid, uint32_t start, uint32_t site,
			   uint8_t reason)
{
	story_go(s, t, gid, 1, start, site, 0);
	story_run(s, t + 1000, gid, 1);
	story_park(s, t + 2000, gid, 1, reason, 0);
}

struct cast {
	uint32_t main_pc, fetch, fetch_site, worker, worker_site, conn, conn_site, handler,
		handler_site, signal, signal_site;
};

static struct cast make_cast(struct story *s)
{
	struct cast c;
	enum gt_ra_class u = GT_RA_UNKNOWN;

	c.main_pc = story_pc(s, u, "runtime.main", "/go/src/runtime/proc.go", 147);
	c.fetch = story_pc(s, u, "main.fetch", "/src/shop/fetch.go", 12);
	c.fetch_site = story_pc(s, u, "main.order", "/src/shop/order.go", 61);
	c.worker = story_pc(s, u, "main.worker", "/src/shop/pool.go", 5);
	c.worker_site = story_pc(s, u, "main.startPool", "/src/shop/pool.go", 21);
	c.conn = story_pc(s, u, "net/http.(*conn).serve", "/go/src/net/http/server.go", 1900);
	c.conn_site = story_pc(s, u, "net/http.(*Server).Serve", "/go/src/net/http/server.go",
			       3300);
	c.handler = story_pc(s, u, "main.handler.func1", "/src/shop/order.go", 90);
	c.handler_site = story_pc(s, u, "main.handler", "/src/shop/order.go", 88);
	c.signal = story_pc(s, u, "main.main.func1", "/src/shop/main.go", 70);
	c.signal_site = story_pc(s, u, "main.main", "/src/shop/main.go", 69);
	return c;
}

/* What the recorder reads at the end: who waits for the lock, who was forgotten. */
static void snapshot(struct story *s, bool leaky)
{
	uint32_t lock = story_stack(s, "main.(*stock).take", "/src/shop/stock.go", 33);
	uint32_t send = story_stack(s, "main.fetch", "/src/shop/fetch.go", 17);

	for (uint64_t w = 0; w < 3; w++)
		story_snap(s, 10000 * MS - 2000 + w, 30 + w, R_MUTEX, lock);
	for (uint64_t t = 100; leaky && t < 10000; t += 100)
		story_snap(s, 10000 * MS - 1000, 20000 + t, R_CHAN_SEND, send);
}

static void finish(struct story *s, bool ends)
{
	if (ends)
		story_process_end(s, 10000 * MS, GT_PE_EXITED, 3);
	story_end(s, (ends ? 15000 : 10000) * MS);
}

/*
 * Ten seconds of a shop (and ENDS: five more without it): a pool made at the start that works for a
 * second and then idles, one goroutine that waits for a signal, connections that grow in number and
 * wait for the network, handlers that come and go, some of them under way at the end, and a lock
 * that three goroutines always wait for. LEAKY: every 100 ms one more is forgotten.
 */
static void shop(bool leaky, bool ends)
{
	struct story s;
	uint64_t gid = 100, last[3] = { 0 };

	story_begin(&s, path, false);
	struct cast c = make_cast(&s);

	story_go(&s, 0, 1, 0, c.main_pc, 0, 0);
	story_run(&s, 1, 1, 0);
	made_and_waits(&s, 10000, 2, c.signal, c.signal_site, R_CHAN_RECV);
	for (uint64_t w = 0; w < 8; w++)
		made_and_waits(&s, 20000 + w * 5000, 10 + w, c.worker, c.worker_site, R_CHAN_RECV);
	made_and_waits(&s, 80000, 3, c.signal, c.handler_site, R_SEMA);
	for (uint64_t w = 0; w < 3; w++) {
		story_go(&s, 100000 + w * 5000, 30 + w, 1, c.handler, c.handler_site, 0);
		story_run(&s, 101000 + w * 5000, 30 + w, 2);
		story_park(&s, 102000 + w * 5000, 30 + w, 2, R_MUTEX, 0);
	}
	for (uint64_t t = 50 * MS; t < 10000 * MS; t += 50 * MS) {
		if (t <= 1000 * MS)
			for (uint64_t w = 0; w < 8; w++) {
				story_ready(&s, t + w * 1000, 10 + w, 0, 1);
				story_run(&s, t + w * 1000 + 100, 10 + w, 1);
				story_park(&s, t + w * 1000 + 900, 10 + w, 1, R_CHAN_RECV, 0);
			}
		/* one waits for a WaitGroup again and again, in the words of Go 1.23 */
		story_ready(&s, t + 9000, 3, 0, 1);
		story_run(&s, t + 9100, 3, 2);
		story_park(&s, t + 9900, 3, 2, R_SEMA, 0);
		/* the lock goes round */
		uint64_t h = 30 + t / (50 * MS) % 3;
		story_ready(&s, t + 10000, h, 0, 1);
		story_run(&s, t + 10100, h, 2);
		story_park(&s, t + 10900, h, 2, R_MUTEX, 0);
		/* a handler; it lives for 170 ms, so some are under way at the end */
		for (int i = 0; i < 3; i++)
			if (last[i] && t == last[i] + 150 * MS) {
				uint64_t g = 1000 + last[i] / MS;
				story_ready(&s, t + 20000, g, 0, 1);
				story_run(&s, t + 20100, g, 2);
				story_exit(&s, t + 20200, g, 2);
				last[i] = 0;
			}
		for (int i = 0; i < 3; i++)
			if (!last[i]) {
				made_and_waits(&s, t + 30000, 1000 + t / MS, c.handler,
					       c.handler_site, R_SELECT);
				last[i] = t;
				break;
			}
		if (t % (200 * MS) == 0)
			made_and_waits(&s, t + 40000, ++gid, c.conn, c.conn_site, R_IO);
		if (leaky && t % (100 * MS) == 0)
			made_and_waits(&s, t + 50000, 20000 + t / MS, c.fetch, c.fetch_site,
				       R_CHAN_SEND);
	}
	snapshot(&s, leaky);
	finish(&s, ends);
}

static void story_shop(bool leaky)
{
	shop(leaky, false);
}

static void a_leak_is_named_by_both_places(void **state)
{
	struct gt_ask_opts o = defaults();
	char *s, *second;
	(void)state;
	story_shop(true);
	s = ask("leaks", &o, 0);
	/* 99 were made; those of the last half second may come back yet */
	has(s,
	    "\"leaks\":[{\"score\":0.989361702,\"count\":94,\"before\":0,\"func\":\"main.fetch\","
	    "\"site\":\"main.order /src/shop/order.go:61\","
	    "\"blocked_at\":\"main.fetch /src/shop/fetch.go:17\",\"reason\":\"chan send\",");
	second = strstr(strstr(s, "\"leaks\":"), "},{\"score\"");
	assert_null(second);
	free(s);
}

/* Its goroutines have neither exited nor are they live; what leaked until then still did. */
static void goroutines_end_with_their_process(void **state)
{
	struct gt_ask_opts o = defaults();
	char *s, *live;
	(void)state;
	o.view.json = true;
	shop(true, false);
	s = ask("summary", &o, 0);
	live = strstr(s, "\"exited\":");
	assert_non_null(live);
	unsigned long long exited, n;
	assert_int_equal(sscanf(live, "\"exited\":%llu,\"live\":%llu", &exited, &n), 2);
	assert_true(n > 100);
	free(s);
	shop(true, true);
	s = ask("summary", &o, 0);
	char want[128];
	(void)snprintf(want, sizeof(want), "\"exited\":%llu,\"live\":0,", exited);
	has(s, want);
	(void)snprintf(want, sizeof(want), "\"system\":0,\"with_process\":%llu}", n);
	has(s, want);
	has(s, "\"ended_ns\":10000000000,\"end\":\"exited\",\"status\":3}");
	has(s, "\"leaks\":[{\"score\":0.989361702,\"count\":94,\"before\":0,");
	free(s);
	shop(false, true);
	s = ask("leaks", &o, 0);
	has(s, "\"goroutine_leak_score\":0,\"leaks\":[],");
	free(s);
	o.view.json = false;
	s = ask("summary", &o, 0);
	has(s, ", exited with status 3 at 10.000000000 s");
	has(s, " ended with their process, 0 live ");
	free(s);
}

static void a_contended_lock_is_named_by_its_caller(void **state)
{
	struct gt_ask_opts o = defaults();
	char *s = ask("summary", &o, 0);
	(void)state;
	has(s, "\"locks\":[{\"blocked_at\":\"main.(*stock).take /src/shop/stock.go:33\","
	       "\"place_from\":\"snapshot\",\"reason\":\"sync.Mutex.Lock\","
	       "\"site\":\"main.handler /src/shop/order.go:88\",");
	has_not(strstr(s, "\"locks\":"), "semacquire");
	free(s);
	o.view.json = false;
	s = ask("summary", &o, 0);
	has(s, "LEAK");
	has(s, "shop/order.go:61");
	has(s, "shop/fetch.go:17");
	has(s, "LOCK");
	has(s, "shop/stock.go:33");
	has(s, "nothing lost");
	free(s);
}

static void what_is_healthy_is_no_leak(void **state)
{
	struct gt_ask_opts o = defaults();
	char *s;
	(void)state;
	story_shop(false);
	s = ask("leaks", &o, 0);
	has(s, "\"goroutine_leak_score\":0,\"leaks\":[],");
	free(s);
	o.view.json = false;
	s = ask("leaks", &o, 0);
	has(s, "no goroutine leak was seen");
	free(s);
}

static void every_question_has_an_answer_for_people(void **state)
{
	struct gt_ask_opts o = defaults();
	(void)state;
	o.view.json = false;
	for (size_t i = 0; gt_stat_questions[i]; i++) {
		char *s = ask(gt_stat_questions[i]->name, &o, 0);
		assert_true(strlen(s) > 100);
		free(s);
	}
}

/* Four gaps of 1 s; of two goroutines that wait, 1, 2, 1 and 0 wait for X. Worked out by hand. */
static void error_of_a_sampled_share_is_that_of_a_ratio(void **state)
{
	static const double x[] = { 1, 2, 1, 0 };
	struct gt_gap_sum s = { 0 };

	(void)state;
	for (int i = 0; i < 4; i++)
		gt_gap_sum_add(&s, x[i], 2);
	/* d = 0, 1, 0, -1: variance 2/3, of the sum 8/3; 1.96 * sqrt(8/3) / 8 */
	assert_int_equal(gt_gap_error(&s, 4, 0.5, 8) * 10000, 4000);
	/* As much time again that was traced: the same error of twice the sum. */
	assert_int_equal(gt_gap_error(&s, 4, 0.5, 16) * 10000, 2000);
	assert_true(gt_gap_error(&s, 0, 0.5, 8) == 0);
	assert_true(gt_gap_error(&s, 2, 0.5, 8) != gt_gap_error(&s, 2, 0.5, 8)); /* NAN */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_of_a_sampled_share_is_that_of_a_ratio),
		cmocka_unit_test(summary_of_the_pool_is_exact),
		cmocka_unit_test(goroutines_of_the_pool_are_exact),
		cmocka_unit_test(a_part_of_the_pool_is_exact),
		cmocka_unit_test(filters_choose_goroutines_and_states),
		cmocka_unit_test(questions_and_options_are_checked),
		cmocka_unit_test(a_leak_is_named_by_both_places),
		cmocka_unit_test(a_contended_lock_is_named_by_its_caller),
		cmocka_unit_test(what_is_healthy_is_no_leak),
		cmocka_unit_test(goroutines_end_with_their_process),
		cmocka_unit_test(every_question_has_an_answer_for_people),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
