#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gtreplay on traces whose every event is known (tests/unit/sample_trace.h).
. "$(dirname "$0")/../lib.sh"
need jq

"$O/tests/unit/test_replay_file" write "$T"

# run STATUS ARG...: gtreplay's output is then in $T/out and $T/err.
run() {
	local want=$1 got=0
	shift
	"$GTREPLAY" "$@" >"$T/out" 2>"$T/err" || got=$?
	[ "$got" = "$want" ] || fail "gtreplay $*: exit $got, not $want: $(cat "$T/err")"
}

has() {
	grep -qF -- "$1" "$T/out" || fail "no '$1' in: $(cat "$T/out")"
}

hasnot() {
	! grep -qF -- "$1" "$T/out" || fail "'$1' is in: $(cat "$T/out")"
}

# ---- the log ----
run 0 "$T/pool.gtr"
eq "lines" "$(grep -vc '^ *#' "$T/out")" 17
grep -qE '^0\.003000000 +1 +101 +P1 +18 main\.worker +running -> waiting +chan receive$' "$T/out" ||
	fail "the log's line of a park: $(cat "$T/out")"
grep -qE 'waiting -> runnable +by 1$' "$T/out" || fail "no waker"
eq "stderr" "$(cat "$T/err")" ""
(cd "$T" && cp pool.gtr trace.gtr && "$GTREPLAY" | cmp -s - out) || fail "trace.gtr is not the default"
"$GTREPLAY" - <"$T/pool.gtr" | cmp -s - "$T/out" || fail "stdin reads differently"
# shellcheck disable=SC2002
cat "$T/pool.gtr" | "$GTREPLAY" - | cmp -s - "$T/out" || fail "a pipe reads differently"

# ---- JSON ----
run 0 --json "$T/pool.gtr"
eq "JSON lines" "$(jq -s length "$T/out")" 17
eq "a creation" "$(jq -c 'select(.goid == 18 and .from == "idle")
	| [.t_ns, .cpu, .tid, .to, .parent, .func, .site, .p]' "$T/out")" \
	'[1000000,0,100,"runnable",1,"main.worker","main.main /src/pool/main.go:31",0]'
eq "a park" "$(jq -c 'select(.goid == 18 and .to == "waiting") | [.t_ns, .reason, .stack]' "$T/out")" \
	'[3000000,"chan receive",["main.worker /src/pool/main.go:42"]]'
eq "a syscall" "$(jq -c 'select(.to == "syscall") | [.t_ns, .in]' "$T/out")" \
	'[15000000,"syscall.read /usr/lib/go/src/syscall/zsyscall_linux_amd64.go:736"]'
eq "in only with a syscall" "$(jq -c 'select(.to != "syscall" and has("in"))' "$T/out")" ""
eq "a wake-up" "$(jq -c 'select(.goid == 18 and .from == "waiting") | [.t_ns, .to, .waker]' "$T/out")" \
	'[13000000,"runnable",1]'
eq "an exit" "$(jq -c 'select(.to == "dead") | [.t_ns, .goid]' "$T/out")" '[20000000,18]'
run 0 --json "$T/loss.gtr"
eq "a loss" "$(jq -c 'select(has("lost")) | [.lost, .cpu, .t0_ns, .t1_ns, .cause]' "$T/out")" \
	'[120,1,6000000,9000000,"ring full"]'
grep -q '120 events were lost' "$T/err" || fail "stderr does not tell the loss"
eq "what follows a loss" "$(jq -c 'select(.t_ns == 13000000) | .uncertain' "$T/out")" true
run 0 "$T/loss.gtr"
has 'LOST 120 events on cpu 1 in 3.00ms (ring full)'

# ---- restrictions ----
run 0 --json --from 4ms --to 13ms "$T/pool.gtr"
eq "from and to" "$(jq -s 'length' "$T/out")" 4
run 0 --json --from -1s "$T/pool.gtr"
eq "from the end" "$(jq -sc '[.[].t_ns]' "$T/out")" '[65000000000]'
run 0 --json --from 2023-11-14T22:13:20.004Z --to 13ms "$T/pool.gtr"
eq "by the clock" "$(jq -s 'length' "$T/out")" 4
run 0 --json -g 18,19 "$T/pool.gtr"
eq "-g" "$(jq -sc '[.[].goid] | unique' "$T/out")" '[18,19]'
run 0 --json -g 4711:18 "$T/pool.gtr"
eq "-g PID:GOID" "$(jq -s 'length' "$T/out")" 8
run 0 --json --func '^main\.worker$' --state syscall "$T/pool.gtr"
eq "--func, --state" "$(jq -s 'length' "$T/out")" 2
run 0 --json --reason 'CHAN receive' "$T/pool.gtr"
eq "--reason" "$(jq -s 'length' "$T/out")" 3
run 0 --json --site 'main.go:31' --process 4711 "$T/pool.gtr"
eq "--site" "$(jq -s 'length' "$T/out")" 14
run 2 --from 2s --to 1s "$T/pool.gtr"
run 2 --func '(' "$T/pool.gtr"
run 2 --state asleep "$T/pool.gtr"
run 2 "$T/pool.gtr" "$T/loss.gtr"
run 2 --no-such-option
for bad in "--verify -g 1" "--verify --from 1s" "--verify --at 1s" "--at 1s --from 0" "--at 1s --follow" --system; do
	# shellcheck disable=SC2086
	run 2 $bad "$T/pool.gtr"
	grep -qE -- "$(echo "$bad" | grep -oE -- '--[a-z]+' | head -1) " "$T/err" || fail "$bad: $(cat "$T/err")"
	eq "$bad" "$(cat "$T/out")" ""
