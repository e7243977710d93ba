"""Accounts and logins, for clients of all contracts."""

from folkmoot.contracts.accounts.codec import ANSWERS
from folkmoot.contracts.accounts.kinds import OPERATIONS
from folkmoot.contracts.accounts.routes import router
from folkmoot.kit.contract import Contract, Mount

MAX_BODY_BYTES = 12 * 1024
"""The longest names and password there may be, each character escaped as JSON can."""

CONTRACT = Contract(
    name="accounts",
    tags={"accounts": "Accounts and logins"},
    operations=OPERATIONS,
    rest=(Mount(router),),
    answers=ANSWERS,
    body_bytes=dict.fromkeys(("/auth/", "/api/v1/auth/"), MAX_BODY_BYTES),
)
