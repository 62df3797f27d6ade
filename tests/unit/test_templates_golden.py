"""Each template at three budgets, as a text file that reads like the prompt.

After a wanted change: KIBITZ_UPDATE_GOLDEN=1 python -m pytest tests/unit/test_templates_golden.py, then read the diff.
"""

import os
from pathlib import Path

import pytest

from kibitz.prompts.nodes import Node
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.templates.chat import ask_tree
from kibitz.prompts.templates.complete import FAMILIES, chat_completion_tree, fim_tree
from kibitz.prompts.templates.edit import edit_tree
from kibitz.prompts.templates.small import small_ask_tree, small_edit_tree
from kibitz.prompts.tokens import TiktokenTokenizer
from tests.fakes.shop import AGENTS, BANK, CONTEXT, HISTORY, NOTES, PREFIX, PROBLEM, SELECTED, SUFFIX

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "prompts"

# Tokens beside the reserve: all fits; the context does not fit whole; the lines at hand do not fit either.
BUDGETS = {"ample": 4_000, "usual": 600, "tight": 240}
FEW = {"ample": 1_000, "usual": 320, "tight": 240}  # of a very small model's prompts
RESERVE = 128


def trees() -> dict[str, Node]:
    made: dict[str, Node] = {}
    for name, family in FAMILIES.items():
        made[f"fim-{name}"] = fim_tree(
            family,
            prefix=PREFIX,
            suffix=SUFFIX,
            path="shop/pay.py",
            repo="shop",
            context=CONTEXT,
            reserve_tokens=RESERVE,
        )
    made["complete-chat"] = chat_completion_tree(
        prefix=PREFIX,
        suffix=SUFFIX,
        path="shop/pay.py",
        language="python",
        context=CONTEXT,
        reserve_tokens=RESERVE,
    )
    question = "How is the total computed?"
    made["ask"] = ask_tree(
        question,
        [BANK],
        attached=[SELECTED, PROBLEM],
        shown=[NOTES],
        history=HISTORY,
        rules=[AGENTS],
        reserve_tokens=RESERVE,
    )
    made["ask-without-context"] = ask_tree("What is a list comprehension?", [], reserve_tokens=RESERVE)
    for name, whole_file in (("edit-lines", False), ("edit-file", True)):
        made[name] = edit_tree(
            "Round the amount to cents.",
            path="shop/pay.py",
            language="python",
            before="" if whole_file else PREFIX.rsplit("\n", 1)[0] + "\n",
            target="    due = total(cart)\n    return charge(bank, due)\n",
            after="" if whole_file else SUFFIX.split("\n", 2)[2],
            context=CONTEXT,
            whole_file=whole_file,
            reserve_tokens=RESERVE,
        )
    made["small-ask"] = small_ask_tree(question, [BANK, NOTES], reserve_tokens=RESERVE)
    made["small-edit"] = small_edit_tree(
        "Round it.", path="pay.py", language="python", target="due = total(cart)\n", reserve_tokens=RESERVE
    )
    return made


def as_text(title: str, rendered: Rendered) -> str:
    head = f"##### {title}: {rendered.tokens} of {rendered.budget - rendered.reserved} tokens\n"
    if rendered.messages is None:
        return f"{head}{rendered.text}\n"
    return head + "".join(
        f"\n=== {message.role}{' (worth caching up to here)' if message.cache_points else ''}\n{message.content}\n"
        for message in rendered.messages
    )


@pytest.mark.parametrize(("name", "tree"), trees().items(), ids=str)
def test_the_template_renders_as_the_golden_file_shows(name: str, tree: Node) -> None:
    budgets = FEW if name.startswith("small") else BUDGETS
    got = "\n".join(
        as_text(size, render(tree, budget_tokens=room + RESERVE, tokenizer=TiktokenTokenizer("o200k_base")))
        for size, room in budgets.items()
    )
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("KIBITZ_UPDATE_GOLDEN"):
        path.write_text(got, encoding="utf-8")
    assert got == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(trees())
