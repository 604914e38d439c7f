-- Wireshark dissector for the TLPs of a simulated PCI Express link, as "sriovsim tlps FILE.log --pcapng OUT.pcapng" writes
-- them: a record header of ours (docs/tlps.md), then the TLP as it is on the link (PCI Express Base 2.2).
--
--   tshark -X lua_script:sriovsim-tlp.lua -r OUT.pcapng
--
-- or put this file into a folder for plugins: Help > About Wireshark > Folders.

local VERSION = 1
local WITHOUT_END = 0xffff
local FIXED_BYTES = 32

local record = Proto("sriovsim", "Simulated PCI Express link")
local tlp = Proto("tlp", "PCI Express Transaction Layer Packet")

-- What a TLP is, by Fmt and Type.
local KINDS = {
  [0x00] = "MRd", [0x20] = "MRd", [0x40] = "MWr", [0x60] = "MWr",
  [0x04] = "CfgRd0", [0x05] = "CfgRd1", [0x44] = "CfgWr0", [0x45] = "CfgWr1",
  [0x0a] = "Cpl", [0x4a] = "CplD", [0x30] = "Msg",
}
local KIND_NAMES = {
  MRd = "Memory Read", MWr = "Memory Write", Cpl = "Completion", CplD = "Completion with Data",
  CfgRd0 = "Configuration Read Type 0", CfgRd1 = "Configuration Read Type 1",
  CfgWr0 = "Configuration Write Type 0", CfgWr1 = "Configuration Write Type 1",
  Msg = "Message to the root complex",
}
local MESSAGES = { [0x30] = "ERR_COR", [0x31] = "ERR_NONFATAL", [0x33] = "ERR_FATAL" }
local FMT_TYPES = {}
for code, kind in pairs(KINDS) do
  FMT_TYPES[code] = KIND_NAMES[kind] .. ((code == 0x20 or code == 0x60) and ", 64-bit address" or "")
end
local FMTS = {
  [0] = "3 double words, no data", [1] = "4 double words, no data",
  [2] = "3 double words, with data", [3] = "4 double words, with data", [4] = "TLP prefix",
}
local STATUSES = {
  [0] = "Successful Completion", [1] = "Unsupported Request",
  [2] = "Configuration Request Retry Status", [4] = "Completer Abort",
}
local STATUS_SHORT = { [0] = "SC", [1] = "UR", [2] = "CRS", [4] = "CA" }

local r = record.fields
r.version = ProtoField.uint8("sriovsim.version", "Version of the record header")
r.length = ProtoField.uint8("sriovsim.length", "Bytes of the record header")
r.flags = ProtoField.uint16("sriovsim.flags", "Flags", base.HEX)
r.direction = ProtoField.bool("sriovsim.downstream", "Direction", 16,
  { "downstream, root complex to card", "upstream, card to root complex" }, 0x0001)
r.tag_known = ProtoField.bool("sriovsim.tag_known", "Tag", 16, { "known", "none, or not known" }, 0x0002)
r.bad = ProtoField.bool("sriovsim.bad_lcrc", "LCRC", 16, { "wrong", "right" }, 0x0004)
r.discarded = ProtoField.bool("sriovsim.discarded", "Discarded", 16,
  { "yes, behind one with a bit error", "no" }, 0x0008)
r.unframed = ProtoField.bool("sriovsim.framing_error", "Framing", 16, { "wrong", "right" }, 0x0040)
r.duplicate = ProtoField.bool("sriovsim.duplicate", "Duplicate", 16, nil, 0x0080)
r.lost = ProtoField.bool("sriovsim.lost", "Lost with the link", 16, nil, 0x0020)
r.replayed = ProtoField.bool("sriovsim.replayed", "Sent again from the replay buffer", 16, nil, 0x0010)
r.sequence = ProtoField.uint16("sriovsim.seq", "Sequence number")
r.class = ProtoField.string("sriovsim.credits.class", "Flow-control class")
r.header_credits = ProtoField.uint16("sriovsim.credits.header", "Header credits left")
r.data_credits = ProtoField.uint16("sriovsim.credits.data", "Data credits left, of 16 bytes")
r.number = ProtoField.uint16("sriovsim.train.number", "Number in its train, from 0")
r.count = ProtoField.uint16("sriovsim.train.tlps", "TLPs in its train")
r.link_bytes = ProtoField.uint16("sriovsim.link_bytes", "Bytes on the link, framing and LCRC included")
r.time = ProtoField.uint64("sriovsim.time", "First symbol leaves, ps since power-on")
r.duration = ProtoField.uint32("sriovsim.duration", "Until the last symbol has left, ps")
r.arrival = ProtoField.uint32("sriovsim.arrival", "Until it has arrived, ps")
r.purpose = ProtoField.string("sriovsim.purpose", "What it is for")

