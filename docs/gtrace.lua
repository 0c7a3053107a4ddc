-- SPDX-License-Identifier: BSD-2-Clause
-- Wireshark's view of a trace: the blocks of docs/FORMAT.md in packets of link type USER0.
--   tshark -X lua_script:gtrace.lua -r trace.gtr -V       or copied to ~/.local/lib/wireshark/plugins
-- Headers are shown in full, and bodies that are not compressed as far as they are tables; checksums are
-- not checked (gtreplay --verify does). Lua's numbers are exact up to 2^53: larger ones are shown as such.

local KINDS = {
    "META", "CLOCK", "STRINGS", "MODULES", "PCS", "PROCESS", "STACKS", "GTAB", "THREADS",
    [16] = "EVENTS", [17] = "KEYFRAME", [18] = "LOSS", [19] = "STATS", [20] = "NOTE", [21] = "END",
    [24] = "SNAPSHOT", [25] = "GC", [26] = "RUNQ", [27] = "SCHED", [28] = "GAP", [29] = "GUARD", [30] = "LABELS",
}
local G = { "G_GID", "G_GOID", "G_GPTR", "G_PARENT", "G_PARENT_GOID", "G_CREATED", "G_PROCESS", "G_START_PC",
    "G_SITE_PC", "G_STACK", "G_FLAGS", "G_STACK_BYTES", "G_LABELS" }
local FIELDS = { -- kind -> id of a column -> its name
    [2] = { "CLOCK_MONO", "CLOCK_BOOT", "CLOCK_WALL", "CLOCK_ERROR" },
    [3] = { "STR_ID", "STR_CLASS", "STR_BYTES" },
    [4] = { "MOD_ID", "MOD_PROCESS", "MOD_PATH", "MOD_BUILD_ID", "MOD_BIAS", "MOD_TEXT_START", "MOD_TEXT_END" },
    [5] = { "PC_ID", "PC_PROCESS", "PC_MODULE", "PC_OFFSET", "PC_CLASS", "PC_FRAMES" },
    [6] = { "PROC_ID", "PROC_PID", "PROC_START", "PROC_SEEN", "PROC_LAUNCHED", "PROC_GOMAXPROCS", "PROC_PROBES",
        "PROC_EXE", "PROC_BUILD_ID", "PROC_GNU_BUILD_ID", "PROC_GO_VERSION", "PROC_ARCH", "PROC_CMDLINE0",
        "PROC_REASONS", "PROC_END", "PROC_END_HOW", "PROC_END_STATUS" },
    [7] = { "STK_ID", "STK_PARENT", "STK_PCS" },
    [8] = G,
    [9] = { "THR_PROCESS", "THR_TID", "THR_NS_TID", "THR_M", "THR_FIRST", "THR_LAST", "THR_COMM" },
    [17] = {},
    [18] = { "LOSS_PROCESS", "LOSS_CPU", "LOSS_CAUSE", "LOSS_T0", "LOSS_T1", "LOSS_COUNT" },
    [19] = { "STAT_TS", "STAT_EVENTS", "STAT_LOST", "STAT_GOID_ZERO", "STAT_UNREADABLE", "STAT_BAD_STATUS",
        "STAT_RESYNC", "STAT_BYTES", "STAT_CPU_NS", "STAT_HITS" },
    [20] = { "NOTE_TS", "NOTE_TEXT" },
    [21] = { "END_TS", "END_EVENTS", "END_LOST", "END_REASON", "END_STATUS" },
}
local KEY = { "KEY_SINCE", "KEY_LAST", "KEY_WAKER", "KEY_TID", "KEY_P", "KEY_STACK", "KEY_PC", "KEY_STATE",
    "KEY_REASON", "KEY_WAKE_CLASS", "KEY_KFLAGS", "KEY_PARTNER", "KEY_UNCERTAIN", "KEY_OLD", "KEY_CHANGE" }
for id, name in ipairs(G) do
    FIELDS[17][id] = name
end
for i, name in ipairs(KEY) do
    FIELDS[17][15 + i] = name
end
local COLUMNS = { "SHAPE", "DT0", "DT1", "SHAPEX", "DTX", "TID", "G", "ACT", "P", "M", "QLEN", "ARG" }
local ENCODINGS = { "VAR", "DELTA", "AGO", "REL", "LIST", "BYTES" }
local META = { "version", "compat features", "ro_compat features", "incompat features", "quantum, ns", "clock",
    "start", "wall-clock start", "CPUs", [16] = "boot id", [17] = "host", [18] = "os", [19] = "hardware",
    [20] = "tool", [21] = "comment" }
local HEADER, EXACT, ROWS, VALUES = 72, 2 ^ 53, 1000, 40 -- rows decoded of a table, values shown of a column

