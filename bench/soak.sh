#!/bin/bash
# Runs rollcalld for a long time and checks that its use of resources does not grow.
#
#   bench/soak.sh [--saturated] [ROLLCALLD]     default: build/release/rollcalld
#   SOAK_SECONDS=3600             duration; with --saturated 300
#   SOAK_RATE=                    check-ins per second; default: half of the closed-loop rate
#   SOAK_SINK=discard             sink for --saturated
#
# Without --saturated: normal operation at half of the highest rate, over HTTP and MQTT. Meanwhile
# settings are reloaded, the sink fails and recovers, and clients connect and disconnect. Caches and
# the duplicate window fill in the first quarter of the time. In the other three quarters, every
# value except the backlog must be flat. The script fits a line to each value. The line may rise or
# fall by at most 5 % of the mean.
#
# With --saturated: as many check-ins as the daemon accepts, without a pause. The first load is 64
# MQTT connections with 64 unacknowledged messages each (more than a slot holds). The second load is
# 256 HTTP connections. In the first fifth of the time, each load runs once. In the rest of the
# time, each load runs once more. The duplicate window is 10 s and holds at most 5,000 reports. So
# its table is full at any rate, and its size does not depend on the rate. After the first fifth,
# the highest and the lowest resident memory may differ by at most 2 %.
#
# Every five seconds the script writes a line to build/soak.tsv (build/soak_saturated.tsv): time,
# resident memory, file descriptors, threads, check-ins accepted per second, backlog. If gnuplot is
# installed, it draws build/soak.svg (build/soak_saturated.svg).
cd "$(dirname "$0")/.."
saturated=
if [[ ${1:-} == --saturated ]]; then
    saturated=1
    shift
fi
. bench/servers.sh

load=$(dirname "$rollcalld")/rollcall-load
[[ -x $load ]] || die "rollcall-load is missing: ./dev build"
needs_tools curl sqlite3 taskset
round=60           # Seconds after which all clients are replaced.
reload_every=30
outage_every=120
outage=15
sample_every=5
raw=$work/raw
: >"$raw"

metric() { awk -v name="$1" '$1 ~ "^" name "($|{)" { sum += $2 } END { printf "%.0f\n", sum }' "$2"; }

# Appends the current values to $raw.
sample() {
    curl -s -m 5 "$admin_url/metrics" >"$work/page" || die "the admin server does not respond"
    printf '%d\t%d\t%d\t%d\t%d\t%d\n' "$SECONDS" \
        "$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$server/status")" \
        "$(find "/proc/$server/fd" -mindepth 1 | wc -l)" \
        "$(find "/proc/$server/task" -mindepth 1 -maxdepth 1 | wc -l)" \
        "$(metric rollcall_checkins_accepted_total "$work/page")" \
        "$(metric rollcall_spool_backlog_bytes "$work/page")" >>"$raw"
}

# Locks the database for $outage seconds, like an operator with a long transaction.
hold_sink() {
    { echo 'BEGIN EXCLUSIVE;' && sleep "$outage" && echo 'COMMIT;'; } |
        sqlite3 -cmd '.timeout 5000' "$work/state/rollcall.db"
}

# clients NAME SECONDS argument...: sends check-ins. Creates $work/failed if the daemon refuses
# some.
clients() {
    taskset -c 1 "$load" --seconds "$2" "${@:3}" >"$work/load.$1" ||
        { cat "$work/load.$1" >&2 && touch "$work/failed"; }
}

