#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gtstat's answers agree with each other on random histories, its JSON is JSON, and its exit
# statuses are those of cli.
. "$(dirname "$0")/../lib.sh"
sample=$O/tests/sample

for seed in 1 2 3 4; do
	"$sample" random $seed 8000 "$T/r.gtr"
	"$GTSTAT" -q --json "$T/r.gtr" >"$T/sum.json"
	"$GTSTAT" -q goroutines --json "$T/r.gtr" >"$T/gor.json"
	# Each goroutine's states fill its life, or the span where that began before or goes on.
	jq -s --argjson last "$(jq '.from_ns + .span_ns' "$T/sum.json")" '
		[.[] | select(.runnable_ns + .running_ns + .syscall_ns + .waiting_ns + .preempted_ns
			+ .unknown_ns != ((.ended_ns // $last) - (.created_ns // 0)))] | length' \
		"$T/gor.json" >"$T/bad"
	eq "seed $seed: lives that do not add up" "$(cat "$T/bad")" 0
	# The reasons of a goroutine add up to its waiting.
	eq "seed $seed: waits" "$(jq -s '[.[] | select((.blocked_ns | add // 0) != .waiting_ns)] | length' "$T/gor.json")" 0
	for state in running runnable waiting syscall; do
		eq "seed $seed: $state" "$(jq -s "[.[] | select(.system | not).${state}_ns] | add" "$T/gor.json")" \
			"$(jq .state_ns.$state "$T/sum.json")"
	done
	eq "seed $seed: created" "$(jq -s '[.[] | select(.created_ns != null)] | length' "$T/gor.json")" \
		"$(jq '.goroutines.created' "$T/sum.json")"
	eq "seed $seed: exited" "$(jq -s '[.[] | select(.ended_ns != null)] | length' "$T/gor.json")" \
		"$(jq '.goroutines.exited' "$T/sum.json")"
	eq "seed $seed: created and existed, exited and live" \
		"$(jq '.goroutines | .created + .existed' "$T/sum.json")" \
		"$(jq '.goroutines | .exited + .live' "$T/sum.json")"
	eq "seed $seed: reasons" "$(jq '[.block[].total_ns] | add' "$T/sum.json")" \
		"$(jq '.state_ns.waiting' "$T/sum.json")"
	eq "seed $seed: sites" "$("$GTSTAT" -q --json --top 0 "$T/r.gtr" | jq '[.sites[].created] | add')" \
		"$(jq '.goroutines.created' "$T/sum.json")"
	eq "seed $seed: two halves make the whole" "$(
		end=$(jq '.from_ns + .span_ns' "$T/sum.json")
		for part in "--to $((end / 2))ns" "--from $((end / 2 + 1))ns"; do
			# shellcheck disable=SC2086
			"$GTSTAT" -q --json $part "$T/r.gtr" | jq .events
		done | jq -s add
	)" "$(jq .events "$T/sum.json")"
	for question in summary goroutines lifetimes blocks runq leaks; do
		"$GTSTAT" -q $question --json "$T/r.gtr" | jq -e . >"$T/out" || fail "$question is no JSON"
		"$GTSTAT" -q $question "$T/r.gtr" >"$T/out" || fail "$question: exit $?"
		LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$T/out" && fail "$question: control characters"
		"$GTSTAT" -q $question --by func --top 3 "$T/r.gtr" >"$T/out" || fail "$question --by func"
	done
	lost=$(jq .lost "$T/sum.json")
	status=0
	"$GTSTAT" -q --max-loss 0 "$T/r.gtr" >"$T/out" 2>&1 || status=$?
	eq "seed $seed: --max-loss 0 with $lost lost" $status $((lost > 0))
	status=0
	"$GTSTAT" -q --max-loss "$lost" "$T/r.gtr" >"$T/out" || status=$?
	eq "seed $seed: --max-loss $lost" $status 0
done

# The same from a stream.
"$GTSTAT" -q --json - <"$T/r.gtr" | cmp - "$T/sum.json"

# A cut file: what could be read is shown, exit 3.
"$sample" random 9 60000 "$T/r.gtr"
status=0
head -c "$(($(stat -c %s "$T/r.gtr") / 2))" "$T/r.gtr" >"$T/cut.gtr"
"$GTSTAT" -q --json "$T/cut.gtr" >"$T/out" 2>"$T/err" || status=$?
eq "exit status for a cut file" $status 3
jq -e '.events > 0' "$T/out" >/dev/null || fail "nothing of a cut file was shown"
status=0
"$GTSTAT" /etc/passwd >"$T/out" 2>&1 || status=$?
eq "exit status for no trace" $status 3
for args in nonsense\ x.gtr "--by colour" "--over 7" "summary a b"; do
	status=0
	# shellcheck disable=SC2086
	"$GTSTAT" $args >"$T/out" 2>&1 || status=$?
	eq "exit status of '$args'" $status 2
done
"$GTSTAT" --help | grep -q "gtstat leaks" || fail "--help has no examples"

# Threads: worked out by hand from the golden trace's events (make_golden.py).
"$GTSTAT" sched --json tests/golden/threads.gtr >"$T/out"
eq "threads, their times" "$(jq -c '[.threads[] | [.tid, .ns.on_cpu, .ns.ready, .ns.asleep, .ns.blocked, .ns.stopped, .slices, .not_told]]' "$T/out")" \
	'[[7,335000,145000,480000,10000,0,4,1],[8,30000,10000,250000,0,550000,2,0]]'
eq "a running goroutine without a CPU" "$(jq -c '[.running_ns.ready, .running_ns.blocked, .running_ns.asleep]' "$T/out")" '[45000,10000,0]'
eq "waits for a CPU" "$(jq -c '[.thread.runq.wait | .count, .p50, .max]' "$T/out")" '[6,5000,50000]'
"$GTSTAT" --json tests/golden/threads.gtr >"$T/out"
eq "the summary's keys" "$(jq -c '[.thread.runq.wait.p99, .faults.major.count, .faults.major.rate]' "$T/out")" '[50000,1,1000]'
"$GTSTAT" sched --json --from 320us --to 392us tests/golden/threads.gtr >"$T/out"
eq "clipped to a span" "$(jq -c '[.threads[] | select(.tid == 7).ns | .on_cpu, .ready, .blocked]' "$T/out")" '[40000,22000,10000]'
"$GTSTAT" sched "$T/r.gtr" | grep -q -- '--events=sched' || fail "sched does not say what to record"
eq "nothing recorded" "$("$GTSTAT" --json "$T/r.gtr" | jq -c '[.thread.runq.wait.p50, .faults.major.count, .faults.major.rate]')" '[null,null,null]'
