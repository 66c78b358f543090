#!/usr/bin/env bash
# Tags the release that pyproject.toml names: a commit beside the branch that also carries dist/, where the Terraform module
# looks for the functions' zips. Branch, index and files stay as they are, and nothing is pushed.
set -euo pipefail
cd "$(dirname "$0")"
export PYTHON=${PYTHON:-python3.13}
stop() { echo "release: $1" >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
tag="v$version"
[ -z "$(git status --porcelain)" ] || stop "there are changes that are not committed"
! git rev-parse --quiet --verify "refs/tags/$tag" > /dev/null || stop "$tag exists: raise the version in pyproject.toml"
grep -q "^## \[$version\]" CHANGELOG.md || stop "CHANGELOG.md has no section [$version]"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' || stop "needs Python 3.13, whose byte code Lambda reads: set PYTHON"

rm -rf dist
tests/zips_twice.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export GIT_INDEX_FILE="$scratch/index"
git read-tree HEAD
git add --force dist/*.zip
commit=$(git commit-tree "$(git write-tree)" -p HEAD -m "Interlock $version, with its zips")
git tag --annotate "$tag" -m "Interlock $version" "$commit"
echo "$tag is made, on this machine alone; what publishes it: git push origin $tag"
