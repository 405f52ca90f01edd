# Shared functions of the comparisons, for `source`: ports, starting and stopping servers, CPU time,
# medians, tables. Sets `work`, a directory on the disk of this checkout that is deleted at exit.
set -euo pipefail

die() {
    echo "$(basename "$0" .sh): $*" >&2
    exit 1
}

# needs_tools TOOL...: exits with an error if a tool is missing.
needs_tools() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null || die "$tool is missing: ./dev bench or ./dev soak installs it"
    done
}

publishes=
if [[ ${1:-} == --publish ]]; then
    publishes=1
    shift
fi
rollcalld=${1:-build/release/rollcalld}
[[ -x $rollcalld ]] || die "$rollcalld is missing: ./dev build"
(($(nproc) >= 2)) || die "this needs two cores, one for the server and one for the client"

mkdir -p build
work=$(mktemp -d "$PWD/build/bench.XXXXXX")
server=    # The process that was started last, while it is running.

# Sends SIGTERM to the server and waits up to 30 s for its exit, then sends SIGKILL.
stop() {
    [[ -n $server ]] || return 0
    kill -TERM "$server" 2>/dev/null || true
    for _ in {1..300}; do
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# Prints an unused port below the kernel's range of ephemeral ports.
free_port() {
    local port
    for _ in {1..100}; do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# await COMMAND: waits until the command succeeds, at most ten seconds.
await() {
    for _ in {1..100}; do
        "$@" 2>/dev/null && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/log" >&2
    die "the server did not come up"
}

responds_200() { [[ $(curl -s -o /dev/null -m 1 -w '%{http_code}' "$1") == 200 ]]; }
listens_on() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }

# The comparisons write their tables, plots and data to build/bench.
mkdir -p build/bench
load=$(dirname "$rollcalld")/rollcall-load

# start_rollcalld SINK [argument...]: starts the daemon with one worker, all threads pinned to core
# 0. Sets `server`, http_port, mqtt_port, admin_url, `url` for check-ins, and `counted`, the process
# whose CPU time is measured.
start_rollcalld() {
    local admin
    http_port=$(free_port)
    mqtt_port=$(free_port)
    admin=$(free_port)
    admin_url=http://127.0.0.1:$admin
    rm -rf "$work/state"
    taskset -c 0 "$rollcalld" serve --set state_dir="$work/state" --set workers=1 \
        --set sinks="$1" --set http.listen="127.0.0.1:$http_port" \
        --set mqtt.listen="127.0.0.1:$mqtt_port" --set admin.listen="127.0.0.1:$admin" "${@:2}" \
        >"$work/log" 2>&1 &
    server=$!
    counted=$server
    url=http://127.0.0.1:$http_port/v1/checkins
    await responds_200 "$admin_url/readyz"
}

# start_nginx [directive...]: starts nginx on core 0 with one worker that reads bodies and sends
# responses of the same size as rollcalld's. Sets `server`, http_port, `counted` and `url`.
start_nginx() {
    local module=/usr/lib/nginx/modules/ngx_http_echo_module.so
    [[ -e $module ]] || die "nginx cannot read bodies: apt-get install libnginx-mod-http-echo"
    http_port=$(free_port)
    url=http://127.0.0.1:$http_port/v1/checkins
    cat >"$work/nginx.conf" <<END
load_module $module;
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/log;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_buffer_size 64k;
    client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
    uwsgi_temp_path $work; scgi_temp_path $work;
    server {
        listen 127.0.0.1:$http_port backlog=4096;
        $([[ $# -eq 0 ]] || printf '%s;\n' "$@")
        # Without the redirect, the response would be chunked.
        location / { echo_read_request_body; echo_exec @answer; }
        location = /ready { return 200; }
        location @answer {
            default_type application/json;
            return 200 '{"status":"ok","accepted":1,"server_time":1790000000,"next":30}';
        }
    }
}
END
    taskset -c 0 nginx -p "$work" -e "$work/log" -c "$work/nginx.conf" >"$work/log" 2>&1 &
    server=$!
    await responds_200 "http://127.0.0.1:$http_port/ready"
    counted=$(<"/proc/$server/task/$server/children")  # The worker process.
    counted=${counted% }
}

# start_mosquitto [line...]: starts mosquitto on core 0 with these lines in its configuration.
# mosquitto acknowledges each message and has no subscriber to which it could forward the message.
# Sets `server`, `counted` and mqtt_port.
start_mosquitto() {
    mqtt_port=$(free_port)
    {
        printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n' \
            "$mqtt_port"
        printf '%s\n' "$@"
    } >"$work/mosquitto.conf"
    taskset -c 0 mosquitto -c "$work/mosquitto.conf" >"$work/log" 2>&1 &
    server=$!
    counted=$server
    await listens_on "$mqtt_port"
}

# start_floor http|mqtt: starts rollcall-floor on core 0. Sets `server`, `counted` and http_port or
# mqtt_port.
start_floor() {
    rm -f "$work/log"
    taskset -c 0 "$(dirname "$rollcalld")/bench/rollcall-floor" "$1" 0 "$work" >"$work/log" 2>&1 &
    server=$!
    counted=$server
    await grep -q . "$work/log"
    declare -g "$1_port=$(<"$work/log")"
}

# await_stored SINK: waits until the sink has stored every accepted check-in.
await_stored() {
    for _ in {1..600}; do
        curl -s -m 5 "$admin_url/metrics" | awk -v sink="{sink=\"$1\"}" '
            /^rollcall_checkins_accepted_total{/ { accepted += $2 }
            $1 == "rollcall_checkins_duplicate_total" { accepted -= $2 }
            $1 == "rollcall_sink_rows_total" sink { stored = $2 }
            END { exit !(stored == accepted) }' && return
        sleep 0.1
    done
    cat "$work/log" >&2
    die "after a minute the sink $1 has not stored all that was accepted"
}

# cpu_ticks PID: prints the CPU time of all threads in clock ticks (utime and stime of proc(5)).
cpu_ticks() {
    local stat
    stat=$(<"/proc/$1/stat")
    set -- ${stat##*) }
    echo $((${12} + ${13}))
}

# reported NAME FILE: prints a number that rollcall-load has printed under this name.
reported() { awk -v name="$1" '$1 == name { print $2 }' "$2"; }

# median SUBJECT COLUMN: prints the median of a column of the results.
median() {
    awk -v subject="$1" -v column="$2" '$1 == subject { print $column }' "$work/results" | sort -n |
        awk '{ value[NR] = $1 } END { printf "%.10g\n", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

# thousands NUMBER: prints a whole number with commas, such as 1,234,567.
thousands() { printf '%.0f' "$1" | sed ':more; s/\([0-9]\)\([0-9]\{3\}\)\b/\1,\2/; t more'; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# Prints the commit of this checkout. Appends "-changed" if a file differs from the commit, except
# the files that publish() writes.
commit() {
    local changed=
    git diff --quiet HEAD -- . ':!bench/README.md' ':!bench/*.svg' || changed=-changed
    echo "$(git rev-parse --short HEAD)$changed"
}

# publish NAME: with --publish, copies build/bench/NAME.svg to bench, and build/bench/NAME.md
# between the two markers <!-- NAME --> and <!-- /NAME --> of bench/README.md.
publish() {
    [[ $publishes ]] || return 0
    [[ ! -e build/bench/$1.svg ]] || cp "build/bench/$1.svg" bench
    awk -v name="$1" '
        $0 == "<!-- /" name " -->" { inside = 0 }
        !inside { print }
        $0 == "<!-- " name " -->" {
            print ""
            while ((getline line <("build/bench/" name ".md")) > 0) print line
            print ""
            inside = 1
        }' bench/README.md >"$work/readme"
    cat "$work/readme" >bench/README.md
}

# make_certificate: sets `certificate` and `key` to files with a certificate for a P-256 key.
make_certificate() {
    certificate=$work/certificate.pem
    key=$work/key.pem
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
        -subj /CN=localhost -keyout "$key" -out "$certificate" 2>"$work/log" ||
        die "openssl makes no certificate"
}

machine() {
    echo "$(nproc) cores of $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs)," \
        "Linux $(uname -r), $(findmnt -n -o FSTYPE -T "$work")"
}