local gtrace = Proto("gtrace", "gtrace trace")
local f = {
    magic = ProtoField.string("gtrace.magic", "Magic"),
    head = ProtoField.uint8("gtrace.header_words", "Header length in 8-byte words"),
    kind = ProtoField.uint8("gtrace.kind", "Kind", base.DEC, KINDS),
    flags = ProtoField.uint16("gtrace.flags", "Flags", base.HEX),
    zstd = ProtoField.bool("gtrace.flags.zstd", "Body is a zstd frame", 16, nil, 0x1),
    critical = ProtoField.bool("gtrace.flags.critical", "Critical", 16, nil, 0x4),
    strings = ProtoField.bool("gtrace.flags.strings", "Holds strings", 16, nil, 0x8),
    rewritten = ProtoField.bool("gtrace.flags.rewritten", "Written by a copying tool", 16, nil, 0x20),
    session = ProtoField.uint64("gtrace.session", "Session", base.HEX),
    seq = ProtoField.uint32("gtrace.seq", "Sequence number"),
    crc = ProtoField.uint32("gtrace.crc", "CRC32C (not checked)", base.HEX),
    t_min = ProtoField.uint64("gtrace.t_min", "From, ns"),
    t_max = ProtoField.uint64("gtrace.t_max", "To, ns"),
    watermark = ProtoField.uint64("gtrace.watermark", "Watermark, ns"),
    stored = ProtoField.uint32("gtrace.stored", "Body as stored, bytes"),
    raw = ProtoField.uint32("gtrace.raw", "Body uncompressed, bytes"),
    items = ProtoField.uint32("gtrace.items", "Items"),
    lost = ProtoField.uint32("gtrace.lost", "Events lost since the block before"),
    process = ProtoField.uint32("gtrace.process", "Process"),
    aux = ProtoField.uint32("gtrace.aux", "Aux"),
    body = ProtoField.bytes("gtrace.body", "Body"),
    column = ProtoField.string("gtrace.column", "Column"),
    text = ProtoField.string("gtrace.string", "String"),
    fact = ProtoField.string("gtrace.meta", "Fact"),
}
gtrace.fields = f
local lost_events = ProtoExpert.new("gtrace.lost.expert", "Events were lost", expert.group.SEQUENCE,
    expert.severity.WARN)
local malformed = ProtoExpert.new("gtrace.malformed", "The block is not what docs/FORMAT.md says",
    expert.group.MALFORMED, expert.severity.ERROR)
gtrace.experts = { lost_events, malformed }

-- A place in the body; reading beyond its end raises an error, which dissector() shows.
local function varint(at)
    local v, shift = 0, 1
    for _ = 1, 10 do
        local b = at.tvb(at.pos, 1):uint()
        at.pos = at.pos + 1
        v = v + b % 128 * shift
        if b < 128 then
            return v
        end
        shift = shift * 128
    end
    error("a number is too long")
end

local function zigzag(v)
    return v % 2 == 0 and v / 2 or -(v + 1) / 2
end

local function show(v)
    return (v >= EXACT or v <= -EXACT) and ">= 2^53" or string.format("%.0f", v)
end

local READ = {
    [1] = function(at) return varint(at) end,
    [2] = function(at, c) c.last = c.last + zigzag(varint(at)) return c.last end,
    [3] = function(at, c)
        local v = varint(at)
        return v == 0 and 0 or c.base - zigzag(v - 1)
    end,
    [4] = function(at, c, row) return zigzag(varint(at)) + (c.of and c.of.values[row] or 0) end,
    [5] = function(at)
        local all = {}
        for i = 1, varint(at) do
            all[i] = show(varint(at))
        end
        return "[" .. table.concat(all, " ") .. "]"
    end,
    [6] = function(at)
        local n = varint(at)
        local s = n > 0 and at.tvb(at.pos, n):string() or ""
        at.pos = at.pos + n
        return s
    end,
}

local function values_of(c, body, rows)
    local at = { tvb = body, pos = c.from }
    for row = 1, math.min(rows, ROWS) do
        c.values[row] = READ[c.enc](at, c, row)
    end
end

