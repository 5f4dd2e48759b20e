#!/usr/bin/env bash
# Runs govulncheck where its vulnerability database can be reached, and says so loudly where it can't:
# an unreachable database is not a finding, and not a clean bill either.
set -uo pipefail
tool="$1"
out="$("$tool" ./... 2>&1)"
code=$?
if [ "$code" -ne 0 ] && grep -qE 'no such host|connection refused|i/o timeout|fetching vulnerabilities|dial tcp' <<<"$out"; then
  echo "govulncheck: NOT RUN: the vulnerability database can't be reached from here"
  exit 0
fi
echo "$out"
exit "$code"
