#!/bin/bash
# rollcalld against nginx: the same check-ins over HTTP, one server after the other on core 0, wrk
# on core 1. Several rounds, interleaved, because a machine's mood changes; medians are printed.
#
#   bench/end_to_end.sh [ROLLCALLD]     default: build/release/rollcalld
#   BENCH_SECONDS=8 BENCH_RUNS=5        of each measurement, and how many
#
# rollcalld parses, stores and syncs before it answers. nginx reads the body and answers as many
# bytes: what a request costs when nothing is done with it. Every measurement begins with a new
# process and an empty state directory on the disk of this checkout. The CPU time counted is that of
# all threads, up to the point where the sink has stored everything.
set -euo pipefail
cd "$(dirname "$0")/.."

rollcalld=${1:-build/release/rollcalld}
seconds=${BENCH_SECONDS:-8}
runs=${BENCH_RUNS:-5}
connections=256
subjects=(discard sqlite nginx)

die() {
    echo "end_to_end: $*" >&2
    exit 1
}

for tool in wrk nginx curl taskset; do
    command -v "$tool" >/dev/null || die "$tool is missing: apt-get install wrk nginx-light curl"
done
echo_module=/usr/lib/nginx/modules/ngx_http_echo_module.so
[[ -e $echo_module ]] || die "nginx cannot read bodies: apt-get install libnginx-mod-http-echo"
[[ -x $rollcalld ]] || die "$rollcalld is missing: ./dev build"
(($(nproc) >= 2)) || die "this needs two cores, one for the server and one for the client"

mkdir -p build
work=$(mktemp -d "$PWD/build/end_to_end.XXXXXX")
server=    # The process that was started last, while it runs.

# Asks the server to end, and waits for it; ends it if it does not.
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

# A port below the range that the kernel gives to clients, and that nobody listens on.
free_port() {
    local port
    for _ in {1..100}; do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# Waits until URL says 200.
await() {
    for _ in {1..100}; do
        [[ $(curl -s -o /dev/null -m 1 -w '%{http_code}' "$1") == 200 ]] && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/log" >&2
    die "the server did not come up"
}

# start_*: sets `server`, `counted` (the process whose CPU time counts) and `url`.

start_rollcalld() {
    local port admin
    port=$(free_port)
    admin=$(free_port)
    admin_url=http://127.0.0.1:$admin
    url=http://127.0.0.1:$port/v1/checkins
    rm -rf "$work/state"
    taskset -c 0 "$rollcalld" serve --set state_dir="$work/state" --set workers=1 \
        --set sinks="$1" --set http.listen="127.0.0.1:$port" \
        --set mqtt.listen="127.0.0.1:$(free_port)" --set admin.listen="127.0.0.1:$admin" \
        >"$work/log" 2>&1 &
    server=$!
    counted=$server
    await "$admin_url/readyz"
}

start_nginx() {
    local port
    port=$(free_port)
    url=http://127.0.0.1:$port/v1/checkins
    cat >"$work/nginx.conf" <<END
load_module $echo_module;
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
        listen 127.0.0.1:$port backlog=4096;
        # Without the redirect the answer would be chunked.
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
    await "http://127.0.0.1:$port/ready"
    counted=$(<"/proc/$server/task/$server/children")  # The worker.
    counted=${counted% }
}

# CPU time of a process so far, all threads, in clock ticks: utime and stime of its stat.
cpu_ticks() {
    local stat
    stat=$(<"/proc/$1/stat")
    set -- ${stat##*) }
    echo $((${12} + ${13}))
}

# Waits until the sink has stored every check-in that was accepted.
await_stored() {
    [[ $1 == nginx ]] && return
    for _ in {1..600}; do
        curl -s -m 5 "$admin_url/metrics" | awk -v sink="{sink=\"$1\"}" '
            $1 == "rollcall_checkins_accepted_total{transport=\"http\"}" { accepted = $2 }
            $1 == "rollcall_sink_rows_total" sink { stored = $2 }
            END { exit !(stored == accepted) }' && return
        sleep 0.1
    done
    cat "$work/log" >&2
    die "after a minute the sink $1 has not stored all that was accepted"
}

# Appends "SUBJECT requests/s CPU-seconds/million p99-ms" to the results.
measure() {
    local subject=$1 before after
    if [[ $subject == nginx ]]; then start_nginx; else start_rollcalld "$subject"; fi
    taskset -c 1 wrk -t1 -c$connections -d1s -s bench/checkin.lua "$url" >/dev/null  # Warms up.
    await_stored "$subject"
    before=$(cpu_ticks "$counted")
    taskset -c 1 wrk -t1 -c$connections -d"${seconds}s" --latency -s bench/checkin.lua "$url" \
        >"$work/wrk"
    await_stored "$subject"
    after=$(cpu_ticks "$counted")
    if grep -qE 'Non-2xx|Socket errors' "$work/wrk"; then
        cat "$work/wrk" "$work/log" >&2
        die "$subject did not answer every request with 2xx"
    fi
    awk -v subject="$subject" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '
        function ms(text) { return text ~ /us$/ ? text / 1000 : text ~ /ms$/ ? text + 0 : text * 1000 }
        $1 == "99%" { p99 = ms($2) }
        / requests in / { requests = $1 }
        $1 == "Requests/sec:" { rate = $2 }
        END { printf "%s %.0f %.2f %.2f\n", subject, rate, ticks / hz / requests * 1e6, p99 }
    ' "$work/wrk" | tee -a "$work/results" >&2
    stop
}

# The median of a column of the results: median SUBJECT COLUMN.
median() {
    awk -v subject="$1" -v column="$2" '$1 == subject { print $column }' "$work/results" | sort -n |
        awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

for ((run = 1; run <= runs; ++run)); do
    for subject in "${subjects[@]}"; do measure "$subject"; done
done

echo
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs), Linux $(uname -r)," \
    "$(stat -f -c %T "$work"); $connections keep-alive connections, 600-byte JSON;" \
    "medians of $runs runs of $seconds s"
row='%-22s %12s %18s %10s %16s %16s\n'
printf "$row" subject requests/s 'CPU s per million' 'p99 ms' 'rate / nginx' 'CPU / nginx'
nginx_rate=$(median nginx 2)
nginx_cpu=$(median nginx 3)
for subject in "${subjects[@]}"; do
    name="rollcalld, $subject"
    [[ $subject == nginx ]] && name='nginx, body read'
    rate=$(median "$subject" 2)
    cpu=$(median "$subject" 3)
    printf "$row" "$name" "$rate" "$cpu" "$(median "$subject" 4)" \
        "$(ratio "$rate" "$nginx_rate")" "$(ratio "$cpu" "$nginx_cpu")"
done
