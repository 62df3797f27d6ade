"""The errors of this program, each one sentence that can be shown to the user as it is.

* KibitzError         the base
  + ConfigError       a setting is wrong
  + ModelError        the model could not answer
    + NoModelError    there is no model to ask
  + EditError         an edit did not pass its gate; nothing was written
    + AbsentError   the text that an edit is to replace is not in the file
    + UnfinishedEditError  the answer was cut; what of it is finished can be offered
* IndexerError        kibitz.indexer.errors
* PromptError         kibitz.prompts.errors

Caught at one boundary a door: the command line prints the sentence, the language server answers with it.
Anything else is a bug and goes up.
"""

from typing import TYPE_CHECKING

from kibitz.indexer.errors import IndexerError
from kibitz.prompts.errors import PromptError

if TYPE_CHECKING:
    from kibitz.server.edit.change import Edit


class KibitzError(Exception):
    """Shown to the user as it is."""


class ConfigError(KibitzError):
    """A setting is wrong."""


class ModelError(KibitzError):
    """The model could not answer."""


class NoModelError(ModelError):
    """There is no model to ask."""


class UnreachableError(ModelError):
    """The model's endpoint does not answer at all, or is left alone since it did not."""


class EditError(KibitzError):
    """An edit did not pass its gate; nothing was written."""


class AbsentError(EditError):
    """The text that an edit is to replace is not in the file."""


class UnfinishedEditError(EditError):
    """The model's answer was cut: `finished` are edits of the changes before that, past the gate."""

    def __init__(self, message: str, finished: "tuple[Edit, ...]") -> None:
        super().__init__(message)
        self.finished = finished


USER_ERRORS = (KibitzError, IndexerError, PromptError)
