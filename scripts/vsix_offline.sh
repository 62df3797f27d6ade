#!/bin/sh
# Package the VS Code extension for this platform with the wheels of the server inside: it installs without a network.
# usage: vsix_offline.sh WHEELS DIST [TARGET]   (TARGET: the platform in the editor's words, such as alpine-x64)
set -eu
WHEELS=$(cd "$1" && pwd)
mkdir -p "$2"
DIST=$(cd "$2" && pwd)
cd "$(dirname "$0")/../vscode-extension"
TARGET=${3:-$(node -p 'process.platform + "-" + process.arch')}
trap 'rm -rf wheels' EXIT INT TERM
rm -rf wheels && mkdir wheels
cp "$WHEELS"/*.whl wheels/
mkdir -p dist
{ cat .vscodeignore; echo '!wheels/*.whl'; } > dist/vscodeignore-offline
npm run package -- --target "$TARGET" --ignoreFile dist/vscodeignore-offline --out "$DIST/"
