#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Strict validator of Chrome trace JSON, by the rules that importers apply silently.

    chrome_validate.py [--min WHAT=N]... FILE      judge a file ("-" is stdin, .gz is unpacked)
    chrome_validate.py --self-test                 judge files that are known to be bad

A file that passes means the same in Perfetto and in the older viewer of Chromium and the Go
toolchain: no slice that partly overlaps another on its row, not by 1 ns; no arrow whose end is
lost; no id that is folded onto another; no time that loses its last digit in a double. It reads
one event a line, as gtexport writes them, so that size does not matter. WHAT: slices, flows,
counters, instants, threads, processes, metadata.
"""
import argparse
import collections
import gzip
import io
import json
import re
import sys

MAX_TS_NS = 9_000_000_000_000 * 1000  # beyond, microseconds with 3 decimals exceed 2^53 ns
MAX_ID = 2 ** 32
SHOWN = 20
PHASES = {
    "M": {"name", "args"},
    "X": {"name", "ts", "dur"},
    "i": {"name", "ts", "s"},
    "C": {"name", "ts", "args"},
    "s": {"name", "ts", "id", "cat"},
    "t": {"name", "ts", "id", "cat"},
    "f": {"name", "ts", "id", "cat", "bp"},
}
KNOWN = {"ph", "name", "cat", "pid", "tid", "ts", "dur", "args", "id", "s", "bp", "cname"}
METADATA = {"process_name": ("name", str), "process_labels": ("labels", str),
            "thread_name": ("name", str), "process_sort_index": ("sort_index", int),
            "thread_sort_index": ("sort_index", int)}
# The only colour names that do not make the older viewer refuse the whole file.
CNAMES = set("""thread_state_uninterruptible thread_state_iowait thread_state_running
    thread_state_runnable thread_state_sleeping thread_state_unknown background_memory_dump
    light_memory_dump detailed_memory_dump vsync_highlight_color generic_work good bad terrible
    black grey white yellow olive rail_response rail_animation rail_idle rail_load startup
    heap_dump_stack_frame heap_dump_object_type heap_dump_child_node_arrow cq_build_running
    cq_build_passed cq_build_failed cq_build_abandoned cq_build_attempt_runnig
    cq_build_attempt_passed cq_build_attempt_failed""".split())
# A raw number, so that "1.5" and "1.50" can be told from "1.500".
TIME = re.compile(r"(0|[1-9][0-9]*)\.([0-9]{3})\Z")
CONTROL = re.compile("[\x00-\x1f\x7f]")


class Number(str):
    """A number with a fraction or exponent, as it was written."""


def to_ns(raw):
    """Microseconds with exactly three decimals to ns; None for anything else."""
    m = TIME.match(raw) if isinstance(raw, Number) else None
    return int(m.group(1)) * 1000 + int(m.group(2)) if m else None


def no_twins(pairs):
    d = dict(pairs)
    if len(d) != len(pairs):
        raise ValueError("a key stands twice")
    return d


DECODE = json.JSONDecoder(parse_float=Number, object_pairs_hook=no_twins,
                          parse_constant=lambda c: (_ for _ in ()).throw(ValueError(c)))


class Validator:
    def __init__(self):
        self.errors = 0
        self.shown = []
        self.count = collections.Counter()
        self.slices = collections.defaultdict(list)  # (pid, tid) -> [begin, end, place in file]
        self.marked = collections.Counter()  # (pid, tid) -> instants on that row
        self.flows = {}  # (cat, name, id) -> list of (phase, ts, pid, tid, place)
        self.named = {"process_name": set(), "thread_name": set()}
        self.used = {"process_name": set(), "thread_name": set()}
        self.counters = {}  # (pid, name) -> last ts
        self.series = {}  # (pid, name) -> names of its series
        self.place = 0
        self.take = {"M": self.metadata, "X": self.slice, "i": self.instant, "C": self.counter,
                     "s": self.flow, "t": self.flow, "f": self.flow}

    def error(self, text, place=None):
        self.errors += 1
        if len(self.shown) < SHOWN:
            self.shown.append(f"event {self.place if place is None else place}: {text}")

    # ---- one event ----

    def event(self, e):
        self.place += 1
        if not isinstance(e, dict):
            self.error(f"not an object: {e!r}")
            return
        ph = e.get("ph")
        need = PHASES.get(ph)
        if need is None:
            self.error(f"phase {ph!r} is not one that every viewer knows")
            return
        missing = (need | {"pid"}) - e.keys()
        if ph not in "MC":
            missing |= {"tid"} - e.keys()
        if missing:
            self.error(f"{ph}: no {', '.join(sorted(missing))}")
            return
        if e.keys() - KNOWN:
            self.error(f"{ph}: unknown key {', '.join(sorted(e.keys() - KNOWN))}")
        if not self.ids(e):
            return
        ts = dur = 0
        if "ts" in need:
            ts = self.time(e, "ts")
            if ts is None:
                return
        if ph == "X":
            dur = self.time(e, "dur")
            if dur is None:
                return
        self.take[ph](e, ts, dur)

    def strings(self, v):
        """No control characters, no halves of surrogate pairs, anywhere."""
        if isinstance(v, str):
            if CONTROL.search(v):
                self.error(f"control character in {v!r}")
            if any(0xd800 <= ord(c) < 0xe000 for c in v):
                self.error(f"half a surrogate pair in {v!r}")
        elif isinstance(v, dict):
            for k, x in v.items():
                self.strings(k)
                self.strings(x)
        elif isinstance(v, list):
            for x in v:
                self.strings(x)

    def ids(self, e):
        """pid and tid must fit 32 bits; tid 0 is taken for the process's main thread."""
        for key in ("pid", "tid"):
            v = e.get(key)
            if key == "tid" and v is None:
                continue
            if isinstance(v, bool) or not isinstance(v, int) or not 0 < v < MAX_ID:
                self.error(f"{key} is {v!r}, not a number from 1 to {MAX_ID - 1}")
                return False
        if not isinstance(e.get("name"), str) or not e["name"]:
            self.error(f"name is {e.get('name')!r}")
            return False
        if "cname" in e and e["cname"] not in CNAMES:
            self.error(f"colour {e['cname']!r}: the older viewer refuses the whole file")
        if e.get("tid") == e["pid"] and e["ph"] != "M":
            self.error(f"tid {e['tid']} is also its pid: it is taken for the main thread")
        return True

    def time(self, e, key):
        ns = to_ns(e[key])
        if ns is None:
            self.error(f"{key} is {e[key]!r}, not microseconds with three decimals")
        elif ns >= MAX_TS_NS:
            self.error(f"{key} is {e[key]}: too big to be exact in a double")
            return None
        return ns

    def args(self, e):
        a = e.get("args", {})
        if not isinstance(a, dict):
            self.error(f"args is {a!r}")
            return {}
        return a

    def metadata(self, e, _ts, _dur):
        self.count["metadata"] += 1
        if e["name"] not in METADATA:
            self.error(f"metadata {e['name']!r} is not known to viewers")
            return
        key, kind = METADATA[e["name"]]
        value = self.args(e).get(key)
        if not isinstance(value, kind) or value == "" or isinstance(value, bool):
            self.error(f"{e['name']} without args.{key}")
        of_thread = e["name"].startswith("thread")
        if of_thread and "tid" not in e:
            self.error(f"{e['name']} without a tid")
        elif e["name"] in self.named:
            who = (e["pid"], e["tid"]) if of_thread else e["pid"]
            if who in self.named[e["name"]]:
                self.error(f"{e['name']} of {who} a second time")
            self.named[e["name"]].add(who)

    def use(self, e, thread):
        self.used["process_name"].add(e["pid"])
        if thread:
            self.used["thread_name"].add((e["pid"], e["tid"]))

    def slice(self, e, ts, dur):
        self.count["slices"] += 1
        self.use(e, True)
        self.args(e)
        if ts + dur >= MAX_TS_NS:
            self.error("the end is too late to be exact in a double")
        self.slices[e["pid"], e["tid"]].append((ts, ts + dur, self.place))

    def instant(self, e, _ts, _dur):
        self.count["instants"] += 1
        self.use(e, e["s"] == "t")
        if e["s"] == "t":
            self.marked[e["pid"], e["tid"]] += 1
        self.args(e)
        if e["s"] not in ("t", "p", "g"):
            self.error(f"instant's scope is {e['s']!r}")

    def counter(self, e, ts, _dur):
        self.count["counters"] += 1
        self.use(e, False)
        a = self.args(e)
        who = (e["pid"], e["name"])
        if not a:
            self.error(f"counter {e['name']!r} without a value")
        for key, v in a.items():
            if isinstance(v, bool) or not isinstance(v, (int, Number)):
                self.error(f"counter {e['name']!r}: {key} is {v!r}")
        if ts < self.counters.get(who, 0):
            self.error(f"counter {e['name']!r} goes back in time")
        self.counters[who] = ts
        if self.series.setdefault(who, set(a)) != set(a):
            self.error(f"counter {e['name']!r} changes its series")

    def flow(self, e, ts, _dur):
        self.use(e, True)
        if isinstance(e["id"], bool) or not isinstance(e["id"], int) or not 0 < e["id"] < 2 ** 53:
            self.error(f"flow id is {e['id']!r}")
            return
        if e["ph"] == "f" and e["bp"] != "e":
            self.error("end of a flow without \"bp\":\"e\": it binds to the next slice")
        key = (e["cat"], e["name"], e["id"])
        self.flows.setdefault(key, []).append((e["ph"], ts, e["pid"], e["tid"], self.place))

    # ---- the whole file ----

    def nesting(self):
        """Slices of a row must nest or be disjoint; also what is open where, for the flows."""
        for row, slices in self.slices.items():
            slices.sort(key=lambda s: (s[0], -s[1], s[2]))
            open_ends = []
            for begin, end, place in slices:
                while open_ends and open_ends[-1] <= begin:
                    open_ends.pop()
                if open_ends and end > open_ends[-1]:
                    self.error(f"slice of pid {row[0]} tid {row[1]} at {begin} ns ends "
                               f"{end - open_ends[-1]} ns after the one that it overlaps", place)
                open_ends.append(end)

    def binding(self):
        """Both ends of each flow must lie in a slice that is open then: [begin, end)."""
        ends = collections.defaultdict(list)
        for key, points in self.flows.items():
            self.count["flows"] += 1
            phases = "".join(p[0] for p in sorted(points, key=lambda p: (p[1], p[4])))
            if not re.fullmatch("st*f?", phases) or len(phases) < 2:
                self.error(f"flow {key}: phases {phases}, not one s, then t, then one f", points[0][4])
            for ph, ts, pid, tid, place in points:
                ends[pid, tid].append((ts, ph, place))
        for row, points in ends.items():
            self.bind_row(row, sorted(points))

    def bind_row(self, row, points):
        slices = self.slices.get(row, [])
        i, reach = 0, []  # ends of slices that began, and where in the file
        for ts, ph, place in points:
            while i < len(slices) and slices[i][0] <= ts:
                reach.append(slices[i])
                i += 1
            while reach and reach[-1][1] <= ts:
                reach.pop()
            holder = reach[-1] if reach else None
            if holder is None:
                self.error(f"flow's {ph} at {ts} ns on pid {row[0]} tid {row[1]} lies in no slice", place)
            elif holder[2] > place and ts == holder[0]:
                self.error(f"flow's {ph} at {ts} ns stands before its slice in the file", place)

    def close(self):
        self.nesting()
        self.binding()
        for what, used in self.used.items():
            for who in sorted(used - self.named[what])[:SHOWN]:
                self.error(f"{who} has no {what}", self.place)
        self.count["threads"] = len(self.named["thread_name"])
        self.count["processes"] = len(self.named["process_name"])
        if not self.place:
            self.error("no event at all")


