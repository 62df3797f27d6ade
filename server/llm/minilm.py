"""all-MiniLM-L6-v2 in this process, by ONNX Runtime (`kibitz[minilm]`, `kibitz model add minilm`).

Six layers and 23 million parameters, trained by its authors on pairs of sentences and of comments and code.
"""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kibitz.server.errors import ModelError, NoModelError

if TYPE_CHECKING:
    from kibitz.indexer.embed import Vectors
    from kibitz.server.llm.bert import BertTokenizer

TOKENS = 64
"""Of each text: twice as many take twice the time and order no better (docs/benchmarks.md)."""

TEXT_CHARS = 2000  # hold more tokens than are read
BATCH = 8
DIM = 384
MISSING = "The reranker minilm needs ONNX Runtime: pip install 'kibitz[minilm]'."


class MiniLM:
    """`Embeds` in a thread of its own: one batch of texts after another, and none after who asked has left.

    Args:
        weights: the ONNX file; its `tokenizer.json` is beside it.
        threads: processors that it may use.

    Raises:
        NoModelError: ONNX Runtime is not installed.
    """

    name = "minilm"

    def __init__(self, weights: Path, *, threads: int) -> None:
        if find_spec("onnxruntime") is None:
            raise NoModelError(MISSING)
        self._weights = weights
        self._threads = threads
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="minilm")
        self._loaded: tuple[BertTokenizer, Any] | None = None

    async def open(self) -> None:
        """Load the model.

        Raises:
            ModelError: its files cannot be read.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        """Embed texts: (n,) strings to (n, 384), the means of their tokens' vectors.

        Raises:
            ModelError: the model's files cannot be read.
        """
        left = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._embed, list(texts), left)
        finally:
            left.set()

    async def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> "tuple[BertTokenizer, Any]":
        if self._loaded is None:
            self._loaded = _load(self._weights, self._threads)
        return self._loaded

    def _embed(self, texts: list[str], left: threading.Event) -> "Vectors":
        tokenizer, session = self._load()
        numbers = [tokenizer.encode(text[:TEXT_CHARS], TOKENS) for text in texts]
        vectors = np.zeros((len(texts), DIM), np.float32)
        # Texts of like length side by side: a batch is as long as its longest.
        order = sorted(range(len(texts)), key=lambda n: len(numbers[n]))
        for begin in range(0, len(order), BATCH):
            if left.is_set():
                break
            batch = order[begin : begin + BATCH]
            vectors[batch] = _run(session, [numbers[n] for n in batch])
        return vectors


def _run(session: Any, numbers: list[list[int]]) -> "Vectors":
    """One batch of token numbers through the model: (n, 384)."""
    shape = (len(numbers), max(map(len, numbers)))
    tokens, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, each in enumerate(numbers):
        tokens[row, : len(each)] = each
        mask[row, : len(each)] = 1
    inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
    (hidden,) = session.run(["last_hidden_state"], inputs)
    means: Vectors = ((hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)).astype(np.float32)
    return means


def _load(weights: Path, threads: int) -> "tuple[BertTokenizer, Any]":
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as raised

    from kibitz.server.llm.bert import BertTokenizer

    damaged = (raised.InvalidProtobuf, raised.InvalidGraph, raised.InvalidArgument, raised.Fail, raised.NoSuchFile)

    onnxruntime.disable_telemetry_events()  # on Windows its builds would tell the system's own tracing
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the processor alone
    try:
        tokenizer = BertTokenizer.load(weights.with_name("tokenizer.json"))
        return tokenizer, onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    except (OSError, ValueError, KeyError, *damaged) as error:
        raise ModelError(
            f"The model minilm cannot be read ({type(error).__name__}): run `kibitz model remove minilm`, then"
            " `kibitz model add minilm`."
        ) from None
