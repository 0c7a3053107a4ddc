#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Seeds for fuzz_gobin: gobin_seeds.py DIR. Small ELF files with what a Go program has and no
more: build info, moduledata, and a function table of four functions, one with an inlined call;
in each format of the table, for both machines. Written from the format's description, not by
our reader's code, so that the two cannot share a mistake. tests/unit/test_gobin_hostile.c reads
them as well and knows what they say."""
import os
import struct
import sys

BASE = 0x400000
TEXT, RO, RW = 0x200, 0x400, 0x900  # file offsets, and addresses less BASE
ALLGS = BASE + RW + 0x640
ALLGLOCK = BASE + RW + 0x680
FUNCS = [  # name, size, inlined function or None
    ("runtime.text", 0x20, None),
    ("runtime.casgstatus", 0x80, None),
    ("runtime.allgadd", 0x60, None),
    ("main.main", 0x40, "main.inlined"),
]


def status_code(fmt, arch):
    """What casgstatus begins with: the tests of bit 12 in old and in new."""
    if arch == "amd64":  # [push rbp; mov; sub or sub;] bt; jb; bt; nop; jb; ret
        head = "554889e5 4883ec40" if fmt >= 20 else "4883ec40"
        return bytes.fromhex(head + "0fbae30c 720a 0fbae10c 90 7204 c3")
    tests = [0x36600040] if fmt == 17 else [0x37600041, 0x37600042]  # tbz w0; tbnz w1, w2
    return struct.pack(f"<{len(tests) + 2}I", 0xf81a0ffe, *tests, 0xd65f03c0)


def allgadd_code(arch, at):
    """A stack check, the lock, and the three words of allgs."""
    if arch == "amd64":
        out = bytes.fromhex("493b6610 7640 55")
        for op, addr in ((b"\x48\x8d\x3d", ALLGLOCK), (b"\x48\x8b\x0d", ALLGS + 8),
                         (b"\x48\x8b\x15", ALLGS), (b"\x48\x89\x35", ALLGS + 16)):
            out += op + struct.pack("<i", addr - (at + len(out) + 7))
        return out + b"\xc3"
    low = ALLGS & 0xfff  # all in one page: adrp x27, 0
    words = [0xf9400b90, 0xeb3063ff, 0x540000a9, 0xf81a0ffe, 0x94000000, 0x9000001b]
    words += [0xf9400360 | (low + d) // 8 << 10 for d in (8, 0, 16)]
    return struct.pack(f"<{len(words) + 1}I", *words, 0xd65f03c0)


MAGIC = {17: 0xfffffffa, 18: 0xfffffff0, 20: 0xfffffff1, 26: 0xfffffff1}


def uvarint(v):
    out = bytearray()
    while v >= 0x80:
        out.append(v & 0x7f | 0x80)
        v >>= 7
    out.append(v)
    return bytes(out)


def zigzag(v):
    return uvarint((v << 1) ^ (v >> 63) if v >= 0 else ((-v) << 1) - 1)


class Table(bytearray):
    """A part of pclntab: bytes, and where each thing put in it begins."""

    def put(self, data):
        at = len(self)
        self += data
        return at

    def align(self, n):
        while len(self) % n:
            self.append(0)


def pcvalue(steps, quantum):
    """A pc-value table: (value, bytes for which it holds) pairs."""
    out, last = b"", -1
    for value, length in steps:
        out += zigzag(value - last) + uvarint(length // quantum)
        last = value
    return out + b"\0"


def funcdata(fmt, tree_at, names):
    """The inline tree of main.main: one call."""
    if fmt < 20:
        # parent, funcID, _, file, line, func, parentPc
        return struct.pack("<hBBiiii", -1, 0, 0, 0, 30, names["main.inlined"], 8)
    return struct.pack("<B3xiii", 0, names["main.inlined"], 8, 20)


def pclntab(fmt, arch, address, tree):
    """(bytes, parts): the table as it lies at ADDRESS; TREE is the inline tree's address."""
    q = 1 if arch == "amd64" else 4
    head = 64 if fmt == 17 else 72
    name_tab, names = Table(b"\0"), {}
    for name in [f[0] for f in FUNCS] + ["main.inlined"]:
        names[name] = name_tab.put(name.encode() + b"\0")
    name_tab.align(8)
    files = Table()
    file_at = [files.put(b"/src/a.go\0"), files.put(b"/src/b.go\0")]
    files.align(8)
    cu = struct.pack("<II", *file_at)
    pctab, pcln = Table(b"\0"), Table()
    entries, at = [], BASE + TEXT
    for i, (name, size, inlined) in enumerate(FUNCS):
        half = size // 2
        if inlined:  # the first half of the function is the inlined one's
            pcfile = pctab.put(pcvalue([(1, 8), (0, size - 8)], q))
            pcline = pctab.put(pcvalue([(20, 8), (30, half - 8), (31, half)], q))
            inline = pctab.put(pcvalue([(0, 8), (-1, size - 8)], q))
        else:
            pcfile = pctab.put(pcvalue([(0, size)], q))
            pcline = pctab.put(pcvalue([(10 + i, half), (100 + i, half)], q))
            inline = 0
        entries.append((at, name, pcfile, pcline, inline))
        at += size
    pctab.align(8)
    row = 16 if fmt == 17 else 8
    pcln.put(b"\0" * (row * len(FUNCS) + row // 2))
    pcln.align(8)
    rows = []
    for entry, name, pcfile, pcline, inline in entries:
        f = struct.pack("<Q", entry) if fmt == 17 else struct.pack("<I", entry - BASE - TEXT)
        f += struct.pack("<iiIIIIII", names[name], 0, 0, 0, pcfile, pcline, 3 if inline else 0, 0)
        if fmt >= 20:
            f += struct.pack("<i", 1)
        f += struct.pack("<BBBB", 0, 0, 0, 4 if inline else 0)
        if inline:
            f += struct.pack("<III", 0, 0, inline)
        off = pcln.put(f)
        if inline and fmt == 17:
            pcln.align(8)
            pcln.put(struct.pack("<QQQQ", 0, 0, 0, tree))
        elif inline:
            pcln.put(struct.pack("<IIII", 0xffffffff, 0xffffffff, 0xffffffff, 0))
        pcln.align(8)
        rows.append((entry, off))
    for i, (entry, off) in enumerate(rows):
        pair = struct.pack("<QQ", entry, off) if fmt == 17 \
            else struct.pack("<II", entry - BASE - TEXT, off)
        pcln[i * row:(i + 1) * row] = pair
    end = struct.pack("<Q", at) if fmt == 17 else struct.pack("<I", at - BASE - TEXT)
    pcln[len(rows) * row:len(rows) * row + row // 2] = end

    out, parts = Table(b"\0" * head), {}
    for key, part in (("funcname", name_tab), ("cu", cu), ("file", files), ("pc", pctab),
                      ("pcln", pcln)):
        parts[key] = (out.put(part), len(part))
        out.align(8)
    words = [len(FUNCS), 2]
    if fmt != 17:
        words.append(0 if fmt == 26 else BASE + TEXT)
    words += [parts[k][0] for k in ("funcname", "cu", "file", "pc", "pcln")]
    out[:head] = struct.pack(f"<IHBB{len(words)}Q", MAGIC[fmt], 0, q, 8, *words).ljust(head, b"\0")
    return bytes(out), parts, at, names


def moduledata(fmt, header, parts, etext, gofunc):
    words = [header]
    for key, elem in (("funcname", 1), ("cu", 4), ("file", 1), ("pc", 1), ("pcln", 1)):
        off, size = parts[key]
        words += [header + off, size // elem, size // elem]
    words += [header + parts["pcln"][0], len(FUNCS) + 1, len(FUNCS) + 1]
    data = BASE + RW
    words += [0, BASE + TEXT, etext, BASE + TEXT, etext]  # findfunctab, minpc, maxpc, text
    words += [data, data + 0x600, data + 0x600, data + 0x700] + [data + 0x700] * 4
    if fmt >= 20:
        words += [data + 0x700] * 2  # covctrs
    words += [data + 0x700, BASE + RO, BASE + RO, BASE + RO, BASE + RO]  # end gcdata gcbss types
    if fmt >= 18:
        words += [BASE + RO, gofunc]
    if fmt >= 26:
        words.append(BASE + RO + 0x500)
    return struct.pack(f"<{len(words)}Q", *words) + b"\0" * 256


def buildinfo(fmt, minor, at):
    head = b"\xff Go buildinf:" + bytes([8, 0 if fmt == 17 else 2])
    version = f"go1.{minor}.3".encode()
    mod = b"M" * 16 + b"path\tseed\nmod\texample.com/seed\t(devel)\t\n" + b"M" * 16
    if fmt != 17:
        return head.ljust(32, b"\0") + uvarint(len(version)) + version + uvarint(len(mod)) + mod
    strings = at + 32
    text = strings + 32
    return (head + struct.pack("<QQ", strings, strings + 16)
            + struct.pack("<QQQQ", text, len(version), text + len(version), len(mod))
            + version + mod)


def seed(fmt, minor, arch):
    header = BASE + RO + 0x20
    tree = BASE + RO
    table, parts, etext, names = pclntab(fmt, arch, header, tree)
    image = Table(b"\0" * RW)
    at = TEXT
    for name, size, _ in FUNCS:
        code = b""
        if name == "runtime.casgstatus":
            code = status_code(fmt, arch)
        elif name == "runtime.allgadd":
            code = allgadd_code(arch, BASE + at)
        image[at:at + len(code)] = code
        at += size
    inline = funcdata(fmt, tree, names)
    image[RO:RO + len(inline)] = inline
    assert 0x20 + len(table) <= RW - RO
    image[RO + 0x20:RO + 0x20 + len(table)] = table
    info = buildinfo(fmt, minor, BASE + RW)
    image += info.ljust(0xd0, b"\0")
    image += moduledata(fmt, header, parts, etext, tree)
    image = bytearray(image.ljust(RW + 0x500, b"\0"))
    machine = {"amd64": 62, "arm64": 183}[arch]
    ehdr = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, machine, 1, BASE + TEXT, 64, 0,
                       0, 64, 56, 3, 64, 0, 0)
    phdrs = b"".join(struct.pack("<IIQQQQQQ", 1, flags, off, BASE + off, BASE + off, size, size,
                                 0x1000)
                     for flags, off, size in ((5, TEXT, RO - TEXT), (4, RO, RW - RO),
                                              (6, RW, len(image) - RW)))
    image[:64 + len(phdrs)] = ehdr + phdrs
    return bytes(image)


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for fmt, minor in ((17, 17), (18, 19), (20, 24), (26, 26)):
        for arch in ("amd64", "arm64"):
            with open(f"{sys.argv[1]}/seed-{minor}-{arch}", "wb") as f:
                f.write(seed(fmt, minor, arch))


if __name__ == "__main__":
    main()
