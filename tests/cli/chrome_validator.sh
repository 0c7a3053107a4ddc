#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The validator that judges our exports must know a bad file when it sees one.
. "$(dirname "$0")/../lib.sh"

tests/scripts/chrome_validate.py --self-test
echo '[{"ph":"X"}]' >"$T/bad.json"
if tests/scripts/chrome_validate.py "$T/bad.json"; then
	fail "a slice without a time passed"
fi
