"""Uses the client that openapi-python-client made: python client.py URL USERNAME PASSWORD LOBBY."""

import sys

from folkmoot_client import AuthenticatedClient, Client
from folkmoot_client.api.accounts import login_api_v1_auth_login_post as login
from folkmoot_client.api.accounts import token_auth_token_post as log_in_with_a_form
from folkmoot_client.api.conversations import (
    history_conversations_conversation_id_messages_get as history,
)
from folkmoot_client.api.conversations import (
    post_conversations_conversation_id_messages_post as post,
)
from folkmoot_client.api.search import search_api_v1_chat_search_get as search
from folkmoot_client.models import (
    BodyTokenAuthTokenPost,
    LoginBody,
    MessageBody,
    MessageOut,
    NotUpToDateOut,
    RefusalOut,
    SearchHitOut,
    TokensOut,
)

url, username, password, lobby = sys.argv[1:]

stranger = Client(base_url=url)
tokens = login.sync(client=stranger, body=LoginBody(username=username, password=password))
assert isinstance(tokens, TokensOut), tokens
by_form = BodyTokenAuthTokenPost(username=username, password=password)
assert isinstance(log_in_with_a_form.sync(client=stranger, body=by_form), TokensOut)
wrong = login.sync(client=stranger, body=LoginBody(username=username, password="wrong"))
assert isinstance(wrong, RefusalOut), wrong
assert wrong.code == "wrong_credentials", wrong

client = AuthenticatedClient(base_url=url, token=tokens.access_token)
sent = post.sync(int(lobby), client=client, body=MessageBody(content="Typed in Python"))
assert isinstance(sent, MessageOut), sent
page = history.sync(int(lobby), client=client, limit=1)
assert isinstance(page, list), page
assert [one.content for one in page] == ["Typed in Python"], page

empty = post.sync(int(lobby), client=client, body=MessageBody(content=" "))
assert isinstance(empty, RefusalOut), empty
assert (empty.code, empty.detail[0].loc) == ("text_empty", ["body", "content"]), empty
late = post.sync(int(lobby), client=client, body=MessageBody(content="Late", if_last_seq=0))
assert isinstance(late, NotUpToDateOut), late
assert all(one.seq for one in late.missed), late
assert any(isinstance(one, MessageOut) for one in late.missed), late

hits = search.sync(client=client, q="Typed")
assert isinstance(hits, list), hits
assert isinstance(hits[0], SearchHitOut), hits
begin, end = hits[0].marks[0]
assert hits[0].snippet[begin:end] == "Typed", hits
