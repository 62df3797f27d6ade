"""Counting by a model's own tokenizer.json: tiny vocabularies, each cut as one of the families does it."""

import builtins
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from kibitz.prompts import hf_tokens
from kibitz.prompts.errors import PromptError
from kibitz.prompts.hf_tokens import HFTokenizer
from kibitz.prompts.tokens import AdditiveTokenizer

CODE = (
    Path(__file__).read_text(encoding="utf-8")
    + "\n\n\n  \n\t\tx  \n\r\n\r\nfoo()  ;//\n\n/a\n    //\n 中文é  123456\n" * 20
)
BY_LINES = sorted(hf_tokens._BY_LINES, key=len)


def split(pattern: str) -> Any:
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(*before: Any, regex: bool = False, prefix: bool = False) -> Any:
    last = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    return pre_tokenizers.Sequence([*before, last])


def cuts() -> Mapping[str, Any]:
    """How each family cuts a text before the merges."""
    digits, han = (split(pattern) for pattern in sorted(hf_tokens._WITHOUT_SPACE - {r"\p{N}"}, reverse=True))
    families = {f"lines{n}": byte_level(digits, han, split(pattern)) for n, pattern in enumerate(BY_LINES)}
    return {
        **families,
        "plain": byte_level(split(BY_LINES[0])),
        "gpt2": byte_level(regex=True),
        "starcoder": byte_level(pre_tokenizers.Digits(individual_digits=True), regex=True),
    }


def trained(cut: Any, special: Sequence[str] = ("<|im_end|>",)) -> Tokenizer:
    """A vocabulary whose merges go as far as its cuts let them: blanks and line ends join."""
    library = Tokenizer(models.BPE())
    library.pre_tokenizer = cut
    library.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    library.train_from_iterator(
        [CODE], trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, special_tokens=list(special))
    )
    return library


@cache
def tiny(family: str) -> HFTokenizer:
    library = trained(cuts()[family])
    library.normalizer = normalizers.NFC() if family.startswith("lines") else None
    return HFTokenizer(library, family)


def saved(library: Tokenizer, folder: Path) -> Path:
    path = folder / "tokenizer.json"
    library.save(str(path))
    return path


SEAMS = st.text(alphabet="aB1 .;/\n\r\t'sé\u0301中\u2028\x85\x1c\x00", max_size=8)


@settings(max_examples=1500, deadline=None)
@given(SEAMS, st.one_of(SEAMS, SEAMS.map(lambda text: text + "\n")), SEAMS, SEAMS, st.sampled_from(list(cuts())))
def test_where_a_seam_is_called_additive_the_counts_add_up(
    before: str, left: str, right: str, after: str, family: str
) -> None:
    tokenizer = tiny(family)
    if tokenizer.additive(left, right):
        left, right = before + left, right + after
        assert tokenizer.encode(left) + tokenizer.encode(right) == tokenizer.encode(left + right)


@pytest.mark.parametrize("family", list(cuts()))
def test_most_lines_of_code_start_afresh(family: str) -> None:
    tokenizer = tiny(family)
    assert isinstance(tokenizer, AdditiveTokenizer)
    assert tokenizer.additive("x = 1\n", "y = 2\n")
    assert tokenizer.additive("x", " = 1\n")
    assert tokenizer.additive("x = 1\n", "    y = 2\n") is (family not in ("gpt2", "starcoder"))
    assert not tokenizer.additive("x = ", "1\n")
    assert not tokenizer.additive("x = 1\n", "\n")


def unknown() -> Iterator[tuple[str, Tokenizer]]:
    """Vocabularies of whose seams nothing is known."""
    yield "no cuts", trained(None)
    yield "another pattern", trained(byte_level(split(r"\w+|\W+")))
    yield "two patterns", trained(byte_level(split(BY_LINES[0]), regex=True))
    yield "a blank before each text", trained(byte_level(split(BY_LINES[0]), prefix=True))
    yield "inverted", trained(byte_level(pre_tokenizers.Split(Regex(r"\p{N}"), "removed", True), split(BY_LINES[0])))
    known = trained(cuts()["plain"])
    known.normalizer = normalizers.NFKC()
    yield "a normaliser", known
    known = trained(cuts()["plain"])
    known.add_tokens(["\n\n"])
    yield "an added token of line ends", known
    known = trained(cuts()["plain"])
    known.add_tokens([AddedToken("<x>", lstrip=True)])
    yield "an added token that takes blanks along", known
    known = trained(cuts()["plain"])
    known.model.dropout = 0.1
    yield "dropout", known


def test_nothing_is_said_of_seams_where_the_cuts_are_not_known() -> None:
    for name, library in unknown():
        tokenizer = HFTokenizer(library, name)
        for left, right in (("x = 1\n", "y = 2\n"), ("x", " = 1\n")):
            assert not tokenizer.additive(left, right), name


def test_a_file_counts_as_the_library_does(tmp_path: Path) -> None:
    library = trained(cuts()["plain"])
    path = saved(library, tmp_path)
    plain = Tokenizer.from_file(str(path))
    plain.encode_special_tokens = True
    for named in (path, tmp_path):
        tokenizer = HFTokenizer.load(named)
        assert (tokenizer.name, tokenizer.exact) == (f"{tmp_path.name}/tokenizer.json", True)
        for text in (CODE, "", "naïve 中文 😀", "x\n\n\n  y"):
            assert tokenizer.encode(text) == plain.encode(text).ids
            assert tokenizer.count(text) == len(plain.encode(text).ids)
            assert tokenizer.decode(tokenizer.encode(text)) == text


def test_what_looks_like_a_control_token_is_text_and_half_a_character_is_one() -> None:
    library = trained(cuts()["plain"])
    assert len(library.encode("<|im_end|>").ids) == 1
    tokenizer = HFTokenizer(library, "tiny")
    assert tokenizer.count("<|im_end|>") > 1
    assert tokenizer.count("a\ud83db") == tokenizer.count("a\ufffdb")


def test_a_file_that_cuts_or_fills_up_does_not_here(tmp_path: Path) -> None:
    library = trained(cuts()["plain"])
    library.enable_truncation(4)
    library.enable_padding(length=64)
    tokenizer = HFTokenizer.load(saved(library, tmp_path))
    assert tokenizer.count(CODE) > 64
    assert tokenizer.count("x") == 1


def test_what_begins_a_document_is_not_counted(tmp_path: Path) -> None:
    path = saved(trained(cuts()["plain"], ("<s>",)), tmp_path)
    definition = json.loads(path.read_text("utf-8"))
    definition["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}},
    }
    path.write_text(json.dumps(definition), "utf-8")
    assert len(Tokenizer.from_file(str(path)).encode("x").ids) == 2
    assert HFTokenizer.load(path).count("x") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "There is no tokenizer"),
        (b"{}", "cannot be used"),
        (b"\xff", "cannot be used"),
        (b"[1", "cannot be used"),
    ],
)
def test_a_file_that_is_missing_or_broken_is_one_sentence(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PromptError, match=said) as error:
        HFTokenizer.load(path)
    assert "\n" not in str(error.value)


def test_a_missing_library_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "tokenizers":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PromptError, match=r"pip install 'kibitz\[hf\]'"):
        HFTokenizer.load(tmp_path)
