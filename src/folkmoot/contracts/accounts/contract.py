"""Accounts and logins, for clients of all contracts."""

from folkmoot.contracts.accounts.codec import ANSWERS
from folkmoot.contracts.accounts.kinds import OPERATIONS
from folkmoot.contracts.accounts.routes import router
from folkmoot.kit.contract import Contract, Mount

CONTRACT = Contract(
    name="accounts",
    tags={"accounts": "Accounts and logins"},
    operations=OPERATIONS,
    rest=(Mount(router),),
    answers=ANSWERS,
)
