# SPDX-License-Identifier: BSD-2-Clause
"""Reads traces of Go schedulers: docs/FORMAT.md in plain Python, nothing to install.

    import gtrace
    trace = gtrace.Trace("trace.gtr")
    for kind, item in trace:            # in the order of time
        if kind == "event":
            print(item["ts"], item["gid"], trace.frames(item["ra"]))
    print(trace.damage)

Items are dicts with the names of the format's fields: "event", "goroutine", "process", "thread", "loss",
"clock", "stats", "note", "end"; "keyframe" (its time), "key" and "keyframe_end" where Trace(keyframes=True)
asks for them; "error" is a block that only a later version can read. Times are ns of the host's
CLOCK_MONOTONIC; trace.info["start"] is the moment that people call 0. Damage is passed over: it comes as
losses and is counted in trace.damage, as libgtrace does it.

The file is read as a whole and in one go: no index is used, there is no way to seek; a second recording
in the file is refused when it is met. Some 100000 events a second; libgtrace does hundreds of times that.
Compressed blocks need libzstd.so.1. `python3 -m gtrace FILE` prints everything as JSON lines.
"""
import heapq

from ._body import (CLOCK, END, EVENTS, G, GTAB, KEYFRAME, LOSS, META, MODULES, NOTE, PCS, PROCESS, STACKS, STATS,
                    STRINGS, THREADS, Events, rows)
from ._file import MAX_PROCESS, MAX_TIME, U32, U64, Error, In, Scan, corrupt, i32

__all__ = ["Error", "Trace"]
DAMAGED, MISSING = 3, 4  # causes of a loss that a reader finds
MAX_ID = 1 << 24

# ---- the trace ----

