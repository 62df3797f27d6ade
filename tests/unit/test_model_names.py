"""What a model's name tells: its tokenizer and its chat format."""

import pytest

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
from kibitz.prompts.model_names import template_for, tokenizer_for


@pytest.mark.parametrize(
    ("model", "template"),
    [
        ("gpt-4o-mini", OPENAI),
        ("openai/gpt-oss-20b", HARMONY),
        ("Qwen/Qwen2.5-Coder-7B-Instruct", CHATML),
        ("SmolLM2-135M-Instruct.Q4_1", CHATML),
        ("qwen3:8b", THINKING_CHATML),
        ("meta-llama/Llama-3.1-8B-Instruct", LLAMA3),
        ("llama3.2", LLAMA3),
        ("codellama:7b", GENEROUS),
        ("mistral-nemo", MISTRAL),
        ("mistral-7b-instruct-v0.1", GENEROUS),
        ("devstral:24b", MISTRAL),
        ("gemma3:27b", GEMMA),
        ("deepseek-r1:8b", DEEPSEEK),
        ("deepseek-coder:6.7b-instruct", GENEROUS),
        ("granite3.3:8b", GRANITE),
        ("phi4-mini", PHI),
        ("some-model", GENEROUS),
        (None, GENEROUS),
    ],
)
def test_a_model_has_the_chat_format_that_its_name_says(model: str | None, template: ChatTemplate) -> None:
    assert template_for(model) is template


# What the published formats take for a system message and a question, each of one token, counted with the models' own
# tokenizers; Llama's is that of 3.1, with its dates.
@pytest.mark.parametrize(
    ("template", "tokens"), [(LLAMA3, 37), (THINKING_CHATML, 19), (CHATML, 15), (GEMMA, 12), (DEEPSEEK, 5)]
)
def test_a_format_is_not_smaller_than_the_published_one_and_not_much_larger(
    template: ChatTemplate, tokens: int
) -> None:
    counted = template.start + template.reply_tokens + sum(template.around(role) + 1 for role in ("system", "user"))
    assert tokens <= counted <= tokens + 5


@pytest.mark.parametrize("template", [CHATML, THINKING_CHATML, LLAMA3, MISTRAL, GRANITE, PHI, GEMMA, DEEPSEEK])
def test_the_generous_format_is_above_those_that_are_known(template: ChatTemplate) -> None:
    for role in ("system", "user", "assistant"):
        assert GENEROUS.around(role) >= template.around(role)
    assert GENEROUS.start + GENEROUS.reply_tokens >= template.start + template.reply_tokens


def test_a_name_is_read_alike_for_both() -> None:
    assert tokenizer_for(" OpenAI/GPT-4o ").name == "o200k_base"
    assert template_for(" OpenAI/GPT-4o ") is OPENAI
