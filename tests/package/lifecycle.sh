#!/usr/bin/env bash
#
# Installs, runs, upgrades, removes and purges the package. boot.sh runs this as root in a Debian that
# has booted with systemd. It changes that system, so never run it on a machine that you need.
#
#   lifecycle.sh PACKAGE UPGRADE    two files; the version of UPGRADE is higher
#
# Each check prints what it checked. The first one that fails ends the script with status 1.

set -euo pipefail
package=$1
upgrade=$2
settings=/etc/rollcall/rollcall.toml
database=/var/lib/rollcall/rollcall.db
work=$(mktemp --directory)

# check TEXT COMMAND...: fails unless the command succeeds.
check() {
    if "${@:2}" >"$work/output" 2>&1; then
        echo "ok: $1"
    else
        echo "FAILED: $1"
        echo "$*"
        cat "$work/output"
        journalctl --no-pager --lines=40 --unit=rollcalld || true
        exit 1
    fi
}
not() { ! "$@"; }
equal() { [[ $1 == "$2" ]] || { echo "'$1' is not '$2'"; return 1; }; }
owner_and_mode() { stat --format='%U:%G %a' "$1"; }
is_ready() {
    curl --silent --fail --retry 30 --retry-all-errors --retry-delay 1 --max-time 60 \
        --output /dev/null http://127.0.0.1:9464/readyz
}
# send SERIAL: sends a check-in, and fails unless the daemon acknowledges it.
send() {
    curl --silent --fail --max-time 10 --output /dev/null --header "Idempotency-Key: $1" \
        --data "{\"serial_number\":\"$1\",\"cpu_count\":4}" http://127.0.0.1:8080/v1/checkins
}
send_many() { for i in $(seq 1 50); do send "FIRST$i" || return 1; done; }
query() { runuser --user rollcall -- sqlite3 -readonly "$database" "$1"; }
# stored ANSWER SQL: fails unless the query has this answer within 20 s.
stored() {
    local answer='' left
    for ((left = 100; left > 0; --left)); do
        answer=$(query "$2" 2>&1) || true
        [[ $answer != "$1" ]] || return 0
        sleep 0.2
    done
    equal "$answer" "$1"
}
count_first="SELECT COUNT(*), COUNT(DISTINCT site_id) FROM site_checkins WHERE site_id LIKE 'FIRST%'"
main_pid() { systemctl show --property=MainPID --value rollcalld; }
version_of() { dpkg-query --show --showformat='${Version}' rollcall; }

# mmdebstrap may have configured dpkg to leave out documents. Here, every file is installed.
rm -f /etc/dpkg/dpkg.cfg.d/99mmdebstrap

echo "== install"
check "the package is installed with its dependencies" dpkg --install "$package"
check "the package manager finds no broken package" dpkg --audit
check "no installed file is changed" dpkg --verify rollcall
check "the service is not started" not systemctl --quiet is-active rollcalld
check "the service is not enabled" not systemctl --quiet is-enabled rollcalld
check "the user exists" id rollcall
check "other users cannot read the settings" \
    equal "$(owner_and_mode $settings)" "root:rollcall 640"
check "other users cannot enter /etc/rollcall" \
    equal "$(owner_and_mode /etc/rollcall)" "root:rollcall 750"
check "other users cannot enter the state directory" \
    equal "$(owner_and_mode /var/lib/rollcall)" "rollcall:rollcall 750"
check "the installed settings are valid" runuser --user rollcall -- rollcalld check
check "every setting except state_dir is commented out" \
    equal "$(grep --extended-regexp '^[a-z_]+ =' $settings)" 'state_dir = "/var/lib/rollcall"'
check "manual pages, completion and scripts are there" ls /usr/share/man/man8/rollcalld.8.gz \
    /usr/share/man/man5/rollcall.toml.5.gz /usr/share/bash-completion/completions/rollcalld \
    /usr/share/rollcall/routeros/checkin-v7.rsc /usr/share/doc/rollcall/config/routeros/fields.md
check "systemd finds nothing wrong with the unit" systemd-analyze verify --man=no rollcalld.service

echo "== start and send"
check "the service starts" systemctl enable --quiet --now rollcalld
check "the service is ready" is_ready
check "the program does not run as root" equal "$(stat --format=%U "/proc/$(main_pid)")" rollcall
check "50 check-ins are acknowledged" send_many
check "50 check-ins are stored, each once" stored "50|50" "$count_first"
pid=$(main_pid)
check "a reload succeeds" systemctl reload rollcalld
check "the reload keeps the process" equal "$(main_pid)" "$pid"
check "the program finds the state without being told" rollcalld spool verify

echo "== upgrade under load"
echo '# changed by the operator' >>"$settings"
# Each check-in is sent again, under the same key, until the daemon acknowledges it.
load() {
    local number=0
    until [[ -e $work/end ]]; do
        number=$((number + 1))
        until send "LOAD$number"; do sleep 0.05; done
        echo "LOAD$number" >>"$work/acknowledged"
    done
}
load &
loader=$!
sleep 1
check "the upgrade is installed" dpkg --force-confold --install "$upgrade"
upgraded_at=$(wc --lines <"$work/acknowledged")
check "the service is ready after the upgrade" is_ready
sleep 1
touch "$work/end"
wait "$loader"
acknowledged=$(wc --lines <"$work/acknowledged")
check "the version is the higher one" equal "$(version_of)" "$(dpkg-deb --field "$upgrade" Version)"
check "the upgrade has restarted the service" not equal "$(main_pid)" "$pid"
check "the service is still enabled" systemctl --quiet is-enabled rollcalld
check "the changed settings are kept" grep --quiet 'changed by the operator' "$settings"
check "the settings have the same owner and mode" \
    equal "$(owner_and_mode $settings)" "root:rollcall 640"
check "check-ins were acknowledged before and after the upgrade" \
    test "$upgraded_at" -gt 0 -a "$acknowledged" -gt "$upgraded_at"
check "each of $acknowledged acknowledged check-ins is stored once" \
    stored "$acknowledged|$acknowledged" "${count_first//FIRST/LOAD}"
check "check-ins from before the upgrade are stored" stored "50|50" "$count_first"

echo "== remove"
pid=$(main_pid)
check "the package is removed" dpkg --remove rollcall
check "the service is stopped" test ! -e "/proc/$pid"
check "the program is removed" test ! -e /usr/bin/rollcalld
check "the settings are kept" grep --quiet 'changed by the operator' "$settings"
check "the state is kept" test -s "$database"
check "the package is installed again" dpkg --install "$upgrade"
check "the service starts again" systemctl start rollcalld
check "the service is ready again" is_ready
check "the check-ins are still there" stored "50|50" "$count_first"

echo "== purge"
check "the package is purged" dpkg --purge rollcall
check "/etc/rollcall is removed" test ! -e /etc/rollcall
check "no link to the unit is left" \
    equal "$(find /etc/systemd /var/lib/systemd -name 'rollcalld*')" ""
check "the state is kept" test -s "$database"
check "the package is installed after the purge" dpkg --install "$package"
check "the service is not enabled again" not systemctl --quiet is-enabled rollcalld
check "the service is not started again" not systemctl --quiet is-active rollcalld

echo "all passed"
