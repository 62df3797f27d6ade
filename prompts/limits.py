"""Limits in tokens: absolute, a share of the budget around, or what the budget leaves."""

import re
from dataclasses import dataclass

from kibitz.prompts.errors import TreeError

_FORM = re.compile(r"\s*(?:(?P<share>\d+(?:\.\d+)?)\s*%|(?P<rest>rest))\s*(?:-\s*(?P<minus>\d+)\s*)?")


@dataclass(frozen=True, slots=True)
class Limit:
    """`tokens`, or `share` of the budget around, or with `rest` what is left of it; `minus` is taken off these."""

    tokens: int = 0
    share: float = 0.0
    rest: bool = False
    minus: int = 0

    @property
    def relative(self) -> bool:
        """Whether it depends on the budget around."""
        return self.rest or self.share > 0

    def within(self, budget: int, rest: int) -> int:
        """Return the limit in tokens inside a budget of which `rest` is not taken by what is always shown."""
        if not self.relative:
            return self.tokens
        return max(0, (rest if self.rest else int(budget * self.share)) - self.minus)


def limit_of(value: "int | str | Limit", where: str) -> Limit:
    """Read a limit: 800, "50%", "100% - 200", "rest", "rest - 100"; one that has been read stays as it is.

    Raises:
        TreeError: it is none of these.
    """
    if isinstance(value, Limit):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Limit(tokens=value)
    found = _FORM.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise TreeError(
            f'{where}: a limit is a whole number of tokens, "50%", "100% - 200" or "rest - 100", not {value!r}'
        )
    share = float(found["share"] or 0) / 100
    if share > 1 or (share == 0 and not found["rest"]):
        raise TreeError(f"{where}: a share is above 0 % and at most 100 %, not {value!r}")
    return Limit(share=share, rest=bool(found["rest"]), minus=int(found["minus"] or 0))
