"""A token for a user of your own: what your application gives to a page or program that chats.

    CHAT_SECRET=… python own_users.py ISSUER AUDIENCE ID USERNAME EMAIL FULL_NAME

Nothing but Python itself is needed; any library for JWTs does the same in a line.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import uuid


def token(secret, issuer, audience, user_id, username, email, full_name, minutes=60):
    """Who the user is, signed: good for this long, and once your user has logged out, no longer."""
    now = time.time()
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": user_id,  # what your application calls the user, for ever
        "iat": now,
        "exp": now + 60 * minutes,
        "jti": str(uuid.uuid4()),  # so that this token can be ended alone
        "preferred_username": username,
        "email": email,
        "name": full_name,
    }
    whole = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    signature = hmac.new(secret.encode(), whole, hashlib.sha256).digest()
    return (whole + b"." + encoded(signature)).decode()


def part(fields):
    """One part of a token."""
    return encoded(json.dumps(fields).encode())


def encoded(data):
    """Bytes as a token has them: base64 for addresses, without what fills it up."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


if __name__ == "__main__":
    print(token(os.environ["CHAT_SECRET"], *sys.argv[1:]))
