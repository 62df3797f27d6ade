"""What a server wraps round messages: the tokens that belong to no message's text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The tokens of a chat format besides the contents.

    `start` stands once before everything, `message_tokens` round each message, `reply_tokens` open the answer;
    a role's name takes `role_tokens[role]`, one token where it is not listed.
    """

    name: str
    message_tokens: int
    reply_tokens: int
    start: int = 0
    role_tokens: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def around(self, role: str) -> int:
        """Tokens of one message besides its content."""
        return self.message_tokens + self.role_tokens.get(role, 1)


OPENAI = ChatTemplate("openai", message_tokens=3, reply_tokens=3)
"""OpenAI's chat models: three tokens and the role round a message, three to open the answer (its cookbook)."""

CHATML = ChatTemplate("chatml", message_tokens=4, reply_tokens=3)
"""`<|im_start|>role\\n...<|im_end|>\\n`, then `<|im_start|>assistant\\n`: Qwen, SmolLM and many more."""

GENEROUS = ChatTemplate("generous", message_tokens=8, reply_tokens=8, start=32)
"""For a model whose format is not known: at least what ChatML, Llama 3 (with its dated preamble), Mistral and
Granite take."""
