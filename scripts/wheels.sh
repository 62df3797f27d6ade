#!/bin/sh
# Put all that an installation needs into a folder, as wheels for this platform: kibitz' own, built anew, and those of its
# dependencies, of the versions in requirements.lock and fetched only when that has changed.
# usage: wheels.sh BIN FOLDER [PYTHON…]   (PYTHON: further versions that they shall do for, such as 3.12)
set -eu
BIN=$(cd "$1" && pwd)
mkdir -p "$2"
FOLDER=$(cd "$2" && pwd)
shift 2
cd "$(dirname "$0")/.."
MADE=$FOLDER/.made
FROM=$(cat requirements.lock; "$BIN/python" -V; echo "$*")

[ -f "$MADE" ] && [ "$(cat "$MADE")" = "$FROM" ] || rm -f "$FOLDER"/*.whl "$MADE"
rm -f "$FOLDER"/kibitz-*.whl
"$BIN/python" -m build --wheel --outdir "$FOLDER" . > "$FOLDER/.log" 2>&1 || { cat "$FOLDER/.log"; exit 1; }
[ ! -f "$MADE" ] || exit 0

fetch() {
  "$BIN/pip" download --quiet --disable-pip-version-check --only-binary :all: -c requirements.lock --dest "$FOLDER" "$@" \
    "$(ls "$FOLDER"/kibitz-*.whl)"
}
fetch
for PYTHON; do fetch --python-version "$PYTHON"; done
printf '%s\n' "$FROM" > "$MADE"
