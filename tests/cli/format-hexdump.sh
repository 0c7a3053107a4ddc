#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The format's definition tells the truth: docs/FORMAT-EXAMPLE.md is, byte by byte, what the writer
# writes, and docs/FORMAT.md names every kind, field, column and value of the headers by number.
. "$(dirname "$0")/../lib.sh"

need python3
DUMP=$O/tests/golden/gtdump
[ -x "$DUMP" ] || skip "gtdump is not built: make unit"

"$DUMP" -x "$T/example.gtr"
python3 - "$T/example.gtr" <<'PY'
import re
import sys

doc = open("docs/FORMAT.md", encoding="utf-8").read()
example = open("docs/FORMAT-EXAMPLE.md", encoding="utf-8").read()
spec = open("format/spec.h", encoding="utf-8").read()
model = open("format/model.h", encoding="utf-8").read()
engine = open("replay/engine/engine.h", encoding="utf-8").read()
want = open(sys.argv[1], "rb").read()

got = b""
for line in re.search(r"```hexdump\n(.*?)```", example, re.S).group(1).splitlines():
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


def values(text, prefix):
    """NAME -> number, as an enum or as #defines."""
    return re.findall(rf"\b{prefix}_(\w+)\s*(?:=\s*|(?:\\\s*)?)(0x[0-9a-f]+|\d+)", text)


# Each list has a table of its own, behind the paragraph that names it: the same rows, no other.
for title, text, prefix in (
        ("**Kinds of events.**", model, "GT_EV"), ("**Status**", model, "GT_G"),
        ("**State**", engine, "GT_S"), ("**Flags of a state**", model, "GT_KF"),
        ("**Flags of an event:**", model, "GT_EVF"), ("**Flags of a goroutine**", model, "GT_GF"),
        ("**Roles of a pc**", model, "GT_RA"), ("**Causes of a loss**", model, "GT_LOSS"),
        ("**Ends of a process**", model, "GT_PE"), ("**Ends of a trace**", model, "GT_END")):
    if doc.count("\n" + title) != 1:
        sys.exit(f"fail: docs/FORMAT.md has not one paragraph {title}")
    table = doc.split("\n" + title)[1].split("\n\n")[1]
    told = {tuple(c.strip() for c in line.split("|")[1:3]) for line in table.splitlines()[2:]}
    true = {(number, name) for name, number in values(text, prefix)}
    if len(true) < 4:
        sys.exit(f"fail: {prefix}_* are not found in the headers")
    if told != true:
        sys.exit(f"fail: docs/FORMAT.md, {title}: differs in {sorted(told ^ true)}")
if missing:
    sys.exit("fail: docs/FORMAT.md does not have " + ", ".join(missing))
PY
