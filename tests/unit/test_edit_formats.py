"""Each form is read by the parser as it is asked for, and chosen by what a model is called."""

import pytest

from kibitz.indexer.types import Span
from kibitz.prompts.errors import PromptError
from kibitz.prompts.templates.edit_formats import BLOCKS, DIFF, FORMATS, REWRITE, edit_format_for
from kibitz.server.edit.change import Target
from kibitz.server.edit.one_file import to_edit

SOURCE = "import os\n\n\ndef f():\n    a = 1\n    return a\n\n\ndef g():\n    return 2\n"
WHOLE = Target("a.py", SOURCE, Span(0, 10), "python")


@pytest.mark.parametrize(
    ("model", "form"),
    [
        (None, BLOCKS),
        ("", BLOCKS),
        ("gpt-4o", BLOCKS),
        ("openai/gpt-4-turbo-2024-04-09", DIFF),
        ("gpt-4-1106-preview", DIFF),
        ("qwen2.5-coder:32b", BLOCKS),
        ("Qwen/Qwen2.5-Coder-7B-Instruct", REWRITE),
        ("qwen2.5-coder:1.5b-instruct-q4_K_M", REWRITE),
        ("llama-3.1-8b-instruct", BLOCKS),
        ("gemma-2b", REWRITE),
        ("claude-sonnet-4-5", BLOCKS),
    ],
)
def test_the_form_goes_by_the_model_s_name(model: str | None, form: object) -> None:
    assert edit_format_for(model) is form


def test_a_setting_goes_before_the_name() -> None:
    assert all(edit_format_for("gpt-4o", name) is form for name, form in FORMATS.items())
    with pytest.raises(PromptError, match="blocks, diff, rewrite"):
        edit_format_for("gpt-4o", "xml")


def test_the_fence_is_the_one_that_nothing_quoted_holds() -> None:
    assert "````diff\n" in DIFF.told("````", "py")
    assert "````py and end it with ````" in REWRITE.told("````", "py")
    assert BLOCKS.told("````", "py").startswith(BLOCKS.instructions)


@pytest.mark.parametrize(
    "answer",
    [
        "<<<<<<< SEARCH\n    a = 1\n=======\n    a = 3\n>>>>>>> REPLACE\n",
        "```diff\n@@ @@\n def f():\n-    a = 1\n+    a = 3\n     return a\n```\n",
        "```python\ndef f():\n    a = 3\n    return a\n```\n",
    ],
    ids=["blocks", "diff", "rewrite"],
)
def test_the_same_edit_comes_of_every_form(answer: str) -> None:
    assert to_edit(answer, WHOLE).new == SOURCE.replace("a = 1", "a = 3")
