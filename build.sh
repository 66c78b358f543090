#!/usr/bin/env bash
# One zip for each Lambda (python3.13, arm64) into dist/, or the folder given. The same input gives the same bytes.
# Byte code is included when PYTHON is a Python 3.13: PYTHON=python3.13 ./build.sh
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-python3}
venv=build/venv-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ ! "$venv/.installed" -nt pyproject.toml ] || [ ! "$venv/.installed" -nt constraints.txt ]; then
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[yaml]'
  touch "$venv/.installed"
fi
exec "$venv/bin/python" -m interlock.local.zips "$@"
