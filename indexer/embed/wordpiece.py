"""Text to token numbers: identifiers split into words, words into WordPiece tokens.

Shared by training and run time, so that both see the same tokens. Punctuation is dropped: a bag of tokens cannot
use it, and most of a source file is punctuation.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

CONTINUES = "##"
MAX_WORD_CHARS = 40
"""Longer words are encoded data, not language."""

MAX_CACHED = 200_000
"""Identifiers remembered with their tokens, about 20 MB at most; a workspace's vocabulary is mostly smaller."""

MAX_CACHED_CHARS = 80

IDENTIFIER = re.compile(r"\w+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")


def split_identifier(identifier: str) -> list[str]:
    """Split at case changes, underscores and digits, lower-cased: "HTTPServer2_close" to http, server, 2, close."""
    if not identifier.isascii():
        decomposed = unicodedata.normalize("NFKD", identifier)
        identifier = "".join(char for char in decomposed if not unicodedata.combining(char))
    return [word.lower() for word in _WORD.findall(identifier)]


def words(text: str) -> list[str]:
    """All words of a text, in order, lower-cased."""
    return [word for identifier in IDENTIFIER.findall(text) for word in split_identifier(identifier)]


class WordPiece:
    """Greedy longest-match tokens (Schuster and Nakajima 2012, the variant of BERT).

    The vocabulary's order numbers the tokens; a token that continues a word begins with "##". Words with a character
    that no token covers have no tokens. Safe to share between threads.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._start = {token: i for i, token in enumerate(vocabulary) if not token.startswith(CONTINUES)}
        self._continue = {
            token[len(CONTINUES) :]: i for i, token in enumerate(vocabulary) if token.startswith(CONTINUES)
        }
        self._longest = max((len(token) for token in (*self._start, *self._continue)), default=0)
        self._cache: dict[str, tuple[int, ...]] = {}

    def encode_word(self, word: str) -> tuple[int, ...]:
        """Tokens of one lower-case word; none when it is too long or a character is unknown."""
        size = len(word)
        if size > MAX_WORD_CHARS:
            return ()
        whole = self._start.get(word)
        if whole is not None:
            return (whole,)
        tokens: list[int] = []
        table, start = self._start, 0
        while start < size:
            for end in range(min(size, start + self._longest), start, -1):
                token = table.get(word[start:end])
                if token is not None:
                    break
            else:
                return ()
            tokens.append(token)
            table, start = self._continue, end
        return tuple(tokens)

    def encode_identifier(self, identifier: str) -> tuple[int, ...]:
        """Tokens of all words of an identifier."""
        known = self._cache.get(identifier)
        if known is not None:
            return known
        tokens = tuple(token for word in split_identifier(identifier) for token in self.encode_word(word))
        if len(identifier) <= MAX_CACHED_CHARS:
            if len(self._cache) >= MAX_CACHED:
                self._cache = {}
            self._cache[identifier] = tokens
        return tokens

    def count(self, text: str) -> dict[int, int]:
        """How often each token occurs in a text, in the order of first occurrence."""
        counts: dict[int, int] = {}
        encode, get = self.encode_identifier, counts.get
        for identifier, times in Counter(IDENTIFIER.findall(text)).items():
            for token in encode(identifier):
                counts[token] = get(token, 0) + times
        return counts