def events(text):
    """The events of {"traceEvents":[...]} or [...], one at a time, without holding them all."""
    size = 1 << 20
    buf = text.read(size)
    m = re.match(r'\s*(\[|\{\s*(?:"(?!traceEvents")\w+"\s*:\s*(?:"[^"]*"|[\w.]+|\{[^{}]*\})\s*,\s*)*'
                 r'"traceEvents"\s*:\s*\[)\s*', buf)
    if not m:
        raise ValueError("neither [...] nor {\"traceEvents\":[...]}")
    array, at, first = m.group(1) == "[", m.end(), True
    space = re.compile(r"\s*")
    while True:
        if len(buf) - at < size // 2:
            buf, at = buf[at:] + text.read(size), 0
        at = space.match(buf, at).end()
        if buf[at:at + 1] == "]":
            break
        if not first:
            if buf[at:at + 1] != ",":
                raise ValueError(f"no comma between events, but {buf[at:at + 30]!r}")
            at = space.match(buf, at + 1).end()
        first = False
        begin = at
        event, at = DECODE.raw_decode(buf, at)
        # Control characters can only stand there escaped, but for DEL.
        yield event, "\\" in buf[begin:at] or "\x7f" in buf[begin:at]
    rest = buf[at + 1:] + text.read()
    if array:
        if rest.strip():
            raise ValueError("something follows the array")
        return
    whole = DECODE.decode('{"traceEvents":[]' + rest)
    for key in whole.keys() - {"traceEvents", "displayTimeUnit", "otherData", "metadata"}:
        raise ValueError(f"unknown key {key!r}")
    if whole.get("displayTimeUnit", "ns") not in ("ns", "ms"):
        raise ValueError("displayTimeUnit is neither ns nor ms")


