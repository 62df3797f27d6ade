"""What llama.cpp's server tells beside OpenAI's API: how many tokens a prompt has for the model that it runs."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kibitz.prompts.chat_template import ChatTemplate
from kibitz.server.boundary import hide
from kibitz.server.errors import ModelError
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.network import client_options

if TYPE_CHECKING:
    import httpx2

    from kibitz.prompts.rendered import Rendered

ANSWER_TIMEOUT_S = 10.0
SILENT_S = 30.0
"""After a failure the server is left alone for so long: ghost text would wait for it at every key."""

Messages = Sequence[Mapping[str, str]]


class LlamaCppCounter:
    """Counts whole prompts by `/apply-template` and `/tokenize`, which take no slot of the model.

    The count is that of the prompt as the model reads it, with the control tokens of its chat format: what the server
    reports as `prompt_tokens`. Blocking; for threads, several at once.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.name = "embedded engine" if endpoint.kind == "embedded" else f"llama.cpp at {endpoint.shown}"
        self.share = 1.0
        self._endpoint = endpoint
        self._model = model
        self._client: httpx2.Client | None = None
        self._failed = (0.0, "")

    def prompt_tokens(self, rendered: "Rendered") -> int:
        """Count a rendered prompt as it is sent: without its secrets.

        Raises:
            ModelError: the server gives no count.
        """
        if rendered.messages is None:
            return self._tokens(hide([rendered.text or ""]).texts[0], whole=True)
        texts = hide([message.content for message in rendered.messages]).texts
        roles = [message.role for message in rendered.messages]
        return self._chat_tokens([{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)])

    def text_tokens(self, text: str) -> int:
        """Count a text within a prompt.

        Raises:
            ModelError: the server gives no count.
        """
        return self._tokens(text, whole=False)

    def template(self) -> ChatTemplate:
        """Measure the chat format by what a conversation grows by; a system message is taken to stand first.

        Raises:
            ModelError: the server gives no count, or none that makes sense.
        """
        word = self.text_tokens("x")
        turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}]
        opening = self._chat_tokens([{"role": "system", "content": "x"}, turns[0]])
        longer = self._chat_tokens([{"role": "system", "content": "x"}, turns[0], turns[1], turns[0]])
        message = -(-(longer - opening) // 2) - word
        rest = opening - 2 * (message + word)
        if message < 1:
            raise self._failure("its chat template makes no sense")
        return ChatTemplate(f"measured at {self.name}", message_tokens=message - 1, reply_tokens=0, start=max(0, rest))

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _chat_tokens(self, messages: Messages) -> int:
        return self._tokens(self._ask("/apply-template", {"messages": messages}, "prompt", str), whole=True)

    def _tokens(self, text: str, *, whole: bool) -> int:
        body = {"content": text.encode("utf-8", "replace").decode(), "add_special": whole, "parse_special": whole}
        tokens: list[int] = self._ask("/tokenize", body, "tokens", list)
        return len(tokens)

    def _ask(self, path: str, body: dict[str, Any], field: str, kind: type) -> Any:
        """One field of an answer."""
        until, sentence = self._failed
        if time.monotonic() < until:
            raise ModelError(sentence)
        import httpx2

        root = self._endpoint.base_url.removesuffix("/v1")
        try:
            answer = self._connected().post(root + path, json={"model": self._model, **body})
            value = answer.json()[field] if answer.status_code == httpx2.codes.OK else None
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise self._failure(f"{path} fails ({type(error).__name__})") from None
        if not isinstance(value, kind):
            raise self._failure(f"{path} answers HTTP {answer.status_code}")
        return value

    def _connected(self) -> "httpx2.Client":
        if self._client is None:
            import httpx2

            key = self._endpoint.api_key
            self._client = httpx2.Client(
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=httpx2.Timeout(ANSWER_TIMEOUT_S, connect=self._endpoint.network.connect_s),
                **client_options(self._endpoint),
            )
        return self._client

    def _failure(self, reason: str) -> ModelError:
        self._failed = (time.monotonic() + SILENT_S, f"{self.name} gives no count of tokens: {reason}")
        return ModelError(self._failed[1])
