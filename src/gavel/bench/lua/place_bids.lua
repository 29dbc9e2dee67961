-- Bids for wrk: amounts rise with every request, items and bidders take turns, so that nearly all are accepted.
-- An item's turn comes to another bidder each time, since the bidders are a prime number that divides no count of items.
--
-- From the environment:
--   GAVEL_BENCH_ITEMS           a file with one item id a line
--   GAVEL_BENCH_FIRST_AMOUNT    the amount of bid number 0, of the same number of digits as all that follow
--   GAVEL_BENCH_BIDS_BEFORE     the number of the first bid that is made now
--   GAVEL_BENCH_RESULT          where the figures are written, as JSON

local BIDDERS = 997

local items, bidders = {}, {}
local first_amount, next_bid, head

local function body_of(item, bidder, amount)
   return '{"item_id":"' .. item .. '","user_id":"' .. bidder .. '","amount":' .. string.format("%.0f", amount) .. "}"
end

function init()
   for line in io.lines(os.getenv("GAVEL_BENCH_ITEMS")) do
      items[#items + 1] = line
   end
   for number = 1, BIDDERS do
      bidders[number] = string.format("b1dde400-0000-4000-8000-%012x", number)
   end
   first_amount = tonumber(os.getenv("GAVEL_BENCH_FIRST_AMOUNT"))
   next_bid = tonumber(os.getenv("GAVEL_BENCH_BIDS_BEFORE"))
   head = table.concat({
      "POST " .. wrk.path .. " HTTP/1.1",
      "Host: " .. wrk.host .. ":" .. wrk.port,
      "Content-Type: application/json",
      "Content-Length: " .. #body_of(items[1], bidders[1], first_amount),
      "",
      "",
   }, "\r\n")
end

function request()
   local number = next_bid
   next_bid = number + 1
   return head .. body_of(items[number % #items + 1], bidders[number % BIDDERS + 1], first_amount + number)
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