def judge(stream):
    v = Validator()
    try:
        for e, odd in events(io.TextIOWrapper(stream, encoding="utf-8", errors="strict")):
            v.event(e)
            if odd:
                v.strings(e)
    except (ValueError, RecursionError) as err:
        v.error(f"not valid JSON after this: {err}")
    v.close()
    return v


def open_input(name):
    if name == "-":
        return sys.stdin.buffer
    return gzip.open(name) if name.endswith(".gz") else open(name, "rb")


# ---- the self-test: one good file, and what must be found in each spoiled one ----

GOOD = [
    '{"ph":"M","name":"process_name","pid":3,"args":{"name":"app"}}',
    '{"ph":"M","name":"thread_name","pid":3,"tid":100,"args":{"name":"main.main G1"}}',
    '{"ph":"M","name":"thread_name","pid":3,"tid":101,"args":{"name":"main.worker G7"}}',
    '{"ph":"X","name":"running","cat":"g","pid":3,"tid":100,"ts":0.000,"dur":1.500,'
    '"cname":"thread_state_running"}',
    '{"ph":"X","name":"inner","pid":3,"tid":100,"ts":0.500,"dur":1.000}',
    '{"ph":"X","name":"select","pid":3,"tid":100,"ts":1.500,"dur":0.001,"args":{"by":"G7"}}',
    '{"ph":"X","name":"runnable","pid":3,"tid":101,"ts":1.499,"dur":0.000}',
    '{"ph":"X","name":"running","pid":3,"tid":101,"ts":1.499,"dur":2.000}',
    '{"ph":"s","name":"wake","cat":"wake","id":1,"pid":3,"tid":100,"ts":1.499}',
    '{"ph":"f","bp":"e","name":"wake","cat":"wake","id":1,"pid":3,"tid":101,"ts":1.499}',
    '{"ph":"i","name":"exit","s":"t","pid":3,"tid":101,"ts":3.499}',
    '{"ph":"C","name":"goroutines","pid":3,"ts":0.000,"args":{"running":1,"waiting":0}}',
    '{"ph":"C","name":"goroutines","pid":3,"ts":2.000,"args":{"running":0,"waiting":2.5}}',
]
# (what is to be found, text to replace, by what)
BAD = [
    ("overlaps", '"ts":0.500,"dur":1.000', '"ts":0.500,"dur":1.001'),
    ("overlaps", '"ts":1.500,"dur":0.001', '"ts":1.499,"dur":0.002'),
    ("three decimals", '"ts":1.500,', '"ts":1.5,'),
    ("three decimals", '"dur":0.001', '"dur":1'),
    ("three decimals", '"dur":0.001', '"dur":-0.001'),
    ("too big", '"ts":1.500,', '"ts":9000000000000.000,'),
    ("tid is", '"tid":101,"ts":3.499', '"tid":0,"ts":3.499'),
    ("tid is", '"tid":101,"ts":3.499', '"tid":-1,"ts":3.499'),
    ("tid is", '"tid":101,"ts":3.499', '"tid":4294967296,"ts":3.499'),
    ("tid is", '"tid":101,"ts":3.499', '"tid":"x","ts":3.499'),
    ("also its pid", '"tid":101,"ts":3.499', '"tid":3,"ts":3.499'),
    ("lies in no slice", '"tid":100,"ts":1.499}', '"tid":100,"ts":1.501}'),
    ("lies in no slice", '"tid":101,"ts":1.499}', '"tid":101,"ts":3.499}'),
    ("lies in no slice", '"tid":101,"ts":1.499,"dur":2.000', '"tid":101,"ts":1.499,"dur":0.000'),
    ("lies in no slice", '"bp":"e","name":"wake","cat":"wake","id":1,"pid":3,"tid":101,"ts":1.499',
     '"bp":"e","name":"wake","cat":"wake","id":1,"pid":3,"tid":100,"ts":1.501'),
    ("binds to the next", '"bp":"e"', '"bp":"x"'),
    ("no bp", '"bp":"e",', ''),
    ("phases", '{"ph":"f","bp":"e","name":"wake","cat":"wake","id":1', '{"ph":"f","bp":"e","name":"wake",'
     '"cat":"wake","id":2'),
    ("phases", '{"ph":"f","bp":"e"', '{"ph":"s","bp":"e"'),
    ("back in time", '"ts":2.000,"args"', '"ts":2.000,"args":{"running":1,"waiting":0}},\n{"ph":"C",'
     '"name":"goroutines","pid":3,"ts":1.999,"args"'),
    ("changes its series", '"running":0,"waiting":2.5', '"running":0'),
    ("counter", '"waiting":2.5', '"waiting":"2.5"'),
    ("without a value", '{"running":0,"waiting":2.5}', '{}'),
    ("has no thread_name", '"thread_name","pid":3,"tid":101', '"thread_name","pid":3,"tid":102'),
    ("has no process_name", '"process_name","pid":3', '"process_name","pid":4'),
    ("second time", '"tid":101,"args":{"name":"main.worker', '"tid":100,"args":{"name":"main.worker'),
    ("not known to viewers", '"process_name"', '"process_nom"'),
    ("control character", '"main.worker G7"', '"main.\\u0007"'),
    ("control character", '"main.worker G7"', '"main.\\u007f"'),
    ("surrogate", '"main.worker G7"', '"main.\\ud800"'),
    ("not valid JSON", '"main.worker G7"', '"main.\x01"'),
    ("not valid JSON", '"main.worker G7"', '"main.\udcff"'),
    ("not valid JSON", '"ts":3.499}', '"ts":3.499,"ts":3.500}'),
    ("not valid JSON", '"ts":3.499}', '"ts":NaN}'),
    ("not valid JSON", '"ts":3.499},', '"ts":3.499}'),
    ("older viewer refuses", "thread_state_running", "#ff0000"),
    ("phase", '"ph":"i"', '"ph":"T"'),
    ("scope", '"s":"t"', '"s":"x"'),
    ("unknown key", '"s":"t"', '"s":"t","sf":1'),
    ("name is", '"name":"exit"', '"name":""'),
    ("no ts", '"ts":3.499', '"cat":"x"'),
    ("three decimals", '"ts":3.499', '"ts":3.4990'),
]