class Trace:
    """One recording: iterate over it once; facts that it has told so far are in the tables."""

    def __init__(self, source, keyframes=False):
        """source: a path, or the bytes. Error where that is no trace, or one of a later version."""
        if not isinstance(source, (bytes, bytearray)):
            with open(source, "rb") as f:
                source = f.read()
        self.keyframes = keyframes
        self.damage = {"bad_blocks": 0, "missing_blocks": 0, "missing_end": 0, "unknown_blocks": 0}
        self.info = {"session": 0, "version": 0, "quantum": 1, "start": 0, "wall": 0, "cpus": 0, "host": "",
                     "tool": "", "boot_id": "", "os": "", "hardware": "", "comments": []}
        self.strings, self.pcs, self.stacks = {}, {}, {}
        self.processes, self.threads = {}, {}
        self._scan = Scan(bytes(source), self.damage)
        self._streams, self._pending, self._count = {}, [], 0
        self._watermark = self._last = 0
        self._seq, self._gap, self._ended, self._end_seen, self._has_meta = None, False, False, False, False
        self._key, self._base, self._key_ready, self._others = [], [], False, 0
        self._open(bytes(source[:16]))

    # -- what the tables tell --

    def frames(self, pc):
        """[(function, file, line)] of a pc id, innermost first; [] where it is not known."""
        f = self.pcs.get(pc, {"frames": []})["frames"]
        return [(self.text(f[i]), self.text(f[i + 1]), f[i + 2]) for i in range(0, len(f), 3)]

    def stack(self, stack):
        """The pc ids of a stack, innermost first."""
        pcs = []
        while stack in self.stacks:
            row = self.stacks[stack]
            pcs += row["pcs"]
            stack = row["parent"]
        return pcs

    def text(self, string):
        return self.strings.get(string, "")

    # -- opening --

    def _open(self, start):
        self._scan.limit = 4 << 20
        self._first, self._first_gap = self._scan.next()
        self._scan.limit = 1 << 64
        if self._first is None:
            if self._scan.foreign or (not self.damage["bad_blocks"] and self._scan.pos):
                raise Error("unsupported", "pcapng, but not a gtrace trace")
            if not start or start.startswith(b"\x0a\x0d\x0d\x0a"):
                raise Error("truncated", "the trace is empty, or cut off in its head")
            raise Error("unsupported", "not a trace: no block of gtrace in it")
        self.info["session"] = self._first.session
        if self._first.kind == META:
            try:
                self._meta(self._first.body())
            except Error as e:
                if e.code != "corrupt":
                    raise

    def _meta(self, body):
        numbers = {1: "version", 5: "quantum", 7: "start", 8: "wall", 9: "cpus"}
        texts = {16: "boot_id", 17: "host", 18: "os", 19: "hardware", 20: "tool"}
        if self._has_meta:
            return
        self._has_meta = True
        data = In(body)
        while data.left():
            tag, n = data.varint(), data.varint()
            value = data.take(n)
            if data.bad:
                raise corrupt("facts about the trace are cut off")
            number = In(value).varint() if tag < 16 else 0
            text = _text(value) if tag >= 16 else ""
            if tag == 4 and number:
                raise Error("version", f"trace uses features (0x{number:x}) that this reader does not know")
            if tag in numbers:
                self.info[numbers[tag]] = number
            elif tag in texts:
                self.info[texts[tag]] = text
            elif tag == 21:
                self.info["comments"].append(text)

    # -- order: blocks of events by process, and items that have a time --

    def _pend(self, ts, kind, item):
        heapq.heappush(self._pending, (ts, self._count, kind, item))
        self._count += 1

    def _pend_loss(self, cause, t0, t1, count=0):
        self._pend(t0, "loss", {"process": 0, "cpu": -1, "cause": cause, "t0": t0, "t1": max(t0, t1),
                                "count": count})

    def _spoilt(self, process, t0):
        queue = self._streams[process]
        self.damage["bad_blocks"] += 1
        self._pend_loss(DAMAGED, t0, queue.pop(0)[0].t_max)

    def _head(self, process):
        """(time, place) of the next event of a process, as far as it is known."""
        block, _, ev = self._streams[process][0]
        return (ev["ts"], ev["cpu"] << 32 | process) if ev else (block.t_min, 0)

    def _refill(self, process, t0):
        """The next event of the open block of a process takes its place, or the block goes."""
        head = self._streams[process][0]
        head[2] = head[1].next()
        if head[2] is None:
            if head[1].broken:
                self._spoilt(process, t0)
            else:
                self._streams[process].pop(0)

    def _take(self, before):
        """The earliest (kind, item) before that time; None where there is none."""
        while True:
            busy = [p for p, queue in self._streams.items() if queue]
            best = min(busy, key=self._head, default=None)
            ts = self._head(best)[0] if busy else U64 + 1
            if self._pending and self._pending[0][0] < before and self._pending[0][0] <= ts:
                _, _, kind, item = heapq.heappop(self._pending)
                return kind, item
            if best is None or ts >= before:
                return None
            head = self._streams[best][0]
            if head[2] is None:
                try:
                    head[1] = Events(head[0], head[1])
                except Error:
                    self._spoilt(best, head[0].t_min)
                    continue
                self._refill(best, head[0].t_min)
                continue
            ev = head[2]
            self._last = ev["ts"]
            self._refill(best, self._last)
            return "event", ev

    def __iter__(self):
        while True:
            before = self._watermark
            if self._key_ready:
                before = self._key[0].t_max + 1
            elif self._ended:
                before = U64 + 2
            got = self._take(before)
            if got:
                yield got
            elif self._key_ready:
                yield from self._give_key()
            elif self._ended:
                break
            else:
                try:
                    yield from self._read_block()
                except Error as e:
                    yield "error", {"code": e.code, "text": str(e)}
        if self._others:
            raise Error("unsupported", "the file holds another recording, which this reader does not join")

    # -- blocks --

    def _read_block(self):
        block, gap = (self._first, self._first_gap) if self._first else self._scan.next()
        self._first = None
        self._gap |= gap
        if block is None:
            self._at_end()
            return
        if block.session != self.info["session"]:
            self._others += 1
            return
        if not self._check_sequence(block):
            return
        try:
            yield from self._dispatch(block)
        except Error as e:
            if e.code != "corrupt":
                raise
            self.damage["bad_blocks"] += 1
        finally:
            if self._watermark < block.watermark <= MAX_TIME + 1:
                self._watermark = block.watermark

    def _known_to(self):
        return max(self._watermark, self._last, self.info["start"])

    def _at_end(self):
        self._ended = True
        self.damage["missing_end"] = int(not self._end_seen)
        if not self._end_seen:
            t0 = self._known_to()
            t1 = max([t0] + [q[-1][0].t_max for q in self._streams.values() if q])
            self._pend_loss(DAMAGED if self._gap else MISSING, t0, t1)

    def _check_sequence(self, b):
        if self._seq is None:
            self._seq = b.seq if b.kind == META else 0
        ahead = b.seq - self._seq & U32
        if ahead >> 31:
            self.damage["bad_blocks"] += 1  # there twice, or misplaced
            return False
        if self._gap or ahead:
            if not self._gap:
                self.damage["missing_blocks"] += ahead
            t1 = b.t_max + (0 if b.kind == KEYFRAME else b.aux * 1000)
            self._pend_loss(DAMAGED if self._gap else MISSING, self._known_to(), t1)
            self._gap = False
        self._seq = b.seq + 1 & U32
        return True

    def _dispatch(self, b):
        if b.kind == META:
            self._meta(b.body())
        elif b.kind == EVENTS:
            self._events(b)
        elif b.kind == KEYFRAME:
            self._hold_shard(b)
        elif b.kind in (STRINGS, PROCESS, PCS, STACKS, THREADS, GTAB):
            for row in rows(b.kind, b.body(), b.n, b.t_min):
                item = getattr(self, f"_row_{b.kind}")(row)
                if item:
                    yield item
        elif b.kind in (LOSS, CLOCK, STATS, NOTE, END):
            for row in rows(b.kind, b.body(), b.n, b.t_min):
                self._timed(b.kind, row)
        elif b.kind != MODULES:
            self.damage["unknown_blocks"] += 1
            if b.flags & 4:
                raise Error("version", f"block {b.seq} is of kind {b.kind}, which this reader would need to know")

    def _events(self, b):
        if not b.n:
            return
        queue = self._streams.setdefault(b.process, [])
        if b.t_min < self._last or (queue and b.t_min < queue[-1][0].t_max):
            self._pend_loss(DAMAGED, self._last, b.t_max, b.n)
            raise corrupt("events of a time that is over")
        queue.append([b, b.body(), None])

    def _timed(self, kind, row):
        ts = row[{LOSS: "t0", CLOCK: "mono"}.get(kind, "ts")]
        if ts > MAX_TIME:
            raise corrupt("impossible time")
        if kind == LOSS:
            self._pend(ts, "loss", dict(row, process=row["process"] & U32, cpu=i32(row["cpu"] - 1),
                                        t1=max(row["t0"], row["t1"])))
        elif kind == NOTE:
            self._pend(ts, "note", {"ts": ts, "text": self.text(row["text"])})
        elif kind == END:
            self._end_seen = True
            self._pend(ts, "end", dict(row, status=i32(row["status"])))
        else:
            self._pend(ts, "clock" if kind == CLOCK else "stats", row)

    # -- rows: what is remembered, and what is an item too --

    def _row_3(self, row):
        if not 0 < row["id"] < MAX_ID:
            raise corrupt("string with an impossible id")
        self.strings.setdefault(row["id"], _text(row["bytes"]))

    def _row_5(self, row):
        if not 0 < row["id"] < MAX_ID or len(row["frames"]) % 3 or len(row["frames"]) > 192:
            raise corrupt("impossible pc")
        row["class"] = row["class"] if row["class"] < 256 else 0
        self.pcs.setdefault(row["id"], row)

    def _row_7(self, row):
        if row["id"] in self.stacks:
            return
        depth = len(row["pcs"]) + self.stacks.get(row["parent"], {"depth": 0})["depth"]
        if not 0 < row["id"] < MAX_ID or row["parent"] >= row["id"] or not row["pcs"] or depth > 512:
            raise corrupt("impossible stack")
        self.stacks[row["id"]] = dict(row, depth=depth)

    def _row_6(self, row):
        if not 0 < row["process"] <= MAX_PROCESS or len(row["reasons"]) > 256:
            raise corrupt("impossible process")
        p = dict(row, reasons=[self.text(i) for i in row["reasons"]])
        for name in ("exe", "build_id", "gnu_build_id", "go", "arch", "cmdline0"):
            p[name] = self.text(row[name])
        self.processes[p["process"]] = p
        return "process", p

    def _row_9(self, row):
        if row["process"] > MAX_PROCESS or row["tid"] > U32:
            raise corrupt("impossible thread")
        t = dict(row, m=i32(row["m"] - 1), comm=self.text(row["comm"])[:15])
        self.threads[t["process"], t["tid"]] = t
        return "thread", t

    def _row_8(self, row):
        if row["process"] > MAX_PROCESS:
            raise corrupt("goroutine of an impossible process")
        return "goroutine", row

    # -- keyframes --

    def _hold_shard(self, b):
        if not self.keyframes:
            return
        index, count, k = b.aux & 65535, b.aux >> 16, self._key
        first = k[0] if k else b
        if index != len(k) or index >= count or (first.t_max, first.t_min, first.aux >> 16) != \
                (b.t_max, b.t_min, count):
            k.clear()
        if index != len(k) or index >= count:
            return
        k.append(b)
        if len(k) < count:
            return
        changes = b.t_min != b.t_max
        if changes and not (self._base and self._base[0].t_max == b.t_min):
            k.clear()  # what it builds on is lost
        else:
            self._key_ready = True

    def _key_rows(self, shards):
        for b in shards:
            try:
                for row in rows(KEYFRAME, b.body(), b.n, b.t_max):
                    if row["process"] > MAX_PROCESS:
                        raise corrupt("key of an impossible process")
                    yield row
            except Error as e:
                if e.code != "corrupt":
                    raise
                self.damage["bad_blocks"] += 1

    def _give_key(self):
        shards, self._key, self._key_ready = self._key, [], False
        changes = shards[0].t_min != shards[0].t_max
        yield "keyframe", shards[0].t_max
        base = self._key_rows(self._base if changes else [])
        old = next(base, None)
        for row in self._key_rows(shards):
            while old and old["gid"] < row["gid"]:
                yield "key", _key(old)
                old = next(base, None)
            whole = None
            if old and old["gid"] == row["gid"]:
                whole, old = old, next(base, None)
            if row["change"] == 2 or (row["change"] == 1 and not whole):
                continue
            yield "key", _key(dict(row, **{name: whole[name] for name in G}) if row["change"] == 1 else row)
        while old:
            yield "key", _key(old)
            old = next(base, None)
        yield "keyframe_end", 1
        if not changes:
            self._base = shards


def _text(data):
    return bytes(data).split(b"\0")[0].decode("utf-8", "replace")


def _key(row):
    k = {name: row[name] for name in row if name not in G and name not in ("", "change", "key_stack")}
    k.update(key={name: row[name] for name in G}, stack=row["key_stack"], p=i32(row["p"] - 1))
    return k
