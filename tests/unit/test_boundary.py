"""Secrets on their way out and back: what leaves holds none, and what comes back is what was there."""

import itertools
import re
from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.secrets import holds_secret, secret_spans
from kibitz.prompts.model_names import tokenizer_for
from kibitz.server.boundary import Hidden, Restorer, hide, restored
from kibitz.server.errors import ModelError
from kibitz.server.llm.ports import Delta
from tests.unit.test_secrets import KEY, SECRETS, drawn, pem

KINDS = sorted(set(SECRETS) - {"key file"})  # that one is a file's first line, not a secret
NAME = re.compile(r"SECRET_\d{9}")

texts = st.lists(
    st.one_of(
        st.sampled_from([SECRETS[kind] for kind in KINDS]),
        st.text(max_size=20),
        st.sampled_from(["\n", " = '", "SECRET_", "S", "SECRET_012345678", "aws secret key '", "AKIA", "eyJ"]),
    ),
    max_size=8,
).map("".join)


def put_back(hidden: Hidden, text: str, cuts: Sequence[int] = ()) -> str:
    restorer = Restorer(hidden.secrets)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [restorer.feed(text[a:b]) for a, b in itertools.pairwise(places)]
    return "".join([*pieces, restorer.rest()])


@pytest.mark.parametrize("kind", KINDS)
def test_a_placeholder_takes_the_place_of_a_secret(kind: str) -> None:
    text = f"before\nvalue = {SECRETS[kind]}\nafter"
    hidden = hide([text])
    assert NAME.search(hidden.texts[0])
    assert not holds_secret(hidden.texts[0])
    assert put_back(hidden, hidden.texts[0]) == text


@given(texts)
def test_no_secret_leaves(text: str) -> None:
    assert secret_spans(hide([text]).texts[0]) == []


@given(texts, st.lists(st.integers(0, 300), max_size=12))
def test_an_answer_in_any_pieces_is_put_back(text: str, cuts: list[int]) -> None:
    hidden = hide([text])
    assert put_back(hidden, hidden.texts[0], cuts) == text


@given(texts)
def test_hiding_twice_is_hiding_once(text: str) -> None:
    once = hide([text])
    again = hide(once.texts)
    assert (again.texts, again.secrets) == (once.texts, {})


@given(st.text())
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    hidden = hide([text])
    assert (hidden.texts, hidden.secrets) == ((text,), {})


def test_the_same_secret_has_the_same_name_in_every_text_and_prompt() -> None:
    first = hide([f"a = {SECRETS['github']}", f"{SECRETS['aws']} {SECRETS['github']}"])
    second = hide([f"another = {SECRETS['github']}"])
    names = [NAME.findall(text) for text in (*first.texts, *second.texts)]
    assert names[0] == names[1][1:] == names[2]
    assert names[1][0] != names[0][0]


def test_a_name_that_the_text_holds_already_is_not_given_again() -> None:
    name = NAME.findall(hide([SECRETS["github"]]).texts[0])[0]
    text = f"{name} stands for {SECRETS['github']}"
    hidden = hide([text])
    assert hidden.texts[0].count(name) == 1
    assert put_back(hidden, hidden.texts[0]) == text


def test_what_is_left_of_a_key_is_hidden_where_a_prompt_cuts_it() -> None:
    lines = pem("RSA ", KEY).splitlines(keepends=True)
    for part in ("".join(lines[:6]), "".join(lines[4:])):
        hidden = hide([f"# a comment that stays\n{part}"])
        assert not any(line.strip() in hidden.texts[0] for line in lines[4:6])
        assert hidden.texts[0].startswith("# a comment that stays\n")
    below = "".join(lines[4:]) + "from pathlib import Path\n"
    assert hide(["import os\n" + below]).texts[0].startswith("import os\nSECRET_")
    assert hide([below]).texts[0].endswith("\nfrom pathlib import Path\n")


def test_the_key_in_a_file_of_putty_is_hidden() -> None:
    text = f"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 2\n{drawn(64)}\n{drawn(40)}=\nPrivate-MAC: 0a\n"
    hidden = hide([text])
    assert NAME.sub("", hidden.texts[0]).endswith("Private-Lines: 2\nPrivate-MAC: 0a\n")
    assert put_back(hidden, hidden.texts[0]) == text


@pytest.mark.parametrize("kind", KINDS)
def test_a_placeholder_needs_no_more_tokens_than_its_secret(kind: str) -> None:
    tokenizer = tokenizer_for("gpt-4.1")
    assert tokenizer.count(hide([SECRETS[kind]]).texts[0]) <= tokenizer.count(SECRETS[kind])


async def stream(*pieces: str, error: ModelError | None = None) -> AsyncGenerator[Delta, None]:
    for piece in pieces:
        yield Delta(piece)
    if error is not None:
        raise error
    yield Delta(finish_reason="stop")


async def test_what_was_held_back_comes_before_the_end() -> None:
    hidden = hide([SECRETS["aws"]])
    name = hidden.texts[0]
    deltas = [d async for d in restored(stream("x ", name[:9], name[9:], " SEC"), hidden.secrets)]
    assert deltas == [Delta("x "), Delta(SECRETS["aws"]), Delta(" "), Delta("SEC"), Delta(finish_reason="stop")]


async def test_what_was_held_back_comes_before_an_error() -> None:
    hidden = hide([SECRETS["aws"]])
    came: list[Delta] = []
    with pytest.raises(ModelError, match="gone"):
        async for delta in restored(stream("IS", error=ModelError("gone")), hidden.secrets):
            came.append(delta)
    assert came == [Delta("I"), Delta("S")]


def test_a_text_that_ends_like_a_placeholder_loses_nothing() -> None:
    hidden = hide([SECRETS["aws"]])
    assert put_back(hidden, "SECRET_12 SS", [8, 11]) == "SECRET_12 SS"


def test_what_follows_a_secret_may_make_another_one_of_its_placeholder() -> None:
    text = (
        "k = 'sk-ant-api03-"
        + "ujOeHwdFcAefAZhnM6Jy8c1rihtYlKNxHddmQAtKCsXRpJG2Tr8hzUjEcPVJ2tRKJC06DPdRO9YrxPbCkhdVipy2eBI2Y1r3"
    )
    text += "25843848:AAujOeHwdFcAefAZhnM6Jy8c1rihtYlKNxH'"
    hidden = hide([text])
    assert secret_spans(hidden.texts[0]) == []
    assert put_back(hidden, hidden.texts[0], range(len(hidden.texts[0]))) == text
