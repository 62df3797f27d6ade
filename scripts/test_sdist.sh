#!/bin/sh
# The sdist of a folder builds the wheel that the sources build, and what it installs indexes and searches.
# usage: test_sdist.sh BIN DIST   (BIN: the development environment's bin folder; DIST: where sdist and wheel lie)
set -eu
BIN=$(cd "$1" && pwd)
DIST=$(cd "$2" && pwd)
ROOT=$(cd "$(dirname "$0")/.." && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT INT TERM

cd "$ROOT"
"$BIN/python" -m build --wheel --outdir "$WORK/dist" . > "$WORK/build.log" 2>&1 || { cat "$WORK/build.log"; exit 1; }
"$BIN/python" scripts/same_wheel.py "$DIST"/*.whl "$WORK"/dist/*.whl

"$BIN/python" -m venv "$WORK/venv"
"$WORK/venv/bin/pip" install --quiet --disable-pip-version-check -c requirements.lock "$DIST"/*.tar.gz
mkdir "$WORK/code"
printf 'def area(width, height):\n    return width * height\n' > "$WORK/code/shapes.py"
cd "$WORK/code"
export HOME="$WORK" XDG_CONFIG_HOME="$WORK" XDG_CACHE_HOME="$WORK" XDG_DATA_HOME="$WORK"
"$WORK/venv/bin/kibitz" --version
"$WORK/venv/bin/kibitz" index > /dev/null
"$WORK/venv/bin/kibitz" search "how large is a rectangle" | grep -q shapes.py
echo "the sdist builds the same wheel, and what it installs finds shapes.py"
