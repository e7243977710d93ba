"""The people of a bench: accounts with tokens, a hall where all meet, and pairs in private."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.rest import Rest

PASSWORD = "Gather-at-the-0ld-oak"
# Enough to keep a server's hashing threads busy: argon2 makes sign-up the slowest part of a bench.
HIRING_THREADS = 8
# Whom everybody else serves at a desk. Neither the first, who has a session with all of them, nor
# the second, who is the first one's friend.
CUSTOMER = 2


@dataclass(frozen=True)
class Cast:
    """Who plays: everybody is in the hall, and accounts 2n and 2n+1 are pair n.

    `session` is a session of all of them, and `friend` the UUID of account 1, who is a friend of
    account 0, where the server has such; `customer` is who `CUSTOMER` is at a desk.
    """

    tokens: list[str]
    hall: int
    pairs: list[int]
    session: str = ""
    friend: str = ""
    customer: str = ""

    def hall_targets(self, listeners: int, contract: str) -> list[tuple[int | str, str, str]]:
        """The speaker's target, then the listeners', each of another account.

        Of friends there are only two: theirs are half of the listeners each, as so many devices.
        """
        if contract == "friends":
            devices = [self.tokens[number % 2] for number in range(listeners + 1)]
            return [(self.friend, token, contract) for token in devices]
        if contract == "support":
            speaker = self.tokens[CUSTOMER]
            others = [token for token in self.tokens if token != speaker][:listeners]
            return [(self.customer, token, contract) for token in (speaker, *others)]
        in_session = contract in {"sessions", "assistant"}
        conversation_id = self.session if in_session else self.hall
        return [(conversation_id, token, contract) for token in self.tokens[: listeners + 1]]

    def pair_targets(self, pairs: int) -> list[tuple[int, str]]:
        """Both targets of the first pair, both of the second, and so on."""
        return [
            (conversation_id, self.tokens[2 * number + half])
            for number, conversation_id in enumerate(self.pairs[:pairs])
            for half in (0, 1)
        ]

    def crowd_targets(self, count: int, contract: str) -> list[tuple[int | str, ...]]:
        """`count` targets, going round, so that accounts share evenly.

        They are in the pairs' conversations, or each in the account's own room at a desk.
        """
        targets: list[tuple[int | str, ...]] = [*self.pair_targets(len(self.pairs))]
        if contract == "support":
            targets = [("", token, contract) for token in self.tokens[:200]]
        return [targets[number % len(targets)] for number in range(count)]

    def token_for(self, conversation: str) -> str:
        """A token that may read the conversation."""
        if conversation == self.customer:
            return self.tokens[CUSTOMER]
        if conversation in {str(self.hall), self.session, self.friend}:
            return self.tokens[0]
        return self.tokens[2 * self.pairs.index(int(conversation))]


def name_of(number: int) -> str:
    """The username of an account of the cast."""
    return f"bench{number:04}"


def hire(rest: Rest, size: int, contracts: tuple[str, ...]) -> Cast:
    """Sign `size` accounts up, the way people would, and target them in the hall and in pairs."""

    def sign_up(name: str) -> tuple[str, str]:
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        uid = rest.post("/auth/register", account).get("uid", "")
        form = {"username": name, "password": PASSWORD}
        return uid, str(rest.post_form("/auth/token", form)["access_token"])

    def converse(token: str, title: str, others: list[str]) -> int:
        body = {"title": title, "participant_ids": others}
        return int(rest.post("/conversations/", body, token)["id"])

    names = [name_of(number) for number in range(size)]
    with ThreadPoolExecutor(HIRING_THREADS) as pool:
        signed_up = list(pool.map(sign_up, names))
    tokens = [token for _, token in signed_up]
    customer = signed_up[CUSTOMER][0]
    if "conversations" not in contracts:
        return Cast(tokens, 0, [], customer=customer)
    hall = converse(tokens[0], "hall", names[1:])
    pairs = [
        converse(tokens[first], f"pair {first // 2}", [names[first + 1]])
        for first in range(0, size - 1, 2)
    ]
    session = convene(rest, tokens[0], names[1:]) if "sessions" in contracts else ""
    friend = befriend(rest, tokens[0], tokens[1], names[1]) if "friends" in contracts else ""
    return Cast(tokens, hall, pairs, session, friend, customer)


def convene(rest: Rest, token: str, others: list[str]) -> str:
    """The id of a session of everybody."""
    session = str(rest.post("/api/v1/chat/sessions", {"title": "hall"}, token)["id"])
    for name in others:
        path = f"/api/v1/chat/sessions/{session}/participants"
        rest.post(path, {"user_id": name}, token)
    return session


def befriend(rest: Rest, token: str, friends_token: str, name: str) -> str:
    """The UUID of an account that has become the friend of another."""
    asked = rest.post("/api/v1/chat/friends/requests", {"account": name}, token)
    path = f"/api/v1/chat/friends/requests/{asked['request_id']}/accept"
    return str(rest.post(path, {}, friends_token)["to"]["account_id"])
