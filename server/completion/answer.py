"""The form in which models answer, and how to get at the text inside: control tokens, thoughts, code fences."""

import re

from kibitz.prompts.templates.families import FAMILIES
from kibitz.server.completion.code import PROSE, in_text
from kibitz.server.completion.snapshot import Snapshot

_TAG = re.compile(r"</?[a-z]+>")  # a control token that is also a tag of HTML or a word of a usage line


def _control_pattern() -> re.Pattern[str]:
    """Match the control tokens of every family, what looks like one, and the cursor's mark in the chat prompt."""
    known = {token for family in FAMILIES.values() for token in (*family.stop, *family.controls)}
    exact = sorted((re.escape(token) for token in known if not _TAG.fullmatch(token)), key=len, reverse=True)
    tags = sorted(re.escape(token) for token in known if _TAG.fullmatch(token) and token not in ("<s>", "</s>"))
    return re.compile(
        "|".join(exact)
        + r"|<\|[A-Za-z0-9_/:.-]{1,40}\|>|<\uff5c[^\uff5c\n]{1,40}\uff5c>"  # DeepSeek's have wide bars
        + rf"|(?<![ \"'`])(?:{'|'.join(tags)}|<(?:unk|pad)>)"
        + r"|</?s>(?=\s*\Z)|<<SYS>>|<CURSOR_*>"
    )


CONTROL = _control_pattern()
FENCE = re.compile(r"^[ \t]*(?:```+|~~~+)[ \t]*(?P<info>[\w+#.-]*)[ \t]*$", re.MULTILINE)
_THINKING = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>\s*|\Z)", re.DOTALL)
_SENTENCE = re.compile(r"\A\s*[A-Z][a-z']*,?(?: [\w'`.<>()-]+,?){4}")
_SMALL_WORDS = frozenset(
    (
        *(
            "the",
            "a",
            "an",
            "is",
            "are",
            "to",
            "of",
            "you",
            "your",
            "this",
            "that",
            "it",
            "here",
            "be",
            "should",
            "which",
        ),
        *("i", "i'm", "sorry", "can", "can't", "cannot", "but", "and", "with"),
    )
)


def drop_thinking(text: str, at: Snapshot) -> str:
    """Take off what a reasoning model thought before it answered."""
    return _THINKING.sub("", text)


def drop_control_tokens(text: str, at: Snapshot) -> str:
    """Cut at the first token of a prompt format; those at the very start are taken off."""
    while found := CONTROL.search(text):
        head = text[: found.start()]
        text = text[found.end() :] if not head.strip() else head
    return text


def unwrap_fence(text: str, at: Snapshot) -> str:
    """Take the code out of a chat model's code block, with the words around it left behind.

    In Markdown a fence is text like any other, so there only an answer that begins with one is unwrapped.
    """
    opening = FENCE.search(text)
    if opening is None:
        return text
    before = text[: opening.start()].strip()
    fences = list(FENCE.finditer(text))
    if at.language == "markdown":
        if before or opening["info"] not in ("markdown", "md"):
            return text
        return text[opening.end() + 1 : fences[-1].start() if len(fences) > 1 else len(text)]
    if before and not opening["info"] and len(fences) == 1:
        return text[: opening.start()]  # the end of a block whose start the prompt wrote
    return text[opening.end() + 1 : fences[1].start() if len(fences) > 1 else len(text)]


def drop_prose(text: str, at: Snapshot) -> str:
    """Drop an answer that talks about code where code belongs: a sentence of five words, two of them small ones."""
    if at.language in PROSE or _SENTENCE.match(text) is None:
        return text
    first = text.strip().split("\n", 1)[0]
    small = _SMALL_WORDS.intersection(first.lower().replace(",", " ").replace(".", " ").split())
    return text if len(small) < 2 or in_text(at.prefix, at.language) else ""


def is_wrapped_whole(text: str, at: Snapshot) -> bool:
    """Tell whether an answer's code block, or the answer before a control token, has come to its end."""
    text = drop_thinking(text, at)
    found = CONTROL.search(text)
    if found and text[: found.start()].strip():
        return True
    fences = list(FENCE.finditer(text)) if at.language != "markdown" else []
    return len(fences) >= 2 and fences[1].end() < len(text)
