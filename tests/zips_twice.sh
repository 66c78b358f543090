#!/usr/bin/env bash
# `make zips`: builds the zips into dist/, and again from a copy of the sources in another folder, in another time zone,
# locale and umask and with other hashes; then compares the bytes. Libraries come from PyPI, so it is no test of `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
./build.sh

mkdir "$elsewhere/copy" "$elsewhere/zips"
git ls-files -z -- build.sh constraints.txt pyproject.toml README.md LICENSE src lambdas | tar -cf - --null -T - | tar -xf - -C "$elsewhere/copy"
(umask 077 && cd "$elsewhere/copy" && TZ=Pacific/Chatham LC_ALL=C PYTHONHASHSEED=1 ./build.sh "$elsewhere/zips" > /dev/null)

for zip in dist/*.zip "$elsewhere"/zips/*.zip; do
  cmp "dist/${zip##*/}" "$elsewhere/zips/${zip##*/}" || { echo "${zip##*/}: other bytes from another folder" >&2; exit 1; }
done
echo "the same bytes, built in two folders"