local f = tlp.fields
f.fmt_type = ProtoField.uint8("tlp.fmt_type", "Fmt and Type", base.HEX, FMT_TYPES)
f.fmt = ProtoField.uint8("tlp.fmt", "Fmt", base.HEX, FMTS, 0xe0)
f.type = ProtoField.uint8("tlp.type", "Type", base.HEX, nil, 0x1f)
f.t9 = ProtoField.uint16("tlp.t9", "T9: tag bit 9", base.DEC, nil, 0x8000)
f.tc = ProtoField.uint16("tlp.tc", "TC: Traffic Class", base.DEC, nil, 0x7000)
f.t8 = ProtoField.uint16("tlp.t8", "T8: tag bit 8", base.DEC, nil, 0x0800)
f.ido = ProtoField.bool("tlp.attr.ido", "Attr: ID-based Ordering", 16, nil, 0x0400)
f.th = ProtoField.bool("tlp.th", "TH: TLP Processing Hints", 16, nil, 0x0100)
f.td = ProtoField.bool("tlp.td", "TD: TLP Digest present", 16, nil, 0x8000)
f.ep = ProtoField.bool("tlp.ep", "EP: poisoned", 16, nil, 0x4000)
f.ro = ProtoField.bool("tlp.attr.ro", "Attr: Relaxed Ordering", 16, nil, 0x2000)
f.ns = ProtoField.bool("tlp.attr.ns", "Attr: No Snoop", 16, nil, 0x1000)
f.at = ProtoField.uint16("tlp.at", "AT: Address Type", base.DEC,
  { [0] = "untranslated", [1] = "translation request", [2] = "translated" }, 0x0c00)
f.length = ProtoField.uint16("tlp.length", "Length in double words", base.DEC, nil, 0x03ff)
f.requester = ProtoField.string("tlp.requester", "Requester ID")
f.tag = ProtoField.uint16("tlp.tag", "Tag")
f.last_be = ProtoField.uint8("tlp.last_be", "Last DW byte enables", base.HEX, nil, 0xf0)
f.first_be = ProtoField.uint8("tlp.first_be", "1st DW byte enables", base.HEX, nil, 0x0f)
f.address = ProtoField.uint64("tlp.address", "Address", base.HEX)
f.completer = ProtoField.string("tlp.completer", "Completer ID")
f.status = ProtoField.uint16("tlp.status", "Completion Status", base.DEC, STATUSES, 0xe000)
f.bcm = ProtoField.bool("tlp.bcm", "BCM: Byte Count Modified", 16, nil, 0x1000)
f.byte_count = ProtoField.uint16("tlp.byte_count", "Byte Count", base.DEC, nil, 0x0fff)
f.lower_address = ProtoField.uint8("tlp.lower_address", "Lower Address", base.HEX, nil, 0x7f)
f.target = ProtoField.string("tlp.target", "Target: bus, device, function")
f.register = ProtoField.uint16("tlp.register", "Register", base.HEX)
f.message = ProtoField.uint8("tlp.message", "Message Code", base.HEX, MESSAGES)
f.bytes = ProtoField.uint32("tlp.bytes", "Bytes that are enabled")
f.payload = ProtoField.bytes("tlp.payload", "Payload")
f.dword = ProtoField.uint32("tlp.dword", "Double word, little-endian", base.HEX)
f.missing = ProtoField.uint32("tlp.payload.missing", "Bytes of payload that the capture does not have")
f.request_in = ProtoField.framenum("tlp.request_in", "Request in", base.NONE, frametype.REQUEST)
f.completion_in = ProtoField.framenum("tlp.completion_in", "Completion in", base.NONE, frametype.RESPONSE)
f.latency = ProtoField.double("tlp.latency", "Latency in ns, from the request's first symbol to this arrival")