done
# A slip looks like an empty answer: both tools say what was not met, and a message has no file's
# name that needs none, or twice.
for bad in "--process 1" "--func nosuch" "--site nosuch" "-g 4711:999 --json"; do
	# shellcheck disable=SC2086
	run 0 $bad "$T/pool.gtr"
	grep -q 'no goroutine here is what' "$T/err" || fail "$bad: $(cat "$T/err")"
	# shellcheck disable=SC2086
	"$GTSTAT" $bad "$T/pool.gtr" 2>&1 >/dev/null | grep -q 'no goroutine here is what' || fail "gtstat $bad"
	# shellcheck disable=SC2086
	run 0 -q $bad "$T/pool.gtr"
	eq "$bad -q" "$(cat "$T/err")" ""
done
run 0 --reason nosuch "$T/pool.gtr"
grep -q 'no goroutine here was in a state' "$T/err" || fail "--reason: $(cat "$T/err")"
run 2 --state asleep "$T/pool.gtr"
! grep -q pool.gtr "$T/err" || fail "a slip is said to be the file's: $(cat "$T/err")"
run 4 "$T/nothing.gtr"
eq "how often the file is named" "$(grep -o nothing.gtr "$T/err" | wc -l)" 1
run 0 --help
has 'gtreplay --at'
run 0 --version
eq "one line" "$(wc -l <"$T/out")" 1

# ---- all goroutines at a time, as Go prints them ----
run 0 --at 10ms "$T/pool.gtr"
cat >"$T/want" <<'END'
goroutine 1 [running]:
	goroutine running on other thread; stack unavailable
main.main(...)
	/src/pool/main.go:20

goroutine 18 [chan receive]:
main.worker(...)
	/src/pool/main.go:42
created by main.main in goroutine 1
	/src/pool/main.go:31

goroutine 19 [chan receive]:
main.worker(...)
	/src/pool/main.go:42
created by main.main in goroutine 1
	/src/pool/main.go:31
END
diff -u "$T/want" "$T/out" || fail "--at 10ms"
grep -q "1 of the runtime's own" "$T/err" || fail "no word about the system goroutine"
run 0 --at 10ms --system "$T/pool.gtr"
has 'goroutine 2 [GC sweep wait]:'
run 0 --at 64999ms "$T/pool.gtr"
has 'goroutine 19 [chan receive, 1 minutes]:'
hasnot 'goroutine 18'
run 0 --at -0s "$T/pool.gtr"
has 'goroutine 1 [sleep]:'
run 0 --at 10ms --state running "$T/pool.gtr"
eq "--at --state" "$(grep -c '^goroutine' "$T/out")" 1
run 0 --at 10ms --json "$T/pool.gtr"
eq "--at --json" "$(jq -c '.t_ns, (.goroutines[] | select(.goid == 18)
	| [.state, .reason, .since_ns, .in_state_ns, .func, .parent, .stack[0].line])' "$T/out" | paste -sd' ')" \
	'10000000 ["waiting","chan receive",3000000,7000000,"main.worker",1,42]'
run 0 --at 10ms --json --system "$T/pool.gtr"
eq "what is not known is null" "$(jq -c '.goroutines[0] | [.goid, .func, .site, .parent]' "$T/out")" \
	'[1,"main.main",null,null]'
run 0 --at 10ms "$T/loss.gtr"
has 'goroutine 18 [chan receive, uncertain]:'

