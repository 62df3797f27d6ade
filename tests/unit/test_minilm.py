"""The tokens that BERT's models want; and MiniLM for real, where it is."""

import asyncio
import importlib.util
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.config import load
from kibitz.server.errors import ModelError, NoModelError
from kibitz.server.llm import minilm, model_store
from kibitz.server.llm.bert import BertTokenizer
from kibitz.server.llm.by_vectors import ByVectors
from kibitz.server.llm.minilm import MiniLM

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "close", "##d", "session", "(", ")", "_", "cafe", "\u65e5", "\u672c", "."]
TOKENIZER = BertTokenizer({token: number for number, token in enumerate(TOKENS)})


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("closed Session", "close ##d session"),
        ("close_session().", "close _ session ( ) ."),
        ("Caf\u00e9\tCAFE\u0301", "cafe cafe"),
        ("\u65e5\u672cclose", "\u65e5 \u672c close"),
        ("open close", "[UNK] close"),
        ("close\x00\u200b", "close"),
        ("", ""),
    ],
)
def test_text_is_cut_into_the_vocabularys_pieces(text: str, tokens: str) -> None:
    assert [TOKENS[number] for number in TOKENIZER.encode(text, 100)] == ["[CLS]", *tokens.split(), "[SEP]"]


@given(st.text(), st.integers(2, 12))
def test_there_are_never_more_tokens_than_asked_for(text: str, most: int) -> None:
    numbers = TOKENIZER.encode(text, most)
    assert 2 <= len(numbers) <= most
    assert (numbers[0], numbers[-1]) == (2, 3)
    assert numbers[:-1] == TOKENIZER.encode(text, 10_000)[: len(numbers) - 1]


def test_a_vocabulary_is_read_from_a_tokenizers_file(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"model": {"vocab": {token: n for n, token in enumerate(TOKENS)}}}), "utf-8")
    assert BertTokenizer.load(path).encode("close", 9) == [2, 4, 3]


def test_without_its_engine_minilm_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    with pytest.raises(NoModelError, match=r"pip install 'kibitz\[minilm\]'"):
        MiniLM(tmp_path / "model.onnx", threads=1)


@pytest.fixture
async def model() -> AsyncIterator[MiniLM]:
    """The model, from where `kibitz model add minilm` puts it."""
    if importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("ONNX Runtime is not installed: pip install 'kibitz[minilm]'")
    try:
        weights = model_store.path_of("minilm", load(None, os.environ).data_dir)
    except NoModelError as error:
        pytest.skip(str(error))
    made = MiniLM(weights, threads=1)
    yield made
    await made.close()


@pytest.mark.minilm
async def test_what_means_the_same_is_near(model: MiniLM) -> None:
    reranker = ByVectors(model)
    texts = ["def brew(beans): return hot_water(beans)", "def withdraw(amount): balance -= amount", "x"]
    scores = await reranker.rerank("take money out of the bank", texts)
    assert int(np.argmax(scores)) == 1
    again = await reranker.rerank("take money out of the bank", texts[::-1])
    assert np.allclose(scores, again[::-1], atol=1e-4)


@pytest.mark.minilm
async def test_a_texts_vector_hardly_depends_on_its_batch(model: MiniLM) -> None:
    texts = [f"def f{n}(): " + "return 1 " * n for n in range(20)]
    together = await model.embed(texts)
    alone = np.concatenate([await model.embed([text]) for text in texts])
    cosines = (together * alone).sum(axis=1) / np.linalg.norm(together, axis=1) / np.linalg.norm(alone, axis=1)
    assert cosines.min() > 0.99


@pytest.mark.minilm
async def test_whoever_leaves_is_not_computed_for(model: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, sizes = asyncio.Event(), []
    loop, run = asyncio.get_running_loop(), minilm._run

    def counted(session: Any, numbers: list[list[int]]) -> Any:
        sizes.append(len(numbers))
        loop.call_soon_threadsafe(begun.set)
        return run(session, numbers)

    monkeypatch.setattr(minilm, "_run", counted)
    asked = asyncio.create_task(model.embed([f"def f{n}(): return {n}" * 50 for n in range(4000)]))
    await begun.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (await model.embed(["next"])).shape == (1, minilm.DIM)  # after what was begun has stopped
    assert sum(sizes) < 1000


@pytest.mark.minilm
async def test_a_damaged_model_is_a_sentence(model: MiniLM, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    vocabulary = {token: n for n, token in enumerate(TOKENS)}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}), "utf-8")
    damaged = MiniLM(tmp_path / "model.onnx", threads=1)
    with pytest.raises(ModelError, match="kibitz model remove minilm"):
        await damaged.embed(["text"])
    await damaged.close()
