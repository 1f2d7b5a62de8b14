#!/bin/sh
# Installs what the two stock programs need: socket.io-client beside its package.json, and a Python
# environment in the target folder. Does nothing where that is done already.
#
#   install.sh [TARGET]     prints the path of the Python to run; TARGET defaults to cargo's
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
target=${1:-${CARGO_TARGET_DIR:-$here/../../target}}
venv=$target/stock-venv

packages=$here/node/node_modules
if ! cmp -s "$here/node/package-lock.json" "$packages/.installed-for"; then
    npm ci --no-fund --no-audit --silent --prefix "$here/node" >&2
    cp "$here/node/package-lock.json" "$packages/.installed-for"
fi

# What it was made with may have gone since: another version of Python, another machine.
if ! cmp -s "$here/python/requirements.txt" "$venv/installed-for" || ! "$venv/bin/python" -c "" 2>/dev/null; then
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --requirement "$here/python/requirements.txt" >&2
    cp "$here/python/requirements.txt" "$venv/installed-for"
fi

printf '%s\n' "$venv/bin/python"
