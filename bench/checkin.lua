-- For wrk: 600-byte JSON check-ins of 10,000 routers in turn. No two check-ins are the same.

local before = '{"identity":"JHB-Sandton-7","serial_number":"HG'
local between = '","model":"RB3011UiAS-RM","board_name":"RB3011UiAS","architecture_name":"arm",'
  .. '"version":"7.17 (stable)","current_firmware":"7.17","uptime":"6d23h19m23s","cpu_count":2,'
  .. '"cpu_load":3,"cpu_frequency":1400,"total_memory":1073741824,"free_memory":973053952,'
  .. '"total_hdd_space":134217728,"free_hdd_space":92110848,"bad_blocks":"0.2","temperature":41,'
  .. '"cpu_temperature":52,"voltage":"24.1","power_consumption":50.8,"wan_ip":"100.72.14.9",'
  .. '"dhcp_leases":23,"seq":'
local after = ',"software_id":"TJI1-CDCL","comment":"'

local body_bytes = 600
local routers = 10000
local first_serial = 1000000000 -- Always ten digits (and twelve below), so that bodies keep their size.
local first_sequence = 100000000000

local fixed_bytes = #before + 10 + #between + 12 + #after + #'"}'
after = after .. string.rep("x", body_bytes - fixed_bytes) .. '"}'

local head, count

function init()
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = string.rep(" ", body_bytes)
  head = wrk.format():sub(1, -body_bytes - 1) .. before
  count = os.time() % 100000 * 1000000 -- Each run begins with another sequence number.
end

function request()
  count = count + 1
  return head .. (first_serial + count % routers) .. between .. (first_sequence + count) .. after
end
