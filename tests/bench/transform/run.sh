#!/bin/sh
# The transform function's benchmark, from the module's root: tests/bench/transform/run.sh [flags of the program].
# The floor needs libdeflate's header; as root on Debian it is installed when it isn't there. Without it, and without
# node or python3, the table has fewer columns and says so.
set -eu
if [ ! -e /usr/include/libdeflate.h ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get install -y -qq libdeflate-dev >/dev/null 2>&1 || echo "libdeflate-dev can't be installed here" >&2
fi
exec go run ./tests/bench/transform "$@"
