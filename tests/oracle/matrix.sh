#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The oracle over everything: each ordeal of selftrace on each line of Go, both witnesses of each
# run compared. `matrix.sh --document` also writes the table into docs/PROBES.md; else the one
# there must have the same rows and columns. GT_MATRIX_GO picks lines, GT_MATRIX ordeals.
# timeout: 2400
. "$(dirname "$0")/../lib.sh"
need_bpf
need jq

lines=${GT_MATRIX_GO:-1.17 1.18 1.19 1.20 1.21 1.22 1.23 1.24 1.25 1.26}
out=$O/test-logs/matrix
mkdir -p "$out" "$O/tests/oracle"
rm -f "$out"/*
compare=$O/tests/oracle/compare
GOTOOLCHAIN=auto tests/scripts/go -C tests/oracle/compare build -o "$compare" .

# ordeal NAME: the rows. Sets how the program is built and started, and what it goes through.
ordeal() {
	env=() load=$1 option=()
	case $1 in
	cgo | threads) option=(cgo) ;;
	procs1) env=(GOMAXPROCS=1) load=storm,spin,locks,syscall,net ;;
	procs16) env=(GOMAXPROCS=16) load=storm,gc,locks,timers,deep ;;
	noasync) env=(GODEBUG=asyncpreemptoff=1) load=spin,gc,deep ;;
	synctest) if [ "$2" = 1.24 ]; then option=(synctest); fi ;;
	esac
}
rows="many deep spin noasync storm locks timers net syscall panics gc world procs1 procs16 cgo threads"
rows="$rows synctest"

# told LINE NAME: whether Go's own tracer can tell of it. Up to Go 1.19, and again in 1.21, it
# writes traces with threads of C in them that no reader can put in order.
told() {
	case $2-$1 in
	threads-1.17 | threads-1.18 | threads-1.19 | threads-1.21) return 1 ;;
	esac
}

# exists LINE NAME: whether that Go has what the ordeal is about.
exists() {
	local minor=${1#1.}
	case $2 in
	iterpull) [ "$minor" -ge 23 ] ;;
	synctest) [ "$minor" -ge 24 ] ;;
	esac
}

# facts RUN: where the tracer cannot tell, the program's own count can: each call from a thread
# of C is one return of a goroutine without entry function from a system call.
facts() {
	local called seen
	called=$(jq -r '."called from threads of C" // empty' "$1.out")
	seen=$("$GTREPLAY" --json "$1.gtr" |
		jq -n 'reduce (inputs | select(.from == "syscall" and .func == null and
			(.to == "running" or .to == "runnable"))) as $x (0; . + 1)')
	"$GTREPLAY" --verify "$1.gtr" >"$1.verify" || { cat "$1.verify"; return 1; }
	echo "$called calls from threads of C, $seen returns into Go"
	[ "$called" = "$seen" ]
}

# judge LINE NAME RUN: one line of $out/results.
judge() {
	local status=0 last
	if told "$1" "$2"; then
		"$GTREPLAY" --json "$3.gtr" |
			"$compare" -p99 0 -dump "$3.dump" "$3.trace" /dev/stdin >"$3.log" 2>&1 || status=1
	else
		facts "$3" >"$3.log" 2>&1 || status=1
	fi
	last=$(tail -n 1 "$3.log")
	printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$status" "$last" >>"$out/results"
	grep ' by rule: ' "$3.log" >>"$out/rules" || true
	echo "== $1 $2: $last"
	[ $status = 0 ] || sed -n '/^MISMATCH/,$p' "$3.log" | cut -c 1-200
	if [ $status = 0 ]; then
		rm -f "$3".*
	fi
}

# table: what came of it, as docs/PROBES.md has it.
table() {
	awk -F '\t' -v lines="$lines" -v rows="$rows" '
		{ cell[$2, $1] = $4 + 0 }
		$4 ~ /^[0-9]+ changes/ { total[$1] += $4; all += $4; n = split($4, w, " "); bad += w[n - 1] }
		$4 ~ /^[0-9]+ calls/ { cell[$2, $1] = $4 + 0 " calls" }
		END {
			n = split(lines, line, " ")
			m = split(rows, row, " ")
			printf "| ordeal |"
			for (i = 1; i <= n; i++) printf " %s |", line[i]
			printf "\n| --- |"
			for (i = 1; i <= n; i++) printf " --- |"
			for (j = 1; j <= m; j++) {
				printf "\n| %s |", row[j]
				for (i = 1; i <= n; i++) printf " %s |", cell[row[j], line[i]]
			}
			printf "\n| all |"
			for (i = 1; i <= n; i++) printf " %s |", total[line[i]]
			printf "\n\n%d changes of state in %d runs, %d mismatches.\n\n", all, NR, bad
		}' "$out/results"
	printf '| explained by rule | times |\n| --- | --- |\n'
	awk '{ n = $1; sub(/^ *[0-9]+ by rule: /, ""); sum[$0] += n }
		END { for (r in sum) printf "| %s | %d |\n", r, sum[r] }' "$out/rules" | LC_ALL=C sort
}

# heads: rows and columns only, and the rules; the figures differ from run to run.
heads() {
	awk -F ' *[|] *' '/^\| ordeal/ { print } /^\|/ { print $2 }'
}

: >"$out/rules"
judging=
for line in $lines; do
	for name in ${GT_MATRIX:-$rows}; do
		exists "$line" "$name" || continue
		ordeal "$name" "$line"
		program=$(subject selftrace "$line" ${option[@]+"${option[@]}"})
		run=$out/$line-$name
		env ${env[@]+"${env[@]}"} "$GTREC" -q -o "$run.gtr" -- "$program" -load "$load" -trace "$run.trace" \
			-dump "$run.dump" >"$run.out"
		# The next one is recorded while this one is judged.
		[ -z "$judging" ] || wait "$judging"
		judge "$line" "$name" "$run" &
		judging=$!
	done
done
wait "$judging"

bad=$(awk -F '\t' '$3 != 0' "$out/results" | wc -l)
[ "$bad" = 0 ] || fail "$bad of $(wc -l <"$out/results") runs differ; see $out"

table | tee "$out/table.md"
[ -z "${GT_MATRIX_GO:-}${GT_MATRIX:-}" ] || exit 0
documented=$(sed -n '/^<!-- matrix -->$/,/^<!-- matrix ends -->$/p' docs/PROBES.md | sed '1d;$d')
if [ "${1:-}" = --document ]; then
	sed -e "/^<!-- matrix -->\$/r $out/table.md" -e '/^<!-- matrix -->$/,/^<!-- matrix ends -->$/ {
		/^<!-- matrix/!d
	}' docs/PROBES.md >"$out/PROBES.md"
	cp "$out/PROBES.md" docs/PROBES.md
else
	# Not every rule is needed in every run.
	undocumented=$(heads <"$out/table.md" | grep -vxFf <(heads <<<"$documented") || true)
	[ -z "$undocumented" ] || fail "not in docs/PROBES.md: $undocumented"
fi
