# SPDX-License-Identifier: BSD-2-Clause
# What test scripts share; source it first: `. "$(dirname "$0")/../lib.sh"`.
# The runner sets TOP, O (build tree) and T (a directory of the test's own); by hand they
# default, and T is removed at the end.
# shellcheck shell=bash
set -euo pipefail

TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
O=${O:-$TOP/build/release}
case $O in /*) ;; *) O=$TOP/$O ;; esac
export TOP O
cd "$TOP"
if [ -z "${T:-}" ]; then
	T=$(mktemp -d)
	export T
	# Processes started with `start` are ended by their ids before.
	trap 'end_all; rm -rf "$T"' EXIT
else
	trap 'end_all' EXIT
fi
trap 'exit 143' TERM
trap 'exit 130' INT

GTREC=$O/gtrec GTREPLAY=$O/gtreplay GTSTAT=$O/gtstat GTEXPORT=$O/gtexport
export GTREC GTREPLAY GTSTAT GTEXPORT

fail() {
	printf 'fail: %s\n' "$*"
	exit 1
}

# skip REASON: this machine cannot run the test.
skip() {
	printf 'skip: %s\n' "$*"
	exit 77
}

# need COMMAND...: skips where one is not installed.
need() {
	local c
	for c in "$@"; do
		command -v "$c" >/dev/null 2>&1 || skip "$c is not installed"
	done
}

# need_bpf: skips where this user or kernel cannot load BPF programs.
need_bpf() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -e /sys/bus/event_source/devices/uprobe/type ] || skip "the kernel has no uprobe PMU"
}

PIDS=()
# start COMMAND...: in the background; its id is then in $PID. Ended with the test.
start() {
	"$@" &
	PID=$!
	PIDS+=("$PID")
}

end_all() {
	local p
	for p in ${PIDS[@]+"${PIDS[@]}"}; do
		kill "$p" 2>/dev/null || true
	done
	for p in ${PIDS[@]+"${PIDS[@]}"}; do
		wait "$p" 2>/dev/null || true
	done
	PIDS=()
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when the time is over.
wait_for() {
	local limit=$1 end
	shift
	end=$((SECONDS + limit))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "still not after $limit s: $*"
		sleep 0.05
	done
}

# eq WHAT GOT WANTED
eq() {
	[ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

# subject NAME [GOVERSION] [OPTION...]: builds a program of tests/subjects, prints its path.
subject() {
	tests/scripts/subject "$@"
}

# viewer_dir: where a Go toolchain (>= 1.22) keeps its trace viewer; fetches one if need be.
viewer_dir() {
	local chain dir
	for chain in local go1.26.0; do
		dir=$(GOTOOLCHAIN=$chain tests/scripts/go env GOROOT)/src/internal/trace/traceviewer/static
		if [ -s "$dir/trace_viewer_full.html" ]; then
			echo "$dir"
			return
		fi
	done
	fail "no Go toolchain with a trace viewer"
}
