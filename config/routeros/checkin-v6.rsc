# Check-in over HTTP, RouterOS 6.44 to 6.49. Read README.md. To install:
# /system script add name=checkin policy=read,write,test source=[/file get checkin-v6.rsc contents]; /system scheduler add name=checkin interval=30s start-time=startup on-event=checkin policy=read,write,test

:local server "https://rollcall.example.com/v1/checkins"
# Token, if required. Put a backslash before each of \ " $ in it.
:local token ""

:if ([/system script job print count-only where script="checkin"] > 1) do={
  :error "checkin: still running"
}

# Returns the result of a command, or nothing if the router lacks the menu.
:local ask do={
  :local answer
  :do {
    :local command [:parse (":return [" . $1 . "]")]
    :set answer [$command]
  } on-error={}
  :return $answer
}

# Returns a value as a JSON string, cut so that a report has less than 4096 bytes.
:local quote do={
  :local controls "\01\02\03\04\05\06\07\08\09\0A\0B\0C\0D\0E\0F\10\11\12\13\14\15\16\17\18\19\1A\1B\1C\1D\1E\1F"
  :local quoted ""
  :local text [:tostr $1]
  :if ([:len $text] > 128) do={ :set text [:pick $text 0 128] }
  :local at 0
  :while ($at < [:len $text]) do={
    :local char [:pick $text $at]
    :if ([:typeof [:find $controls $char -1]] = "num") do={ :set char " " }
    :if (($char = "\"") || ($char = "\\")) do={ :set char ("\\" . $char) }
    :set quoted ($quoted . $char)
    :set at ($at + 1)
  }
  :return ("\"" . $quoted . "\"")
}

# A CHR has only a system id.
:local serial [:tostr [$ask "/system routerboard get serial-number"]]
:local systemId [:tostr [$ask "/system license get system-id"]]
:local device ($serial . $systemId)

# Spreads routers that start together, if the interval has room for it.
:local letters "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
:local hash 0
:local at 0
:while ($at < [:len $device]) do={
  :local digit [:find $letters [:pick $device $at] -1]
  :if ([:typeof $digit] = "num") do={ :set hash (($hash * 31 + $digit) % 65536) }
  :set at ($at + 1)
}
:local period [$ask "/system scheduler get [find name=checkin] interval"]
:if ($period >= 27s) do={ :delay ($hash % 16) }

:local report [:toarray ""]
:set ($report->"serial-number") $serial
:set ($report->"system-id") $systemId
:set ($report->"identity") [$ask "/system identity get name"]
:foreach property in={"model";"current-firmware"} do={
  :set ($report->$property) [$ask ("/system routerboard get " . $property)]
}
:foreach property in={"board-name";"architecture-name";"version";"uptime";"cpu-count";"cpu-load"; \
  "cpu-frequency";"total-memory";"free-memory";"total-hdd-space";"free-hdd-space";"bad-blocks"} do={
  :set ($report->$property) [$ask ("/system resource get " . $property)]
}
:foreach property in={"temperature";"cpu-temperature";"voltage";"power-consumption"} do={
  :set ($report->$property) [$ask ("/system health get " . $property)]
}
:set ($report->"dhcp-leases") [$ask ":len [/ip dhcp-server lease find status=bound]"]
:set ($report->"seq") [$ask "/system scheduler get [find name=checkin] run-count"]

:local body ""
:foreach key,value in=$report do={
  :if ([:len $body] > 0) do={ :set body ($body . ",") }
  :set body ($body . "\"" . $key . "\":" . [$quote $value])
}
:set body ("{" . $body . "}")

:local headers "Content-Type:application/json"
:if ([:len $token] > 0) do={ :set headers ($headers . ",Authorization:Bearer " . $token) }

:local scheme [:pick $server 0 [:find $server ":" -1]]
:local failed false
:do {
  /tool fetch mode=$scheme url=$server http-method=post http-data=$body \
    http-header-field=$headers check-certificate=yes duration=10s output=none
} on-error={ :set failed true }

# Only a change is logged.
:global checkinFailed
:if ($failed && ($checkinFailed != true)) do={ :log warning "checkin: refused, or no answer" }
:if ((!$failed) && ($checkinFailed = true)) do={ :log warning "checkin: accepted again" }
:set checkinFailed $failed
