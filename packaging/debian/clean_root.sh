#!/bin/sh
# Make a clean Debian system in a folder: what `apt install make git python3-venv` adds to a minimal one, and no more.
#
#     clean_root.sh RELEASE FOLDER [PACKAGE...]
#
# RELEASE is bookworm (12) or trixie (13). Needs root, debootstrap and a Debian mirror (KURAMORI_MIRROR, by default the
# one that this machine installs from). The authorities that this machine trusts are trusted there, too.
set -eu
release=$1
folder=$2
shift 2
more=$(echo "$*" | tr ' ' ',')
mirror=${KURAMORI_MIRROR:-$(sed -n 's/^URIs: *//p; s/^deb \([^ ]*\) .*/\1/p' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | grep -v security | head -n 1)}
mkdir -p "$folder"
debootstrap --variant=minbase --include="ca-certificates,systemd,dbus,init-system-helpers,debconf${more:+,$more}" \
    "$release" "$folder" "$mirror" >"$folder.log" 2>&1 || { tail -n 20 "$folder.log" >&2; exit 1; }
cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/ca-certificates.crt"
cp -L /etc/resolv.conf "$folder/etc/resolv.conf"
