#!/usr/bin/env bash
#
# Boots a Debian with systemd in a container and runs lifecycle.sh there.
#
#   boot.sh ROOT PACKAGE    ROOT: a folder with a Debian that has systemd, curl, sqlite3 and the
#                           packages on which PACKAGE depends. The folder is not changed.
#
# Needs root and systemd-nspawn. The container has its own network without connections.

set -euo pipefail
root=$1
package=$(realpath "$2")
here=$(realpath "$(dirname "$0")")
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

# The upgrade has the same files and a higher version.
cp "$package" "$work/package.deb"
dpkg-deb --raw-extract "$package" "$work/unpacked"
sed -i 's/^Version: .*/&+upgrade/' "$work/unpacked/DEBIAN/control"
dpkg-deb --root-owner-group --build "$work/unpacked" "$work/upgrade.deb" >/dev/null
rm -r "$work/unpacked"
cp "$here/lifecycle.sh" "$work/"

# When the script has ended, systemd ends the container with the status of the script.
cat >"$work/lifecycle.service" <<'UNIT'
[Unit]
SuccessAction=exit
FailureAction=exit

[Service]
Type=oneshot
ExecStart=/package/lifecycle.sh /package/package.deb /package/upgrade.deb
StandardOutput=append:/package/log
StandardError=append:/package/log
TimeoutStartSec=300

[Install]
WantedBy=multi-user.target
UNIT

options=(--quiet --private-network --volatile=overlay --machine="rollcall-package-$$"
    --console=pipe --bind="$work:/package"
    --bind-ro="$work/lifecycle.service:/etc/systemd/system/lifecycle.service")
# On a machine without systemd, nspawn cannot ask it for a scope.
[[ -d /run/systemd/system ]] || options+=(--register=no --keep-unit)
status=0
timeout 400 systemd-nspawn "${options[@]}" --directory="$root" --boot \
    systemd.wants=lifecycle.service >"$work/console" 2>&1 </dev/null || status=$?
cat "$work/log" || cat "$work/console"
[[ $status -eq 0 ]] && tail -n 1 "$work/log" | grep --quiet --line-regexp 'all passed'
