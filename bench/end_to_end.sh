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
cd "$(dirname "$0")/.."
. bench/servers.sh

seconds=${BENCH_SECONDS:-8}
runs=${BENCH_RUNS:-5}
connections=256
subjects=(discard sqlite nginx)

for tool in wrk nginx curl taskset; do
    command -v "$tool" >/dev/null || die "$tool is missing: apt-get install wrk nginx-light curl"
done
echo_module=/usr/lib/nginx/modules/ngx_http_echo_module.so
[[ -e $echo_module ]] || die "nginx cannot read bodies: apt-get install libnginx-mod-http-echo"

# Sets `server`, `counted` (the process whose CPU time counts) and `url`.
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
    await says_200 "http://127.0.0.1:$port/ready"
    counted=$(<"/proc/$server/task/$server/children")  # The worker.
    counted=${counted% }
}

# Appends "SUBJECT requests/s CPU-seconds/million p99-ms" to the results.
measure() {
    local subject=$1 before after
    if [[ $subject == nginx ]]; then
        start_nginx
    else
        start_rollcalld "$subject"
        url=http://127.0.0.1:$http_port/v1/checkins
        counted=$server
    fi
    taskset -c 1 wrk -t1 -c$connections -d1s -s bench/checkin.lua "$url" >/dev/null  # Warms up.
    [[ $subject == nginx ]] || await_stored "$subject"
    before=$(cpu_ticks "$counted")
    taskset -c 1 wrk -t1 -c$connections -d"${seconds}s" --latency -s bench/checkin.lua "$url" \
        >"$work/wrk"
    [[ $subject == nginx ]] || await_stored "$subject"
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

for ((run = 1; run <= runs; ++run)); do
    for subject in "${subjects[@]}"; do measure "$subject"; done
done

echo
echo "$(machine); $connections keep-alive connections, 600-byte JSON;" \
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
