"""The access tokens of the hand-written chats: signed JWTs that name an account."""

import time

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

ALGORITHM = "HS256"
# A fixed key is enough: these servers live for seconds, on the loopback, with made-up accounts.
KEY = OctKey.import_key("the hand-written chats sign with a key of thirty-two bytes or more")
LIFETIME_SECONDS = 3600
CLAIMS = jwt.JWTClaimsRegistry(exp={"essential": True}, sub={"essential": True})


def sign(account_id: int, username: str) -> str:
    claims = {
        "sub": str(account_id),
        "name": username,
        "exp": int(time.time()) + LIFETIME_SECONDS,
    }
    return jwt.encode({"alg": ALGORITHM}, claims, KEY)


def verify(token: str) -> tuple[int, str] | None:
    """The account's id and username, or None where the token is not ours or has ended."""
    try:
        claims = jwt.decode(token, KEY, algorithms=[ALGORITHM]).claims
        CLAIMS.validate(claims)
        return int(claims["sub"]), claims["name"]
    except (JoseError, ValueError):
        return None
