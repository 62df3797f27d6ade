"""The embedded engine's process: llama.cpp's own HTTP server on 127.0.0.1, run by path, knowing nothing of Kibitz.

A process of its own for three reasons: loading a model holds the interpreter's lock from start to end (no keystroke
would be answered meanwhile), llama.cpp ends the whole process when one of its assertions fails, and its log must not
reach the parent's standard output, which is the language server's wire.

It reads one JSON line from standard input (what `serve` takes), answers with one JSON line (`url`, or `error`: "engine"
or "model"), and ends when standard input closes: when the parent is done with it, or dead.
"""

import json
import os
import sys
from typing import Any

SILENT = -1
PROMPT_CACHE_MIB = 256
"""llama.cpp would keep up to 8 GB of old prompts in memory."""
HTTP_THREADS = 4


def serve(wish: dict[str, Any]) -> Any:
    """Load the model and listen on a free port of 127.0.0.1.

    Raises:
        RuntimeError: llama.cpp does not take the file.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = wish["gguf"]
    params.model_alias = {wish["name"]}
    params.n_ctx = wish["context_tokens"]
    params.n_parallel = 1
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = wish["threads"]
        cpu.poll = 0  # waiting threads sleep: polling ones starve each other on a busy machine
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [wish["key"]]
    params.n_threads_http = HTTP_THREADS
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.ui = False
    params.cors_origins = ""
    params.verbosity = SILENT
    params.n_gpu_layers = wish["gpu_layers"]
    return xllamacpp.Server(params)


def main() -> None:
    """Serve until standard input closes."""
    wire = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    try:
        server = serve(json.loads(sys.stdin.readline()))
        answer = {"url": server.listening_address + "/v1"}
    except ImportError:
        answer = {"error": "engine"}
    except (OSError, RuntimeError):
        answer = {"error": "model"}
    wire.write(json.dumps(answer) + "\n")
    wire.flush()
    sys.stdin.read()
    os._exit(0)  # llama.cpp's own way out waits for the answer in progress


if __name__ == "__main__":
    main()
