"""The errors of the prompt renderer.

* PromptError          shown to the user as it is
  + TreeError          a tree was put together wrongly; names the node's path
  + BudgetError        what must be shown does not fit; names the largest parts
  + DumpError          a prompt cannot be dumped, or a dump cannot be read
"""


class PromptError(Exception):
    """Shown to the user as it is."""


class TreeError(PromptError):
    """A tree was put together wrongly."""


class BudgetError(PromptError):
    """What must be shown does not fit the budget."""


class DumpError(PromptError):
    """A prompt cannot be dumped, or a dump cannot be read."""
