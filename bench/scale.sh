#!/bin/bash
# Measures whether a check-in costs the same with more workers, with more connections and with a
# large backlog in the spool. In all measurements, the daemon on core 0 receives the same rate of
# check-ins over MQTT with QoS 1: half of the highest rate.
#
#   bench/scale.sh [--publish] [ROLLCALLD]   default: build/release/rollcalld
#   BENCH_SECONDS=8 BENCH_RUNS=3             seconds of each measurement; number of rounds
#   SCALE_BACKLOG_GB=10                      size of the backlog
#
# For the backlog, the sink is Kafka without a running broker. For comparison, the script also
# measures an empty spool with this sink.
#
# The script writes build/bench/scale.md. With --publish, it also puts the table into
# bench/README.md. committer_bench measures how many workers one committer can serve.
cd "$(dirname "$0")/.."
. bench/servers.sh

seconds=${BENCH_SECONDS:-8}
runs=${BENCH_RUNS:-3}
backlog_gb=${SCALE_BACKLOG_GB:-10}
# The fields of a measurement: workers; connections; GB of backlog, or "-" for a sink that stores
# everything.
shapes=('1 1000 -' '2 1000 -' '1 19000 -' '1 1000 0' "1 1000 $backlog_gb")
needs_tools curl taskset "$load"
ulimit -n "$(ulimit -Hn)"

send() { taskset -c 1 "$load" --protocol mqtt --target "127.0.0.1:$mqtt_port" "$@" >"$work/load"; }

# start WORKERS BACKLOG: starts the daemon, with the sink discard if BACKLOG is "-". If BACKLOG is a
# number, the sink is Kafka, and the spool is filled to this number of GB.
start() {
    local settings=(--set connections_max=100000 --set workers="$1")
    if [[ $2 == - ]]; then
        start_rollcalld discard "${settings[@]}"
    else
        start_rollcalld kafka "${settings[@]}" --set kafka.brokers=127.0.0.1:1 \
            --set spool.size_max=200GiB --set kafka.topic=checkins
        fill "$2"
    fi
}

# fill GB: sends lists of check-ins until the backlog has this size.
fill() {
    while (($(backlog_bytes) < $1 * 10 ** 9)); do
        taskset -c 1 "$load" --target "127.0.0.1:$http_port" --connections 16 --reports 100 \
            --seconds 5 >"$work/load" || die "rollcalld accepts no lists"
    done
}

backlog_bytes() {
    curl -s -m 5 "$admin_url/metrics" |
        awk '/^rollcall_spool_backlog_bytes{/ { bytes = $2 } END { printf "%.0f\n", bytes }'
}

# measure WORKERS CONNECTIONS BACKLOG RATE: appends "WORKERS/CONNECTIONS/BACKLOG CPU-seconds/million
# MiB p99-ms".
measure() {
    local resident
    start "$1" "$3"
    send --connections "$2" --rate "$4" --seconds 1 || die "rollcalld does not serve $2 connections"
    [[ $3 != - ]] || await_stored discard
    send --connections "$2" --rate "$4" --seconds "$seconds" --pid "$server" ||
        { cat "$work/load" >&2 && die "rollcalld does not serve $2 connections"; }
    resident=$(awk '$1 == "VmRSS:" { print $2 / 1024 }' "/proc/$server/status")
    [[ $3 != - ]] || await_stored discard
    awk -v name="$1/$2/$3" -v ticks="$(cpu_ticks "$server")" -v hz="$(getconf CLK_TCK)" \
        -v resident="$resident" '
        { value[$1] = $2 }
        END {
            printf "%s %.2f %.1f %.2f\n", name,
                (ticks / hz - value["cpu_before"]) / value["acknowledged"] * 1e6, resident,
                value["p99"]
        }' "$work/load" | tee -a "$work/results" >&2
    stop
}

print_table() {
    local shape key
    echo "Measured at commit $(commit) on $(machine): $(thousands "$rate") check-ins/s, medians of" \
        "$runs runs of $seconds s."
    echo
    echo '| workers | connections | backlog | CPU s per million | p99 ms | resident memory, MiB |'
    echo '|---|---|---|---|---|---|'
    local workers connections backlog
    for shape in "${shapes[@]}"; do
        read -r workers connections backlog <<<"$shape"
        key=$workers/$connections/$backlog
        [[ $backlog == - ]] || backlog="$backlog GB"
        printf '| %s | %s | %s | %.2f | %.2f | %.1f |\n' "$workers" "$(thousands "$connections")" \
            "$backlog" "$(median "$key" 2)" "$(median "$key" 4)" "$(median "$key" 3)"
    done
}

start 1 -
send --connections 1000 --seconds 3 || die "rollcalld does not serve 1000 connections"
stop
rate=$(($(reported rate "$work/load") / 2))
: >"$work/results"
for ((run = 1; run <= runs; ++run)); do
    # shellcheck disable=SC2086  # $shape holds three arguments.
    for shape in "${shapes[@]}"; do measure $shape "$rate"; done
done
print_table | tee build/bench/scale.md
publish scale
