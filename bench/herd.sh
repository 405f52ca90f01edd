#!/bin/bash
# Measures a herd: 10,000 routers that connect within one second, as after a power cut, each for one
# check-in. rollcalld has its default limits and one worker on core 0; rollcall-load is on core 1.
#
#   bench/herd.sh [--publish] [ROLLCALLD]   default: build/release/rollcalld
#   HERD_CLIENTS=10000 BENCH_RUNS=3         number of routers; number of rounds of measurements
#   HERD_NEXT=20s                           replies.next of the last part
#
# The script measures plain text, TLS 1.3 with full handshakes and TLS 1.2 with resumed sessions. It
# fails at the end if a router was refused. Latency counts from the moment at which the router
# wanted to connect. In the last part, each router sends three more check-ins, each after the `next`
# seconds of the previous response. The chart shows when the check-ins of each round were sent.
#
# The script writes build/bench/herd.md and build/bench/herd.svg. With --publish, it also puts them
# into bench/README.md.
cd "$(dirname "$0")/.."
. bench/servers.sh

clients=${HERD_CLIENTS:-10000}
runs=${BENCH_RUNS:-3}
next=${HERD_NEXT:-20s}
kinds=(plain tls13 tls12)
declare -A titles=([plain]='plain text' [tls13]='TLS 1.3, full handshakes'
    [tls12]='TLS 1.2, resumed sessions')

needs_tools curl gnuplot openssl taskset "$load"
ulimit -n "$(ulimit -Hn)"
make_certificate

# herd argument...: sends the herd to the daemon, and leaves the report of rollcall-load in
# $work/load. Refused routers count as errors in the report; the script ends only if no router was
# served.
herd() {
    taskset -c 1 "$load" --connection-per-checkin --connections "$clients" --rate "$clients" \
        "$@" >"$work/load" || (($(reported acknowledged "$work/load") > 0)) ||
        { cat "$work/load" "$work/log" >&2 && die "no router was served"; }
}

# measure KIND: appends "KIND p50-ms p99-ms max-ms seconds refused" to the results. The seconds are
# the time until the last router was answered.
measure() {
    local tls_port arguments=()
    tls_port=$(free_port)
    start_rollcalld discard --set tls.certificate="$certificate" --set tls.key="$key" \
        --set http.tls_listen="127.0.0.1:$tls_port"
    case $1 in
        plain) arguments=(--target "127.0.0.1:$http_port") ;;
        tls13) arguments=(--target "127.0.0.1:$tls_port" --tls 1.3) ;;
        tls12) arguments=(--target "127.0.0.1:$tls_port" --tls 1.2 --resume) ;;
    esac
    herd --seconds 1 "${arguments[@]}"
    [[ $1 != tls12 ]] ||
        (($(reported resumed "$work/load") == $(reported acknowledged "$work/load"))) ||
        die "not every TLS session was resumed"
    awk -v name="$1" '
        { value[$1] = $2 }
        END {
            printf "%s %.1f %.1f %.1f %.2f %d\n", name, value["p50"], value["p99"], value["max"],
                value["acknowledged"] / value["rate"], value["errors"]
        }' "$work/load" | tee -a "$work/results" >&2
    stop
}

# round_width ROUND: prints the seconds between the first and the last check-in of a round. The
# first and the last hundredth of the check-ins are left out.
round_width() {
    awk -v round="$1" '$1 == round { print $2 }' build/bench/herd.tsv | sort -n |
        awk '{ at[NR] = $1 } END { printf "%.1f", at[int(NR * 0.99)] - at[int(NR * 0.01) + 1] }'
}

print_table() {
    local kind
    echo "Measured at commit $(commit) on $(machine): $clients routers within one second, medians of" \
        "$runs runs."
    echo
    echo '| connection | p50 ms | p99 ms | slowest, ms | all answered after, s | refused |'
    echo '|---|---|---|---|---|---|'
    for kind in "${kinds[@]}"; do
        printf '| %s | %s | %s | %s | %s | %s |\n' "${titles[$kind]}" "$(median "$kind" 2)" \
            "$(median "$kind" 3)" "$(median "$kind" 4)" "$(median "$kind" 5)" \
            "$(median "$kind" 6)"
    done
    echo
    echo "\`next\` then spreads them, here with \`replies.next = \"$next\"\` and the default jitter of" \
        "10 %: 98 % of the check-ins are sent within $(round_width 0) s in the first round, and within" \
        "$(round_width 1), $(round_width 2) and $(round_width 3) s in the next three."
    echo
    echo '![check-ins in each tenth of a second, by round](herd.svg)'
}

: >"$work/results"
for ((run = 1; run <= runs; ++run)); do
    for kind in "${kinds[@]}"; do measure "$kind"; done
done

start_rollcalld discard --set replies.next="$next"
herd --target "127.0.0.1:$http_port" --rounds 4 --seconds 600 --sendings build/bench/herd.tsv
stop
gnuplot -e "data='build/bench/herd.tsv'; picture='build/bench/herd.svg'" bench/herd.gnuplot
print_table | tee build/bench/herd.md
publish herd
awk '{ refused += $6 } END { exit refused > 0 }' "$work/results" || die "a router was refused"
