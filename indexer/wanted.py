"""What a question asks for, as far as its words tell."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from kibitz.indexer.keys import definition_key
from kibitz.indexer.terms import query_terms, split, stem, words_of

_SYMBOL = re.compile(r"[a-z][A-Z]|[A-Za-z]_[A-Za-z]|^[A-Z]\w*[a-z]\w*[A-Z]")
_QUALIFIED = re.compile(r"\w[.:#]+\w")
_PUNCTUATED = re.compile(r"[\w.:#]+")


@dataclass(frozen=True)
class Wanted:
    """A question, taken apart. Stop words count for nothing unless there are no others."""

    text: str

    @cached_property
    def identifiers(self) -> tuple[str, ...]:
        """Its words as they are written, in order."""
        return tuple(words_of(self.text))

    @cached_property
    def terms(self) -> dict[int, int]:
        """Ids of its terms, and how often each occurs."""
        return query_terms(self.text)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The stems of the parts of its identifiers, each once, in order."""
        parts = (part for word in self.identifiers for part in split(word) if len(part) > 1)
        return tuple(dict.fromkeys(map(stem, parts)))

    @cached_property
    def is_name(self) -> bool:
        """Whether it is one word: most likely the name of what is looked for."""
        return len(self.identifiers) == 1

    @cached_property
    def named(self) -> list[int]:
        """Keys of the names that it spells as such."""
        if self.is_name:
            return [definition_key(self.identifiers[0])]
        spelt = [word.strip(".:#") for word in _PUNCTUATED.findall(self.text)]
        return [definition_key(word) for word in spelt if is_symbol(word) or _QUALIFIED.search(word)]

    @cached_property
    def joined(self) -> list[int]:
        """Keys of the names that two or three of its words make when joined."""
        if self.is_name:
            return []
        words = self.identifiers
        threes = zip(words, words[1:], words[2:], strict=False)
        return [definition_key("".join(some)) for some in (*pairwise(words), *threes)]

    def mentions(self, words: frozenset[str]) -> bool:
        """Whether one of some lower-case words stands in it."""
        return not words.isdisjoint(word.lower() for word in self.identifiers)


def is_symbol(word: str) -> bool:
    """Whether a word is spelt like an identifier and not like a word of prose."""
    return bool(_SYMBOL.search(word))
