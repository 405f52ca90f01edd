#!/bin/bash
# Compares rollcalld with mosquitto: the same check-ins over MQTT 3.1.1 with QoS 1, one server at a
# time on core 0, and rollcall-load on core 1. The script runs several interleaved rounds and prints
# medians.
#
#   bench/mqtt.sh [ROLLCALLD]           default: build/release/rollcalld
#   BENCH_SECONDS=5 BENCH_RUNS=3        seconds of each measurement; number of rounds
#
# rollcalld parses, stores and syncs each check-in before it acknowledges. mosquitto acknowledges
# and has no subscriber to forward to. The CPU time is that of all threads; for rollcalld until the
# sink has stored everything.
cd "$(dirname "$0")/.."
. bench/servers.sh

seconds=${BENCH_SECONDS:-5}
runs=${BENCH_RUNS:-3}
load=$(dirname "$rollcalld")/rollcall-load
shapes=("64 16" "64 1" "10000 1")  # Number of connections; messages in flight on each.

needs_tools mosquitto curl taskset "$load"
ulimit -n "$(ulimit -Hn)"

start_mosquitto() {
    mqtt_port=$(free_port)
    printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n' \
        "$mqtt_port" >"$work/mosquitto.conf"
    taskset -c 0 mosquitto -c "$work/mosquitto.conf" >"$work/log" 2>&1 &
    server=$!
    await listens_on "$mqtt_port"
}

# Appends "SUBJECT/SHAPE acknowledged/s CPU-seconds/million" to the results.
measure() {
    local subject=$1 connections=$2 in_flight=$3 before after
    if [[ $subject == mosquitto ]]; then
        start_mosquitto
    else
        start_rollcalld discard --set connections_max=100000
    fi
    before=$(cpu_ticks "$server")
    taskset -c 1 "$load" --protocol mqtt --target "127.0.0.1:$mqtt_port" --seconds "$seconds" \
        --connections "$connections" --in-flight "$in_flight" >"$work/load"
    [[ $subject == mosquitto ]] || await_stored discard
    after=$(cpu_ticks "$server")
    awk -v name="$subject/$connections/$in_flight" -v ticks=$((after - before)) \
        -v hz="$(getconf CLK_TCK)" '
        $1 == "acknowledged" { count = $2 }
        $1 == "errors" && $2 > 0 { failed = 1 }
        $1 == "rate" { rate = $2 }
        END {
            if (failed || count == 0) exit 1
            printf "%s %.0f %.2f\n", name, rate, ticks / hz / count * 1e6
        }' "$work/load" | tee -a "$work/results" >&2 || {
        cat "$work/load" "$work/log" >&2
        die "$subject did not acknowledge everything"
    }
    stop
}

for ((run = 1; run <= runs; ++run)); do
    for shape in "${shapes[@]}"; do
        for subject in rollcalld mosquitto; do measure "$subject" $shape; done
    done
done

echo
echo "$(machine); 600-byte JSON, QoS 1; medians of $runs runs of $seconds s"
row='%-12s %-10s %-11s %14s %18s %30s\n'
printf "$row" connections 'in flight' subject 'acks/s' 'CPU s per million' 'acks per CPU s / mosquitto'
for shape in "${shapes[@]}"; do
    key=${shape/ //}
    for subject in rollcalld mosquitto; do
        printf "$row" $shape "$subject" "$(median "$subject/$key" 2)" "$(median "$subject/$key" 3)" \
            "$(ratio "$(median "mosquitto/$key" 3)" "$(median "$subject/$key" 3)")"
    done
done
