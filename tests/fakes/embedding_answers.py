"""What the scripted endpoint's embedding model answers: vectors of hashes."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def hash_vector(text: str, dim: int) -> list[float]:
    """The vector of a text: from its hash, so that it never changes; not of unit length, as with some servers."""
    digest = hashlib.shake_256(text.encode()).digest(dim)
    return [(byte - 127.5) / 64 for byte in digest]


def embedding_answer(body: Mapping[str, Any], dim: int) -> str:
    """Vectors in *reverse* order with the right indices, so that clients must sort."""
    texts = [body["input"]] if isinstance(body["input"], str) else list(body["input"])
    data: list[dict[str, Any]] = []
    for index, text in enumerate(texts):
        vector: Any = hash_vector(text, int(body.get("dimensions") or dim))
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return json.dumps({"object": "list", "model": body["model"], "data": data[::-1], "usage": usage})
