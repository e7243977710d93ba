"""Every contract that this server serves. Another one is a folder, and its line here.

Where addresses overlap, the one that takes any name comes after those that take one.
"""

from folkmoot.contracts.accounts.contract import CONTRACT as ACCOUNTS
from folkmoot.contracts.assistant.contract import CONTRACT as ASSISTANT
from folkmoot.contracts.conversations.contract import CONTRACT as CONVERSATIONS
from folkmoot.contracts.files.contract import CONTRACT as FILES
from folkmoot.contracts.friends.contract import CONTRACT as FRIENDS
from folkmoot.contracts.search.contract import CONTRACT as SEARCH
from folkmoot.contracts.sessions.contract import CONTRACT as SESSIONS
from folkmoot.contracts.support.contract import CONTRACT as SUPPORT

CONTRACTS = (
    ACCOUNTS,
    CONVERSATIONS,
    FRIENDS,
    SESSIONS,
    SEARCH,
    FILES,
    ASSISTANT,
    SUPPORT,
)
