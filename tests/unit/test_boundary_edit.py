"""An edit of a file that holds secrets: the model never sees them, and its answer matches the file again."""

from collections.abc import Sequence

import pytest

from kibitz.indexer.secrets import holds_secret
from kibitz.indexer.types import Hit, Span
from kibitz.prompts.model_names import tokenizer_for
from kibitz.server.boundary import hide
from kibitz.server.edit.change import Target, Targets
from kibitz.server.edit.propose import edit_prompt
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.openai_client import OpenAIChat
from kibitz.server.rendering import Counting
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.fakes.proposing import propose
from tests.unit.test_secrets import KEY, SECRETS, pem

SOURCE = f'TOKEN = "{SECRETS["github"]}"\nKEY = """{pem("RSA ", KEY)}"""\nTRIES = 3\n'
CHANGED = SOURCE.replace("TRIES = 3", "TRIES = 5")


async def nothing(query: str, k: int) -> Sequence[Hit]:
    return []


def blocks(old: str, new: str) -> str:
    return f"conf.py\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    "answer", [blocks(SOURCE, CHANGED), f"```python\n{CHANGED}```\n"], ids=["search and replace", "whole file"]
)
async def test_an_edit_around_secrets_keeps_them_and_shows_none(answer: str) -> None:
    said = hide([answer]).texts[0]  # as a model says it that copies the placeholders
    assert not holds_secret(said)
    target = Target("conf.py", SOURCE, Span(0, SOURCE.count("\n")), "python")
    rendered = await edit_prompt(
        "try five times",
        Targets(target),
        retrieve=nothing,
        counting=Counting(tokenizer_for(None)),
        budget_tokens=4_000,
        reserve_tokens=200,
    )
    with FakeOpenAI([Reply(pieces=[said[at : at + 7] for at in range(0, len(said), 7)])]) as server:
        chat = OpenAIChat(Endpoint(server.url), "fake")
        edit = await propose(rendered, target, chat, max_tokens=200)
        await chat.close()
    assert edit.new == CHANGED
    assert not holds_secret(server.requests[0].prompt)
    assert "SECRET_" in server.requests[0].prompt
