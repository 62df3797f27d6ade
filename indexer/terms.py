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
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.ragged import counted, offsets_of, rows
from kibitz.indexer.words import Bags, Vocabulary

TERMS_VERSION = 2  # part of an index's identity: raise it when the terms of any text change

MAX_WORD = 64  # longer runs are data (base64, hashes), not words
MAX_COUNT = 255  # counts are stored in a byte; BM25 saturates long before

_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|%+")
_PART_OR_END = re.compile(_PART.pattern + r"|\n")
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
    import Stemmer

    # A stemmer keeps the word that it works on in itself, and searches run in several threads.
    return Stemmer.Stemmer("english"), threading.Lock()


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


def _ids(identifier: str) -> list[int]:
    if len(identifier) > MAX_WORD:
        return []
    parts = split(identifier)
    found = [_part_id(part) for part in parts if len(part) > 1]
    if len(parts) > 1:
        found.append(term_id(joined(identifier)))
    return found


@lru_cache(maxsize=1 << 17)
def _part_id(part: str) -> int:
    return term_id(stem(part))


@cache
def _stop_ids() -> frozenset[int]:
    """The terms of words that no question asks for: a sixth of all that texts hold."""
    return frozenset(term_id(stem(word)) for word in STOP_WORDS)


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


class _Parts(dict[str, int | None]):
    """Parts of identifiers as they are spelt to their terms; None for those that are no terms."""

    def __missing__(self, part: str) -> int | None:
        term = _part_id(part.lower()) if len(part) > 1 else None
        self[part] = known = None if term in _stop_ids() else term
        return known


class Lexer:
    """Turns the identifiers of chunks into terms, many chunks at once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._generation = vocabulary.generation
        self._offsets = array("q", [0])
        self._terms = array("I")
        self._parts = _Parts()

    def count(self, *bags: Bags) -> "Counts":
        """The terms of up to 65,536 chunks, whose identifiers stand in several bags: their text's, their names'."""
        self._learn()
        every = Bags.joined(bags)
        sizes, places = rows(np.frombuffer(self._offsets, np.int64), every.codes)
        found = np.frombuffer(self._terms, np.uint32)[places].astype(np.int64)
        texts, terms, times = counted(np.repeat(every.texts, sizes), found, np.repeat(every.times, sizes))
        return Counts(
            offsets_of(np.bincount(texts, minlength=every.count)),
            terms.astype(np.uint32),
            np.minimum(times, MAX_COUNT).astype(np.uint8),
        )

    def _learn(self) -> None:
        """Keep up with the vocabulary: terms stand in the order of its numbers."""
        if self._generation != self._vocabulary.generation:
            self._generation = self._vocabulary.generation
            self._offsets, self._terms = array("q", [0]), array("I")
        new = self._vocabulary.identifiers[len(self._offsets) - 1 :]
        # All at once, each with an end behind it; those that the pattern does not know are looked at by themselves.
        plain = [one if one.isascii() and len(one) <= MAX_WORD else "" for one in new]
        text = "\n".join(plain) + "\n" if plain else ""
        wholes = joined(text).split("\n")
        add, parts, stop_ids = self._terms.append, self._parts, _stop_ids()
        number = count = 0
        for part in _PART_OR_END.findall(text):
            if part != "\n":
                count += 1
                if (term := parts[part]) is not None:
                    add(term)
                continue
            if count > 1:
                if (whole := term_id(wholes[number])) not in stop_ids:
                    add(whole)
            elif not plain[number]:
                self._terms.extend(term for term in _ids(new[number]) if term not in stop_ids)
            self._offsets.append(len(self._terms))
            number, count = number + 1, 0


@dataclass(frozen=True, slots=True)
class Counts:
    """The terms of n chunks: chunk i has `terms[offsets[i]:offsets[i + 1]]`, ascending, each `counts` times."""

    offsets: NDArray[np.int64]
    terms: NDArray[np.uint32]
    counts: NDArray[np.uint8]
