#!/bin/bash
# Compares rollcalld with nginx, with mosquitto and with rollcall-floor (bench/floor). One server at
# a time runs on core 0; rollcall-load on core 1 sends the same check-ins to each. Because the speed
# of a machine varies, the script interleaves several rounds of all measurements and takes medians.
#
#   bench/peers.sh [--publish] [ROLLCALLD]   default: build/release/rollcalld
#   BENCH_SECONDS=4 BENCH_RUNS=5             seconds of each measurement; number of rounds
#   BENCH_ONLY=mqtt                          only the loads whose names contain this text
#
# With the defaults, the script takes less than 20 minutes. It writes the table to
# build/bench/peers.md, the chart to build/bench/peers.svg and the single results to
# build/bench/peers.results. With --publish, it also puts the table and the chart into
# bench/README.md.
#
# Each measurement starts a new process with an empty state directory on the disk of this checkout,
# and warms it up for a second. The CPU time is that of all threads of the server, from the first
# measured check-in until the sink has stored everything.
cd "$(dirname "$0")/.."
. bench/servers.sh

seconds=${BENCH_SECONDS:-4}
runs=${BENCH_RUNS:-5}
results=build/bench/peers.results

# The fields of a load: name; description; servers; check-ins in each message; arguments of
# rollcall-load.
loads=(
    'http|HTTP, 256 keep-alive connections, flat reports of 600 bytes|discard sqlite nginx floor|1|--connections 256'
    'http_lists|HTTP, 16 connections, lists of 100 nested reports of 612 bytes|discard floor|100|--connections 16 --shape nested --body-bytes 612 --reports 100'
    'mqtt_64x16|MQTT, 64 connections, 16 in flight on each, flat|discard mosquitto nodelay floor|1|--protocol mqtt --connections 64 --in-flight 16'
    'mqtt_64x16_nested|the same, nested|discard mosquitto nodelay floor|1|--protocol mqtt --connections 64 --in-flight 16 --shape nested --body-bytes 612'
    'mqtt_64x1|MQTT, 64 connections, 1 in flight, flat|discard mosquitto nodelay floor|1|--protocol mqtt --connections 64'
    'mqtt_64x1_nested|the same, nested|discard mosquitto nodelay floor|1|--protocol mqtt --connections 64 --shape nested --body-bytes 612'
    'mqtt_10000x1|MQTT, 10,000 connections, 1 in flight, flat|discard mosquitto nodelay floor|1|--protocol mqtt --connections 10000'
    'connections|HTTP, a connection for each check-in, 64 at a time|discard nginx|1|--connections 64 --connection-per-checkin'
    'tls|the same with TLS 1.3, P-256, full handshakes|discard nginx|1|--connections 64 --connection-per-checkin --tls 1.3'
)
declare -A titles=([discard]='rollcalld' [sqlite]='rollcalld, SQLite' [nginx]='nginx'
    [mosquitto]='mosquitto' [nodelay]='mosquitto, TCP_NODELAY' [floor]='floor')

needs_tools nginx mosquitto curl gnuplot openssl taskset "$load"
ulimit -n "$(ulimit -Hn)"
make_certificate

# start SUBJECT LOAD: starts a server, and sets `port` to the port to which the load is sent.
start() {
    local protocol=http tls_port
    [[ $2 != mqtt* ]] || protocol=mqtt
    tls_port=$(free_port)
    case $1 in
        nginx)
            start_nginx "listen 127.0.0.1:$tls_port ssl backlog=4096" \
                "ssl_certificate $certificate" "ssl_certificate_key $key" \
                "ssl_protocols TLSv1.2 TLSv1.3"
            ;;
        mosquitto) start_mosquitto ;;
        nodelay) start_mosquitto 'set_tcp_nodelay true' ;;
        floor) start_floor "$protocol" ;;
        *)
            start_rollcalld "$1" --set connections_max=100000 --set tls.certificate="$certificate" \
                --set tls.key="$key" --set http.tls_listen="127.0.0.1:$tls_port"
            ;;
    esac
    local plain_port=${protocol}_port
    port=${!plain_port}
    [[ $2 != tls ]] || port=$tls_port
}

