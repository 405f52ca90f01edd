# Check-in over MQTT, RouterOS 7.13 and later with the iot package. Read README.md. To install:
# /system script add name=checkin policy=read,write,test source=[/file get checkin-mqtt.rsc contents]; /system scheduler add name=checkin interval=30s start-time=startup on-event=checkin policy=read,write,test

# The broker that README.md adds.
:local server "rollcall"

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

# Returns a value as a JSON string. Without the x, :serialize turns "0012" into 12.000000.
:local quote do={
  :local json [:serialize to=json value=("x" . [:tostr $1])]
  :return ("\"" . [:pick $json 2 [:len $json]])
}

# A CHR has only a system id.
:local serial [:tostr [$ask "/system routerboard get serial-number"]]
:local systemId [:tostr [$ask "/system license get system-id"]]
:local device ($serial . $systemId)

# Spreads routers that start together, if the interval has room for it.
# The topic has only the letters and digits of the id.
:local letters "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
:local hash 0
:local topicId ""
:local at 0
:while ($at < [:len $device]) do={
  :local digit [:find $letters [:pick $device $at] -1]
  :if ([:typeof $digit] = "num") do={
    :set hash (($hash * 31 + $digit) % 65536)
    :set topicId ($topicId . [:pick $device $at])
  }
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
  :set ($report->$property) [$ask ("/system health get [find name=" . $property . "] value")]
}
:set ($report->"dhcp-leases") [$ask ":len [/ip dhcp-server lease find status=bound]"]
:set ($report->"seq") [$ask "/system scheduler get [find name=checkin] run-count"]

:local body ""
:foreach key,value in=$report do={
  :if ([:len $body] > 0) do={ :set body ($body . ",") }
  :set body ($body . "\"" . $key . "\":" . [$quote $value])
}
:set body ("{" . $body . "}")

# force connects first if the connection is lost.
:local failed false
:do {
  /iot mqtt publish broker=$server topic=("checkins/" . $topicId) message=$body qos=1 force=yes
} on-error={ :set failed true }

# Only a change is logged.
:global checkinFailed
:if ($failed && ($checkinFailed != true)) do={ :log warning "checkin: not published" }
:if ((!$failed) && ($checkinFailed = true)) do={ :log warning "checkin: published again" }
:set checkinFailed $failed
