# SPDX-License-Identifier: BSD-2-Clause
"""The bodies of blocks: tables with their columns, and events with their shapes."""
import heapq

from ._file import U32, U64, Error, In, corrupt, i32, unzigzag

META, CLOCK, STRINGS, MODULES, PCS, PROCESS, STACKS, GTAB, THREADS = range(1, 10)
EVENTS, KEYFRAME, LOSS, STATS, NOTE, END = range(16, 22)
VAR, DELTA, AGO, REL, LIST, BYTES = range(1, 7)

G = ["gid", "goid", "gptr", "parent", "parent_goid", "created", "process", "start_pc", "site_pc", "stack", "flags"]
# Names of the columns by id from 1; one that ends in + is a list, in * bytes.
_FIELDS = {
    CLOCK: ["mono", "boot", "wall", "error"],
    STRINGS: ["id", "class", "bytes*"],
    PCS: ["id", "process", "module", "offset", "class", "frames+"],
    PROCESS: ["process", "pid", "start", "seen", "launched", "gomaxprocs", "probes", "exe", "build_id",
              "gnu_build_id", "go", "arch", "cmdline0", "reasons+", "end", "end_how", "end_status"],
    STACKS: ["id", "parent", "pcs+"],
    GTAB: G,
    THREADS: ["process", "tid", "ns_tid", "m", "first", "last", "comm"],
    KEYFRAME: G + [None] * 4 + ["since", "last", "waker", "tid", "p", "key_stack", "pc", "state", "reason",
                                 "wake_class", "kflags", "partner", "uncertain", "old", "change"],
    LOSS: ["process", "cpu", "cause", "t0", "t1", "count"],
    STATS: ["ts", "events", "lost", "goid_zero", "unreadable", "bad_status", "resync", "bytes", "cpu_ns", "hits"],
    NOTE: ["ts", "text"],
    END: ["ts", "events", "lost", "reason", "status"],
}

# ---- tables ----

def _columns(kind, body, n):
    """The columns that are known, in the order of the format: (name, encoding, name it refers to, data)."""
    names = _FIELDS[kind]
    data = In(body)
    count, known, total = data.varint(), {}, 0
    if count > 256:
        raise corrupt("too many columns")
    heads = [(data.byte(), data.byte(), data.byte(), data.varint()) for _ in range(count)]
    if data.bad or sum(h[3] for h in heads) != data.left():
        raise corrupt("columns of a table do not fill its block")
    for cid, enc, param, length in heads:
        column = In(data.take(length))
        name = names[cid - 1] if 0 < cid <= len(names) else None
        if name is None:
            if cid & 0x80:
                raise Error("version", f"column {cid} is new to this version")
            continue
        shape = {"+": LIST, "*": BYTES}.get(name[-1])
        if not VAR <= enc <= BYTES or cid in known or (enc != shape if shape else enc >= LIST):
            raise corrupt(f"column {cid} has encoding {enc}")
        if enc == REL and not (0 < param < cid and names[param - 1] and names[param - 1][-1] not in "+*"):
            raise corrupt(f"column {cid} refers to {param}")
        known[cid] = (name.rstrip("+*"), enc, names[param - 1] if enc == REL else None, column)
    if n and (not known or n > len(body)):
        raise corrupt(f"table claims {n} rows")
    return [known[cid] for cid in sorted(known)]


def _value(enc, data, name, last, base, row, ref):
    if enc == LIST:
        n = data.varint()
        v = [data.varint() for _ in range(n)] if n <= 1024 else None
        return None if v is None or data.bad or any(x > U32 for x in v) else v
    if enc == BYTES:
        n = data.varint()
        v = data.take(n) if n <= 65535 else None
        return None if data.bad else v
    e = data.varint()
    if enc == DELTA:
        e = last[name] = last.get(name, 0) + unzigzag(e) & U64
    elif enc == AGO:
        e = base - unzigzag(e - 1) & U64 if e else 0
    elif enc == REL:
        e = row.get(ref, 0) + unzigzag(e) & U64
    return None if data.bad else e


def rows(kind, body, n, base):
    """Rows as dicts; what no column tells is 0, or an empty list."""
    columns, last = _columns(kind, body, n), {}
    empty = {(f or "").rstrip("+*"): [] if f and f[-1] == "+" else b"" if f and f[-1] == "*" else 0
             for f in _FIELDS[kind]}
    for _ in range(n):
        row = dict(empty)
        for name, enc, ref, data in columns:
            row[name] = _value(enc, data, name, last, base, row, ref)
            if row[name] is None:
                raise corrupt(f"column '{name}' ends early or holds nonsense")
        yield row
    if any(data.left() for _, _, _, data in columns):
        raise corrupt("a column has more values than rows")


# ---- events ----

SHAPE, DT0, DT1, SHAPEX, DTX, TID, GID, ACT, P, M, QLEN, ARG = range(1, 13)


class _Run:
    """The events of one CPU in a block, and the context of its decoding."""

    def __init__(self, cpu, n, slot):
        self.cpu, self.n, self.i, self.t = cpu, n, 0, 0
        self.col = [In(b"") for _ in range(13)]
        self.tid, self.last_g, self.qlen, self.queue, self.slot = 0, 0, -1, [], slot

    def advance(self, limit):
        hi = self.col[DT1].data[self.i]
        if hi == 255:
            hi += self.col[DTX].varint()
            if hi >> 39 or self.col[DTX].bad:
                return False
        self.t += hi << 8 | self.col[DT0].data[self.i]
        return self.t <= limit


