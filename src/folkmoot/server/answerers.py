"""Who answers for the assistant: the model that the settings name, or the answerer without one."""

import logging
from urllib.parse import urlsplit

from folkmoot.bots.answerer import Answerer
from folkmoot.bots.model.process import ModelProcess
from folkmoot.bots.model.protocol import Setup
from folkmoot.bots.model.settings import ModelSettings, ModelTimeouts
from folkmoot.bots.quoting import QuotingAnswerer
from folkmoot.core.shared.health import Health
from folkmoot.server.errors import StartRefused
from folkmoot.server.settings import Settings

ASKER = "folkmoot.server.programs.model_asker"
"""Named and not imported: it loads the library behind it, a second and 20 MiB."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_log = logging.getLogger(__name__)


def answerer_of(settings: Settings, health: Health | None = None) -> Answerer:
    """The answerer that the settings name.

    Raises:
        StartRefused: the settings name half a model.
    """
    model = model_of(settings)
    if model is None:
        return QuotingAnswerer()
    address = urlsplit(model.base_url)
    if model.key and address.scheme == "http" and address.hostname not in _LOOPBACK:
        _log.warning(
            "The key of the assistant's model goes over the network unencrypted: "
            "use https:// in FOLKMOOT_ASSISTANT_BASE_URL."
        )
    setup = Setup(
        model=model,
        timeouts=ModelTimeouts.of(settings.assistant_seconds),
        tokens_per_account=settings.assistant_tokens_per_account_a_day,
        tokens_for_all=settings.assistant_tokens_a_day,
    )
    return ModelProcess(setup, program=ASKER, health=health)


def model_of(settings: Settings) -> ModelSettings | None:
    """The model that the settings name, if they name one.

    Raises:
        StartRefused: they name half of one.
    """
    address, model, key = (
        settings.assistant_base_url,
        settings.assistant_model,
        settings.assistant_key,
    )
    if address is None:
        if model is not None or key is not None:
            raise StartRefused(
                "There is a model or a key for the assistant, but no endpoint: set "
                "FOLKMOOT_ASSISTANT_BASE_URL, or leave out all three."
            )
        return None
    if model is None:
        raise StartRefused(
            "There is an endpoint for the assistant, but no model: name one of its models in "
            "FOLKMOOT_ASSISTANT_MODEL."
        )
    return ModelSettings(
        base_url=address,
        model=model,
        key=key.get_secret_value() if key else None,
        max_answer_tokens=settings.assistant_max_answer_tokens,
        max_answer_chars=settings.max_content_chars,
        max_context_tokens=settings.assistant_max_context_tokens,
        max_tokens_field=settings.assistant_max_tokens_field,
    )
