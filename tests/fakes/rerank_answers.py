"""What the scripted endpoint's reranker answers: a text's score is how many of the question's words it holds."""

import json
import re
from collections.abc import Mapping
from typing import Any

PATHS = {"/v1/rerank": "documents", "/rerank": "texts"}
"""Where the API of Cohere and Jina is, and where that of text-embeddings-inference, with their word for the texts."""


def overlap(question: str, text: str) -> float:
    """How many of the question's words a text holds."""
    return float(len(set(re.findall(r"\w+", question.lower())) & set(re.findall(r"\w+", text.lower()))))


def rerank_prompt(body: Mapping[str, Any]) -> str:
    """The question and the texts of a request."""
    return "\n".join([body["query"], *body.get("documents", body.get("texts", ()))])


def rerank_answer(path: str, body: Mapping[str, Any]) -> str:
    """Rows from best to worst, as servers give them: their indices, not their places, say which text is meant."""
    scores = [overlap(body["query"], text) for text in body[PATHS[path]]]
    order = sorted(range(len(scores)), key=lambda n: -scores[n])
    if path == "/rerank":
        return json.dumps([{"index": n, "score": scores[n]} for n in order])
    rows = [{"index": n, "relevance_score": scores[n]} for n in order]
    return json.dumps({"id": "fake-1", "model": body["model"], "results": rows})
