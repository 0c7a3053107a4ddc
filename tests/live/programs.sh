#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Programs that we did not write, as their users run them: a web server and a container daemon
# under load (attached), the same web server, kubectl, the go tool building something and a module
# built from the proxy (launched). No event is lost, or each one is accounted for; no goroutine's history is
# impossible; entry functions and creation sites have names though most of them are stripped.
# timeout: 600
. "$(dirname "$0")/../lib.sh"
need_bpf
need caddy curl kubectl

# check NAME TRACE LEAST: LEAST events, and what must be true of every trace.
check() {
	local name=$1 trace=$2 least=$3 rc=0
	"$GTREPLAY" --verify "$trace" >"$T/$name.verify" || rc=$?
	[ $rc = 0 ] || fail "$name: --verify gives $rc: $(cat "$T/$name.verify")"
	"$GTSTAT" summary --json "$trace" >"$T/$name.json"
	"$GTSTAT" goroutines --json "$trace" >"$T/$name.gor"
	python3 - "$name" "$T/$name.json" "$T/$name.gor" "$least" <<'PY' || fail "$name"
import json, sys
name, summary, gor, least = sys.argv[1:]
s = json.load(open(summary))
rows = [json.loads(x) for x in open(gor)]
assert s["events"] >= int(least), f"only {s['events']} events"
assert s["lost"] == 0, f"{s['lost']} events lost with default buffers"
nameless = [r for r in rows if not r["func"]]
# Only who was there at the attach, and gone before the snapshot could read it, has no name.
for r in nameless:
    assert r["created_ns"] is None and r["ended_ns"] is not None, f"no function: {r}"
assert len(nameless) <= 0.1 * len(rows), f"{len(nameless)} of {len(rows)} without a function"
sites = [r for r in rows if not r["system"] and r["site"] and r["site"].rsplit(":", 1)[-1].isdigit()]
own = [r for r in rows if not r["system"] and r["func"] != "runtime.main" and r["parent"]]
assert len(sites) >= len(own), f"{len(own) - len(sites)} of {len(own)} without a creation site"
print(f"{name}: {s['events']} events, {len(rows)} goroutines, 0 lost")
PY
}

# Caddy serves files to clients that come and go; attached while it works.
mkdir -p "$T/www"
head -c 20000 /dev/urandom >"$T/www/file"
export XDG_DATA_HOME=$T/caddy XDG_CONFIG_HOME=$T/caddy
start caddy file-server --root "$T/www" --listen 127.0.0.1:18089 >"$T/caddy.log" 2>&1
caddy=$PID
wait_for 20 curl -sf -o "$T/got" http://127.0.0.1:18089/file
load() {
	for _ in $(seq 100); do
		curl -sf -o "$T/got.$1" http://127.0.0.1:18089/file
	done
}
"$GTREC" -q -d 4s -o "$T/caddy.gtr" -p "$caddy" &
rec=$!
for i in 1 2 3; do load "$i" & done
wait "$rec"
check caddy "$T/caddy.gtr" 1000
"$GTREPLAY" --at -10ms "$T/caddy.gtr" >"$T/caddy.at"
grep -q '^goroutine 1 \[' "$T/caddy.at" || fail "caddy: main is not in the state at the end"
grep -q 'net/http' "$T/caddy.at" || fail "caddy: no stack shows net/http"

# The same, launched, and ended by its own SIGTERM.
"$GTREC" -q -o "$T/caddy2.gtr" -- caddy file-server --root "$T/www" --listen 127.0.0.1:18091 >"$T/caddy2.log" 2>&1 &
rec=$!
PIDS+=("$rec")
wait_for 20 curl -sf -o "$T/got" http://127.0.0.1:18091/file
clients=()
for i in 1 2; do
	for _ in $(seq 30); do curl -sf -o "$T/got.$i" http://127.0.0.1:18091/file; done &
	clients+=($!)
done
for i in "${clients[@]}"; do wait "$i" || fail "caddy does not serve under gtrec"; done
kill -TERM "$(cat /proc/"$rec"/task/"$rec"/children)"
rc=0
wait "$rec" || rc=$?
eq "caddy's status after SIGTERM" $rc 0
check caddy2 "$T/caddy2.gtr" 1000
"$GTSTAT" goroutines "$T/caddy2.gtr" >"$T/caddy2.txt"
grep -q 'net/http' "$T/caddy2.txt" || fail "caddy: no goroutine of net/http"

# kubectl, which needs no cluster for this.
"$GTREC" -q -o "$T/kubectl.gtr" -- kubectl version --client >"$T/kubectl.out"
grep -q 'Client Version' "$T/kubectl.out" || fail "kubectl does not print its version under gtrec"
check kubectl "$T/kubectl.gtr" 50

# containerd, asked by its client; attached.
if command -v containerd >/dev/null; then
	cat >"$T/containerd.toml" <<-TOML
		version = 2
		root = "$T/ctrd-root"
		state = "$T/ctrd-state"
		[grpc]
		  address = "$T/ctrd.sock"
		[ttrpc]
		  address = "$T/ctrd.ttrpc"
	TOML
	start containerd -c "$T/containerd.toml" >"$T/containerd.log" 2>&1
	containerd=$PID
	wait_for 30 ctr -a "$T/ctrd.sock" version
	"$GTREC" -q -d 4s -o "$T/containerd.gtr" -p "$containerd" &
	rec=$!
	clients=()
	for i in 1 2 3; do
		for _ in $(seq 12); do
			ctr -a "$T/ctrd.sock" namespaces ls >"$T/ctr.out.$i"
			ctr -a "$T/ctrd.sock" namespaces label default "loop=$i"
			ctr -a "$T/ctrd.sock" images ls >"$T/ctr.out.$i"
		done &
		clients+=($!)
	done
	wait "$rec"
	for i in "${clients[@]}"; do wait "$i" || fail "a client of containerd failed"; done
	check containerd "$T/containerd.gtr" 500
	"$GTREC" -q -o "$T/ctr.gtr" -- ctr -a "$T/ctrd.sock" version >"$T/ctr.out"
	grep -q Version "$T/ctr.out" || fail "ctr does not print its version under gtrec"
	check ctr "$T/ctr.gtr" 100
else
	fail "containerd is not installed"
fi

# The go tool building a program, its compilers with it.
goroot=$(tests/scripts/go env GOROOT)
export GOFLAGS=-buildvcs=false GOCACHE=$T/gocache
"$GTREC" -q -f -o "$T/go.gtr" -- "$goroot/bin/go" build -C tests/subjects -o "$T/built" ./pingpong
[ -x "$T/built" ] || fail "the go tool built nothing under gtrec"
check go "$T/go.gtr" 3000

# A module from the proxy, built as its users would, doing its job.
GOBIN=$T/bin tests/scripts/go install github.com/rakyll/hey@v0.1.4
start python3 -m http.server --bind 127.0.0.1 -d "$T/www" 18090 >"$T/py.log" 2>&1
wait_for 10 curl -sf -o "$T/got" http://127.0.0.1:18090/file
"$GTREC" -q -o "$T/hey.gtr" -- "$T/bin/hey" -n 300 -c 10 http://127.0.0.1:18090/file >"$T/hey.out"
grep -q '\[200\].*300 responses' "$T/hey.out" || fail "hey: $(cat "$T/hey.out")"
check hey "$T/hey.gtr" 1500
"$GTSTAT" goroutines "$T/hey.gtr" >"$T/hey.txt"
grep -q 'requester' "$T/hey.txt" || fail "hey: its workers are not named"