def self_test():
    good = '{"displayTimeUnit":"ns","traceEvents":[\n' + ",\n".join(GOOD) + '\n],"otherData":{"x":"y"}}\n'
    cases = [("", good), ("", "[" + ",".join(GOOD) + "]")]
    for want, old, new in BAD:
        assert old in good, old
        cases.append((want, good.replace(old, new, 1)))
    cases += [("not valid JSON", good[:-200]), ("not valid JSON", "{}"), ("no event", "[]"),
              ("not valid JSON", good + "x"), ("not valid JSON", good.replace("],", ",],"))]
    wrong = 0
    for want, text in cases:
        v = judge(io.BytesIO(text.encode("utf-8", "surrogateescape")))
        if bool(want) != bool(v.errors) or (want and not any(want in e for e in v.shown)):
            wrong += 1
            print(f"expected {want or 'no error'!r}, got {v.shown} for:\n{text}")
    print(f"{len(cases)} files judged, {wrong} wrongly")
    return 1 if wrong else 0


def main():
    p = argparse.ArgumentParser(description="strict validator of Chrome trace JSON")
    p.add_argument("--min", action="append", default=[], metavar="WHAT=N",
                   help="there must be at least N of WHAT")
    p.add_argument("--self-test", action="store_true")
    p.add_argument("file", nargs="?")
    o = p.parse_args()
    if o.self_test:
        return self_test()
    if not o.file:
        p.error("which file?")
    v = judge(open_input(o.file))
    for m in o.min:
        what, n = m.split("=")
        if v.count[what] < int(n):
            v.error(f"only {v.count[what]} {what}, expected {n}", v.place)
    for e in v.shown:
        print(e)
    if v.errors > len(v.shown):
        print(f"and {v.errors - len(v.shown)} more")
    print(f"{v.place} events: " + ", ".join(f"{v.count[k]} {k}" for k in sorted(v.count)) +
          f"; {v.errors} errors")
    return 1 if v.errors else 0


if __name__ == "__main__":
    sys.exit(main())
