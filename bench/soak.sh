#!/bin/bash
# An hour of everyday life: rollcalld at half of what it can, over HTTP and MQTT, while its settings
# are reloaded, its sink goes and comes, and clients come and go. Does it need more and more of
# anything?
#
#   bench/soak.sh [ROLLCALLD]     default: build/release/rollcalld
#   SOAK_SECONDS=3600             how long
#   SOAK_RATE=                    check-ins a second; else half of what a closed loop reaches first
#
# Every five seconds a line of build/soak.tsv: time, resident memory, descriptors, threads, check-ins
# accepted a second, backlog. After a quarter of the time, in which caches and the duplicate window
# fill, all but the backlog have to stay as they are: a line is fitted to each, and what it rises or
# falls in the rest may be a twentieth of its mean. build/soak.svg shows it, if gnuplot is there.
cd "$(dirname "$0")/.."
. bench/servers.sh

seconds=${SOAK_SECONDS:-3600}
load=$(dirname "$rollcalld")/rollcall-load
[[ -x $load ]] || die "rollcall-load is missing: ./dev build"
needs_tools curl sqlite3 taskset
round=60           # Clients stay for so long.
reload_every=30
outage_every=120
outage=15
sample_every=5

metric() { awk -v name="$1" '$1 ~ "^" name "($|{)" { sum += $2 } END { printf "%.0f\n", sum }' "$2"; }

# sample FILE: appends a line for now.
sample() {
    curl -s -m 5 "$admin_url/metrics" >"$work/page" || die "the operator's page does not answer"
    printf '%d\t%d\t%d\t%d\t%d\t%d\n' "$SECONDS" \
        "$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$server/status")" \
        "$(find "/proc/$server/fd" -mindepth 1 | wc -l)" \
        "$(find "/proc/$server/task" -mindepth 1 -maxdepth 1 | wc -l)" \
        "$(metric rollcall_checkins_accepted_total "$work/page")" \
        "$(metric rollcall_spool_backlog_bytes "$work/page")" >>"$1"
}

# Holds the database, as a person with a long transaction would.
hold_sink() {
    { echo 'BEGIN EXCLUSIVE;' && sleep "$outage" && echo 'COMMIT;'; } |
        sqlite3 -cmd '.timeout 5000' "$work/state/rollcall.db"
}

# clients NAME argument...: of a round.
clients() {
    # Until the next round, which waits for them: no sample is taken without clients.
    taskset -c 1 "$load" --seconds $((round + 2 * sample_every)) "${@:2}" >"$work/load.$1" ||
        { cat "$work/load.$1" >&2 && touch "$work/failed"; }
}

under_way=()
join_clients() {
    [[ ${#under_way[@]} -eq 0 ]] || wait "${under_way[@]}" || true
    under_way=()
}

start_rollcalld sqlite
rate=${SOAK_RATE:-}
if [[ -z $rate ]]; then
    taskset -c 1 "$load" --target "127.0.0.1:$http_port" --connections 256 --seconds 5 >"$work/most"
    rate=$(awk '$1 == "rate" { print int($2 / 2) }' "$work/most")
fi
echo "$rate check-ins a second for $seconds s; $(machine)"

tsv=build/soak.tsv
raw=$work/raw
end=$((SECONDS + seconds))
begun=$SECONDS
next_round=$SECONDS
next_reload=$((SECONDS + reload_every))
next_outage=$((SECONDS + outage_every))
: >"$raw"
while ((SECONDS < end)) && [[ ! -e $work/failed ]]; do
    if ((SECONDS >= next_round)); then
        join_clients
        clients http --target "127.0.0.1:$http_port" --connections 200 --rate $((rate / 2)) &
        under_way+=($!)
        clients mqtt --protocol mqtt --target "127.0.0.1:$mqtt_port" --connections 200 \
            --rate $((rate / 2)) &
        under_way+=($!)
        clients coming --target "127.0.0.1:$http_port" --connection-per-checkin --rate 50 &
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
    sample "$raw"
done
join_clients
[[ ! -e $work/failed ]] || die "a client was not served"
await_stored sqlite
reloads=$(grep -c ' reloaded$' "$work/log" || true)
outages=$(grep -c 'sink sqlite: back' "$work/log" || true)

# The counter becomes a rate.
{
    printf 'seconds\tresident_kib\tdescriptors\tthreads\tcheckins_per_s\tbacklog_bytes\n'
    awk -v OFS='\t' -v begun="$begun" '
        NR > 1 && $1 > then { print $1 - begun, $2, $3, $4, ($5 - accepted) / ($1 - then), $6 }
        { then = $1; accepted = $5 }' "$raw"
} >"$tsv"
if command -v gnuplot >/dev/null; then
    gnuplot -e "data='$tsv'; picture='build/soak.svg'" bench/soak.gnuplot
fi

echo "$(wc -l <"$raw") samples, $reloads reloads, $outages outages of the sink"
((reloads > 0 && outages > 0)) || ((seconds < 2 * outage_every)) || die "nothing went and came"
awk -v from=$((seconds / 4)) '
    NR == 1 { for (i = 2; i <= 5; ++i) name[i] = $i; next }
    $1 < from { next }
    {
        ++n; x += $1; xx += $1 * $1
        if (n == 1) first = $1
        last = $1
        for (i = 2; i <= 5; ++i) { y[i] += $i; xy[i] += $1 * $i }
    }
    END {
        if (n < 8) { print "too few samples"; exit 1 }
        for (i = 2; i <= 5; ++i) {
            slope = (n * xy[i] - x * y[i]) / (n * xx - x * x)
            drift = slope * (last - first) / (y[i] / n)
            flat = drift < 0.05 && drift > -0.05
            printf "%-16s %12.0f on average, %+.1f %% in %d s%s\n", name[i], y[i] / n, drift * 100,
                last - first, flat ? "" : ": NOT FLAT"
            if (!flat) bad = 1
        }
        exit bad
    }' "$tsv"
