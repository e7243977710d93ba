"""The `assistant` contract, as the server serves it."""

from functools import partial

from folkmoot.contracts.assistant import errors
from folkmoot.contracts.assistant.frames import ANSWERS
from folkmoot.contracts.assistant.kinds import FRAMES, OPERATIONS
from folkmoot.contracts.assistant.routes import router
from folkmoot.contracts.assistant.socket import AssistantHandler
from folkmoot.contracts.assistant.spec import SPEC
from folkmoot.kit.contract import Contract, Mount, websocket

CONTRACT = Contract(
    name="assistant",
    tags={"assistant": "All sessions on one socket, and an AI that answers"},
    operations=OPERATIONS,
    frames=FRAMES,
    rest=(Mount(router),),
    answers=ANSWERS,
    specs=(SPEC,),
    open=websocket(
        SPEC.address,
        lambda given: partial(AssistantHandler, given.cancel_answer),
        errors.rejection_of,
    ),
)
