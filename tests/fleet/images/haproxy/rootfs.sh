#!/bin/bash
# Lays out the root file system of the haproxy image: rootfs.sh TARGET_DIR
#
# Debian's haproxy with the libraries that it loads, CA certificates, and busybox
# for a shell; nothing else of Debian, so that a pull takes a second.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1

# shellcheck source-path=SCRIPTDIR
source "$here/../../lib/settings.sh"
# shellcheck source-path=SCRIPTDIR
source "$FLEET_SOURCE/lib/base.sh"

packages=$(mktemp -d)
trap 'rm -rf --one-file-system "$packages"' EXIT
mirror=$(debian_mirror)
# `extract` unpacks without running the packages' scripts. usrmerge's links are
# otherwise made by one of those.
mmdebstrap --quiet --variant=extract --mode=root \
  --aptopt='APT::Install-Recommends "false"' \
  --include=haproxy,ca-certificates,busybox-static \
  "$FLEET_SUITE" "$packages/root" ${mirror:+"$mirror"}
root=$packages/root

mkdir -p "$target"/{bin,dev,etc/ssl/certs,lib64,proc,run,sys,tmp,usr/sbin,usr/local/bin,usr/local/etc/haproxy,var/lib/haproxy}
chmod 1777 "$target/tmp"
cp "$root/usr/sbin/haproxy" "$target/usr/sbin/"
cp "$root/bin/busybox" "$target/bin/"
for applet in sh cat ls ps id kill sleep wget nc netstat; do
  ln -s busybox "$target/bin/$applet"
done
cp "$here/docker-entrypoint.sh" "$target/usr/local/bin/"

# The loader itself says what it would load, so the list cannot go stale.
chroot "$root" /lib64/ld-linux-x86-64.so.2 --list /usr/sbin/haproxy |
  grep -o '/[^ ]*' | sort -u | while read -r library; do
  mkdir -p "$target/$(dirname "$library")"
  cp -L "$root/$library" "$target/$library"
done

# What update-ca-certificates would write for the default choice of authorities.
cat "$root"/usr/share/ca-certificates/mozilla/*.crt > "$target/etc/ssl/certs/ca-certificates.crt"

cat > "$target/etc/passwd" << 'PASSWD'
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
haproxy:x:99:99:haproxy:/var/lib/haproxy:/usr/sbin/nologin
PASSWD
cat > "$target/etc/group" << 'GROUP'
root:x:0:
nogroup:x:65534:
haproxy:x:99:
GROUP
chown 99:99 "$target/var/lib/haproxy"
