"""Search, as the server serves it to clients of all contracts."""

from folkmoot.contracts.search.kinds import OPERATIONS
from folkmoot.contracts.search.routes import router
from folkmoot.contracts.search.shapes import SearchHitOut
from folkmoot.kit.contract import Contract, Mount

CONTRACT = Contract(
    name="search",
    tags={"search": "Finding messages, of every contract"},
    operations=OPERATIONS,
    rest=(Mount(router),),
    answers=(SearchHitOut,),
)