# What was so before the trace is known to be at least as old as the tracing of its process.
run 0 --at 61004ms "$T/attached.gtr"
has 'goroutine 7 [chan receive, 1 minutes, since before the trace]:'
has 'goroutine 8 [syscall, 1 minutes, since before the trace]:'
run 0 --at 61004ms --json "$T/attached.gtr"
eq "--at: at least" "$(jq -c '.goroutines[] | [.goid, .since_ns, .in_state_ns, .in_state_longer, .func, .in]' "$T/out" |
	paste -sd' ')" '[7,null,61000000000,true,null,null] '\
'[8,null,61000000000,true,null,"syscall.read /usr/lib/go/src/syscall/zsyscall_linux_amd64.go:736"]'
run 0 --at 10ms --json "$T/pool.gtr"
eq "--at: since then" "$(jq -c '[.goroutines[].in_state_longer] | unique' "$T/out")" '[false]'

# A time from the end counts from the trace's end, not from its last event: that is at 5 ms.
run 0 --at -80s --json "$T/attached.gtr"
eq "--at -80s" "$(jq .t_ns "$T/out")" 120000000000
eq "gtstat --from -80s" "$("$GTSTAT" -q --json --from -80s "$T/attached.gtr" | jq -c '[.from_ns, .span_ns]')" \
	'[120000000000,80000000000]'
run 0 -g 7 --from -80s "$T/attached.gtr"
has 'waiting 1m20s (100.0%)'
"$GTEXPORT" -q --from -80s -o "$T/attached.json" "$T/attached.gtr"
eq "gtexport --from -80s" "$(jq '[.[] | select(.ph == "X" and .name == "chan receive") | .dur] | add' \
	"$T/attached.json")" 80000000

# Where the trace has no answer, it says so, and makes none up.
run 0 --at 99999s --json "$T/pool.gtr"
grep -q 'this is its end' "$T/err" || fail "past the end: $(cat "$T/err")"
cp "$T/out" "$T/past"
run 0 --at -0s --json "$T/pool.gtr"
cmp "$T/past" "$T/out" || fail "--at past the end is not the end"
run 0 --at 2000-01-01T00:00:00Z "$T/loss.gtr"
grep -q 'no goroutine is known at' "$T/err" || fail "before it: $(cat "$T/err") $(cat "$T/out")"

# --at goes by keyframe: the same as the last state that the log tells.
for t in 17 41 77 98; do
	run 0 -q --at "${t}ms" --json "$T/crowd.gtr"
	jq -c '.goroutines[] | [.goid, .state]' "$T/out" | sort >"$T/at"
	"$GTREPLAY" -q --json --to "${t}ms" "$T/crowd.gtr" |
		jq -nc 'reduce inputs as $l ({}; .[$l.goid | tostring] = $l.to) | to_entries[]
			| select(.value != "dead") | [(.key | tonumber), .value]' | sort >"$T/log"
	[ -s "$T/at" ] || fail "nobody is alive at $t ms"
	diff -u "$T/log" "$T/at" >"$T/diff" || fail "--at ${t}ms differs from the log: $(head -20 "$T/diff")"
done

# ---- one life ----
run 0 -g 18 "$T/pool.gtr"
has 'goroutine 18 main.worker'
has 'made by goroutine 1 at main.main /src/pool/main.go:31'
has 'woken by 1 main.main'
has 'in all: runnable 2.00ms (10.5%), running 5.00ms (26.3%), syscall 2.00ms (10.5%), waiting 10.0ms (52.6%); exited'
run 0 -g 1 "$T/pool.gtr"
has 'woke 18 main.worker'
has 'made 19 main.worker'
run 0 -g 19 --from 1s --to 2s "$T/pool.gtr"
has 'waiting 1.00s (100.0%); still there at the end'
run 2 -g 77 "$T/pool.gtr"
grep -q 'no such goroutine' "$T/err" || fail "no word about goroutine 77"

# ---- the audit, and exit statuses ----
run 0 --verify "$T/pool.gtr"
has 'pool.gtr: fine'
run 0 --verify "$T/crowd.gtr"
has ' 0 not as replayed'
run 0 --verify "$T/loss.gtr"
run 1 --verify "$T/impossible.gtr"
has 'impossible history'
has 'lost before'
run 1 --verify --json "$T/impossible.gtr"
eq "verify --json" "$(jq -c '[.verdict, .repairs["lost before"], .damage.bad_blocks]' "$T/out")" \
	'["impossible history",1,0]'
