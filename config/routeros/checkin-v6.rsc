# Check-in over HTTP, RouterOS 6.44 to 6.49. Read README.md first.
#   /system script add name=checkin policy=read,test source=[/file get checkin-v6.rsc contents]
#   /system scheduler add name=checkin interval=30s start-time=startup on-event=checkin policy=read,test

:local server "https://rollcall.example.com/v1/checkins"
# A token, if the server wants one.
:local token ""

# One at a time.
:if ([/system script job print count-only where script="checkin"] > 1) do={
    :error "checkin: the last one is still under way"
}

# What a command returns, or nothing where this router lacks the menu or the property. It is
# parsed when it runs: an unknown name would keep a whole script from running.
:local ask do={
    :local answer
    :do {
        :local command [:parse (":return [" . $1 . "]")]
        :set answer [$command]
    } on-error={}
    :return $answer
}

# A value as a JSON text, cut so that the report stays below the 4096 bytes of a variable.
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

# A CHR has no serial number, but a system id.
:local serial [:tostr [$ask "/system routerboard get serial-number"]]
:local systemId [:tostr [$ask "/system license get system-id"]]
:local device $serial
:if ([:len $device] = 0) do={ :set device $systemId }

# After a power cut all routers would report in the same second. Each waits for a time of its own,
# and is done (15 s + 10 s) before the next one is due.
:local letters "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
:local hash 0
:local at 0
:while ($at < [:len $device]) do={
    :local digit [:find $letters [:pick $device $at] -1]
    :if ([:typeof $digit] = "num") do={ :set hash (($hash * 31 + $digit) % 65536) }
    :set at ($at + 1)
}
:delay ($hash % 16)

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

# RouterOS 6 takes the mode from here, not from the address.
:local scheme [:pick $server 0 [:find $server ":" -1]]
:do {
    /tool fetch mode=$scheme url=$server http-method=post http-data=$body \
        http-header-field=$headers check-certificate=yes duration=10s output=none
} on-error={ :log warning "checkin: refused, or no answer" }
