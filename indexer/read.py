"""A file's bytes to text, and the exclusions that only its content can decide."""

import codecs
import contextlib
import errno
import hashlib
import re
from pathlib import Path

from kibitz.indexer.files import read_regular
from kibitz.indexer.lines import MAX_LINE_CHARS, split_lines
from kibitz.indexer.secrets import holds_secret
from kibitz.indexer.workspace import Skipped

_HEAD_BYTES = 8_192
_HEAD_CHARS = 2_000

# Byte order marks, longest first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE_MARKS = tuple(mark for mark, encoding in _MARKS if encoding != "utf-8-sig")
_PLANES = b"\0\1\2\3"  # the third byte of a character in UTF-32
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"

_COMMENT = re.compile(r"#|//|/\*|\*|--|<!--|;|%|\"\"\"|\{-|dnl\b|REM\b", re.IGNORECASE)
_BLOCKS = {"/*": "*/", "<!--": "-->", '"""': '"""', "{-": "-}", "--[[": "]]"}
# What may stand above the comments at the top of a file.
_PRELUDE = re.compile(r"<\?|<!doctype|[\"']use strict|package\b|@charset", re.IGNORECASE)
_GENERATED = re.compile(r"@generated\b|<auto-?generated|\bcode generated\b.*\bdo not edit\b", re.IGNORECASE)
_MACHINE = re.compile(
    r"\b(?:auto-?generated|(?:automatically|machine|file (?:is|was)|been) generated"
    r"|generated (?:by|from|with|using))\b",
    re.IGNORECASE,
)
_HANDS_OFF = re.compile(
    r"\bdo(?: not|n't) (?:edit|modify|change|touch)\b|\bmanual(?:ly)? (?:edit|change|modif)", re.IGNORECASE
)

_LONG_LINE_CHARS = 2_000
_DENSE_LINE_CHARS = 250
_DENSE_MIN_CHARS = 4_000
_DENSE_SUFFIXES = (".js", ".mjs", ".cjs", ".css", ".json", ".html", ".htm", ".xml", ".sql", ".txt")


def cut_line(line: str) -> str:
    """A line as it is shown: what stands behind MAX_LINE_CHARS is left out, its end is kept."""
    return line if len(line) <= MAX_LINE_CHARS else line[:MAX_LINE_CHARS] + "\n"


def decode(data: bytes) -> tuple[str, str] | None:
    """Bytes to (text without a byte order mark, Python's name of the encoding); None when they are no text.

    UTF-8, UTF-16 and UTF-32 with a mark or clearly so without one, and else Windows-1252 or Latin-1 for what has no
    control characters. UTF-8 with some bad bytes stays UTF-8, with a replacement character for each of them. Eastern
    8-bit encodings come out as Latin letters: nothing in the bytes tells them apart.
    """
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "")
    wide = not encoding and b"\0" in data[:_HEAD_BYTES]
    if wide and not (encoding := _wide_encoding(data)):
        return None
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        return None if encoding else _decode_8_bit(data)
    # Numbers of two or four bytes look like text too, but like text of control characters.
    return None if wide and _has_controls(text.encode("utf-8")) else (text, encoding or "utf-8")


def in_utf_8(data: bytes) -> bytes | None:
    """The text of these bytes in UTF-8 without a byte order mark; None when they are no text."""
    if keeps_ascii(data) and not data.startswith(codecs.BOM_UTF8):
        with contextlib.suppress(UnicodeDecodeError):
            data.decode("utf-8")
            return data
    decoded = decode(data)
    return None if decoded is None else decoded[0].encode("utf-8", "replace")


def keeps_ascii(data: bytes) -> bool:
    """Whether these bytes, if they are text, are in an encoding in which ASCII stands as it is."""
    return data.find(b"\0", 0, _HEAD_BYTES) < 0 and not data.startswith(_WIDE_MARKS)


