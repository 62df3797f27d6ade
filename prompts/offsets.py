"""Where the tokens of a rendered prompt stand: which of them the characters of a part touch."""

from bisect import bisect_left, bisect_right
from itertools import accumulate

from kibitz.prompts.rendered import PartReport, Rendered, TokenSpan
from kibitz.prompts.tokens import PlacingTokenizer, Tokenizer


class TokenMap:
    """Finds the tokens of parts; each message is encoded once, when it is first asked about."""

    def __init__(self, rendered: Rendered, tokenizer: Tokenizer) -> None:
        self._rendered = rendered
        self._tokenizer = tokenizer
        self._places: dict[int | None, tuple[list[int], list[int]]] = {}

    def __call__(self, part: PartReport) -> TokenSpan | None:
        """Return the tokens, counted from the message's first, that a shown part touches; the end is not included."""
        if not isinstance(self._tokenizer, PlacingTokenizer):
            return None
        places = self._places.get(part.message)
        if places is None:
            places = self._places[part.message] = self._placed(self._tokenizer, part.message)
        bytes_at, ends = places
        start, end = bytes_at[part.start], bytes_at[part.end]
        first = bisect_right(ends, start)  # the first token that ends beyond the start
        return first, min(bisect_left(ends, end) + 1, len(ends))

    def _placed(self, tokenizer: PlacingTokenizer, message: int | None) -> tuple[list[int], list[int]]:
        """Return the byte at which each character starts, and the byte at which each token ends."""
        rendered = self._rendered
        pieces = rendered.pieces if message is None else ((rendered.messages or ())[message].content,)
        ends: list[int] = []
        for piece in pieces:
            before = ends[-1] if ends else 0
            ends.extend(before + end for end in tokenizer.ends(piece))
        text = "".join(pieces)
        if text.isascii():
            return list(range(len(text) + 1)), ends
        # Half a surrogate pair is encoded as U+FFFD, which has three bytes as well.
        return [0, *accumulate(len(letter.encode("utf-8", "surrogatepass")) for letter in text)], ends