local e = tlp.experts
e.poisoned = ProtoExpert.new("tlp.poisoned", "Poisoned: the payload is known to be bad",
  expert.group.PROTOCOL, expert.severity.ERROR)
e.ur = ProtoExpert.new("tlp.unsupported_request", "Unsupported Request: nobody answers to it",
  expert.group.RESPONSE_CODE, expert.severity.WARN)
e.ca = ProtoExpert.new("tlp.completer_abort", "Completer Abort", expert.group.RESPONSE_CODE, expert.severity.ERROR)
e.crs = ProtoExpert.new("tlp.crs", "Configuration Request Retry Status",
  expert.group.RESPONSE_CODE, expert.severity.NOTE)
e.unexpected = ProtoExpert.new("tlp.no_request", "Completion of a request that the capture does not have",
  expert.group.SEQUENCE, expert.severity.NOTE)
e.unanswered = ProtoExpert.new("tlp.no_completion", "Request whose last completion the capture does not have",
  expert.group.SEQUENCE, expert.severity.WARN)
e.reused = ProtoExpert.new("tlp.tag_reused", "The request that had its tag before has not been completed",
  expert.group.SEQUENCE, expert.severity.WARN)
e.gap = ProtoExpert.new("tlp.gap", "TLPs in front of it are not in the capture",
  expert.group.SEQUENCE, expert.severity.NOTE)
e.bad = ProtoExpert.new("tlp.bad_lcrc", "Wrong LCRC: it is discarded, and a Nak asks for it again",
  expert.group.CHECKSUM, expert.severity.WARN)
e.unframed = ProtoExpert.new("tlp.framing_error", "Wrong framing: the receiver does not know it for a TLP",
  expert.group.CHECKSUM, expert.severity.WARN)
e.discarded = ProtoExpert.new("tlp.discarded", "Discarded: it came behind one with a bit error",
  expert.group.SEQUENCE, expert.severity.NOTE)
e.duplicate = ProtoExpert.new("tlp.duplicate", "Duplicate: it is there already, and discarded",
  expert.group.SEQUENCE, expert.severity.NOTE)
e.lost = ProtoExpert.new("tlp.lost", "Lost: the link went down before it had arrived",
  expert.group.SEQUENCE, expert.severity.WARN)
e.replayed = ProtoExpert.new("tlp.replayed", "Sent again from the replay buffer",
  expert.group.SEQUENCE, expert.severity.NOTE)
e.unknown = ProtoExpert.new("tlp.unknown", "Fmt and Type that this dissector does not know",
  expert.group.UNDECODED, expert.severity.WARN)
e.cut = ProtoExpert.new("tlp.cut", "Cut off within its header", expert.group.MALFORMED, expert.severity.ERROR)
e.version = ProtoExpert.new("tlp.version", "Record header of another version", expert.group.MALFORMED,
  expert.severity.ERROR)

-- What was learned on the first pass, by frame number; and what is outstanding, by direction, requester and tag.
local requests, completions, gaps, reuses, outstanding, expected

function record.init()
  requests, completions, gaps, reuses, outstanding, expected = {}, {}, {}, {}, {}, {}
end

-- Bus, device and function of 16 bits.
local function routing_id(range)
  return string.format("%02x:%02x.%d", range:bitfield(0, 8), range:bitfield(8, 5), range:bitfield(13, 3))
end

-- Byte enables: bytes in front of the first one that is meant, and behind the last.
local function unmeant(first_be, last_be)
  local front, behind = 0, 0
  local last = last_be
  if last == 0 then last = first_be end
  while front < 4 and math.floor(first_be / 2 ^ front) % 2 == 0 do front = front + 1 end
  while behind < 4 and math.floor(last / 2 ^ (3 - behind)) % 2 == 0 do behind = behind + 1 end
  return front, behind
end

local function meant_bytes(words, first_be, last_be)
  if words == 1 and first_be == 0 then return 0 end
  local front, behind = unmeant(first_be, last_be)
  return 4 * words - front - behind
end

local function note_sequence(link, number)
  local last = expected[link.downstream]
  if last ~= nil and link.sequence ~= last then gaps[number] = true end
  expected[link.downstream] = (link.sequence + 1) % 4096