def _wide_encoding(data: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, told by where the zeros of Latin letters and line ends stand; "" for neither."""
    head = data[:_HEAD_BYTES]
    if len(data) % 4 == 0 and len(data) >= 8:
        if not head[3::4].strip(b"\0") and not head[2::4].strip(_PLANES):
            return "utf-32-le"
        if not head[0::4].strip(b"\0") and not head[1::4].strip(_PLANES):
            return "utf-32-be"
    if len(data) % 2 == 0 and len(data) >= 8:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if odd * 4 >= len(head) and not even:
            return "utf-16-le"
        if even * 4 >= len(head) and not odd:
            return "utf-16-be"
    return ""


def _decode_8_bit(data: bytes) -> tuple[str, str] | None:
    """What is no clean UTF-8: that with bad bytes if more of its letters are good than bad, else Western letters.

    Two letters of an 8-bit encoding in a row hardly ever make a good letter of UTF-8.
    """
    if _has_controls(data):
        return None
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if len(text) - len(text.encode("ascii", "ignore")) > 2 * bad:
        return text, "utf-8"
    try:
        return data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def _has_controls(data: bytes) -> bool:
    """Whether more than one byte in a thousand is a control character that no text holds."""
    return (len(data) - len(data.translate(None, _CONTROLS))) * 1_000 > len(data)


def read_source(root: Path, path: str, *, max_bytes: int | None = None) -> tuple[str, str] | Skipped:
    """Read one admitted file: (sha256 of its bytes as hex, its text), or the rule that keeps it out after all.

    Line ends are kept as they are. `max_bytes` guards against a file that has grown since the survey.
    """
    try:
        data = read_regular(f"{root}/{path}", max_bytes)
    except OSError as error:
        return Skipped(path, "size" if error.errno == errno.EFBIG else "unreadable")
    decoded = decode(data)
    if decoded is None:
        return Skipped(path, "binary")
    text = decoded[0]
    if rule := content_rule(path, text):
        return Skipped(path, rule)
    return hashlib.sha256(data).hexdigest(), text


def content_rule(path: str, text: str) -> str:
    """The exclusion that the text itself calls for: "secret", "generated", "minified", or "" for none."""
    if _is_generated(text[:_HEAD_CHARS]):
        return "generated"
    if _is_minified(path, text):
        return "minified"
    return "secret" if holds_secret(text) else ""


def _is_generated(head: str) -> bool:
    """Whether the comments that a file begins with say that a program wrote it.

    A mark further down does not count: the program that writes the mark holds it in a string.
    """
    opening = _opening_comments(head)
    if any(_GENERATED.search(line) for line in opening):
        return True
    return any(_MACHINE.search(line) for line in opening) and any(_HANDS_OFF.search(line) for line in opening)


def _opening_comments(head: str) -> list[str]:
    """The lines of comments above the first line of code, judged without knowing the language."""
    found: list[str] = []
    closing = ""  # what ends the block comment that we are in
    for line in split_lines(head):
        text = line.strip()
        if closing:
            found.append(text)
            closing = "" if closing in text else closing
        elif _COMMENT.match(text):
            found.append(text)
            opened = next((mark for mark in _BLOCKS if text.startswith(mark)), "")
            closing = _BLOCKS[opened] if opened and _BLOCKS[opened] not in text[len(opened) :] else ""
        elif text and not _PRELUDE.match(text):
            break
    return found


def _is_minified(path: str, text: str) -> bool:
    """Whether most of a text stands in lines that nobody writes by hand.

    Only where that is usual: a table of long strings in other languages is worth its place, and its lines are cut.
    """
    if len(text) < _DENSE_MIN_CHARS or not path.lower().endswith(_DENSE_SUFFIXES):
        return False
    if len(text) > _DENSE_LINE_CHARS * (text.count("\n") + 1):
        return True
    return sum(len(line) for line in text.split("\n") if len(line) > _LONG_LINE_CHARS) * 2 > len(text)
