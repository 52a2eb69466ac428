#!/bin/sh
# Install the programs that the tests record from or compare with (Debian, Ubuntu). Says what to do without root.
set -eu
packages="chromium debootstrap ffmpeg fuse3 gir1.2-gst-rtsp-server-1.0 glib-networking gstreamer1.0-libav
gstreamer1.0-plugins-bad gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly
iproute2 libarchive-tools libfuse3-3 nftables openssl poppler-utils prometheus prometheus-alertmanager python3-gi smartmontools swtpm swtpm-tools
systemd systemd-container tcpdump tpm2-tools umockdev"
[ "${1:-}" = "--bench" ] && packages="$packages gcc libc6-dev libssl-dev"

missing=""
for package in $packages; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "These programs are not installed, and this is no Debian:$missing. Their tests are skipped." >&2
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Not installed, because that needs root:$missing" >&2
    echo "Their tests are skipped. To run them: sudo apt-get install --no-install-recommends$missing" >&2
    exit 0
fi
echo "Installing for the tests:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
