"""The errors of this program, each one sentence that can be shown to the user as it is.

* KibitzError         the base
  + ConfigError       a setting is wrong
  + ModelError        the model could not answer
    + NoModelError    there is no model to ask
  + EditError         an edit did not pass its gate; nothing was written
* IndexerError        kibitz.indexer.errors
* PromptError         kibitz.prompts.errors

Caught at one boundary a door: the command line prints the sentence, the language server answers with it.
Anything else is a bug and goes up.
"""

from kibitz.indexer.errors import IndexerError
from kibitz.prompts.errors import PromptError


class KibitzError(Exception):
    """Shown to the user as it is."""


class ConfigError(KibitzError):
    """A setting is wrong."""


class ModelError(KibitzError):
    """The model could not answer."""


class NoModelError(ModelError):
    """There is no model to ask."""


class EditError(KibitzError):
    """An edit did not pass its gate; nothing was written."""


USER_ERRORS = (KibitzError, IndexerError, PromptError)
