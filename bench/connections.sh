#!/bin/bash
# Compares new connections of rollcalld and nginx: each connection sends one check-in and ends.
# Plain text, and TLS with a P-256 key and without resumption. One server at a time runs on core 0,
# and wrk on core 1. The script runs several interleaved rounds and prints medians.
#
#   bench/connections.sh [ROLLCALLD]    default: build/release/rollcalld
#   BENCH_SECONDS=4 BENCH_RUNS=3        seconds of each measurement; number of rounds
#
# rollcalld parses, stores and syncs each check-in; nginx only reads it.
cd "$(dirname "$0")/.."
. bench/servers.sh

seconds=${BENCH_SECONDS:-4}
runs=${BENCH_RUNS:-3}
connections=64
needs_tools wrk nginx curl taskset openssl

certificate=$work/certificate.pem
key=$work/key.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
    -keyout "$key" -out "$certificate" 2>"$work/log" || die "openssl makes no certificate"

# Starts a server that accepts plain text on http_port, where start_nginx and start_rollcalld expect
# it, and TLS on tls_port.
start() {
    tls_port=$(free_port)
    if [[ $1 == nginx ]]; then
        start_nginx "listen 127.0.0.1:$tls_port ssl backlog=4096" "ssl_certificate $certificate" \
            "ssl_certificate_key $key" "ssl_protocols TLSv1.2 TLSv1.3"
    else
        start_rollcalld discard --set tls.certificate="$certificate" --set tls.key="$key" \
            --set http.tls_listen="127.0.0.1:$tls_port"
    fi
    [[ $2 == plain ]] || url=https://127.0.0.1:$tls_port/v1/checkins
}

# Appends "SUBJECT/TRANSPORT connections/s CPU-microseconds" to the results.
measure() {
    local subject=$1 transport=$2 before after
    start "$subject" "$transport"
    before=$(cpu_ticks "$counted")
    taskset -c 1 wrk -t1 -c$connections -d"${seconds}s" -H 'Connection: close' \
        -s bench/checkin.lua "$url" >"$work/wrk"
    [[ $subject == nginx ]] || await_stored discard
    after=$(cpu_ticks "$counted")
    if grep -qE 'Non-2xx|Socket errors' "$work/wrk"; then
        cat "$work/wrk" "$work/log" >&2
        die "$subject did not answer every request with 2xx"
    fi
    awk -v name="$subject/$transport" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '
        / requests in / { requests = $1 }
        $1 == "Requests/sec:" { rate = $2 }
        END { printf "%s %.0f %.1f\n", name, rate, ticks / hz / requests * 1e6 }
    ' "$work/wrk" | tee -a "$work/results" >&2
    stop
}

for ((run = 1; run <= runs; ++run)); do
    for transport in plain tls; do
        for subject in rollcalld nginx; do measure "$subject" "$transport"; done
    done
done

echo
echo "$(machine); a connection for each check-in, $connections at a time, 600-byte JSON;" \
    "medians of $runs runs of $seconds s"
row='%-10s %-10s %14s %20s %14s %14s\n'
printf "$row" transport subject connections/s 'CPU us each' 'rate / nginx' 'CPU / nginx'
for transport in plain tls; do
    for subject in rollcalld nginx; do
        rate=$(median "$subject/$transport" 2)
        cpu=$(median "$subject/$transport" 3)
        printf "$row" "$transport" "$subject" "$rate" "$cpu" \
            "$(ratio "$rate" "$(median "nginx/$transport" 2)")" \
            "$(ratio "$cpu" "$(median "nginx/$transport" 3)")"
    done
done
