# SPDX-License-Identifier: BSD-2-Clause
"""python3 -m gtrace FILE: all that the file says, one JSON object a line."""
import json
import sys

from . import Error, Trace


def main():
    try:
        trace = Trace(sys.argv[1], keyframes=True)
        print(json.dumps({"info": trace.info}))
        for kind, item in trace:
            print(json.dumps(item if kind == "key" else {kind: item}))
        print(json.dumps({"damage": trace.damage}))
    except (Error, OSError) as e:
        sys.exit(f"gtrace: {e}")


main()
