#!/bin/bash
# Measures whether a check-in costs the same with more workers and with more connections: the same
# rate of check-ins, half of the highest, over MQTT with QoS 1 to a daemon on core 0.
#
#   bench/scale.sh [--publish] [ROLLCALLD]   default: build/release/rollcalld
#   BENCH_SECONDS=8 BENCH_RUNS=3             seconds of each measurement; number of rounds
#
# It leaves build/bench/scale.md; --publish also puts it into bench/README.md. How many workers one
# committer can serve is what committer_bench measures.
cd "$(dirname "$0")/.."
. bench/servers.sh

seconds=${BENCH_SECONDS:-8}
runs=${BENCH_RUNS:-3}
shapes=('1 1000' '2 1000' '1 19000')  # Workers; connections.
needs_tools curl taskset "$load"
ulimit -n "$(ulimit -Hn)"

send() { taskset -c 1 "$load" --protocol mqtt --target "127.0.0.1:$mqtt_port" "$@" >"$work/load"; }

# start WORKERS
start() { start_rollcalld discard --set connections_max=100000 --set workers="$1"; }

# measure WORKERS CONNECTIONS RATE: appends "WORKERS/CONNECTIONS CPU-seconds/million MiB p99-ms".
measure() {
    local resident
    start "$1"
    send --connections "$2" --rate "$3" --seconds 1 || die "rollcalld does not serve $2 connections"
    await_stored discard
    send --connections "$2" --rate "$3" --seconds "$seconds" --pid "$server" ||
        { cat "$work/load" >&2 && die "rollcalld does not serve $2 connections"; }
    resident=$(awk '$1 == "VmHWM:" { print $2 / 1024 }' "/proc/$server/status")
    await_stored discard
    awk -v name="$1/$2" -v ticks="$(cpu_ticks "$server")" -v hz="$(getconf CLK_TCK)" \
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
    echo '| workers | connections | CPU s per million | p99 ms | most resident memory, MiB |'
    echo '|---|---|---|---|---|'
    for shape in "${shapes[@]}"; do
        key=${shape/ //}
        printf '| %s | %s | %.2f | %.2f | %.1f |\n' "${shape% *}" "$(thousands "${shape#* }")" \
            "$(median "$key" 2)" "$(median "$key" 4)" "$(median "$key" 3)"
    done
}

start 1
send --connections 1000 --seconds 3 || die "rollcalld does not serve 1000 connections"
stop
rate=$(($(reported rate "$work/load") / 2))
: >"$work/results"
for ((run = 1; run <= runs; ++run)); do
    # shellcheck disable=SC2086  # A shape is two words.
    for shape in "${shapes[@]}"; do measure $shape "$rate"; done
done
print_table | tee build/bench/scale.md
publish scale
