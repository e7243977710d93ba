"""A hand-written chat that keeps everything in memory and loses it on exit."""

from datetime import UTC, datetime
from itertools import count
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel

from benchmarks.peers import tokens
from benchmarks.peers.connection_manager import ConnectionManager

app = FastAPI()
manager = ConnectionManager()
bearer = OAuth2PasswordBearer(tokenUrl="auth/token")

accounts: dict[str, int] = {}
members: dict[int, set[int]] = {}
messages: dict[int, list[dict[str, Any]]] = {}
message_ids = count(1)


class Registration(BaseModel):
    username: str
    email: str
    password: str


class NewConversation(BaseModel):
    title: str | None = None
    participant_ids: list[str]


def current_account(token: Annotated[str, Depends(bearer)]) -> int:
    account = tokens.verify(token)
    if account is None:
        raise HTTPException(401, "invalid token")
    return account[0]


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/auth/register", status_code=201)
async def register(body: Registration) -> dict[str, Any]:
    # The password is ignored: signing in is no part of what is measured.
    account_id = accounts.setdefault(body.username, len(accounts) + 1)
    return {"id": account_id, "username": body.username}


@app.post("/auth/token")
async def token(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
    if form.username not in accounts:
        raise HTTPException(401, "wrong username or password")
    access_token = tokens.sign(accounts[form.username], form.username)
    return {"access_token": access_token, "token_type": "bearer"}


@app.post("/conversations/", status_code=201)
async def create_conversation(
    body: NewConversation, account_id: Annotated[int, Depends(current_account)]
) -> dict[str, Any]:
    conversation_id = len(members) + 1
    members[conversation_id] = {account_id} | {accounts[name] for name in body.participant_ids}
    messages[conversation_id] = []
    return {"id": conversation_id, "title": body.title}


@app.get("/conversations/{conversation_id}/messages")
async def history(
    conversation_id: int,
    account_id: Annotated[int, Depends(current_account)],
    after_seq: int = 0,
    limit: int = 50,
) -> list[dict[str, Any]]:
    if account_id not in members.get(conversation_id, ()):
        raise HTTPException(403, "not a participant")
    return [m for m in messages[conversation_id] if m["seq"] > after_seq][:limit]


@app.websocket("/conversations/{conversation_id}/ws")
async def chat(websocket: WebSocket, conversation_id: int, token: str = "") -> None:
    await websocket.accept()
    account = tokens.verify(token)
    if account is None:
        await websocket.close(4001)
        return
    account_id, username = account
    if account_id not in members.get(conversation_id, ()):
        await websocket.close(4003)
        return
    manager.connect(conversation_id, websocket)
    await websocket.send_json(
        {
            "type": "connection",
            "status": "connected",
            "conversation_id": conversation_id,
            "user_id": account_id,
        }
    )
    presence = {"user_id": account_id, "username": username}
    await manager.broadcast(conversation_id, {"type": "user_joined", **presence})
    try:
        while True:
            data = await websocket.receive_json()
            frame = keep(conversation_id, account_id, username, data["content"])
            await manager.broadcast(conversation_id, frame)
    except WebSocketDisconnect:
        manager.disconnect(conversation_id, websocket)
        await manager.broadcast(conversation_id, {"type": "user_left", **presence})


def keep(conversation_id: int, sender_id: int, sender_name: str, content: str) -> dict[str, Any]:
    frame = {
        "type": "message",
        "id": next(message_ids),
        "content": content,
        "sender_id": sender_id,
        "sender_name": sender_name,
        "conversation_id": conversation_id,
        "created_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
        "seq": len(messages[conversation_id]) + 1,
    }
    messages[conversation_id].append(frame)
    return frame
