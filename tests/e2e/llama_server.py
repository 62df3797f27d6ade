"""llama.cpp's own HTTP server, as people run it: a process on loopback, without a key."""

import contextlib
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAME = "smollm2"
CONTEXT = 1024

_SERVE = """
import json, os, sys, xllamacpp
wish = json.loads(sys.stdin.readline())
params = xllamacpp.CommonParams()
params.model.path, params.model_alias, params.n_ctx = wish["gguf"], {wish["name"]}, wish["context"]
params.n_parallel = 1
for cpu in (params.cpuparams, params.cpuparams_batch):
    cpu.n_threads, cpu.poll = 1, 0
params.hostnames, params.port, params.ui, params.verbosity = ["127.0.0.1"], 0, False, -1
if wish["embeds"]:
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
"""


@contextlib.contextmanager
def llama_server(gguf: Path, *, embeds: bool = False) -> Iterator[str]:
    """A running server; its address as OpenAI's API has it."""
    wish = {"gguf": str(gguf), "name": NAME, "context": CONTEXT, "embeds": embeds}
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(wish).encode() + b"\n")
        process.stdin.flush()
        address = process.stdout.readline().decode().strip()
        assert address, "llama.cpp's server did not start"
        yield f"{address}/v1"


def with_fim_tokens(gguf: Path, copy: Path) -> Path:
    """Copy a model, and say in the copy's head that three of its tokens are those of filling in the middle.

    What it answers makes no sense, since it has never learned that; the server does what it does for one that has.
    """
    magic, version, tensors, pairs = struct.unpack("<4sIQQ", (data := gguf.read_bytes())[:24])
    said = [_key(f"tokenizer.ggml.fim_{name}_token_id") + struct.pack("<II", 4, 3 + number)  # 4: a 32-bit number
            for number, name in enumerate(("pre", "suf", "mid"))]  # fmt: skip
    filler = _key("general.filler") + struct.pack("<I", 8)  # 8: a string
    spare = -(sum(map(len, said)) + len(filler) + 8) % 32  # the tensors behind stay where their alignment has them
    said.append(filler + struct.pack("<Q", spare) + b" " * spare)
    copy.write_bytes(struct.pack("<4sIQQ", magic, version, tensors, pairs + len(said)) + b"".join(said) + data[24:])
    return copy


def _key(name: str) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode()