local function show_column(tree, body, c, rows)
    local shown = {}
    for i = 1, math.min(#c.values, VALUES) do
        shown[i] = type(c.values[i]) == "number" and show(c.values[i]) or c.values[i]
    end
    local head = string.format("%s (%s, %d bytes): ", c.name, ENCODINGS[c.enc] or c.enc, c.len)
    local more = #shown < rows and " ..." or ""
    local sub = tree:add(f.column, body(c.from, c.len), head .. table.concat(shown, ", ") .. more)
    for _, s in ipairs(c.enc == 6 and shown or {}) do
        sub:add(f.text, body(c.from, c.len), s)
    end
end

local function show_table(tree, body, kind, rows, base)
    local at, columns, by_id = { tvb = body, pos = 0 }, {}, {}
    for i = 1, varint(at) do
        local c = { id = body(at.pos, 1):uint(), enc = body(at.pos + 1, 1):uint(), values = {}, last = 0, base = base }
        c.of = by_id[body(at.pos + 2, 1):uint()]
        c.name = FIELDS[kind][c.id] or "column " .. c.id
        at.pos = at.pos + 3
        c.len = varint(at)
        columns[i] = c
        by_id[c.id] = c
    end
    for _, c in ipairs(columns) do
        c.from = at.pos
        at.pos = at.pos + c.len
        if c.len > 0 then
            if READ[c.enc] then
                values_of(c, body, rows)
            end
            show_column(tree, body, c, rows)
        end
    end
end

local function show_meta(tree, body)
    local at = { tvb = body, pos = 0 }
    while at.pos < body:len() do
        local from, tag, n = at.pos, varint(at), varint(at)
        local value = tag >= 16 and (n > 0 and body(at.pos, n):string() or "")
            or show(varint({ tvb = body, pos = at.pos }))
        tree:add(f.fact, body(from, at.pos + n - from), (META[tag] or "tag " .. tag) .. ": " .. value)
        at.pos = at.pos + n
    end
end

-- The directory of a block of events; the events themselves need the context of all before them.
local function show_events(tree, body)
    local at, names = { tvb = body, pos = 0 }, {}
    local quantum, shapes, n = varint(at), varint(at), varint(at)
    for i = 1, n do
        local id = body(at.pos, 1):uint()
        names[i] = COLUMNS[id] or "column " .. id
        at.pos = at.pos + 1
    end
    tree:add(f.column, body(0, at.pos), string.format("quantum %d ns, %d shapes, columns %s, %d runs", quantum,
        shapes, table.concat(names, " "), varint(at)))
end

local function show_body(tree, body, kind, rows, base)
    if kind == 1 then
        show_meta(tree, body)
    elseif kind == 16 then
        show_events(tree, body)
    elseif FIELDS[kind] then
        show_table(tree, body, kind, rows, base)
    end
end

local function show_header(tree, tvb)
    local flags = tree:add_le(f.flags, tvb(6, 2))
    for _, name in ipairs({ "zstd", "critical", "strings", "rewritten" }) do
        flags:add_le(f[name], tvb(6, 2))
    end
    local at = 8
    for _, w in ipairs({ { "session", 8 }, { "seq", 4 }, { "crc", 4 }, { "t_min", 8 }, { "t_max", 8 },
        { "watermark", 8 }, { "stored", 4 }, { "raw", 4 }, { "items", 4 }, { "lost", 4 }, { "process", 4 },
        { "aux", 4 } }) do
        local item = tree:add_le(f[w[1]], tvb(at, w[2]))
        if w[1] == "lost" and tvb(at, 4):le_uint() > 0 then
            item:add_proto_expert_info(lost_events)
        end
        at = at + w[2]
    end
end

function gtrace.dissector(tvb, pinfo, root)
    if tvb:len() < HEADER or tvb(0, 3):string() ~= "GTR" then
        return 0
    end
    local kind, head = tvb(5, 1):uint(), tvb(4, 1):uint() * 8
    local stored, raw, items = tvb(48, 4):le_uint(), tvb(52, 4):le_uint(), tvb(56, 4):le_uint()
    local name = KINDS[kind] or (kind >= 128 and "private kind " or "unknown kind ") .. kind
    local tree = root:add(gtrace, tvb(), string.format("gtrace %s, %d item%s", name, items, items == 1 and "" or "s"))
    pinfo.cols.protocol = "GTRACE"
    pinfo.cols.info = string.format("%s #%d, process %d, %d items, %d bytes", name, tvb(16, 4):le_uint(),
        tvb(64, 4):le_uint(), items, raw)
    tree:add(f.magic, tvb(0, 4))
    tree:add(f.head, tvb(4, 1))
    tree:add(f.kind, tvb(5, 1))
    show_header(tree, tvb)
    if tvb(0, 4):string() ~= "GTR1" or head < HEADER or head + stored > tvb:len() then
        tree:add_proto_expert_info(malformed)
        return tvb:len()
    end
    if stored == 0 then
        return tvb:len()
    end
    local body = tree:add(f.body, tvb(head, stored))
    if tvb(6, 2):le_uint() % 2 == 1 then
        body:append_text(string.format(" (compressed with zstd: %d bytes of %d)", stored, raw))
        return tvb:len()
    end
    local time = tvb(kind == 17 and 32 or 24, 8):le_uint64():tonumber()
    if not pcall(show_body, body, tvb(head, stored):tvb(), kind, items, time) then
        body:add_proto_expert_info(malformed)
    end
    return tvb:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, gtrace)