under_way=()
join_clients() {
    [[ ${#under_way[@]} -eq 0 ]] || wait "${under_way[@]}" || true
    under_way=()
    [[ ! -e $work/failed ]] || die "a client was not served"
}

normal_operation() {
    local rate=${SOAK_RATE:-} end=0 next_round=0 next_reload next_outage
    # Clients run a bit longer than a round, so that every sample is taken while clients run. The
    # next round begins when these clients have ended.
    local stay=$((round + 2 * sample_every))
    if [[ -z $rate ]]; then
        taskset -c 1 "$load" --target "127.0.0.1:$http_port" --connections 256 --seconds 5 \
            >"$work/most"
        rate=$(awk '$1 == "rate" { print int($2 / 2) }' "$work/most")
    fi
    echo "$rate check-ins a second for $seconds s; $(machine)"
    begun=$SECONDS
    end=$((SECONDS + seconds))
    next_reload=$((SECONDS + reload_every))
    next_outage=$((SECONDS + outage_every))
    while ((SECONDS < end)) && [[ ! -e $work/failed ]]; do
        if ((SECONDS >= next_round)); then
            join_clients
            clients http "$stay" --target "127.0.0.1:$http_port" --connections 200 \
                --rate $((rate / 2)) &
            under_way+=($!)
            clients mqtt "$stay" --protocol mqtt --target "127.0.0.1:$mqtt_port" \
                --connections 200 --rate $((rate / 2)) &
            under_way+=($!)
            clients short_lived "$stay" --target "127.0.0.1:$http_port" --connection-per-checkin \
                --rate 50 &
            under_way+=($!)
            next_round=$((SECONDS + round))
        fi
        if ((SECONDS >= next_reload)); then
            kill -HUP "$server"
            next_reload=$((next_reload + reload_every))
        fi
        if ((SECONDS >= next_outage)); then
            hold_sink >/dev/null &
            under_way+=($!)
            next_outage=$((next_outage + outage_every))
        fi
        sleep "$sample_every"
        sample
    done
    join_clients
    await_stored sqlite
    local reloads outages
    reloads=$(grep -c ' reload: complete$' "$work/log" || true)
    outages=$(grep -c 'sink sqlite: back' "$work/log" || true)
    echo "$reloads reloads, $outages outages of the sink"
    ((reloads > 0 && outages > 0)) || ((seconds < 2 * outage_every)) || die "there was no reload, or no outage of the sink"
}

# saturate_by PROTOCOL SECONDS: takes samples while clients of one protocol send.
saturate_by() {
    local end=$((SECONDS + $2))
    if [[ $1 == mqtt ]]; then
        clients mqtt "$2" --protocol mqtt --target "127.0.0.1:$mqtt_port" --connections 64 \
            --in-flight 64 &
    else
        clients http "$2" --target "127.0.0.1:$http_port" --connections 256 &
    fi
    under_way+=($!)
    while ((SECONDS + sample_every < end)) && [[ ! -e $work/failed ]]; do
        sleep "$sample_every"
        sample
    done
    join_clients
    awk -v name="$1" '$1 == "rate" { print name ": " $2 " check-ins a second" }' "$work/load.$1"
}

saturate() {
    echo "saturated for $seconds s; $(machine)"
    begun=$SECONDS
    local share
    for share in $((seconds / 10)) $((seconds * 2 / 5)); do
        saturate_by mqtt "$share"
        saturate_by http "$share"
    done
}

begun=0
if [[ -n $saturated ]]; then
    seconds=${SOAK_SECONDS:-300}
    settling=5  # The first fifth of the time is not judged.
    results=build/soak_saturated
    start_rollcalld "${SOAK_SINK:-discard}" --set delivery.duplicate_window=10s \
        --set delivery.duplicate_entries_max=5000
    saturate
else
    seconds=${SOAK_SECONDS:-3600}
    settling=4
    results=build/soak
    start_rollcalld sqlite
    normal_operation
fi

# Convert the counter of accepted check-ins to a rate.
{
    printf 'seconds\tresident_kib\tdescriptors\tthreads\tcheckins_per_s\tbacklog_bytes\n'
    awk -v OFS='\t' -v begun="$begun" '
        NR > 1 && $1 > then { print $1 - begun, $2, $3, $4, ($5 - accepted) / ($1 - then), $6 }
        { then = $1; accepted = $5 }' "$raw"
} >"$results.tsv"
if command -v gnuplot >/dev/null; then
    gnuplot -e "data='$results.tsv'; picture='$results.svg'" bench/soak.gnuplot
fi

echo "$(wc -l <"$raw") samples"
awk -v from=$((seconds / settling)) -v saturated="$saturated" '
    NR == 1 { for (i = 2; i <= 5; ++i) name[i] = $i; next }
    $1 < from { next }
    {
        ++n; x += $1; xx += $1 * $1
        if (n == 1) first = $1
        last = $1
        for (i = 2; i <= 5; ++i) { y[i] += $i; xy[i] += $1 * $i }
        if (n == 1 || $2 < least) least = $2
        if (n == 1 || $2 > most) most = $2
    }
    END {
        if (n < 8) { print "too few samples"; exit 1 }
        for (i = 2; i <= 5; ++i) {
            slope = (n * xy[i] - x * y[i]) / (n * xx - x * x)
            drift = slope * (last - first) / (y[i] / n)
            flat = saturated || (drift < 0.05 && drift > -0.05)
            printf "%-16s %12.0f on average, %+.1f %% in %d s%s\n", name[i], y[i] / n, drift * 100,
                last - first, flat ? "" : ": NOT FLAT"
            if (!flat) bad = 1
        }
        if (saturated) {
            flat = most <= 1.02 * least
            printf "resident memory between %d and %d KiB, %.1f %%%s\n", least, most,
                (most / least - 1) * 100, flat ? "" : ": NOT FLAT"
            if (!flat) bad = 1
        }
        exit bad
    }' "$results.tsv"
