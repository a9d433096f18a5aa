#!/bin/sh
# Behaves as the entrypoint of the official haproxy image does: whatever asks for
# haproxy gets the master-worker mode in the foreground, anything else runs as is.
set -e
case "$1" in -*) set -- haproxy "$@" ;; esac
if [ "$1" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi
exec "$@"