end

local function key_of(downstream, requester, tag)
  return (downstream and "d " or "u ") .. requester .. " " .. tag
end

local function note_request(link, number, requester, tag)
  local key = key_of(link.downstream, requester, tag)
  if outstanding[key] ~= nil then reuses[number] = outstanding[key].number end
  local request = { number = number, time = link.time, completions = {} }
  outstanding[key] = request
  requests[number] = request
end

local function note_completion(link, number, requester, tag, is_last)
  -- The request has travelled the other way.
  local key = key_of(not link.downstream, requester, tag)
  local request = outstanding[key]
  if request == nil then return end
  table.insert(request.completions, number)
  completions[number] = { request = request.number, latency = (link.time + link.arrival - request.time) / 1000 }
  if is_last then
    outstanding[key] = nil
    request.done = true
  end
end

local function add_first_words(range, tree)
  local item = tree:add(f.fmt_type, range(0, 1))
  item:add(f.fmt, range(0, 1))
  item:add(f.type, range(0, 1))
  for _, name in ipairs({ "t9", "tc", "t8", "ido", "th" }) do tree:add(f[name], range(1, 2)) end
  local poisoned
  for _, name in ipairs({ "td", "ep", "ro", "ns", "at", "length" }) do
    local added = tree:add(f[name], range(2, 2))
    if name == "ep" then poisoned = added end
    if name == "length" and range(2, 2):bitfield(6, 10) == 0 and range(0, 1):uint() ~= 0x0a and range(0, 1):uint() ~= 0x30 then
      added:append_text(" (1,024)")
    end
  end
  if range(2, 1):bitfield(1, 1) == 1 then poisoned:add_proto_expert_info(e.poisoned) end
end

local function add_status(range, tree, status)
  local item = tree:add(f.status, range(6, 2))
  if status == 1 then item:add_proto_expert_info(e.ur) end
  if status == 2 then item:add_proto_expert_info(e.crs) end
  if status == 4 then item:add_proto_expert_info(e.ca) end
end

local function add_payload(tvb, tree, header_bytes, words)
  if words == 0 then return end
  local have = math.min(tvb:len() - header_bytes, 4 * words)
  if have > 0 then
    local item = tree:add(f.payload, tvb(header_bytes, have))
    if have == 4 then item:add_le(f.dword, tvb(header_bytes, 4)) end
  end
  if have < 4 * words then tree:add(f.missing, tvb(header_bytes, 0), 4 * words - have):set_generated() end
end

local function add_links(number, tree, tvb, wants, visited)
  local done = completions[number]
  if done ~= nil then
    tree:add(f.request_in, tvb(0, 0), done.request):set_generated()
    tree:add(f.latency, tvb(0, 0), done.latency):set_generated()
  elseif wants == "request" then
    tree:add_proto_expert_info(e.unexpected)
  end
  local request = requests[number]
  if request ~= nil then
    for _, other in ipairs(request.completions) do
      tree:add(f.completion_in, tvb(0, 0), other):set_generated()
    end
    -- Only the second pass knows what did not come.
    if visited and not request.done then tree:add_proto_expert_info(e.unanswered) end
  end
  if reuses[number] ~= nil then tree:add_proto_expert_info(e.reused) end
  if gaps[number] ~= nil then tree:add_proto_expert_info(e.gap) end
end

