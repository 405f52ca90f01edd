#!/bin/bash
# Compares rollcalld with nginx: the same check-ins over HTTP, one server at a time on core 0, and
# wrk on core 1. Because the speed of a machine varies, the script interleaves several rounds and
# prints medians.
#
#   bench/end_to_end.sh [ROLLCALLD]     default: build/release/rollcalld
#   BENCH_SECONDS=8 BENCH_RUNS=5        seconds of each measurement; number of rounds
#
# rollcalld parses, stores and syncs each check-in before it responds. nginx reads the body and
# sends a response of the same size, which shows the cost of a request that is not processed. Every
# measurement starts a new process with an empty state directory on the disk of this checkout. The
# CPU time is that of all threads, until the sink has stored everything.
cd "$(dirname "$0")/.."
. bench/servers.sh

seconds=${BENCH_SECONDS:-8}
runs=${BENCH_RUNS:-5}
connections=256
subjects=(discard sqlite nginx)

needs_tools wrk nginx curl taskset

# Appends "SUBJECT requests/s CPU-seconds/million p99-ms" to the results.
measure() {
    local subject=$1 before after
    if [[ $subject == nginx ]]; then start_nginx; else start_rollcalld "$subject"; fi
    taskset -c 1 wrk -t1 -c$connections -d1s -s bench/checkin.lua "$url" >/dev/null  # Warm-up.
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
