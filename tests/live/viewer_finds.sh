#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The viewer's harness fails where the viewer shows less than the file holds.
# timeout: 200
. "$(dirname "$0")/../lib.sh"
need chromium chromedriver

viewer=$(viewer_dir)
look() { tests/scripts/viewer.py --viewer "$viewer" "$@"; }
trace() {
	cat <<-JSON
		[{"ph":"M","name":"process_name","pid":3,"args":{"name":"app"}},
		{"ph":"M","name":"thread_name","pid":3,"tid":100,"args":{"name":"main.main G1"}},
		{"ph":"X","name":"running","pid":3,"tid":100,"ts":0.000,"dur":1.500$1},
		{"ph":"X","name":"select","pid":3,"tid":100,"ts":1.500,"dur":1.000},
		{"ph":"s","name":"wake","cat":"wake","id":1,"pid":3,"tid":100,"ts":1.000},
		{"ph":"f","bp":"e","name":"wake","cat":"wake","id":1,"pid":3,"tid":100,"ts":$2},
		{"ph":"C","name":"live","pid":3,"ts":0.000,"args":{"live":1}}]
	JSON
}

trace '' 1.500 >"$T/good.json"
look --min flows=1 "$T/good.json"
if look --min slices=3 "$T/good.json"; then
	fail "accepted fewer slices than asked for"
fi
trace ',"cname":"#ff0000"' 1.500 >"$T/colour.json"
if look "$T/colour.json"; then
	fail "accepted a file that the viewer refuses"
fi
trace '' 9.000 >"$T/loose.json"
if look "$T/loose.json"; then
	fail "accepted an arrow that ends nowhere"
fi
