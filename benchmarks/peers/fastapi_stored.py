"""The same hand-written chat, but each message is committed to SQLite before it is sent on.

Through the SQLAlchemy ORM and aiosqlite, one session and one commit a message.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel
from sqlalchemy import ForeignKey, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.peers import tokens
from benchmarks.peers.connection_manager import ConnectionManager

# 30 s, because the default of 5 s turns a busy moment of many writers into "database is locked".
engine = create_async_engine(
    f"sqlite+aiosqlite:///{os.environ['PEER_DATABASE']}", connect_args={"timeout": 30}
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
manager = ConnectionManager()
bearer = OAuth2PasswordBearer(tokenUrl="auth/token")


@event.listens_for(engine.sync_engine, "connect")
def use_a_write_ahead_log(connection: Any, _record: Any) -> None:
    # The friendlier of the usual set-ups: SQLite's own default journal is slower still.
    connection.execute("PRAGMA journal_mode=WAL")


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)


class Conversation(Base):
    __tablename__ = "conversations"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]


class Member(Base):
    __tablename__ = "members"
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)


class Message(Base):
    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    content: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))


class Registration(BaseModel):
    username: str
    email: str
    password: str


class NewConversation(BaseModel):
    title: str | None = None
    participant_ids: list[str]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


async def database() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


def current_account(token: Annotated[str, Depends(bearer)]) -> int:
    account = tokens.verify(token)
    if account is None:
        raise HTTPException(401, "invalid token")
    return account[0]


Database = Annotated[AsyncSession, Depends(database)]
CurrentAccount = Annotated[int, Depends(current_account)]
app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/auth/register", status_code=201)
async def register(body: Registration, db: Database) -> dict[str, Any]:
    # The password is ignored: signing in is no part of what is measured.
    account = Account(username=body.username)
    db.add(account)
    await db.commit()
    return {"id": account.id, "username": account.username}


@app.post("/auth/token")
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], db: Database
) -> dict[str, str]:
    account = await db.scalar(select(Account).where(Account.username == form.username))
    if account is None:
        raise HTTPException(401, "wrong username or password")
    access_token = tokens.sign(account.id, account.username)
    return {"access_token": access_token, "token_type": "bearer"}


@app.post("/conversations/", status_code=201)
async def create_conversation(
    body: NewConversation, account_id: CurrentAccount, db: Database
) -> dict[str, Any]:
    named = select(Account.id).where(Account.username.in_(body.participant_ids))
    conversation = Conversation(title=body.title)
    db.add(conversation)
    await db.flush()
    for member_id in {account_id, *await db.scalars(named)}:
        db.add(Member(conversation_id=conversation.id, account_id=member_id))
    await db.commit()
    return {"id": conversation.id, "title": conversation.title}


@app.get("/conversations/{conversation_id}/messages")
async def history(
    conversation_id: int,
    account_id: CurrentAccount,
    db: Database,
    after_seq: int = 0,
    limit: int = 50,
) -> list[dict[str, Any]]:
    if await db.get(Member, (conversation_id, account_id)) is None:
        raise HTTPException(403, "not a participant")
    page = (
        select(Message, Account.username)
        .join(Account, Account.id == Message.sender_id)
        .where(Message.conversation_id == conversation_id, Message.id > after_seq)
        .order_by(Message.id)
        .limit(limit)
    )
    return [as_frame(message, username) for message, username in await db.execute(page)]


@app.websocket("/conversations/{conversation_id}/ws")
async def chat(websocket: WebSocket, conversation_id: int, token: str = "") -> None:
    await websocket.accept()
    account = tokens.verify(token)
    if account is None:
        await websocket.close(4001)
        return
    account_id, username = account
    async with sessions() as db:
        if await db.get(Member, (conversation_id, account_id)) is None:
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
            message = await keep(conversation_id, account_id, data["content"])
            await manager.broadcast(conversation_id, as_frame(message, username))
    except WebSocketDisconnect:
        manager.disconnect(conversation_id, websocket)
        await manager.broadcast(conversation_id, {"type": "user_left", **presence})


async def keep(conversation_id: int, sender_id: int, content: str) -> Message:
    async with sessions() as db:
        message = Message(conversation_id=conversation_id, sender_id=sender_id, content=content)
        db.add(message)
        await db.commit()
        return message


def as_frame(message: Message, sender_name: str) -> dict[str, Any]:
    return {
        "type": "message",
        "id": message.id,
        "content": message.content,
        "sender_id": message.sender_id,
        "sender_name": sender_name,
        "conversation_id": message.conversation_id,
        "created_at": message.created_at.strftime("%Y-%m-%d %H:%M:%SZ"),
        # Rising but with gaps; good enough here to page by.
        "seq": message.id,
    }
