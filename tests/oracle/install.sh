#!/bin/sh
# Install the real ansible-core into its own environment: sh install.sh FOLDER. It wants Python 3.12 or newer.
set -eu
for python in python3.14 python3.13 python3.12 "$HOME"/.pyenv/versions/3.1[2-9].*/bin/python; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
    "$python" -m venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$(dirname "$0")/requirements.txt"
    exit 0
  fi
done
echo "the oracle needs Python 3.12 or newer, and there is none" >&2
exit 1
