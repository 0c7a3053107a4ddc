#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Traces made without libgtrace, from docs/FORMAT.md alone, and what a reader must say of them.

Writes NAME.gtr and NAME.json (the lines that gtdump must print) into a directory, by default
the one that this file is in. Writer and reader of format/ so cannot share a mistake.
"""
import json
import os
import struct
import subprocess
import sys

SESSION = 0x0102030405060708
T0 = 1_000_000_000
WALL = 1_700_000_000_000_000_000
META, CLOCK, STRINGS, MODULES, PCS, PROCESS, STACKS, GTAB, THREADS = range(1, 10)
EVENTS, KEYFRAME, LOSS, STATS, NOTE, END = range(16, 22)
VAR, DELTA, AGO, REL, LIST, BYTES = range(1, 7)


def crc32c(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def varint(v):
    out = b""
    while v >= 0x80:
        out += bytes([v & 0x7F | 0x80])
        v >>= 7
    return out + bytes([v])


def zigzag(v):
    v &= (1 << 64) - 1
    if v >> 63:
        v -= 1 << 64
    return varint(v << 1 if v >= 0 else -v * 2 - 1)


# ---- pcapng ----

def pcap(kind, body):
    body += b"\0" * (-len(body) % 4)
    n = len(body) + 12
    return struct.pack("<II", kind, n) + body + struct.pack("<I", n)


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section():
    return pcap(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface():
    return pcap(1, struct.pack("<HHI", 147, 0, 0) + option(9, b"\x09") + option(0, b""))


class Trace:
    """Bytes of a trace, block by block, and the lines that gtdump shall say."""

    def __init__(self):
        self.data = section() + interface()
        self.seq = 0
        self.said = []
        self.tables = []
        self.info = {"session": SESSION, "version": 1, "quantum": 1, "start": T0, "wall": WALL,
                     "cpus": 2, "host": "box", "tool": "golden", "indexed": False}
        self.damage = {"bad_blocks": 0, "missing_blocks": 0, "missing_end": 0, "unknown_blocks": 0}

    def block(self, kind, body, n, t_min=T0, t_max=None, watermark=0, process=0, aux=0, flags=0,
              lost=0, magic=b"GTR1", raw=None, extra=b"", spoil=False):
        t_max = t_min if t_max is None else t_max
        raw = len(body) if raw is None else raw
        head = lambda crc: (magic + struct.pack(
            "<BBHQIIQQQIIIIII", 9 + len(extra) // 8, kind, flags, SESSION, self.seq, crc, t_min, t_max,
            watermark, len(body), raw, n, lost, process, aux) + extra)
        data = head(crc32c(head(0) + body) ^ (1 if spoil else 0)) + body
        wall = WALL + t_min - T0
        self.data += pcap(6, struct.pack("<IIIII", 0, wall >> 32, wall & 0xFFFFFFFF, len(data), len(data))
                          + data + b"\0" * (-len(data) % 4))
        self.seq += 1

    def say(self, **item):
        self.said.append(item)

    def meta(self, quantum=1, incompat=0, unknown=False):
        body = b""
        for tag, v in ((1, 1), (2, 0), (3, 0), (4, incompat), (5, quantum), (6, 1), (7, T0), (8, WALL), (9, 2)):
            body += varint(tag) + varint(len(varint(v))) + varint(v)
        if unknown:
            body += varint(77) + varint(3) + b"new"
        for tag, s in ((17, b"box"), (20, b"golden")):
            body += varint(tag) + varint(len(s)) + s
        self.info["quantum"] = quantum
        self.block(META, body, 1)

    def end(self, ts, events=0, lost=0, reason=3, status=0):
        self.block(END, table([(1, DELTA, 0, [zigzag(ts)]), (2, VAR, 0, [varint(events)]),
                               (3, VAR, 0, [varint(lost)]), (4, VAR, 0, [varint(reason)]),
                               (5, DELTA, 0, [zigzag(status)])]), 1, ts, watermark=ts + 1)
        self.say(end={"ts": ts, "events": events, "lost": lost, "reason": reason, "status": status})

    def strings(self, first, strings):
        ids = [zigzag(first if i == 0 else 1) for i in range(len(strings))]
        self.block(STRINGS, table([(1, DELTA, 0, ids), (2, VAR, 0, [varint(c) for c, _ in strings]),
                                   (3, BYTES, 0, [varint(len(s)) + s for _, s in strings])]),
                   len(strings), flags=8)

    def lines(self):
        return [{"info": self.info}] + self.said + self.tables + [{"damage": self.damage}]


def table(columns):
    """columns: (id, encoding, parameter, [encoded values])"""
    out = varint(len(columns))
    for cid, enc, param, values in columns:
        out += bytes([cid, enc, param]) + varint(len(b"".join(values)))
    return out + b"".join(b"".join(values) for _, _, _, values in columns)


# ---- events: whatever a column can hold is written there, nothing is predicted ----

COLUMNS = ["shape", "dt0", "dt1", "shapex", "dtx", "tid", "g", "act", "p", "m", "qlen", "arg"]
IN_FULL = 3 | 0x10 | 0x20 | 0x40 | 0x80 | 0x700  # gid, tid, P, M, arg, queue length: in their columns


def event(ts, gid=0, old=0, new=0, **more):
    e = {"ts": ts, "process": 1, "cpu": 0, "kind": 1, "old": old, "new": new, "flags": 0, "gid": gid,
         "actor": 0, "tid": 7, "ra": 0, "pc": 0, "stack": 0, "reason": 0, "p": -1, "m": -1, "qlen": -1,
         "arg": 0}
    e.update(more)
    return e


def put_time(cols, quanta):
    hi = quanta >> 8
    cols["dt0"] += bytes([quanta & 255])
    cols["dt1"] += bytes([min(hi, 255)])
    if hi >= 255:
        cols["dtx"] += varint(hi - 255)


def put_shape(cols, shapes, e, how):
    """Shapes are numbered as they come; 255 and more need a second column."""
    shape = (e["old"], e["new"], e["kind"], e["flags"], e["reason"], how & 255, how >> 8,
             e["ra"], e["pc"], e["stack"])
    if shape not in shapes:
        shapes.append(shape)
    n = shapes.index(shape)
    cols["shape"] += bytes([min(n, 255)])
    if n >= 255:
        cols["shapex"] += varint(n - 255)


def put_in_full(cols, shapes, e, state, quantum, t_min):
    q = (e["ts"] - t_min) // quantum - state["q"]
    state["q"] += q
    put_time(cols, q)
    put_shape(cols, shapes, e, IN_FULL | (3 << 2 if e["actor"] else 0))
    cols["tid"] += zigzag(e["tid"] - state["tid"])
    cols["g"] += zigzag(e["gid"] - state["g"])
    if e["actor"]:
        cols["act"] += zigzag(e["actor"] - e["gid"])
    cols["p"] += varint(e["p"] + 1 & 0xFFFFFFFF)
    cols["m"] += varint(e["m"] + 1 & 0xFFFFFFFF)
    cols["qlen"] += zigzag(e["qlen"] - state["qlen"])
    cols["arg"] += varint(e["arg"])
    state.update(tid=e["tid"], g=e["gid"], qlen=e["qlen"])


def _zz(v):
    return v << 1 if v >= 0 else -v * 2 - 1


def events_body(events, quantum, t_min, extra=()):
    cpus = sorted({e["cpu"] for e in events})
    runs, shapes = [], []
    for cpu in cpus:
        cols = {c: b"" for c in COLUMNS}
        state = {"q": 0, "tid": 0, "g": 0, "qlen": -1}
        mine = [e for e in events if e["cpu"] == cpu]
        for e in mine:
            put_in_full(cols, shapes, e, state, quantum, t_min)
        runs.append((cpu, len(mine), cols))
    return pack_runs(runs, shapes, quantum, extra)


def pack_runs(runs, shapes, quantum, extra=()):
    used = [c for c in COLUMNS if any(r[2].get(c) for r in runs)]
    out = varint(quantum) + varint(len(shapes)) + varint(len(used) + len(extra))
    out += bytes([COLUMNS.index(c) + 1 for c in used]) + bytes([i for i, _ in extra])
    out += varint(len(runs))
    for cpu, n, cols in runs:
        out += varint(cpu) + varint(n) + b"".join(varint(len(cols[c])) for c in used)
        out += b"".join(varint(len(x)) for _, x in extra)
    for field in range(7):
        out += bytes(s[field] for s in shapes)
    for field in range(7, 10):
        out += b"".join(varint(s[field]) for s in shapes)
    for c in used:
        out += b"".join(r[2][c] for r in runs)
    for _, x in extra:
        out += x * len(runs)
    return out


def put_events(t, events, quantum=1, extra=(), **block):
    t_min, t_max = events[0]["ts"], events[-1]["ts"]
    t.block(EVENTS, events_body(events, quantum, t_min, extra), len(events), t_min, t_max,
            watermark=t_max, process=events[0]["process"], **block)
    for e in events:
        t.say(event=e)


# ---- the traces ----

def minimal():
    t = Trace()
    t.meta()
    t.end(T0 + 5)
    return t


def kinds():
    """One block of every kind that has a shape, in the order of use."""
    t = Trace()
    t.meta(unknown=True)
    t.strings(1, [(3, b"/bin/svc"), (8, b"go1.26.8"), (8, b"sleep"), (2, b"main.f"), (3, b"/f.go"),
                  (1, b"runtime.main"), (7, b"a \"note\"\x01")])
    t.block(PROCESS, table([(1, DELTA, 0, [zigzag(1)]), (2, VAR, 0, [varint(4321)]), (3, VAR, 0, [varint(99)]),
                            (4, VAR, 0, [varint(T0)]), (5, VAR, 0, [varint(1)]), (6, VAR, 0, [varint(8)]),
                            (8, VAR, 0, [varint(1)]), (11, VAR, 0, [varint(2)]),
                            (14, LIST, 0, [varint(2) + varint(0) + varint(3)])]), 1)
    t.say(process={"process": 1, "pid": 4321, "start": 99, "seen": T0, "launched": 1, "gomaxprocs": 8,
                   "exe": "/bin/svc", "go": "go1.26.8", "reasons": ["", "sleep"]})
    t.block(MODULES, table([(1, DELTA, 0, [zigzag(1)]), (2, VAR, 0, [varint(1)])]), 1)
    t.block(PCS, table([(1, DELTA, 0, [zigzag(1), zigzag(1)]), (2, VAR, 0, [varint(1)] * 2),
                        (4, DELTA, 0, [zigzag(0x5000), zigzag(-16)]), (5, VAR, 0, [varint(3), varint(0)]),
                        (6, LIST, 0, [varint(6) + varint(4) + varint(5) + varint(12) + varint(6) + varint(0)
                                      + varint(1), varint(3) + varint(6) + varint(0) + varint(250)])]), 2)
    t.tables += [{"pc": 1, "class": 3, "frames": [["main.f", "/f.go", 12], ["runtime.main", "", 1]]},
                 {"pc": 2, "class": 0, "frames": [["runtime.main", "", 250]]}]
    t.block(STACKS, table([(1, DELTA, 0, [zigzag(1), zigzag(1)]), (2, VAR, 0, [varint(0), varint(1)]),
                           (3, LIST, 0, [varint(1) + varint(2), varint(1) + varint(1)])]), 2)
    t.tables += [{"stack": 1, "pcs": [2]}, {"stack": 2, "pcs": [1, 2]}]
    t.block(THREADS, table([(1, VAR, 0, [varint(1)]), (2, DELTA, 0, [zigzag(7)]), (3, DELTA, 0, [zigzag(3)]),
                            (4, VAR, 0, [varint(1)]), (5, AGO, 0, [varint(1 + _zz(-10))]), (6, AGO, 0, [b"\0"]),
                            (7, VAR, 0, [varint(4)])]), 1)
    t.say(thread={"process": 1, "tid": 7, "ns_tid": 3, "m": 0, "first": T0 + 10, "last": 0, "comm": "main.f"})
    t.block(GTAB, table([(1, DELTA, 0, [zigzag(1), zigzag(1)]), (2, DELTA, 0, [zigzag(1), zigzag(17)]),
                         (3, DELTA, 0, [zigzag(0xC000), zigzag(-64)]), (4, DELTA, 0, [zigzag(0), zigzag(1)]),
                         (6, AGO, 0, [b"\0", varint(1 + _zz(-5))]), (7, VAR, 0, [varint(1)] * 2),
                         (8, VAR, 0, [varint(1)] * 2), (10, VAR, 0, [varint(0), varint(2)]),
                         (11, VAR, 0, [varint(4), varint(0)])]), 2)
    base = {"goid": 1, "gptr": 0xC000, "parent": 0, "parent_goid": 0, "created": 0, "process": 1,
            "start_pc": 1, "site_pc": 0, "stack": 0, "flags": 4}
    second = dict(base, gid=2, goid=18, gptr=0xC000 - 64, parent=1, created=T0 + 5, stack=2, flags=0)
    t.say(goroutine={"gid": 1, **base})
    t.say(goroutine={"gid": 2, **{k: second[k] for k in base}})
    t.block(CLOCK, table([(1, DELTA, 0, [zigzag(T0)]), (2, VAR, 0, [varint(11)]), (3, VAR, 0, [varint(12)]),
                          (4, VAR, 0, [varint(13)])]), 1)
    t.block(LOSS, table([(1, VAR, 0, [varint(1), varint(0)]), (2, VAR, 0, [varint(3), varint(0)]),
                         (3, VAR, 0, [varint(1), varint(2)]), (4, DELTA, 0, [zigzag(T0 + 1), zigzag(1)]),
                         (5, REL, 4, [zigzag(4), zigzag(0)]), (6, VAR, 0, [varint(77), varint(0)])]),
            2, T0 + 1, T0 + 5)
    t.block(STATS, table([(1, DELTA, 0, [zigzag(T0 + 3)]), (2, VAR, 0, [varint(5)]), (3, VAR, 0, [varint(6)]),
                          (8, VAR, 0, [varint(7)])]), 1, T0 + 3)
    t.block(NOTE, table([(1, DELTA, 0, [zigzag(T0 + 4)]), (2, VAR, 0, [varint(7)])]), 1, T0 + 4)
    ev = [event(T0 + 2, 2, 6, 1, actor=1, stack=2, ra=1), event(T0 + 6, 2, 1, 2, ra=2),
          event(T0 + 9, 2, 2, 4, reason=1, flags=16)]
    t.say(clock=[T0, 11, 12, 13])
    t.say(loss={"process": 1, "cpu": 2, "cause": 1, "t0": T0 + 1, "t1": T0 + 5, "count": 77})
    t.say(loss={"process": 0, "cpu": -1, "cause": 2, "t0": T0 + 2, "t1": T0 + 2, "count": 0})
    put_events(t, ev)
    t.said[-2:-2] = [{"stats": {"ts": T0 + 3, "events": 5, "lost": 6, "bytes": 7}},
                     {"note": {"ts": T0 + 4, "text": "a \"note\"\x01"}}]
    for shard, gid in ((0, 1), (1, 2)):
        t.block(KEYFRAME, table([(1, DELTA, 0, [zigzag(gid)]), (7, VAR, 0, [varint(1)]),
                                 (16, AGO, 0, [varint(1 + _zz(1))]), (17, REL, 16, [zigzag(1)]),
                                 (18, VAR, 0, [varint(9)]), (20, VAR, 0, [varint(3)]),
                                 (23, VAR, 0, [varint(5 + shard)]), (24, VAR, 0, [varint(1)]),
                                 (27, VAR, 0, [varint(8)]), (28, AGO, 0, [varint(1 + _zz(7))]),
                                 (29, VAR, 0, [varint(2)])]),
                1, T0 + 9, watermark=T0 + 10, aux=shard | 2 << 16)
    t.say(keyframe=T0 + 9)
    for shard, gid in ((0, 1), (1, 2)):
        t.say(key={"gid": gid, "goid": 0, "gptr": 0, "parent": 0, "parent_goid": 0, "created": 0, "process": 1,
                   "start_pc": 0, "site_pc": 0, "stack": 0, "flags": 0}, since=T0 + 8, last=T0 + 9, waker=9,
              tid=0, p=2, stack=0, pc=0, state=5 + shard, reason=1, wake_class=0, kflags=0,
              partner=8, uncertain=T0 + 2, old=2)
    t.say(keyframe_end=1)
    t.end(T0 + 20, 3, 77, 4, -9)
    return t


def put_key(t, as_of, rows, since=None):
    """rows: (gid, goid, state, change); SINCE: the whole keyframe that it builds on."""
    cols = list(zip(*rows))
    gids = [zigzag(g - (cols[0][i - 1] if i else 0)) for i, g in enumerate(cols[0])]
    goids = [zigzag(g - (cols[1][i - 1] if i else 0)) for i, g in enumerate(cols[1])]
    t.block(KEYFRAME, table([(1, DELTA, 0, gids), (2, DELTA, 0, goids),
                             (16, AGO, 0, [varint(1 + _zz(s)) for s in cols[2]]),
                             (23, VAR, 0, [varint(s) for s in cols[2]]),
                             (30, VAR, 0, [varint(c) for c in cols[3]])]),
            len(rows), as_of if since is None else since, as_of, watermark=as_of + 1, aux=1 << 16)


def say_key(t, as_of, rows):
    """rows: (gid, goid, state, as_of of the keyframe that said so)"""
    t.say(keyframe=as_of)
    for gid, goid, state, then in rows:
        t.say(key={"gid": gid, "goid": goid, "gptr": 0, "parent": 0, "parent_goid": 0, "created": 0,
                   "process": 0, "start_pc": 0, "site_pc": 0, "stack": 0, "flags": 0}, since=then - state,
              last=0, waker=0, tid=0, p=-1, stack=0, pc=0, state=state, reason=0, wake_class=0,
              kflags=0, partner=0, uncertain=0, old=0)
    t.say(keyframe_end=1)


def keyframe_changes():
    """Keyframes that say what changed since a whole one."""
    t = Trace()
    t.meta()
    put_key(t, T0 + 10, [(1, 11, 1, 0), (3, 13, 2, 0), (5, 15, 3, 0), (9, 19, 4, 0)])
    say_key(t, T0 + 10, [(1, 11, 1, T0 + 10), (3, 13, 2, T0 + 10), (5, 15, 3, T0 + 10), (9, 19, 4, T0 + 10)])
    # 1 is as it was, 3 is in another state, 5 is gone, 9 has another directory row, 4 and 12 are new;
    # 7 was never there: such rows are passed over.
    put_key(t, T0 + 20, [(3, 0, 5, 1), (4, 24, 6, 0), (5, 0, 0, 2), (7, 0, 1, 1), (8, 0, 0, 2), (9, 99, 1, 0),
                         (12, 22, 2, 0)], since=T0 + 10)
    say_key(t, T0 + 20, [(1, 11, 1, T0 + 10), (3, 13, 5, T0 + 20), (4, 24, 6, T0 + 20), (9, 99, 1, T0 + 20),
                         (12, 22, 2, T0 + 20)])
    # The whole one counts, not the one between. One that builds on nothing is of no use.
    put_key(t, T0 + 30, [(9, 0, 0, 2)], since=T0 + 10)
    say_key(t, T0 + 30, [(1, 11, 1, T0 + 10), (3, 13, 2, T0 + 10), (5, 15, 3, T0 + 10)])
    put_key(t, T0 + 40, [(3, 0, 1, 1)], since=T0 + 20)
    put_key(t, T0 + 50, [(2, 2, 2, 0)])
    say_key(t, T0 + 50, [(2, 2, 2, T0 + 50)])
    put_key(t, T0 + 60, [(1, 1, 1, 0)], since=T0 + 10)
    t.end(T0 + 70)
    return t


def every_event_kind():
    """Kinds that are reserved for later facts travel as events, all fields in use."""
    t = Trace()
    t.meta()
    ev = [event(T0 + 10 * i, i + 1, 4, 4, kind=k, arg=1 << i, p=i, m=-1 + i, qlen=i % 3, pc=i, flags=i)
          for i, k in enumerate([1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 255])]
    ev += [event(T0 + 1000, 1 << 61, 200, 15, actor=3, tid=0xFFFFFFFF, ra=0xFFFFFFFF, stack=0xFFFFFFFF,
                 arg=(1 << 64) - 1, p=-2, m=0x7FFFFFFF, qlen=-0x80000000)]
    put_events(t, ev)
    t.end(T0 + 2000, len(ev))
    return t


def process_end():
    """Two processes; one is killed, and its row is written again before the event that ends it."""
    t = Trace()
    t.meta()
    t.strings(1, [(3, b"/bin/a"), (3, b"/bin/b")])
    said = {}
    for n, exe in ((1, b"/bin/a"), (2, b"/bin/b")):
        t.block(PROCESS, table([(1, DELTA, 0, [zigzag(n)]), (2, VAR, 0, [varint(70 + n)]), (4, VAR, 0, [varint(T0)]),
                                (8, VAR, 0, [varint(n)])]), 1)
        said[n] = {"process": n, "pid": 70 + n, "start": 0, "seen": T0, "launched": 0, "gomaxprocs": 0,
                   "exe": exe.decode(), "go": "", "reasons": []}
        t.say(process=said[n])
    t.block(PROCESS, table([(1, DELTA, 0, [zigzag(2)]), (2, VAR, 0, [varint(72)]), (4, VAR, 0, [varint(T0)]),
                            (8, VAR, 0, [varint(2)]), (15, VAR, 0, [varint(T0 + 40)]), (16, VAR, 0, [varint(2)]),
                            (17, VAR, 0, [varint(9)])]), 1)
    t.say(process=dict(said[2], end=[T0 + 40, 2, 9]))
    a = [event(T0 + 10, 1, 1, 2), event(T0 + 50, 1, 2, 4)]
    b = [event(T0 + 20, 2, 6, 1, process=2), event(T0 + 30, 2, 1, 2, process=2),
         event(T0 + 40, 0, 0, 0, kind=23, cpu=5, process=2)]
    t.block(EVENTS, events_body(a, 1, T0), 2, T0, T0 + 50, watermark=T0, process=1)
    t.block(EVENTS, events_body(b, 1, T0), 3, T0, T0 + 40, watermark=T0 + 50, process=2)
    for e in sorted(a + b, key=lambda e: e["ts"]):
        t.say(event=e)
    t.end(T0 + 60, 5)
    return t


def merge_order():
    """Ties go to the lower CPU; several processes; long silences; a quantum of 16 ns."""
    t = Trace()
    t.meta(quantum=16)
    a = [event(T0, 1, 1, 2, cpu=3), event(T0 + 32, 2, 1, 2, cpu=1), event(T0 + 32, 3, 1, 2, cpu=3),
         event(T0 + 16 * 65279, 1, 2, 4, cpu=1), event(T0 + 16 * 200000, 2, 2, 4, cpu=1)]
    b = [dict(e, process=2, gid=e["gid"] + 10) for e in a]
    body = lambda ev: events_body(ev, 16, T0)
    t.block(EVENTS, body(a), 5, T0, a[-1]["ts"], watermark=T0, process=1)
    t.block(EVENTS, body(b), 5, T0, b[-1]["ts"], watermark=a[-1]["ts"], process=2)
    for e in sorted(a + b, key=lambda e: (e["ts"], e["cpu"], e["process"])):
        t.say(event=e)
    t.end(T0 + 16 * 300000, 10)
    return t


def predicted():
    """What shapes and context say is not written: worked out by hand, see the comments."""
    t = Trace()
    t.meta()
    # how: 3 gid in its column, 0 the thread's, 1 the newest of the queue, 2 the oldest;
    # 4 * 2 the actor is the thread's g, 4 * 1 the goroutine itself; 0x10 the tid is written;
    # 0x200 the queue is one longer, 0x100 one shorter, 0x000 as it was.
    ev = [(event(T0, 5, 1, 2, ra=1, qlen=0), 3 | 0x10 | 0x200),    # the tid, and g5, are new
          (event(T0 + 1, 5, 2, 3, kind=2, pc=4, ra=2, qlen=0), 0),
          (event(T0 + 2, 5, 3, 2, ra=3, qlen=0), 0),
          (event(T0 + 3, 5, 2, 3, kind=2, pc=4, ra=2, qlen=0), 0),  # a shape that was there
          (event(T0 + 4, 5, 3, 2, ra=3, qlen=0), 0),                # too
          (event(T0 + 5, 9, 4, 1, actor=5, ra=6, qlen=1), 3 | 4 * 2 | 0x200),  # g9 is woken by g5
          (event(T0 + 6, 8, 4, 1, actor=5, ra=6, qlen=2), 3 | 4 * 2 | 0x200),
          (event(T0 + 7, 5, 2, 4, ra=7, reason=3, qlen=2), 0),
          (event(T0 + 8, 8, 1, 2, ra=1, qlen=1), 1 | 0x100),        # the newest in the queue
          (event(T0 + 9, 8, 2, 1, actor=8, ra=8, qlen=2), 4 * 2 | 0x200),  # the thread's g: itself
          (event(T0 + 10, 9, 1, 2, ra=1, qlen=1), 2 | 0x100),       # the oldest
          (event(T0 + 11, 7, 1, 2, ra=1, qlen=0), 3 | 0x100),       # not in the queue: g8 leaves it
          (event(T0 + 12, 6, 4, 1, actor=6, ra=6, qlen=0), 3 | 4 * 1),
          (event(T0 + 13, 6, 1, 2, ra=1, qlen=0), 1)]               # and so g6 is the newest
    cols = {c: b"" for c in COLUMNS}
    shapes = []
    for i, (e, how) in enumerate(ev):
        put_time(cols, 1 if i else 0)
        put_shape(cols, shapes, e, how)
    cols["tid"] = zigzag(7)
    cols["g"] = zigzag(5) + zigzag(9 - 5) + zigzag(8 - 9) + zigzag(7 - 8) + zigzag(6 - 7)
    t.block(EVENTS, pack_runs([(0, len(ev), cols)], shapes, 1), len(ev), T0, T0 + 13,
            watermark=T0 + 13, process=1)
    for e, _ in ev:
        t.say(event=e)
    t.end(T0 + 14, len(ev))
    return t


def many_shapes():
    """More shapes than a byte has numbers."""
    t = Trace()
    t.meta()
    put_events(t, [event(T0 + i, 1 + i % 7, 4, 1, ra=1 + i * 37 % 300) for i in range(900)])
    t.end(T0 + 1000, 900)
    return t


def bad_shapes():
    """A shape that is not there; a goroutine from an empty queue: the rest of the block is lost."""
    t = Trace()
    t.meta()
    for spoil in (0, 1):
        cols, shapes, state = {c: b"" for c in COLUMNS}, [], {"q": 0, "tid": 0, "g": 0, "qlen": -1}
        t0 = T0 + 10 * spoil
        ev = [event(t0, 1, 4, 1), event(t0 + 1, 2, 4, 1)]
        for e in ev:
            put_in_full(cols, shapes, e, state, 1, t0)
        if spoil:
            cols["dt0"] += b"\1"
            cols["dt1"] += b"\0"
            put_shape(cols, shapes, event(t0 + 2, 2, 1, 2), 1)
            put_shape(cols, shapes, event(t0 + 3, 1, 1, 2), 2)
            put_shape(cols, shapes, event(t0 + 4, 1, 1, 2), 1)
            cols["dt0"] += b"\1\1"
            cols["dt1"] += b"\0\0"
            body, n = pack_runs([(0, 5, cols)], shapes, 1), 5
        else:
            cols["shape"] += b"\x09"
            cols["dt0"] += b"\1"
            cols["dt1"] += b"\0"
            body, n = pack_runs([(0, 3, cols)], shapes, 1), 3
        t.block(EVENTS, body, n, t0, t0 + 4, watermark=t0 + 5, process=1)
        for e in ev:
            t.say(event=e)
        if spoil:
            t.say(event=event(t0 + 2, 2, 1, 2, qlen=-1))
            t.say(event=event(t0 + 3, 1, 1, 2, qlen=-1))
        t.say(loss=loss(3, t0 + (3 if spoil else 1), t0 + 4))
    t.end(T0 + 100, 4)
    t.damage["bad_blocks"] = 2
    return t


SMALL = [event(T0 + i, i + 1, 4, 1) for i in range(3)]
LATER = [event(T0 + 100 + i, i + 1, 1, 2) for i in range(3)]


def loss(cause, t0, t1):
    return {"process": 0, "cpu": -1, "cause": cause, "t0": t0, "t1": t1, "count": 0}


def unknown_things():
    """Kinds, columns and header bytes of a later version that may be passed over."""
    t = Trace()
    t.meta()
    for kind in (24, 25, 26, 27, 28, 29, 30, 99, 128, 255):
        t.block(kind, b"whatever", 3)
    put_events(t, SMALL, extra=[(40, b"later")])
    t.block(STATS, table([(1, DELTA, 0, [zigzag(T0 + 50)]), (60, 99, 1, [b"xyz"]), (2, VAR, 0, [varint(5)])]),
            1, T0 + 50, extra=b"a longer header!")
    t.say(stats={"ts": T0 + 50, "events": 5, "lost": 0, "bytes": 0})
    put_events(t, LATER)
    t.end(T0 + 200, 6)
    t.damage["unknown_blocks"] = 10
    return t


def critical_kind():
    t = Trace()
    t.meta()
    put_events(t, SMALL)
    t.block(99, b"x", 1, flags=4, watermark=T0 + 3)
    t.say(error="version")
    t.end(T0 + 5, 3)
    t.damage["unknown_blocks"] = 1
    # The kind is met before the events that tie with the watermark are given out.
    t.said = t.said[:3][:2] + [{"error": "version"}] + t.said[2:3] + t.said[4:]
    return t


def future_incompat():
    t = Trace()
    t.meta(incompat=1 << 40)
    t.end(T0)
    t.lines = lambda: [{"refused": "version"}]
    return t


def future_magic():
    t = Trace()
    t.block(META, b"", 1, magic=b"GTR2")
    t.lines = lambda: [{"refused": "version"}]
    return t


def torn():
    t = Trace()
    t.meta()
    put_events(t, SMALL)
    put_events(t, LATER)
    t.data = t.data[:-60]
    t.said = t.said[:3]
    t.said.insert(2, {"loss": loss(3, T0 + 2, T0 + 2)})
    t.damage.update(bad_blocks=1, missing_end=1)
    return t


def bad_checksum():
    t = Trace()
    t.meta()
    put_events(t, SMALL, spoil=True)
    put_events(t, LATER)
    t.said = [{"loss": loss(3, T0, T0 + 102)}] + t.said[3:]
    t.end(T0 + 200, 6)
    t.damage["bad_blocks"] = 1
    return t


def missing_block():
    t = Trace()
    t.meta()
    put_events(t, SMALL)
    t.seq += 2
    put_events(t, LATER)
    t.said.insert(2, {"loss": loss(4, T0 + 2, T0 + 102)})
    t.end(T0 + 200, 6)
    t.damage["missing_blocks"] = 2
    return t


def twice():
    """A block that is there twice is used once."""
    t = Trace()
    t.meta()
    put_events(t, SMALL)
    t.seq -= 1
    put_events(t, SMALL)
    t.said = t.said[:3]
    t.end(T0 + 200, 3)
    t.damage["bad_blocks"] = 1
    return t


def zero_tail():
    t = minimal()
    t.data += bytes(4096)
    t.damage["bad_blocks"] = 1
    return t


def two_sections():
    """Two files of one session, one behind the other."""
    t = Trace()
    t.meta()
    put_events(t, SMALL)
    t.data += section() + interface()
    t.meta()
    put_events(t, LATER)
    t.end(T0 + 200, 6)
    return t


def overlong():
    """A varint that is longer than it need be: the block is not believed."""
    t = Trace()
    t.meta()
    t.block(STATS, table([(1, DELTA, 0, [b"\x80\x00"])]), 1)
    put_events(t, LATER)
    t.end(T0 + 200, 3)
    t.damage["bad_blocks"] = 1
    return t


def foreign():
    t = Trace()
    t.data += pcap(6, struct.pack("<IIIII", 0, 0, 0, 8, 8) + b"ethernet")
    t.lines = lambda: [{"refused": "unsupported"}]
    return t


def big_endian():
    t = Trace()
    t.data = struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    t.lines = lambda: [{"refused": "unsupported"}]
    return t


def compressed():
    """The body of the events as one zstd frame, made by the zstd tool."""
    ev = [event(T0 + i, i % 5 + 1, 4, 1, tid=i % 2) for i in range(64)]
    body = events_body(ev, 1, T0)
    path = os.path.join(os.environ.get("T", "/tmp"), f"golden.{os.getpid()}")
    try:
        with open(path, "wb") as f:
            f.write(body)
        frame = subprocess.run(["zstd", "-q", "-1", "--no-check", "-c", path], capture_output=True,
                               check=True).stdout
    except FileNotFoundError:
        return None
    finally:
        if os.path.exists(path):
            os.unlink(path)
    t = Trace()
    t.meta()
    t.block(EVENTS, frame, len(ev), T0, ev[-1]["ts"], watermark=ev[-1]["ts"], process=1, flags=1, raw=len(body))
    for e in ev:
        t.say(event=e)
    t.end(T0 + 100, len(ev))
    return t


ALL = [minimal, kinds, every_event_kind, process_end, keyframe_changes, merge_order, predicted,
       many_shapes, bad_shapes, unknown_things, critical_kind, future_incompat, future_magic, torn,
       bad_checksum, missing_block, twice, zero_tail, two_sections, overlong, foreign, big_endian,
       compressed]


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    import facts  # which takes its tools from here
    for make in ALL + facts.ALL:
        t = make()
        if t is None:
            continue
        name = os.path.join(out, make.__name__.replace("_", "-"))
        with open(name + ".gtr", "wb") as f:
            f.write(t.data)
        with open(name + ".json", "w", encoding="utf-8") as f:
            for line in t.lines():
                f.write(json.dumps(line, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
