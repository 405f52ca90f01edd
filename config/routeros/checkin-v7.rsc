# Check-in over HTTP, RouterOS 7.13 and later. Read README.md first.
#   /system script add name=checkin policy=read,write,test,ftp source=[/file get checkin-v7.rsc contents]
#   /system scheduler add name=checkin interval=30s start-time=startup on-event=checkin policy=read,write,test,ftp

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

# A value as a JSON text. The x is for texts that look like numbers: :serialize writes "0012" as
# 12.000000 and "7.20" as 7.200000, and its option against that came with 7.17 only.
:local quote do={
    :local json [:serialize to=json value=("x" . [:tostr $1])]
    :return ("\"" . [:pick $json 2 [:len $json]])
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

:local headers "Content-Type:application/json"
:if ([:len $token] > 0) do={ :set headers ($headers . ",Authorization:Bearer " . $token) }

:local reply
:do {
    :set reply [/tool fetch url=$server http-method=post http-data=$body \
        http-header-field=$headers check-certificate=yes-without-crl duration=10s output=user as-value]
} on-error={ :log warning "checkin: refused, or no answer" }

# The server says when it wants the next one. Only a change is set: each one is written to flash.
:do {
    :local pause ([:deserialize from=json value=($reply->"data")]->"next")
    :if ([:typeof $pause] = "num") do={
        :if ($pause < 10) do={ :set pause 10 }
        :if ($pause > 3600) do={ :set pause 3600 }
        :local wanted [:totime ($pause . "s")]
        :if ($wanted != $period) do={ /system scheduler set [find name="checkin"] interval=$wanted }
    }
} on-error={}
