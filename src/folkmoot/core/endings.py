"""The end of an account, or of its being staff: what it held is let go, and others see that."""

from folkmoot.core.accounts.errors import NoSuchAccount
from folkmoot.core.accounts.model import STAFF, Account, Role
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.model import Kind
from folkmoot.core.conversations.service import Conversations
from folkmoot.core.shared.ids import AccountId
from folkmoot.core.social.friends import Friends
from folkmoot.core.social.service import Social
from folkmoot.core.work import UnitOfWork


class Endings:
    """Ends accounts and what they held: assignments, and what joined a deleted one to others.

    Their logins end with them, and so their connections, their presence and their typing.
    """

    def __init__(
        self,
        accounts: Accounts,
        conversations: Conversations,
        desks: Desks,
        friends: Friends,
        social: Social,
    ) -> None:
        self._accounts = accounts
        self._conversations = conversations
        self._desks = desks
        self._friends = friends
        self._social = social

    async def set_role(self, work: UnitOfWork, account_id: AccountId, role: Role) -> Account:
        """The account in its new role; one that is staff no more serves nobody.

        Raises:
            NoSuchAccount, LastAdmin
        """
        account = await self._accounts.set_role(work, account_id, role)
        if role not in STAFF:
            await self._desks.release_all(work, account)
        return account

    async def deactivate(self, work: UnitOfWork, account_id: AccountId) -> Account:
        """The account, switched off; the sessions that it served wait for somebody else.

        Raises:
            NoSuchAccount, LastAdmin
        """
        account = await self._accounts.deactivate(work, account_id)
        await self._desks.release_all(work, account)
        return account

    async def delete(self, work: UnitOfWork, account_id: AccountId) -> Account:
        """The account, gone for good: without a name, a password, friends or groups.

        What it wrote stays where it was said, under the name of nobody.

        Raises:
            NoSuchAccount, LastAdmin
        """
        account = await self.deactivate(work, account_id)
        await self._leave_all(work, account)
        for invited in await work.social.invitations_of(account_id):
            await self._conversations.decline(work, account_id, invited.conversation_id)
        for one in await work.friends.friendships_of(account_id):
            await self._friends.end(work, account_id, one.other(account_id).id)
        for one in await work.friends.pending_of(account_id):
            if one.sender.id == account_id:
                await self._friends.end(work, account_id, one.receiver.id)
            else:
                await self._friends.decline(work, account_id, one.id)
        for blocked in await work.social.blocked_by(account_id):
            await self._social.unblock(work, account_id, blocked)
        for blocker in await work.social.blockers_of(account_id):
            await self._social.unblock(work, blocker, account_id)
        return await self._accounts.erase(work, account_id)

    async def activate(self, work: UnitOfWork, account_id: AccountId) -> Account:
        """The account, switched on again; it has to log in anew.

        Raises:
            NoSuchAccount: or it was deleted.
        """
        account = (await work.accounts.by_ids([account_id])).get(account_id)
        if account is None or account.is_deleted:
            raise NoSuchAccount(account=account_id)
        return await self._accounts.activate(work, account_id)

    async def _leave_all(self, work: UnitOfWork, account: Account) -> None:
        """Close the account's own sessions, and leave all others and all groups."""
        for head in (
            await work.conversations.heads(await work.views.conversations_of(account.id))
        ).values():
            match head.kind:
                case Kind.DIRECT:
                    pass  # Ended with the friendship; the other one keeps it.
                case Kind.GROUP:
                    await self._conversations.remove_member(work, account.id, head.id, account.id)
                case Kind.SESSION if head.created_by == account.id:
                    await self._desks.close(work, account, head.id)
                case Kind.SESSION:
                    await self._desks.remove_member(work, account, head.id, account.id)
