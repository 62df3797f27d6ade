"""Documentation of a definition: found above or inside it, and reduced to a sentence and a paragraph."""

import re

_ATTRIBUTE = re.compile(r"\s*(@\w[\w.]*(\(.*)?$|#!?\[|\[\w.*\]\s*$|template\s*<|export\s*$|#\s*pragma|\w+!\s*\{?$)")
_MARKER = re.compile(r"\s*(/\*+!?|\*+/|\*(?!/)|///?[!<]?/?|#+(?=\s|$)|--+\s*[|^]?|\{-\s*\|?|-\})\s?")
_TAG = re.compile(r"\s*([@\\](param|return|returns|throws|see|since|type|arg|code|author|deprecated|private|internal|"
                  r"public|protected|static|class|function|memberof|override|api|ingroup|file|section|overload|note|"
                  r"example|var|template|property|name|method)\b|:\w+[ :]|Args:|Arguments:|Returns:|Parameters\b|"
                  r"Examples?\b.{0,3}$|>>>|```|# |={3,}|-{3,}|\.\. )")  # fmt: skip
_INLINE = re.compile(r"\{@\w+\s+([^}|]*)[^}]*\}|<[^<>]{1,60}>|[@\\](brief|description|desc|summary)\b|:\w+:(?=`)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)|\[`?([^\]`]+)`?\]")
_SENTENCE = re.compile(r"(.+?[.!?:])(?=\s|$)")
_UNWANTED = re.compile(
    r"copyright|SPDX|licen[cs]e|TODO|FIXME|XXX|HACK|NOLINT|noqa|lint:|eslint|istanbul|inherit ?doc|pylint|rubocop"
    r"|type: ignore|ts-ignore|auto-?generated|clang-format|deprecated|see above|https?://",
    re.IGNORECASE,
)


def doc_above(lines: list[str], start: int, comment: str) -> str:
    """The raw text of the comment that ends directly above line `start`; "" when there is none."""
    at = start - 1
    while at >= 0 and _ATTRIBUTE.match(lines[at]) and not lines[at].lstrip().startswith("@doc"):
        at -= 1
    if at < 0:
        return ""
    last, line = at, lines[at].strip()
    if line.endswith(("*/", "-}")):
        opening = "/*" if line.endswith("*/") else "{-"
        while at > 0 and opening not in lines[at]:
            at -= 1
    elif line.endswith('"""') and comment == "#":
        at -= 1
        while at > 0 and '"""' not in lines[at]:
            at -= 1
        if not lines[at].lstrip().startswith(("@doc", "@moduledoc")):
            return ""
        return "\n".join(lines[at + 1 : last])
    elif line.startswith(comment):
        while at > 0 and lines[at - 1].lstrip().startswith(comment):
            at -= 1
    else:
        return ""
    return "\n".join(lines[at : last + 1])


def clean(raw: str) -> tuple[str, str]:
    """First sentence and first paragraph of a raw comment or docstring; empty when it says nothing."""
    kept: list[str] = []
    for line in raw.splitlines():
        text = _MARKER.sub("", line, count=1).rstrip().removesuffix("*/").removesuffix("-}").strip()
        text = _INLINE.sub(lambda match: match[1] or "", text).strip()
        if _TAG.match(text) or (not text and kept):
            break
        if text:
            kept.append(text)
    paragraph = " ".join(_LINK.sub(lambda match: match[1] or match[2], " ".join(kept)).split())[:600]
    match = _SENTENCE.match(paragraph)
    sentence = (match[1] if match else paragraph)[:250]
    return (sentence, paragraph) if _says_something(sentence) else ("", "")


def _says_something(sentence: str) -> bool:
    if _UNWANTED.search(sentence) or len(sentence) < 12 or not sentence.isascii():
        return False
    letters = sum(char.isalpha() or char == " " for char in sentence)
    return letters / len(sentence) > 0.75 and len(re.findall(r"[A-Za-z]{2,}", sentence)) >= 3
