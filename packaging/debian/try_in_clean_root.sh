#!/bin/sh
# Run one of the README's commands in a clean Debian, as root or as an ordinary user, on a clone of what is committed.
#
#     try_in_clean_root.sh RELEASE ACCOUNT TARGET      for example: bookworm visitor demo
#
# ACCOUNT is root, or the name of a user that is made there. Needs root, debootstrap, systemd-nspawn and git.
set -eu
release=$1
account=$2
target=$3
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/kuramori-clean.XXXXXX")
root=$folder/root
trap 'rm -rf --one-file-system "$folder"' EXIT

"$here/clean_root.sh" "$release" "$root" make git python3-venv
home=/root
if [ "$account" != root ]; then
    chroot "$root" useradd --create-home --shell /bin/sh "$account"
    home=/home/$account
fi
git clone --quiet --depth 1 "file://$checkout" "$root$home/kuramori"
chroot "$root" chown -R "$account:" "$home/kuramori"
systemd-nspawn -q -D "$root" --register=no --keep-unit --as-pid2 --user="$account" --chdir="$home/kuramori" \
    --setenv=HOME="$home" --setenv=LANG=C.UTF-8 make "$target"