-- The TLP itself; returns what the line says of it.
local function dissect_tlp(tvb, pinfo, root, link)
  local range = tvb()
  local code = range(0, 1):uint()
  local kind = KINDS[code]
  local tree = root:add(tlp, range)
  if kind == nil then
    tree:add(f.fmt_type, range(0, 1))
    tree:add_proto_expert_info(e.unknown)
    return string.format("Fmt and Type 0x%02x", code)
  end
  local header_bytes = (code == 0x20 or code == 0x60 or code == 0x30) and 16 or 12
  if tvb:len() < header_bytes then
    tree:add_proto_expert_info(e.cut)
    return kind .. ", cut off"
  end
  add_first_words(range, tree)
  if kind == "Msg" then
    local requester, message = routing_id(range(4, 2)), range(7, 1):uint()
    tree:add(f.requester, range(4, 2), requester)
    tree:add(f.tag, range(6, 1))
    tree:add(f.message, range(7, 1))
    pinfo.cols.src = requester
    pinfo.cols.dst = "root complex"
    return string.format("Msg %s", MESSAGES[message] or string.format("0x%02x", message))
  end
  local words = range(2, 2):bitfield(6, 10)
  if words == 0 and kind ~= "Cpl" then words = 1024 end
  local high_tag = 512 * range(1, 1):bitfield(0, 1) + 256 * range(1, 1):bitfield(4, 1)
  local is_completion = kind == "Cpl" or kind == "CplD"
  local wants_completion = kind == "MRd" or kind:sub(1, 3) == "Cfg"
  local has_tag = is_completion or wants_completion
  local id_at = is_completion and 8 or 4
  local requester = routing_id(range(id_at, 2))
  local tag = high_tag + range(id_at + 2, 1):uint()
  local info, bytes
  if is_completion then
    local completer = routing_id(range(4, 2))
    local status = range(6, 2):bitfield(0, 3)
    local byte_count = range(6, 2):bitfield(4, 12)
    if byte_count == 0 then byte_count = 4096 end
    local lower = range(11, 1):bitfield(1, 7)
    bytes = kind == "CplD" and math.min(byte_count, 4 * words - lower % 4) or 0
    tree:add(f.completer, range(4, 2), completer)
    add_status(range, tree, status)
    tree:add(f.bcm, range(6, 2))
    tree:add(f.byte_count, range(6, 2))
    tree:add(f.requester, range(8, 2), requester)
    tree:add(f.tag, range(10, 1), tag)
    tree:add(f.lower_address, range(11, 1))
    if not pinfo.visited and link.is_taken then
      note_completion(link, pinfo.number, requester, tag, status ~= 0 or kind == "Cpl" or bytes >= byte_count)
    end
    info = string.format("%s %s to %s tag %d", kind, STATUS_SHORT[status] or "?", requester, tag)
    if kind == "CplD" then info = info .. string.format(", %d of %d bytes", bytes, byte_count) end
    pinfo.cols.src = completer
    pinfo.cols.dst = requester
  else
    local first_be, last_be = range(7, 1):bitfield(4, 4), range(7, 1):bitfield(0, 4)
    bytes = meant_bytes(words, first_be, last_be)
    tree:add(f.requester, range(4, 2), requester)
    tree:add(f.tag, range(6, 1), tag)
    tree:add(f.last_be, range(7, 1))
    tree:add(f.first_be, range(7, 1))
    local front = unmeant(first_be, last_be)
    pinfo.cols.src = requester
    if kind:sub(1, 3) == "Cfg" then
      local target = routing_id(range(8, 2))
      local register = 4 * range(10, 2):bitfield(4, 10)
      tree:add(f.target, range(8, 2), target)
      tree:add(f.register, range(10, 2), register)
      info = string.format("%s %s register 0x%03x, %d bytes, tag %d", kind, target, register + front, bytes, tag)
      pinfo.cols.dst = target
    else
      local address = header_bytes == 16 and range(8, 8):uint64() or UInt64(range(8, 4):uint(), 0)
      tree:add(f.address, range(8, header_bytes - 8), address)
      info = string.format("%s 0x%s, %d bytes", kind, tostring((address + front):tohex()):gsub("^0+(%x)", "%1"), bytes)
      if kind == "MRd" then info = info .. string.format(", tag %d", tag) end
      pinfo.cols.dst = link.downstream and "card" or "root complex"
    end
    if wants_completion and link.tag_known and not pinfo.visited and not link.replayed then
      note_request(link, pinfo.number, requester, tag)
    end
  end
  tree:add(f.bytes, range(0, 0), bytes):set_generated()
  local carries = code >= 0x40 and words or 0
  add_payload(tvb, tree, header_bytes, carries)
  if carries == 1 and tvb:len() >= header_bytes + 4 then
    info = info .. string.format(" = 0x%08x", range(header_bytes, 4):le_uint())
  end
  add_links(pinfo.number, tree, range, is_completion and link.is_taken and "request" or nil, pinfo.visited)
  tree:append_text(string.format(", %s", KIND_NAMES[kind]))
  if has_tag then tree:append_text(string.format(", %s tag %d", requester, tag)) end
  if range(2, 1):bitfield(1, 1) == 1 then info = info .. " [poisoned]" end
  return info
