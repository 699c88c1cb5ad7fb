"""What Redis does in one step for the cache: Lua scripts, sent by their hash and in full where the server lacks them.

Every key is declared (ElastiCache Serverless refuses scripts that reach for others), and all keys of a script are in
one slot. `now` is the caller's clock; a value's header (`lanner.cache.lifetime`) says when it ends by that clock, and
`px` when the server may remove it: milliseconds, or "" for ever.

A counter is stored as any value is, header and digits, so that its end is exact too: PTTL, the server's idea of it,
would not be. Within the script the digits stand alone for one INCRBY, which keeps 64-bit arithmetic and its errors
Redis's own (Lua's numbers are doubles). Plain integers that another program wrote are counters without an end.
"""

from __future__ import annotations

from functools import cached_property

# True for a value that starts with `h` and has not ended at `now`; one without header has no end.
_LIVES = """
local function lives(h, now)
  if not h or h == '' then return false end
  if string.byte(h) ~= 231 or #h < 9 then return true end
  return struct.unpack('>d', h, 2) > tonumber(now)
end
local function store(key, value, px)
  if px == '' then redis.call('SET', key, value) else redis.call('SET', key, value, 'PX', px) end
end
local function holds(lease, now, token)
  local s = redis.call('GET', lease)
  return s and lives(s, now) and string.sub(s, 10) == token
end
"""


class Script:
    """Lua source and its hash."""

    def __init__(self, body: str) -> None:
        self.source = (_LIVES + body).encode()

    @cached_property
    def sha(self) -> bytes:
        """The name under which a server keeps it."""
        from hashlib import sha1

        return sha1(self.source, usedforsecurity=False).hexdigest().encode()


ADD = Script("""
local now, value, px = ARGV[1], ARGV[2], ARGV[3]
if lives(redis.call('GETRANGE', KEYS[1], 0, 8), now) then return 0 end
store(KEYS[1], value, px)
return 1
""")

INCREMENT = Script("""
local now, delta, start, first, px = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local s = redis.call('GET', KEYS[1])
if not lives(s, now) then
  if first == '' then redis.call('DEL', KEYS[1]) else store(KEYS[1], first, px) end
  return start
end
local head, body = '', s
if string.byte(s) == 231 and #s >= 9 then head, body = string.sub(s, 1, 9), string.sub(s, 10) end
if #body > 20 or not string.find(body, '^-?%d+$') then return redis.error_reply('ERR value is not an integer') end
redis.call('SET', KEYS[1], body, 'KEEPTTL')
local sum = redis.pcall('INCRBY', KEYS[1], delta)
if type(sum) == 'table' then
  redis.call('SET', KEYS[1], s, 'KEEPTTL')
  return sum
end
local digits = redis.call('GET', KEYS[1])
if head ~= '' then redis.call('SET', KEYS[1], head .. digits, 'KEEPTTL') end
return digits
""")

TOUCH = Script("""
local now, header, px = ARGV[1], ARGV[2], ARGV[3]
local h = redis.call('GETRANGE', KEYS[1], 0, 8)
if not lives(h, now) then return 0 end
if string.byte(h) == 231 and #h >= 9 then
  redis.call('SETRANGE', KEYS[1], 0, header)
else
  redis.call('SET', KEYS[1], header .. redis.call('GET', KEYS[1]))
end
if px == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], px) end
return 1
""")

ACQUIRE = Script("""
local now, token, value, px = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local s = redis.call('GET', KEYS[1])
if lives(s, now) and string.sub(s, 10) ~= token then return 0 end
store(KEYS[1], value, px)
return 1
""")

RELEASE = Script("""
if not holds(KEYS[1], ARGV[1], ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1])
return 1
""")

# Without a value ("": a stored one has a header) what is there is removed.
SET_HELD = Script("""
local now, token, value, px = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if not holds(KEYS[2], now, token) then return 0 end
if value == '' then redis.call('DEL', KEYS[1]) else store(KEYS[1], value, px) end
redis.call('DEL', KEYS[2])
return 1
""")
