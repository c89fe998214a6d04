"""What Redis has and the Lua of fakeredis lacks, in Lua: it stands around each script."""

from typing import Final

# An error that ``redis.pcall`` returns becomes a string. ``INFO`` tells the marks of a server that nothing
# replaces. ``cmsgpack`` has its ``unpack``, as in
# https://github.com/msgpack/msgpack/blob/master/spec.md, for what scripts of this project are given: nothing
# that runs in memory packs, and binary values are not read, as Redis does not read them either.
_GAPS: Final = """
local redis = setmetatable({}, { __index = redis })
function redis.pcall(...)
  local reply = getmetatable(redis).__index.pcall(...)
  if type(reply) == 'table' and reply.err then return { err = tostring(reply.err) } end
  return reply
end

function redis.call(name, ...)
  if name == 'INFO' then return 'run_id:memory master_replid:memory' end
  return getmetatable(redis).__index.call(name, ...)
end

local cmsgpack = {}
do
  local byte, sub, decode = string.byte, string.sub

  local function number(s, at, width)
    local value = 0
    for i = at, at + width - 1 do value = value * 256 + byte(s, i) end
    return value, at + width
  end

  local function signed(s, at, width)
    -- The sign first: a number of 64 bits with all of them set is none that Lua has.
    local value = byte(s, at)
    if value >= 128 then value = value - 256 end
    for i = at + 1, at + width - 1 do value = value * 256 + byte(s, i) end
    return value, at + width
  end

  local function double(s, at)
    local high, low = number(s, at, 4), number(s, at + 4, 4)
    local sign, exponent = high >= 2 ^ 31 and -1 or 1, math.floor(high / 2 ^ 20) % 2048
    local fraction = (high % 2 ^ 20) * 2 ^ 32 + low
    if exponent == 0 then return sign * math.ldexp(fraction, -1074), at + 8 end
    return sign * math.ldexp(1 + fraction / 2 ^ 52, exponent - 1023), at + 8
  end

  local function text(s, at, size)
    return sub(s, at, at + size - 1), at + size
  end

  local function list(s, at, size)
    local found = {}
    for i = 1, size do found[i], at = decode(s, at) end
    return found, at
  end

  local function map(s, at, size)
    local found, key = {}
    for _ = 1, size do
      key, at = decode(s, at)
      found[key], at = decode(s, at)
    end
    return found, at
  end

  local function sized(read, s, at, width)
    local size, after = number(s, at, width)
    return read(s, after, size)
  end

  function decode(s, at)
    local tag = byte(s, at)
    at = at + 1
    if tag < 0x80 then return tag, at end
    if tag < 0x90 then return map(s, at, tag - 0x80) end
    if tag < 0xa0 then return list(s, at, tag - 0x90) end
    if tag < 0xc0 then return text(s, at, tag - 0xa0) end
    if tag >= 0xe0 then return tag - 256, at end
    if tag == 0xc0 then return nil, at end
    if tag == 0xc2 or tag == 0xc3 then return tag == 0xc3, at end
    if tag == 0xcb then return double(s, at) end
    if tag >= 0xcc and tag <= 0xcf then return number(s, at, 2 ^ (tag - 0xcc)) end
    if tag >= 0xd0 and tag <= 0xd3 then return signed(s, at, 2 ^ (tag - 0xd0)) end
    if tag >= 0xd9 and tag <= 0xdb then return sized(text, s, at, 2 ^ (tag - 0xd9)) end
    if tag == 0xdc or tag == 0xdd then return sized(list, s, at, 2 ^ (tag - 0xdb)) end
    if tag == 0xde or tag == 0xdf then return sized(map, s, at, 2 ^ (tag - 0xdd)) end
    error('unknown MessagePack')
  end

  function cmsgpack.unpack(s)
    return (decode(s, 1))
  end
end
"""


def filled(script: str) -> str:
    """Return a script as fakeredis can run it: without its first line ``#!lua``, with what is lacking.

    The script becomes a function. It may have all of the 200 local variables that Lua allows in one.
    """
    return f"{_GAPS}return (function()\n{script.partition(chr(10))[2]}\nend)()"