run 3 --verify "$T/open.gtr"
has 'damaged'
run 3 "$T/open.gtr"
[ "$(grep -c 'main' "$T/out")" -ge 10 ] || fail "what could be read of an open file was not shown"
head -c 40000 "$T/crowd.gtr" >"$T/cut.gtr"
run 3 "$T/cut.gtr"
[ "$(wc -l <"$T/out")" -gt 1000 ] || fail "what could be read of a cut file was not shown"
run 3 --at 5ms "$T/cut.gtr"
head -c 150000 "$T/crowd.gtr" >"$T/hole.gtr"
printf 'XXXXXXXXXXXXXXXX' | dd of="$T/hole.gtr" bs=1 seek=60000 conv=notrunc status=none
cp "$T/crowd.gtr" "$T/bad.gtr"
printf 'XXXXXXXXXXXXXXXX' | dd of="$T/bad.gtr" bs=1 seek=60000 conv=notrunc status=none
run 3 --verify "$T/bad.gtr"
run 3 --json "$T/bad.gtr"
# Also what looks away from the damage tells of it: --at goes by the keyframes behind it.
for view in "--at -0s" "--at 1ms" "--from -1ms" "--to 1ms" "--state waiting --from -1ms"; do
	# shellcheck disable=SC2086
	run 3 $view "$T/bad.gtr"
	[ -s "$T/out" ] || fail "$view: nothing was shown"
	grep -q 'bad.gtr. is damaged: ' "$T/err" || fail "$view: no word about the damage: $(cat "$T/err")"
done
head -c 60000 "$T/crowd.gtr" >"$T/short.gtr"
tail -c +90001 "$T/crowd.gtr" >>"$T/short.gtr"
run 3 --at -0s "$T/short.gtr"
run 3 --json "$T/bad.gtr"
jq -se 'map(select(has("lost"))) | length > 0' "$T/out" >/dev/null || fail "damage is no loss in the log"
echo 'not a trace' >"$T/text"
run 3 "$T/text"
run 4 "$T/missing.gtr"
grep -q 'missing.gtr' "$T/err" || fail "the missing file is not named"

# ---- hostile names, late ids, pipes ----
run 0 "$T/late.gtr"
if LC_ALL=C grep -q $'[\001-\010\013-\037]' "$T/out"; then
	fail "control characters reach the terminal"
fi
run 0 --json "$T/late.gtr"
eq "ids told late" "$(jq -sc '[.[] | select(.func | test("evil")) | .goid] | unique' "$T/out")" '[7]'
eq "a hostile name" "$(jq -r 'select(.goid == 7) | .func' "$T/out" | head -1)" $'main.evil\033[31m'
"$GTREPLAY" "$T/crowd.gtr" 2>"$T/err" | head -1 >/dev/null || true
eq "a closed pipe" "$(cat "$T/err")" ""
if "$GTREPLAY" "$T/crowd.gtr" >/dev/full 2>"$T/err"; then
	fail "a full disk went unnoticed"
fi
grep -q 'No space left' "$T/err" || fail "no word about the full disk"

# ---- following ----
: >"$T/grow.gtr"
head -c 30000 "$T/crowd.gtr" >"$T/grow.gtr"
start "$GTREPLAY" --follow "$T/grow.gtr" >"$T/follow"
follower=$PID
wait_for 20 test -s "$T/follow"
tail -c +30001 "$T/crowd.gtr" >>"$T/grow.gtr"
wait "$follower" || fail "--follow did not end well with the trace"
"$GTREPLAY" "$T/crowd.gtr" | cmp - "$T/follow" || fail "--follow shows something else"

# What the kernel does with threads, between what goroutines do on them.
threads=tests/golden/threads.gtr
"$GTREPLAY" "$threads" >"$T/out"
grep -q '0.000300000 .* thread of .* on a CPU -> ready  *preempted  after 150us' "$T/out" || fail "threads: no preemption"
grep -q '0.000400000 .* thread of .* major page fault  address 0x7f0000001000' "$T/out" || fail "threads: no page fault"
grep -q '0.001000000 .* thread  .* asleep .*did not tell' "$T/out" || fail "threads: a switch that was not told"
"$GTREPLAY" --json "$threads" >"$T/out"
eq "threads: changes" "$(grep -c '"thread":' "$T/out")" 19
eq "threads: of a wait for a CPU" "$(grep '"t_ns":340000,' "$T/out")" \
	'{"t_ns":340000,"cpu":0,"pid":0,"tid":7,"goid":0,"thread":"on a CPU","was":"ready","was_ns":40000,"why":"gets a CPU"}'
"$GTREPLAY" --verify --json "$threads" >"$T/out" || fail "threads: $(cat "$T/out")"
grep -q '"threads":{"changes":19,"not_told":1,"unexplained":0}' "$T/out" || fail "threads: $(cat "$T/out")"
"$GTREPLAY" --at 320us "$threads" | grep -q '^goroutine 0 \[running, its thread ready without a CPU for 20.0us\]:' ||
	fail "threads: --at does not tell that the thread had no CPU"
"$GTREPLAY" --at 200us "$threads" | grep -q '^goroutine 0 \[running\]:' || fail "threads: --at of one that has a CPU"
eq "threads: --at 385us" "$("$GTREPLAY" --json --at 385us "$threads" | jq -c '.goroutines[0] | [.state, .thread, .thread_since_ns]')" \
	'["running","blocked",380000]'
