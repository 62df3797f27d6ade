"""What a model's name tells of how its prompts are counted."""

import re
from functools import lru_cache

from kibitz.prompts.chat_template import (
    CHATML,
    DEEPSEEK,
    GEMMA,
    GENEROUS,
    GRANITE,
    HARMONY,
    LLAMA3,
    MISTRAL,
    OPENAI,
    PHI,
    THINKING_CHATML,
    ChatTemplate,
)
from kibitz.prompts.estimate import LARGE_VOCABULARY, SMALL_VOCABULARY, EstimatedTokenizer
from kibitz.prompts.tokens import TiktokenTokenizer, Tokenizer

# How endpoints spell OpenAI's models: with or without a provider or fine-tuning prefix, a date or a size behind.
_O200K = re.compile(r"(?:gpt-4o|gpt-4\.\d|gpt-[5-9]|gpt-oss|chatgpt-4o|o[1-9]\b|codex)")
_CL100K = re.compile(r"(?:gpt-4|gpt-3\.5|gpt-35|text-embedding-(?:ada-002|3-\w+)|davinci-002|babbage-002)(?![^-:@])")


def _bare(model: str | None) -> str:
    """The name without a provider before it."""
    return (model or "").strip().lower().removeprefix("ft:").rsplit("/", 1)[-1]


def encoding_of(model: str | None) -> str | None:
    """Name the encoding of an OpenAI model as endpoints spell it ("openai/gpt-4o-mini", "gpt-oss:20b"), else None."""
    bare = _bare(model)
    if _O200K.match(bare):
        return "o200k_base"
    return "cl100k_base" if _CL100K.match(bare) else None


# Families whose vocabularies have 100,000 tokens and more.
_LARGE = re.compile(
    r"qwen|qwq|llama-?[34]|gemma|deepseek-(?:coder-)?[vr]\d|deepseek-(?:chat|reasoner)|mistral-(?:nemo|small|medium|large)|"
    r"ministral|devstral|magistral|granite-?4|phi-?4|glm-?[4-9]|kimi|command-(?:r|a)"
)


@lru_cache(maxsize=2)
def _encoding(name: str) -> TiktokenTokenizer:
    return TiktokenTokenizer(name)


@lru_cache(maxsize=2)
def _estimate(large: bool) -> EstimatedTokenizer:
    if large:
        return EstimatedTokenizer(LARGE_VOCABULARY, "estimate (large vocabulary)")
    return EstimatedTokenizer(SMALL_VOCABULARY)


def estimate_for(model: str | None) -> EstimatedTokenizer:
    """Return the estimate from above for a model that is not known, or None: that for small vocabularies, the highest.

    Families with large ones are known by name.
    """
    return _estimate(_LARGE.search(_bare(model)) is not None)


def tokenizer_for(model: str | None) -> Tokenizer:
    """Return the tokenizer of a model: exact for OpenAI's, else an estimate from above. Cheap: it loads on use."""
    encoding = encoding_of(model)
    return _encoding(encoding) if encoding else estimate_for(model)


def tokenizer_named(name: str) -> Tokenizer:
    """Return the tokenizer with a name that `Tokenizer.name` gave.

    Raises:
        PromptError: it is not one of Kibitz's own.
    """
    estimates = {each.name: each for each in map(_estimate, (False, True))}
    return estimates.get(name) or _encoding(name)


# Families whose members all speak one format; older versions that spell their marks as text are not among them.
_FORMATS = (
    (re.compile(r"gpt-oss"), HARMONY),
    (re.compile(r"deepseek-(?:v3|r1|chat|reasoner)"), DEEPSEEK),  # also R1's children, whatever they were made from
    (re.compile(r"qwen-?3|qwq"), THINKING_CHATML),
    (re.compile(r"qwen|smollm-?2|hermes"), CHATML),
    (re.compile(r"llama-?[34]"), LLAMA3),
    (re.compile(r"mistral-(?:nemo|small|medium|large)|ministral|codestral|devstral|magistral"), MISTRAL),
    (re.compile(r"gemma-?[23]"), GEMMA),
    (re.compile(r"granite-?[34]"), GRANITE),
    (re.compile(r"phi-?[34]"), PHI),
)


def template_for(model: str | None) -> ChatTemplate:
    """Return the chat format of a model by its name; a model that is not known, or None, gets the generous one."""
    bare = _bare(model)
    for family, template in _FORMATS:
        if family.search(bare):
            return template
    return OPENAI if encoding_of(model) else GENEROUS