class Events:
    """A block of events, one by one in their order. broken: why there are no more."""

    def __init__(self, block, body):
        self.block, self.broken = block, False
        data = In(body)
        quantum, shapes, n_cols = data.varint(), data.varint(), data.varint()
        if data.bad or not quantum or quantum & quantum - 1 or quantum > 1024 or shapes > 4096 or n_cols > 255:
            raise corrupt("impossible quantum, shapes or columns")
        ids = [data.byte() for _ in range(n_cols)]
        if any(i > 12 and i & 0x80 for i in ids):
            raise Error("version", "an event column is new to this version")
        if 0 in ids or any(ids.count(i) > 1 for i in range(1, 13)):
            raise corrupt("a column is there twice")
        self.quantum, self.limit = quantum, (block.t_max - block.t_min) // quantum
        self.slots = [[0, 0, 0, 0] for _ in range(256)]  # tid, g, M + 1, P + 1
        lengths = self.directory(data, ids)
        self.shapes = self.read_shapes(data, shapes)
        self.fill(data, ids, lengths)
        self.heap = []
        for k, r in enumerate(self.runs):
            if not r.advance(self.limit):
                raise corrupt("impossible time")
            self.heap.append((r.t, k))
        heapq.heapify(self.heap)

    def directory(self, data, ids):
        n_runs = data.varint()
        if n_runs > 8192 or self.block.n > 262144 or self.limit >> 47:
            raise corrupt("too many runs or events")
        self.runs, lengths = [], []
        for k in range(n_runs):
            cpu, n = data.varint(), data.varint()
            if data.bad or cpu > 65535 or (k and cpu <= self.runs[-1].cpu) or not 0 < n <= self.block.n:
                raise corrupt("impossible CPU or count")
            self.runs.append(_Run(cpu, n, self.slots[0]))
            lengths.append([data.varint() for _ in ids])
        if data.bad or sum(r.n for r in self.runs) != self.block.n:
            raise corrupt("runs and events do not match")
        return lengths

    def read_shapes(self, data, n):
        fields = [data.take(n) for _ in range(7)]
        if data.bad:
            raise corrupt("shapes are cut off")
        if any(b & 0xF8 for b in fields[6]):
            raise Error("version", "a shape of events is new to this version")
        ids = [[data.varint() & U32 for _ in range(n)] for _ in range(3)]
        if data.bad:
            raise corrupt("shapes are cut off")
        return [tuple(f[i] for f in fields) + tuple(f[i] for f in ids) for i in range(n)]

    def fill(self, data, ids, lengths):
        if sum(map(sum, lengths)) != data.left():
            raise corrupt("columns do not fill the block")
        for c, cid in enumerate(ids):
            for run, length in zip(self.runs, lengths):
                column = In(data.take(length[c]))
                if cid <= 12:
                    run.col[cid] = column
        if any(len(r.col[c].data) != r.n for r in self.runs for c in (SHAPE, DT0, DT1)):
            raise corrupt("columns do not fill the block")

    def next(self):
        """The next event; None when there are no more, and then .broken tells why."""
        if not self.heap or self.broken:
            return None
        run = self.runs[self.heap[0][1]]
        ev = self.event(run)
        if ev is None:
            self.broken = True
            return None
        run.i += 1
        if run.i == run.n:
            heapq.heappop(self.heap)
            self.broken = any(c.bad or c.left() for c in run.col[SHAPEX:])
        elif run.advance(self.limit):
            heapq.heapreplace(self.heap, (run.t, self.heap[0][1]))
        else:
            self.broken = True
        return ev

    def event(self, r):
        n = r.col[SHAPE].data[r.i]
        if n == 255:
            n += r.col[SHAPEX].varint()
        if n >= len(self.shapes):
            return None
        old, new, kind, flags, reason, how, high, ra, pc, stack = self.shapes[n]
        arg = self.rare(r, how)
        gid = self.gid(r, how & 3, old, new)
        if gid is None:
            return None
        act = how >> 2 & 3
        actor = (0 if act == 0 else gid if act == 1 else r.slot[1] if act == 2
                 else gid + unzigzag(r.col[ACT].varint()) & U64)
        q = high & 7
        r.qlen = i32(r.qlen + unzigzag(r.col[QLEN].varint() & U64 if q == 7 else q))
        if new == 2:
            r.slot[1] = gid
        if new == 1:
            r.queue = r.queue[-63:] + [gid]
        return {"ts": self.block.t_min + r.t * self.quantum, "process": self.block.process, "cpu": r.cpu,
                "kind": kind, "old": old, "new": new, "flags": flags, "gid": gid, "actor": actor, "tid": r.tid,
                "ra": ra, "pc": pc, "stack": stack, "reason": reason, "p": i32(r.slot[3] - 1),
                "m": i32(r.slot[2] - 1), "qlen": r.qlen, "arg": arg}

    def rare(self, r, how):
        if how & 0x10:
            r.tid = r.tid + unzigzag(r.col[TID].varint()) & U32
            r.slot = self.slots[(r.tid * 0x9E3779B1 & U32) >> 24]
            if r.slot[0] != r.tid:
                r.slot[:] = [r.tid, 0, 0, 0]
        if how & 0x20:
            r.slot[3] = r.col[P].varint() & U32
        if how & 0x40:
            r.slot[2] = r.col[M].varint() & U32
        return r.col[ARG].varint() if how & 0x80 else 0

    def gid(self, r, source, old, new):
        if source in (1, 2):
            return r.queue.pop(-1 if source == 1 else 0) if r.queue else None
        if source == 3:
            r.last_g = r.last_g + unzigzag(r.col[GID].varint()) & U64
        gid = r.last_g if source == 3 else r.slot[1]
        if r.queue and old == 1 and new == 2:
            r.queue.pop(0)
        return gid
