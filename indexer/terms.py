"""Text to the terms that lexical search counts.

An identifier counts as a whole (lower case, underscores dropped, so that `getUserName` and `get_user_name` meet) and by
its parts, split by case, underscores and digits and stemmed by Snowball's English stemmer. Terms are kept as 32-bit
hashes: two words that collide cost a little precision, and an index holds no vocabulary.
"""

import re
import threading
import zlib
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from kibitz.indexer.types import Chunk

if TYPE_CHECKING:
    from kibitz.indexer.workers import Parsed

TERMS_VERSION = 1  # part of an index's identity: raise it when the terms of any text change

MAX_WORD = 64  # longer runs are data (base64, hashes), not words
MAX_COUNT = 255  # counts are stored in a byte; BM25 saturates long before

_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|%+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # scripts written without blanks

# Words that carry the grammar of a question, not its subject.
_STOP_WORDS = """
    a about after all also an and any are as at be because been before being between both but by can could did do does
    doing during each few for from further get gets had has have having here how i if in into is it its just me more
    most my no nor not of off on once only or other our out over own please same should show so some such tell than that
    the their them then there these they this those through to too under until up us used uses using very via was we
    were what when where which while who whom why will with within without work works would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


@cache
def _stemmer() -> tuple[_Stemmer, threading.Lock]:
    import snowballstemmer

    # A stemmer keeps the word that it works on in itself, and searches run in several threads.
    return snowballstemmer.stemmer("english"), threading.Lock()


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The stem of one lower-case word."""
    if len(word) < 3 or not word.isalpha():
        return word
    stemmer, lock = _stemmer()
    with lock:
        return stemmer.stemWord(word)


def term_id(word: str) -> int:
    """The 32-bit id under which a term is stored."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def split(identifier: str) -> list[str]:
    """The parts of an identifier in order, lower-case, not stemmed: `parseHTTP_v2` to parse, http, v, 2."""
    if identifier.isascii():
        return [part.lower() for part in _PART.findall(identifier)]
    parts: list[str] = []
    # The pattern knows ASCII only: match it against a letter of the same sort for each letter.
    for found in _PART.finditer("".join(map(_sort_of, identifier))):
        part = identifier[found.start() : found.end()]
        if found.group()[0] == "%" and len(part) > 1:
            parts += [a + b for a, b in pairwise(part)]
        else:
            parts.append(part.lower())
    return parts


def _sort_of(letter: str) -> str:
    if _UNSPACED.match(letter):
        return "%"
    if letter.isupper():
        return "A"
    if letter.isalpha():
        return "a"
    return "0" if letter.isdecimal() else "_"


def joined(identifier: str) -> str:
    """An identifier as a whole, spelt the same in every naming convention."""
    return identifier.replace("_", "").lower()


@lru_cache(maxsize=1 << 16)
def _ids(identifier: str) -> tuple[int, ...]:
    if len(identifier) > MAX_WORD:
        return ()
    parts = split(identifier)
    found = [term_id(stem(part)) for part in parts if len(part) > 1]
    if len(parts) > 1:
        found.append(term_id(joined(identifier)))
    return tuple(found)


def terms_of(text: str) -> dict[int, int]:
    """Term ids of a text and how often each occurs."""
    counts: Counter[int] = Counter()
    for identifier, times in Counter(_WORD.findall(text)).items():
        for term in _ids(identifier):
            counts[term] += times
    return dict(counts)


def words_of(question: str) -> list[str]:
    """The identifiers of a question without its stop words, in order; all of them if nothing else is left."""
    words = [word for word in _WORD.findall(question) if len(word) <= MAX_WORD]
    return [word for word in words if word.lower() not in STOP_WORDS] or words


def query_terms(question: str) -> dict[int, int]:
    """Term ids of a question and how often each occurs, stop words dropped."""
    return terms_of(" ".join(words_of(question)))


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one chunk: ids (32 bits) and how often each occurs (8 bits), in step."""

    ids: "array[int]"
    counts: "array[int]"


def pack(counts: Mapping[int, int]) -> Terms:
    """Counted terms in the form in which they are stored."""
    ids = sorted(counts)
    return Terms(array("I", ids), array("B", (min(counts[term], MAX_COUNT) for term in ids)))


def terms_of_chunk(chunk: Chunk) -> Terms:
    """The terms of a chunk: its text, the names of the definitions around it, and once more what it defines."""
    counts = Counter(terms_of(chunk.text))
    counts.update(terms_of(chunk.symbol))
    for name in chunk.defines:
        counts.update(terms_of(name))
    return pack(counts)


@dataclass(frozen=True, slots=True)
class Lexed:
    """A parsed file with the terms of each of its chunks, made in the same worker process."""

    parsed: "Parsed"
    terms: tuple[Terms, ...]


def lex(parsed: "Parsed") -> Lexed:
    """Add their terms to the chunks of a parsed file."""
    return Lexed(parsed, tuple(terms_of_chunk(chunk) for chunk in parsed.chunks))
