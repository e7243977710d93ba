"""Files, as the server serves them to clients of all contracts."""

from folkmoot.contracts.files.kinds import OPERATIONS
from folkmoot.contracts.files.routes import STATUSES, FileOut, router
from folkmoot.files.links import PREFIX
from folkmoot.kit.contract import Contract, Mount

CONTRACT = Contract(
    name="files",
    tags={"files": "Files on messages, of every contract"},
    operations=OPERATIONS,
    rest=(Mount(router),),
    answers=(FileOut,),
    statuses={PREFIX: STATUSES},
    uploads=(PREFIX,),
)
