"""Text to the token numbers of BERT's uncased vocabulary (Devlin et al. 2018), read from a `tokenizer.json`."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from kibitz.indexer.embed.wordpiece import WordPiece


class BertTokenizer:
    """WordPiece over lower-cased words without accents; punctuation marks and Chinese characters are words."""

    def __init__(self, tokens: dict[str, int]) -> None:
        by_number = sorted(tokens, key=tokens.__getitem__)
        if list(map(tokens.__getitem__, by_number)) != list(range(len(tokens))):
            raise ValueError("a vocabulary numbers its tokens from 0 without a gap")
        self._words = WordPiece(by_number)
        self._begin, self._end, self._unknown = (tokens[name] for name in ("[CLS]", "[SEP]", "[UNK]"))

    @classmethod
    def load(cls, path: Path) -> "BertTokenizer":
        """Read the vocabulary of a `tokenizer.json`.

        Raises:
            OSError: it cannot be read.
        """
        return cls(json.loads(path.read_text("utf-8"))["model"]["vocab"])

    def encode(self, text: str, most: int) -> list[int]:
        """The text's first tokens between the two marks that BERT wants, at most `most` in all."""
        numbers = [self._begin]
        for word in _words(text):
            numbers += self._words.encode_word(word) or (self._unknown,)
            if len(numbers) >= most - 1:
                break
        return [*numbers[: most - 1], self._end]


def _words(text: str) -> Iterator[str]:
    """Split at white space, around punctuation and around Chinese characters."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFD", text.lower())
        text = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    for run in text.lower().split():
        begun = 0
        for at, char in enumerate(run):
            if char.isalnum() and not "\u2e80" <= char <= "\u9fff":
                continue
            if begun < at:
                yield run[begun:at]
            if char.isprintable():
                yield char
            begun = at + 1
        if begun < len(run):
            yield run[begun:]
