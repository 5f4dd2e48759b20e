#!/bin/sh
# The transform function's benchmark, from the module's root: tests/bench/transform/run.sh [flags of the program].
# The floor needs a C compiler and libdeflate's header. Where apt-get is there, and this is root or may become it without a
# password, the header is installed; otherwise it says how to get it. The program says of every peer that it lacks.
set -eu
headers() { printf '#include <libdeflate.h>\n' | "${CC:-cc}" -E - >/dev/null 2>&1; }
if ! headers; then
  as=
  [ "$(id -u)" = 0 ] || as="sudo -n"
  if command -v apt-get >/dev/null 2>&1; then
    echo "installing libdeflate-dev, which the floor needs" >&2
    $as apt-get install -y -qq libdeflate-dev >/dev/null 2>&1 ||
      { $as apt-get update -qq >/dev/null 2>&1 && $as apt-get install -y -qq libdeflate-dev >/dev/null 2>&1; } || true
  fi
  headers || cat >&2 <<'MISSING'
MISSING PEER: the libdeflate floor. Its header, or a C compiler, isn't on this machine. Get it and run this again:
  Debian, Ubuntu   apt-get install gcc libdeflate-dev
  Fedora, RHEL     dnf install gcc libdeflate-devel
  Alpine           apk add gcc musl-dev libdeflate-dev
  macOS            brew install libdeflate
MISSING
fi
exec "${GO:-go}" run ./tests/bench/transform "$@"
