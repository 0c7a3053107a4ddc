#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# docs/FORMAT.md tells the truth: its example is, byte by byte, what the writer writes, and it
# names every kind, field and column of format/spec.h with its number.
. "$(dirname "$0")/../lib.sh"

need python3
DUMP=$O/tests/golden/gtdump
[ -x "$DUMP" ] || skip "gtdump is not built: make unit"

"$DUMP" -x "$T/example.gtr"
python3 - "$T/example.gtr" <<'PY'
import re
import sys

doc = open("docs/FORMAT.md", encoding="utf-8").read()
spec = open("format/spec.h", encoding="utf-8").read()
want = open(sys.argv[1], "rb").read()

got = b""
for line in re.search(r"```hexdump\n(.*?)```", doc, re.S).group(1).splitlines():
    if not line.strip():
        continue
    offset, data = re.match(r"([0-9a-f]{4})  ((?:[0-9a-f]{2} )*[0-9a-f]{2}) +\|", line).groups()
    if int(offset, 16) != len(got):
        sys.exit(f"fail: the hex dump jumps at {offset}")
    got += bytes.fromhex(data)
if got != want:
    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    sys.exit(f"fail: the hex dump and the writer differ at {at:#x} ({len(got)} and {len(want)} bytes)")

rows = {tuple(c.strip() for c in line.split("|")[1:4]) for line in doc.splitlines() if line.startswith("|")}
pairs = {r[:2] for r in rows}
missing = []
for name, number, enc, param in re.findall(r"F\((\w+), (\d+), (\w+), (\d+)\)", spec):
    if not any(r[0] == number and r[1] == name and r[2].split()[0] == enc for r in rows):
        missing.append(f"field {name} {number} {enc}")
for name, number in re.findall(r"GT_K_(\w+) = (\d+)", spec):
    if name != "PRIVATE" and (number, name) not in pairs:
        missing.append(f"kind {name} {number}")
for name, number in re.findall(r"GT_C_(\w+) = (\d+)", spec):
    if name != "COUNT" and (number, name) not in pairs:
        missing.append(f"column {name} {number}")
for name, number in re.findall(r"GT_M_(\w+) = (\d+)", spec):
    if not any(r[0] == number and r[1].split(",")[0] in ("number", "text") for r in rows):
        missing.append(f"META tag {name} {number}")
if missing:
    sys.exit("fail: docs/FORMAT.md does not have " + ", ".join(missing))
PY
