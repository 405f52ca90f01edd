#!/bin/bash
# Measures latency in an open loop, at half of the highest rate. rollcall-load sends each check-in
# when it is due, even if earlier ones are unanswered. The latency counts from the due time.
#
#   bench/latency.sh [--publish] [ROLLCALLD]   default: build/release/rollcalld
#   BENCH_SECONDS=10                           seconds of each measurement
#
# rollcalld has one worker on core 0 and the sink discard; rollcall-load is on core 1. The durations
# of the syncs during the measurement come from the histogram rollcall_spool_sync_seconds. The
# percentiles of these durations are interpolated within a bucket.
#
# The script writes build/bench/latency.md and build/bench/latency.svg. With --publish, it also puts
# them into bench/README.md.
cd "$(dirname "$0")/.."
. bench/servers.sh

seconds=${BENCH_SECONDS:-10}
needs_tools curl gnuplot taskset "$load"
declare -A titles=([http]='HTTP, 256 connections' [mqtt]='MQTT, 64 connections, up to 16 in flight')
declare -A arguments=([http]='--connections 256'
    [mqtt]='--protocol mqtt --connections 64 --in-flight 16')

buckets() { curl -s -m 5 "$admin_url/metrics" | grep '^rollcall_spool_sync_seconds_bucket' >"$1"; }

# sync_percentile SHARE: prints a percentile, in ms, of the syncs between $work/before and
# $work/after.
sync_percentile() {
    awk -v share="$1" '
        { bound = $1; gsub(/.*le="|".*/, "", bound) }
        NR == FNR { before[bound] = $2; next }
        { bounds[++n] = bound; below[n] = $2 - before[bound] }
        END {
            wanted = share * below[n]
            for (i = 1; i <= n && below[i] < wanted; ++i);
            low = i == 1 ? 0 : bounds[i - 1]
            high = bounds[i] == "+Inf" ? low : bounds[i]
            inside = below[i] - (i == 1 ? 0 : below[i - 1])
            part = inside == 0 ? 1 : (wanted - (i == 1 ? 0 : below[i - 1])) / inside
            printf "%.2f", (low + part * (high - low)) * 1000
        }' "$work/before" "$work/after"
}

# shellcheck disable=SC2086  # The array element holds several arguments.
send() { taskset -c 1 "$load" --target "127.0.0.1:$port" ${arguments[$1]} "${@:2}"; }

# measure PROTOCOL: prints two lines of the table, for the check-ins and for the syncs.
measure() {
    local protocol=$1 rate plain_port=$1_port
    start_rollcalld discard
    port=${!plain_port}
    send "$protocol" --seconds 3 >"$work/load" || die "rollcalld does not serve $protocol"
    rate=$(reported rate "$work/load")
    await_stored discard
    buckets "$work/before"
    send "$protocol" --seconds "$seconds" --rate $((rate / 2)) \
        --percentiles "build/bench/latency_$protocol.tsv" >"$work/load" ||
        { cat "$work/load" >&2 && die "rollcalld does not serve $protocol"; }
    buckets "$work/after"
    printf '| %s | %s | %s | %s | %s | %s |\n' "${titles[$protocol]}" "$(thousands $((rate / 2)))" \
        "$(reported p50 "$work/load")" "$(reported p99 "$work/load")" \
        "$(reported p99.9 "$work/load")" "$(reported max "$work/load")"
    printf '| syncs during this load | | %s | %s | %s | |\n' "$(sync_percentile 0.5)" \
        "$(sync_percentile 0.99)" "$(sync_percentile 0.999)"
    stop
}

print_table() {
    echo "Measured at commit $(commit) on $(machine), $seconds s each."
    echo
    echo '| load | check-ins/s | p50 ms | p99 ms | p99.9 ms | slowest, ms |'
    echo '|---|---|---|---|---|---|'
    cat "$work/table"
    echo
    echo '![latency by percentile](latency.svg)'
}

for protocol in http mqtt; do measure "$protocol"; done >"$work/table"
gnuplot -e "http='build/bench/latency_http.tsv'; mqtt='build/bench/latency_mqtt.tsv'; picture='build/bench/latency.svg'" \
    bench/latency.gnuplot
print_table | tee build/bench/latency.md
publish latency
