"""What one event of a stream of chat completions says; the forms that servers in use send.

The form is OpenAI's. Others leave out what it always has, send more, or send the whole in place of
pieces; what is no part of an answer is nothing here, and no reason to give one up.
"""

from dataclasses import dataclass
from typing import Any, Final

from folkmoot.bots.model.faults import BROKEN, TOO_LONG, UNREADABLE, WITHHELD, Fault, fault_of_error

_THOUGHTS: Final = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "thought")
LENGTH: Final = "length"
"""How an answer ends that was cut at a bound."""
_NO_END: Final = frozenset({"", "null", "none"})
_FAILURES: Final = {
    TOO_LONG: f"{LENGTH} max_tokens model_length max_output_tokens",
    WITHHELD: "content_filter safety recitation sensitive refusal blocklist prohibited_content",
    BROKEN: "error abort aborted cancelled network_error server_error malformed_response "
    "insufficient_system_resource",
}
_SENTENCES: Final = {end: sentence for sentence, ends in _FAILURES.items() for end in ends.split()}


@dataclass(frozen=True, slots=True)
class Chunk:
    """What an event adds: ``text`` of the answer, ``thought_chars`` of what is none of it.

    ``end`` is why the answer ends with it, if it does. ``is_whole`` is text that is all of an
    answer, in place of its pieces; ``is_odd``: it is nothing that is known.
    """

    text: str = ""
    thought_chars: int = 0
    end: str | None = None
    is_whole: bool = False
    is_odd: bool = False


def read(data: object) -> Chunk:
    """What an event says.

    Raises:
        Fault: that the model failed, or something of another type than any server sends.
    """
    if not isinstance(data, dict):
        return Chunk(is_odd=True)
    if (error := _error_in(data)) is not None:
        raise fault_of_error(error)
    choices = data.get("choices")
    if not isinstance(choices, list):
        return Chunk(is_odd=choices is not None or "choices" not in data)
    choice = next((one for one in choices if _is_ours(one)), None)
    if choice is None:
        return Chunk()
    if (error := choice.get("error")) and choice.get("finish_reason") == "error":
        raise fault_of_error(error)
    return _chosen(choice)


def failure_of(end: str) -> str | None:
    """What to say of an answer that ends so; ``None``: it is whole."""
    return _SENTENCES.get(end)


def _is_ours(choice: object) -> bool:
    """One answer is asked for; some gateways send more."""
    return isinstance(choice, dict) and choice.get("index") in (None, 0)


def _chosen(choice: dict[str, Any]) -> Chunk:
    delta, message = choice.get("delta"), choice.get("message")
    said = delta if isinstance(delta, dict) and delta else message
    said = said if isinstance(said, dict) else {"content": choice.get("text")}
    text, thought_chars = _text_of(said.get("content"))
    if not text and isinstance(refusal := said.get("refusal"), str):
        text = refusal
    thoughts = (said.get(name) for name in _THOUGHTS)
    thought_chars += sum(len(one) for one in thoughts if isinstance(one, str))
    end = choice.get("finish_reason")
    if not isinstance(end, str | None):
        raise Fault(UNREADABLE, "a chunk with an end of another type")
    end = (end or "").lower()
    return Chunk(text, thought_chars, None if end in _NO_END else end, said is message)


def _text_of(content: object) -> tuple[str, int]:
    """The text of a content, in one or in parts, and how much of it are thoughts."""
    if content is None or isinstance(content, str):
        return content or "", 0
    if not isinstance(content, list):
        raise Fault(UNREADABLE, "a chunk with a text of another type")
    texts, thought_chars = [], 0
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            text = part.get("text")
            if part.get("type", "text") in {"text", "output_text"} and isinstance(text, str):
                texts.append(text)
            else:
                thought_chars += len(str(part.get("thinking") or text or ""))
    return "".join(texts), thought_chars


def _error_in(data: dict[str, object]) -> object:
    """The error that it is about, in the forms of OpenAI, and of others without a key.

    ``None``: of none.
    """
    if error := data.get("error"):
        return error
    if data.get("object") == "error" or data.get("type") == "error":
        return data
    return None
