"""What the bodies of several contracts are made of, described as strictly as the server is.

The rules stand in the core, with sentences of their own; these say them to who reads the OpenAPI
document. Lengths count characters, as JSON Schema does.
"""

from typing import Annotated, Any, Final

from pydantic import Field, StrictInt, StrictStr, WithJsonSchema

from folkmoot.core.conversations.model import MAX_TITLE_CHARS
from folkmoot.core.messages.model import MAX_CLIENT_ID_CHARS
from folkmoot.kit.ids import MAX_NUMBER

SETTING: Final = "x-setting"
"""By this name a schema says which setting is its ``maxLength``; see `openapi_of`."""
CONTENT_SETTING: Final = "max_content_chars"


def text_schema(*, least: int = 0, most: int | None = None, **more: Any) -> WithJsonSchema:
    """How a text of so many characters is described."""
    bounds = {"minLength": least or None, "maxLength": most}
    known = {name: bound for name, bound in bounds.items() if bound is not None}
    return WithJsonSchema({"type": "string", **known, **more})


Content = Annotated[StrictStr, text_schema(least=1, **{SETTING: CONTENT_SETTING})]
Caption = Annotated[StrictStr, text_schema(**{SETTING: CONTENT_SETTING})]
Title = Annotated[StrictStr, text_schema(most=MAX_TITLE_CHARS)]
ClientId = Annotated[StrictStr, text_schema(least=1, most=MAX_CLIENT_ID_CHARS)]
Seq = Annotated[StrictInt, Field(ge=0, le=MAX_NUMBER)]
