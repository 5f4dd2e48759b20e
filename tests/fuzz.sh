#!/usr/bin/env bash
# Runs every fuzz target of the module for a bounded time (FUZZTIME, default 20s each).
set -euo pipefail
fuzztime="${FUZZTIME:-20s}"
grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do
  grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r target; do
    echo "fuzz $dir $target for $fuzztime"
    go test "$dir" -run '^$' -fuzz "^${target}\$" -fuzztime "$fuzztime" -fuzzminimizetime 10x
  done
done
