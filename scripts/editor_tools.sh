#!/bin/sh
# Install what the tests of the VS Code extension drive: VS Code's server, the Node that it wants, and Playwright without
# a browser of its own.
# usage: editor_tools.sh FOLDER
set -eu
mkdir -p "$1"
cd "$1"
export npm_config_audit=false npm_config_fund=false npm_config_loglevel=error
[ -f package.json ] || npm init --yes > /dev/null
npm install node@24.21.0
npm install --ignore-scripts code-server@4.139.1 playwright-core@1.65.1
cd node_modules/code-server/lib/vscode
npm install --omit=dev --ignore-scripts
cd extensions
npm install --omit=dev --ignore-scripts
