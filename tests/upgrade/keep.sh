#!/usr/bin/env bash
# Keeps the golden graphs of the commit that is checked out below tests/upgrade/testdata, unless the newest kept ones are
# the same. Run it (`make keep-golden`) on what is released, before the golden graphs change again.
set -euo pipefail
cd "$(dirname "$0")"
kept=$(ls testdata | sort | tail -n 1)
same=yes
for graph in ../testdata/golden/*.txt; do
  git show "HEAD:./$graph" | cmp -s - "testdata/$kept/$(basename "$graph")" || same=no
done
if [ "$same" = yes ]; then
  echo "the golden graphs are those of $kept"
  exit 0
fi
number=$((10#${kept%%-*} + 1))
into=$(printf 'testdata/%04d-%s' "$number" "$(git log -1 --format=%cs-%h)")
mkdir "$into"
for graph in ../testdata/golden/*.txt; do
  git show "HEAD:./$graph" >"$into/$(basename "$graph")"
done
echo "kept tests/upgrade/$into"
