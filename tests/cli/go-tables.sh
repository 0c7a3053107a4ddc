#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The tables of record/golang are what the toolchains that are here say: made again, row by row.
# timeout: 900
. "$(dirname "$0")/../lib.sh"

need python3
have=$(tests/scripts/go-have) || skip "no go >= 1.21"
# shellcheck disable=SC2086 # one word a version
out=$(tests/scripts/gen-go-tables -o "$T" $have 2>&1) || {
	status=$?
	[ $status != 77 ] || skip "$out"
	fail "$out"
}

python3 - "$T" record/golang <<'PY' || fail "run tests/scripts/gen-go-tables, and look at the difference"
import re
import sys

made, kept = sys.argv[1:]
ROW = {"offsets.inc": r"\{ (\d+), \{.*?\} \},\n", "reasons.inc": r"static const char \*const reasons_(\d+).*?\n\};\n"}
rows = 0
for name, pattern in ROW.items():
    def read(folder):
        with open(f"{folder}/{name}", encoding="utf-8") as f:
            return [(m[1], m[0]) for m in re.finditer(pattern, f.read(), re.S)]
    table = dict(read(kept))
    for minor, row in read(made):
        rows += 1
        if table.get(minor) != row:
            sys.exit(f"{name}: Go 1.{minor} differs; the toolchain says:\n{row}")
if rows < 2:
    sys.exit("nothing was compared")
print(f"{rows} rows agree")
PY
