#!/bin/sh
# Build the sdist, the wheel from the sdist, look inside both, and run the end-to-end tests against the wheel in a clean
# environment with no source tree in sight.
# usage: test_wheel.sh BIN [DIST]   (BIN: the development environment's bin folder; DIST: where what passed is left)
set -eu
BIN=$(cd "$1" && pwd)
ROOT=$(cd "$(dirname "$0")/.." && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT INT TERM

cd "$ROOT"
"$BIN/python" -m build --outdir "$WORK/dist" . > "$WORK/build.log" 2>&1 || { cat "$WORK/build.log"; exit 1; }
"$BIN/python" scripts/check_dist.py "$WORK/dist"

"$BIN/python" -m venv "$WORK/venv"
"$WORK/venv/bin/pip" install --quiet --disable-pip-version-check -c requirements.lock \
  "$(ls "$WORK"/dist/*.whl)[local,mcp,minilm,hf]" pytest pytest-asyncio pytest-xdist hypothesis
mkdir "$WORK/tests-only"
cp -R tests training pyproject.toml "$WORK/tests-only/"
cd "$WORK/tests-only"
"$WORK/venv/bin/python" -m pytest -n auto --dist worksteal tests/e2e -q -p no:cacheprovider
[ -z "${2:-}" ] || { mkdir -p "$ROOT/$2" && cp "$WORK"/dist/* "$ROOT/$2/"; }
