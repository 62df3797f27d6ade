"""A tokenizer that counts each text of one pack once, however often the pack is put together."""

from kibitz.prompts.tokens import AdditiveTokenizer, Tokenizer


class Remembering:
    """Another tokenizer whose counts are all kept, where its own memory would be too small for a repository."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, int] = {}
        self.name = tokenizer.name
        self.exact = tokenizer.exact
        self.scale = 1
        self._weigh = tokenizer.count
        self._additive = None
        if isinstance(tokenizer, AdditiveTokenizer):
            self.scale, self._weigh, self._additive = tokenizer.scale, tokenizer.weigh, tokenizer.additive

    def know(self, text: str, tokens: int) -> None:
        """Take a count from before; of an estimate that is a sum of parts of tokens, whole ones say too little."""
        if self.scale == 1:
            self._known[text] = tokens

    def weigh(self, text: str) -> int:
        """Count in units of 1/scale token."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._weigh(text)
        return known

    def additive(self, left: str, right: str) -> bool:
        """Tell whether the weights of two neighbours surely add up."""
        return self._additive is not None and self._additive(left, right)

    def count(self, text: str) -> int:
        """Count the tokens."""
        return -(-self.weigh(text) // self.scale)

    def encode(self, text: str) -> list[int]:
        """Encode as the other does."""
        return self._tokenizer.encode(text)

    def decode(self, ids: list[int]) -> str:
        """Decode as the other does."""
        return self._tokenizer.decode(ids)