is_rollcalld() { [[ $1 == discard || $1 == sqlite ]]; }

# measure LOAD SUBJECT CHECKINS argument...: appends "LOAD/SUBJECT check-ins/s CPU-seconds/million
# p50-ms p99-ms" to the results.
measure() {
    local name=$1 subject=$2 checkins=$3
    start "$subject" "$name"
    taskset -c 1 "$load" --target "127.0.0.1:$port" --seconds 1 "${@:4}" >"$work/load" ||
        { cat "$work/load" "$work/log" >&2 && die "$subject does not serve $name"; }
    if is_rollcalld "$subject"; then await_stored "$subject"; fi
    taskset -c 1 "$load" --target "127.0.0.1:$port" --seconds "$seconds" --pid "$counted" \
        "${@:4}" >"$work/load" ||
        { cat "$work/load" "$work/log" >&2 && die "$subject did not accept everything of $name"; }
    if is_rollcalld "$subject"; then await_stored "$subject"; fi
    awk -v name="$name/$subject" -v ticks="$(cpu_ticks "$counted")" -v checkins="$checkins" \
        -v hz="$(getconf CLK_TCK)" '
        { value[$1] = $2 }
        END {
            printf "%s %.0f %.3f %.2f %.2f\n", name, value["rate"] * checkins,
                (ticks / hz - value["cpu_before"]) / value["acknowledged"] / checkins * 1e6,
                value["p50"], value["p99"]
        }' "$work/load" | tee -a "$work/results" >&2
    stop
}

# for_each_measurement COMMAND: calls the command for each load and each of the load's servers, with
# the fields of the load and the name of the server.
for_each_measurement() {
    local row name title subjects checkins arguments subject
    for row in "${loads[@]}"; do
        IFS='|' read -r name title subjects checkins arguments <<<"$row"
        [[ $name == *${BENCH_ONLY:-}* ]] || continue
        for subject in $subjects; do "$1" "$name" "$title" "$subject" "$checkins" "$arguments"; done
    done
}

# shellcheck disable=SC2086  # $5 holds several arguments.
run_one() { measure "$1" "$3" "$4" $5; }

# Prints a line of the table. The ratios compare a server with rollcalld, so a peer that takes twice
# the CPU time has the ratio 2.
print_row() {
    local key=$1/$3 own=$1/discard title=
    [[ $3 != discard ]] || title=$2
    printf '| %s | %s | %s | %.2f | %.2f | %.2f | %s | %s |\n' "$title" "${titles[$3]}" \
        "$(thousands "$(median "$key" 2)")" "$(median "$key" 3)" "$(median "$key" 4)" \
        "$(median "$key" 5)" "$(ratio "$(median "$key" 2)" "$(median "$own" 2)")" \
        "$(ratio "$(median "$key" 3)" "$(median "$own" 3)")"
}

print_table() {
    echo "Measured at commit $(commit) on $(machine). Medians of $runs runs of $seconds s; the server" \
        "on core 0, rollcall-load on core 1; sync on."
    echo
    echo '| load | server | check-ins/s | CPU s per million | p50 ms | p99 ms | rate, rollcalld = 1 | CPU, rollcalld = 1 |'
    echo '|---|---|---|---|---|---|---|---|'
    for_each_measurement print_row
    echo
    echo '![CPU seconds per million check-ins of each server and load](peers.svg)'
}

# Prints a line for each load with the CPU time of each server, for the chart.
print_chart_data() {
    local row name subject line
    for row in "${loads[@]}"; do
        name=${row%%|*}
        grep -q "^$name/" "$work/results" || continue
        line=$name
        for subject in discard sqlite nginx mosquitto nodelay floor; do
            if grep -q "^$name/$subject " "$work/results"; then
                line+=" $(median "$name/$subject" 3)"
            else
                line+=" ?"
            fi
        done
        echo "$line"
    done
}

: >"$work/results"
for ((run = 1; run <= runs; ++run)); do for_each_measurement run_one; done
cp "$work/results" "$results"
print_chart_data >build/bench/peers.data
gnuplot -e "data='build/bench/peers.data'; picture='build/bench/peers.svg'" bench/peers.gnuplot
print_table | tee build/bench/peers.md
publish peers
