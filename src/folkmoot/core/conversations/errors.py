"""What the conversations area refuses."""

from folkmoot.core.shared.refusals import Conflict, Forbidden, Invalid, NotFound


class NoSuchConversation(NotFound):
    """There is no such conversation."""

    code = "conversation_not_found"
    sentence = "There is no such conversation."


class NotAMember(Forbidden):
    """The account is not, or no longer, in the conversation."""

    code = "not_a_participant"
    sentence = "You are not a participant in this conversation."


class TooManySessions(Conflict):
    """The customer has as many sessions open as may be."""

    code = "too_many_sessions"
    sentence = "You may have {max_sessions} sessions open at once: close one first."


class NotTheOwner(Forbidden):
    """Only the conversation's owner, or an admin in it, may do this."""

    code = "not_the_owner"
    sentence = "Only the owner of this conversation may do this."


class NotAGroup(Conflict):
    """Members and title of this kind of conversation are not for its members to change."""

    code = "not_a_group"
    sentence = "A {kind} conversation cannot be changed this way."


class TooFewMembers(Invalid):
    """A conversation needs somebody besides its creator."""

    code = "too_few_members"
    sentence = "A conversation has at least {min_members} members."


class TooManyMembers(Invalid):
    """A conversation has no room for so many."""

    code = "too_many_members"
    sentence = "A conversation has at most {max_members} members."


class ConversationClosed(Conflict):
    """The conversation was closed: it can be read, and nothing can be added."""

    code = "conversation_closed"
    sentence = "This conversation is closed."


class NotADesk(NoSuchConversation):
    """There is no such conversation, or it is not a session of a customer with staff."""

    sentence = "There is no such session."


class AgentNotStaff(Invalid):
    """Only agents and admins can be put in charge of a session."""

    code = "agent_not_staff"
    sentence = "This account is not staff."


class DaysOutOfRange(Invalid):
    """An age in days is outside what makes sense."""

    code = "days_out_of_range"
    sentence = "Days go from {least} to {most}."


class MemberUnknown(NotFound):
    """The account named is not in the conversation."""

    code = "member_not_found"
    sentence = "This account is not a participant."


class NoSuchInvitation(NotFound):
    """The account is not asked into this conversation."""

    code = "invitation_not_found"
    sentence = "There is no such invitation."
