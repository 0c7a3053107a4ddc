# SPDX-License-Identifier: BSD-2-Clause
"""The container: numbers, our blocks and their checksums, and finding them in a pcapng file, damaged or not."""
import ctypes
import struct

U32, U64 = (1 << 32) - 1, (1 << 64) - 1
MAX_TIME, MAX_PROCESS, MAX_BODY = (1 << 63) - 1, 65535, 262144 - 72

_HEAD = struct.Struct("<4sBBHQIIQQQIIIIII")
_HEAD_NAMES = ("magic", "head", "kind", "flags", "session", "seq", "crc", "t_min", "t_max", "watermark", "stored",
               "raw", "n", "lost", "process", "aux")


class Error(Exception):
    """code: "truncated", "corrupt", "version" or "unsupported"."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def corrupt(text):
    return Error("corrupt", text)


# ---- numbers, checksums, compression ----

class In:
    """Bytes to be read from the front. What is not there is 0, and told by .bad."""

    def __init__(self, data):
        self.data, self.pos, self.bad = data, 0, False

    def left(self):
        return len(self.data) - self.pos

    def fail(self):
        self.pos, self.bad = len(self.data), True
        return 0

    def byte(self):
        if self.pos >= len(self.data):
            return self.fail()
        self.pos += 1
        return self.data[self.pos - 1]

    def take(self, n):
        if n > self.left():
            self.fail()
            return b""
        self.pos += n
        return self.data[self.pos - n:self.pos]

    def varint(self):
        v = shift = 0
        while shift < 64 and self.pos < len(self.data):
            b = self.data[self.pos]
            self.pos += 1
            if shift == 63 and b > 1:
                break
            v |= (b & 0x7F) << shift
            if b < 0x80:
                return self.fail() if b == 0 and shift else v
            shift += 7
        return self.fail()


def unzigzag(v):
    return v >> 1 ^ -(v & 1)


def i32(v):
    v &= U32
    return v - (1 << 32) if v >> 31 else v


def _crc_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    return table


_CRC = _crc_table()


def _crc32c(data):
    crc, table = U32, _CRC
    for b in data:
        crc = crc >> 8 ^ table[(crc ^ b) & 255]
    return crc ^ U32


class _Zstd:
    lib = None

    @classmethod
    def frame(cls, data, size):
        if cls.lib is None:
            try:
                cls.lib = ctypes.CDLL("libzstd.so.1")
            except OSError as e:
                raise Error("unsupported", f"the trace is compressed: {e}") from e
            for name in ("ZSTD_decompress", "ZSTD_findFrameCompressedSize"):
                getattr(cls.lib, name).restype = ctypes.c_size_t
            cls.lib.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
        n, out = ctypes.c_size_t(len(data)), ctypes.create_string_buffer(size)
        if cls.lib.ZSTD_getFrameContentSize(data, n) != size or \
                cls.lib.ZSTD_findFrameCompressedSize(data, n) != len(data) or \
                cls.lib.ZSTD_decompress(out, ctypes.c_size_t(size), data, n) != size:
            raise corrupt("compressed body is not one frame of the right size")
        return out.raw


class _Block:
    """The header of a block of ours, and where it lies."""

    def __init__(self, packet):
        for name, v in zip(_HEAD_NAMES, _HEAD.unpack(packet[:72])):
            setattr(self, name, v)
        self.head *= 8
        self.packet = packet
        self.gap = False

    def fine(self):
        size = len(self.packet)
        if self.head < 72 or self.head > size or self.stored != size - self.head or self.raw > MAX_BODY or \
                self.t_min > self.t_max or self.t_max > MAX_TIME or self.process > MAX_PROCESS or \
                (self.raw // 1024 > self.stored if self.flags & 1 else self.raw != self.stored):
            return False
        return _crc32c(self.packet[:20] + b"\0\0\0\0" + self.packet[24:]) == self.crc

    def body(self):
        stored = self.packet[self.head:]
        return _Zstd.frame(stored, self.raw) if self.flags & 1 else stored


# ---- pcapng ----

class Scan:
    """Finds our blocks; what is broken is passed over and counted."""

    def __init__(self, data, damage):
        self.data, self.damage = data, damage
        self.pos, self.limit, self.foreign = 0, 1 << 64, 0

    def section(self, at):
        order = self.data[at + 8:at + 12]
        if order == b"\x1a\x2b\x3c\x4d":
            return "big-endian"
        if order != b"\x4d\x3c\x2b\x1a":
            return "broken"
        return "skip" if self.data[at + 12:at + 14] == b"\1\0" else "future"

    def packet(self, at, length):
        framed = self.data[at + length - 4:at + length] == struct.pack("<I", length)
        size = struct.unpack_from("<I", self.data, at + 20)[0] if length >= 32 else 1 << 32
        if size > 262144 or size > length - 32:
            return ("bad" if framed else "broken"), None
        p = self.data[at + 28:at + 28 + size]
        if not framed:
            return "broken", None
        if p[:3] != b"GTR" or not b"1" <= p[3:4] <= b"9":
            return "skip", None
        if p[3:4] != b"1":
            return "future", None
        b = _Block(p) if size >= 72 else None
        return ("ours", b) if b and b.fine() else ("bad", None)

    def look(self):
        """What the block at self.pos is, its length, and ours if it is."""
        at, left = self.pos, len(self.data) - self.pos
        if left < 12:
            return ("short" if left else "end"), 0, None
        kind, length = struct.unpack_from("<II", self.data, at)
        if length < 12 or length % 4 or length > 16 << 20:
            big = kind == 0x0A0D0D0A and left >= 16 and self.section(at) == "big-endian"
            return ("big-endian" if big else "broken"), length, None
        if kind == 6 and length > 262144 + 131072:
            return "broken", length, None
        if left < length:
            return "short", length, None
        if kind == 6:
            what, block = self.packet(at, length)
            self.foreign += what == "skip"
            return what, length, block
        if self.data[at + length - 4:at + length] != struct.pack("<I", length):
            return "broken", length, None
        if kind == 0x0A0D0D0A:
            return (self.section(at) if length >= 28 else "broken"), length, None
        return "skip", length, None

    def starts(self, at):
        kind = self.data[at:at + 4]
        return (kind == b"\6\0\0\0" and self.data[at + 28:at + 31] == b"GTR") or \
            (kind == b"\x0a\x0d\x0d\x0a" and self.data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a") or \
            kind == b"RTG\x80"

    def resync(self):
        at = self.pos + 4
        while at + 32 <= len(self.data) and at < self.limit:
            if self.starts(at):
                self.pos = at
                if self.look()[0] in ("ours", "skip"):
                    return True
            at += 4
        self.pos = len(self.data)
        return False

    def next(self):
        """The next block of ours; None, and whether there was damage before it."""
        gap = False
        while self.pos < self.limit:
            what, length, block = self.look()
            if what == "end":
                return None, gap
            if what in ("short", "broken"):
                gap = True
                self.damage["bad_blocks"] += 1
                if not self.resync():
                    return None, gap
                continue
            self.pos += length if what != "big-endian" or (length >= 12 and length % 4 == 0) else 12
            if what == "ours":
                return block, gap
            if what == "bad":
                self.damage["bad_blocks"] += 1
                gap = True
            elif what == "big-endian":
                raise Error("unsupported", "big-endian pcapng: not a gtrace trace")
            elif what == "future":
                raise Error("version", "a block of a later format version")
        return None, gap