end

local function add_credits(range, tree, field)
  local item = tree:add(field, range)
  if range:uint() == WITHOUT_END then item:append_text(" (without end)") end
end

local function class_of(code)
  if code == 0x40 or code == 0x60 or code == 0x30 then return "posted" end
  if code == 0x0a or code == 0x4a then return "completion" end
  return "non-posted"
end

local function add_record(range, root, link)
  local tree = root:add(record, range)
  tree:append_text(string.format(", %s, sequence number %d", link.downstream and "downstream" or "upstream", link.sequence))
  tree:add(r.version, range(0, 1))
  tree:add(r.length, range(1, 1))
  local flags = tree:add(r.flags, range(2, 2))
  flags:add(r.direction, range(2, 2))
  flags:add(r.tag_known, range(2, 2))
  flags:add(r.bad, range(2, 2))
  flags:add(r.discarded, range(2, 2))
  flags:add(r.replayed, range(2, 2))
  if link.lost then flags:add(r.lost, range(2, 2)) end
  if link.unframed then flags:add(r.unframed, range(2, 2)) end
  if link.duplicate then flags:add(r.duplicate, range(2, 2)) end
  if link.bad then tree:add_proto_expert_info(e.bad) end
  if link.unframed then tree:add_proto_expert_info(e.unframed) end
  if link.discarded then tree:add_proto_expert_info(e.discarded) end
  if link.duplicate then tree:add_proto_expert_info(e.duplicate) end
  if link.lost then tree:add_proto_expert_info(e.lost) end
  if link.replayed then tree:add_proto_expert_info(e.replayed) end
  tree:add(r.sequence, range(4, 2))
  tree:add(r.class, range(6, 4), class_of(link.code)):set_generated()
  add_credits(range(6, 2), tree, r.header_credits)
  add_credits(range(8, 2), tree, r.data_credits)
  tree:add(r.number, range(10, 2))
  tree:add(r.count, range(12, 2))
  tree:add(r.link_bytes, range(14, 2))
  tree:add(r.time, range(16, 8))
  tree:add(r.duration, range(24, 4))
  tree:add(r.arrival, range(28, 4))
  if range:len() > FIXED_BYTES then tree:add(r.purpose, range(FIXED_BYTES)) end
end

function record.dissector(tvb, pinfo, root)
  pinfo.cols.protocol = "TLP"
  local range = tvb()
  local header_bytes = tvb:len() > 1 and range(1, 1):uint() or 0
  if header_bytes < FIXED_BYTES or tvb:len() < header_bytes + 4 or range(0, 1):uint() ~= VERSION then
    root:add(record, range):add_proto_expert_info(e.version)
    pinfo.cols.info = "Record header of another version"
    return tvb:len()
  end
  local link = {
    downstream = range(2, 2):bitfield(15, 1) == 1,
    tag_known = range(2, 2):bitfield(14, 1) == 1,
    bad = range(2, 2):bitfield(13, 1) == 1,
    discarded = range(2, 2):bitfield(12, 1) == 1,
    replayed = range(2, 2):bitfield(11, 1) == 1,
    lost = range(2, 2):bitfield(10, 1) == 1,
    unframed = range(2, 2):bitfield(9, 1) == 1,
    duplicate = range(2, 2):bitfield(8, 1) == 1,
    sequence = range(4, 2):uint(),
    time = range(16, 8):uint64():tonumber(),
    arrival = range(28, 4):uint(),
    code = range(header_bytes, 1):uint(),
  }
  add_record(range(0, header_bytes), root, link)
  -- The transaction layer gets what the data link layer takes.
  link.is_taken = not (link.bad or link.unframed or link.discarded or link.duplicate or link.lost)
  if not pinfo.visited and link.is_taken then note_sequence(link, pinfo.number) end
  local info = dissect_tlp(tvb(header_bytes):tvb(), pinfo, root, link)
  if header_bytes > FIXED_BYTES then
    info = info .. "; " .. range(FIXED_BYTES, header_bytes - FIXED_BYTES):string(ENC_UTF_8)
  end
  pinfo.cols.info = string.format("%4d %s %s", link.sequence, link.downstream and "down" or "up  ", info)
  return tvb:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, record)
