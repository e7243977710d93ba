"""A desk as it is usually written with python-socketio: rooms, `emit`, and messages in a list.

It speaks as much of the `support` contract as the loads need, and puts nothing on disk.
"""

from typing import Annotated, Any

import socketio
from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel

from benchmarks.peers import tokens

api = FastAPI()
io = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=[])
app = socketio.ASGIApp(io, api)
accounts: dict[str, int] = {}
messages: list[dict[str, Any]] = []


class Registration(BaseModel):
    username: str
    email: str
    password: str


@api.post("/auth/register", status_code=201)
async def register(body: Registration) -> dict[str, Any]:
    account_id = accounts[body.username] = len(accounts) + 1
    return {"id": account_id, "uid": str(account_id), "username": body.username}


@api.post("/auth/token")
async def token(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
    return {"access_token": tokens.sign(accounts[form.username], form.username)}


@api.get("/chat/history/self")
async def history(
    authorization: Annotated[str, Header()], after_seq: int = 0, limit: int = 50
) -> list[dict[str, Any]]:
    if tokens.verify(authorization.removeprefix("Bearer ")) is None:
        raise HTTPException(401, "invalid token")
    return messages[after_seq : after_seq + limit]


@io.event
async def connect(sid: str, _environ: dict[str, Any], auth: dict[str, Any]) -> None:
    account = tokens.verify(auth["token"])
    if account is None:
        raise ConnectionRefusedError("authentication required")
    await io.save_session(sid, {"user_id": str(account[0])})
    await io.enter_room(sid, str(account[0]))


@io.event
async def join_room(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    await io.enter_room(sid, data["user_id"])
    return {"success": True, "room": data["user_id"]}


@io.event
async def send_message(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    session = await io.get_session(sid)
    message = {
        "_id": str(len(messages) + 1),
        "sender_id": session["user_id"],
        "receiver_id": data.get("receiver_id"),
        "message_text": data["message_text"],
        "timestamp": "2026-01-01T00:00:00.000000Z",
        "appointment_id": None,
        "service_id": None,
        "seq": len(messages) + 1,
    }
    messages.append(message)
    await io.emit("receive_message", message, room=session["user_id"], skip_sid=sid)
    return {"success": True, **message}
