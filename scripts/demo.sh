#!/bin/sh
# The main job on real input: index Django's sources, search them, ask, complete and edit with the embedded model.
# usage: demo.sh BIN FOLDER   (everything it makes lies in FOLDER; delete it when done)
set -eu
BIN=$(cd "$1" && pwd)
mkdir -p "$2"
DEMO=$(cd "$2" && pwd)
PROJECT=Django==5.2.8
SOURCES=$DEMO/django-5.2.8
export KIBITZ_CACHE_DIR="$DEMO/cache" KIBITZ_DATA_DIR="$DEMO/data" KIBITZ_LOCAL_MODEL=smollm2
unset OPENAI_BASE_URL OPENAI_API_KEY || true

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
kibitz() { say "kibitz $*"; "$BIN/kibitz" "$@"; }

if [ ! -d "$SOURCES" ]; then
  say "pip download $PROJECT (its source distribution)"
  "$BIN/pip" download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$DEMO" "$PROJECT"
  tar -xzf "$DEMO"/django-5.2.8.tar.gz -C "$DEMO"
fi
kibitz model add smollm2

cd "$SOURCES"
kibitz index
kibitz search -k 3 "how are database migrations ordered"
kibitz search -k 3 "escape html in a template variable"
kibitz search -k 3 "class CsrfViewMiddleware"
kibitz ask "Which middleware checks the CSRF token?"

# New code to complete and to edit: what a model of this size can do.
mkdir -p demo
cat > demo/stats.py <<'EOF'
def average(numbers):
    return sum(numbers) / len(numbers)


def is_weekend(day):
    """Whether a day of the week, by its English name, is Saturday or Sunday."""
    
EOF
say cat demo/stats.py
cat demo/stats.py
kibitz complete demo/stats.py:7
kibitz edit "Return 0 when the list is empty." demo/stats.py:1-2

printf '\nEverything lies in %s; delete it when done.\n' "$DEMO"
