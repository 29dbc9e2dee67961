-- Bids for wrk: amounts rise with every request, items and bidders take turns, so that nearly all are accepted.
-- An item's turn comes to another bidder each time, since the bidders are a prime number that divides no count of items.
--
-- From the environment:
--   GAVEL_BENCH_ITEMS           a file with one item id a line
--   GAVEL_BENCH_BIDDERS         a file with one bidder id a line, and after a space the bidder's token, where there is one
--   GAVEL_BENCH_PAUSE_MS        where set: how long a connection rests after each answer, on average
--   GAVEL_BENCH_FIRST_AMOUNT    the amount of bid number 0, of the same number of digits as all that follow
--   GAVEL_BENCH_BIDS_BEFORE     the number of the first bid that is made now
--   GAVEL_BENCH_RESULT          where the figures are written, as JSON

local items, bidders, heads = {}, {}, {}
local first_amount, next_bid
local pause_ms = tonumber(os.getenv("GAVEL_BENCH_PAUSE_MS"))

local function body_of(item, bidder, amount)
   return '{"item_id":"' .. item .. '","user_id":"' .. bidder .. '","amount":' .. string.format("%.0f", amount) .. "}"
end

local function head_of(token, length)
   return "POST " .. wrk.path .. " HTTP/1.1\r\n"
      .. "Host: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
      .. (token ~= "" and "Authorization: Bearer " .. token .. "\r\n" or "")
      .. "Content-Type: application/json\r\n"
      .. "Content-Length: " .. length .. "\r\n\r\n"
end

function init()
   for line in io.lines(os.getenv("GAVEL_BENCH_ITEMS")) do
      items[#items + 1] = line
   end
   first_amount = tonumber(os.getenv("GAVEL_BENCH_FIRST_AMOUNT"))
   next_bid = tonumber(os.getenv("GAVEL_BENCH_BIDS_BEFORE"))
   for line in io.lines(os.getenv("GAVEL_BENCH_BIDDERS")) do
      local bidder, token = line:match("^(%S+)%s*(%S*)$")
      bidders[#bidders + 1] = bidder
      heads[#heads + 1] = head_of(token, #body_of(items[1], bidder, first_amount))
   end
end

function request()
   local number = next_bid
   next_bid = number + 1
   local turn = number % #bidders + 1
   return heads[turn] .. body_of(items[number % #items + 1], bidders[turn], first_amount + number)
end

if pause_ms then
   -- Spread, so that connections do not go in step.
   function delay()
      return math.random(0, 2 * pause_ms)
   end
end

function done(summary, latency)
   local result = assert(io.open(os.getenv("GAVEL_BENCH_RESULT"), "w"))
   local errors = summary.errors
   result:write(string.format(
      '{"answered": %d, "refused": %d, "broken": %d, "late": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f}\n',
      summary.requests, errors.status, errors.connect + errors.read + errors.write, errors.timeout,
      summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
   ))
   result:close()
end
