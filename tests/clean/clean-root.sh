#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# README's two commands on a Debian 12 that has nothing of ours: debootstrap makes a minimal root,
# git, make and certificates go in, then `make demo` and `make check` must get all else themselves.
# Runs in CI, and by `make check-clean`. GT_CLEAN_ROOT=DIR keeps the root there for a second run.
# timeout: 2700
. "$(dirname "$0")/../lib.sh"
need_bpf
need debootstrap git

root=${GT_CLEAN_ROOT:-$T/root}
mounts=()
unmount() {
	local m
	for m in ${mounts[@]+"${mounts[@]}"}; do
		umount -l "$m" || true
	done
	mounts=()
}
trap 'unmount; end_all' EXIT

# Where this machine's own Debian packages come from.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -1)
[ -n "$mirror" ] || skip "this is not Debian 12"
if [ ! -x "$root/usr/bin/git" ]; then
	debootstrap --variant=minbase --include=ca-certificates,git,make bookworm "$root" "$mirror" \
		>"$T/debootstrap.log" 2>&1 || fail "debootstrap: $(tail -3 "$T/debootstrap.log")"
	# The certificates and resolver that this machine's network needs.
	cp -a /etc/ssl/certs/. "$root/etc/ssl/certs/"
	cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
	mkdir -p "$root/usr/local/share/ca-certificates"
	cp -a /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
fi
rm -rf "$root/home/gtrace"
mkdir -p "$root/home"
git clone -q "$TOP" "$root/home/gtrace"
for m in proc sys dev dev/shm; do
	mkdir -p "$root/$m"
	mount --rbind "/$m" "$root/$m"
	mount --make-rslave "$root/$m"
	mounts=("$root/$m" ${mounts[@]+"${mounts[@]}"})
done

# in_root COMMAND...: with an environment of a fresh login, and CI's demand that no live test skips.
in_root() {
	chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		${CI:+GT_REQUIRE_LIVE=1} /bin/sh -c "cd /home/gtrace && $*"
}

in_root make demo >"$T/demo.log" 2>&1 || fail "make demo: $(tail -25 "$T/demo.log")"
grep -q '^LEAK .*fetchPrice\|^LEAK ' "$T/demo.log" || fail "the demo names no leak: $(tail -60 "$T/demo.log")"
grep -q 'demoservice/main.go:[0-9]' "$T/demo.log" || fail "the demo names no line of the service"
grep -q '^LOCK ' "$T/demo.log" || fail "the demo names no lock"
for f in trace.gtr trace.json summary.txt; do
	[ -s "$root/home/gtrace/demo-out/$f" ] || fail "the demo left no $f"
done
in_root make check >"$T/check.log" 2>&1 || fail "make check: $(tail -60 "$T/check.log")"
tail -1 "$T/check.log"
