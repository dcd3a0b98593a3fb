"""Who is logged in: a cookie that holds the key, encrypted and authenticated (Fernet), for a working day."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cryptography.fernet import Fernet, InvalidToken
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from api.console.paths import PATH

COOKIE = "roundbook_session"
WORKING_DAY_S = 12 * 3600


class Session(NamedTuple):
    """A key, and since when somebody is logged in with it."""

    key: str
    began_at: datetime


class Sessions:
    """Writes and reads the cookie.

    It is written when somebody logs in and at no other time: an answer that is on its way while they log out
    can't bring it back, and it ends when it was said to.
    """

    def __init__(self, secret: str) -> None:
        """Encrypt by what is derived of `secret`, which is long and random."""
        key = hashlib.sha256(b"roundbook console session\0" + secret.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def begin(self, key: str) -> Cookie:
        """Return the cookie of somebody who logs in with a key."""
        sealed = self._fernet.encrypt(key.encode()).decode()
        return _cookie(sealed, max_age_s=WORKING_DAY_S)

    def end(self) -> Cookie:
        """Return what takes the cookie away."""
        return _cookie("", max_age_s=0)

    def has_ended(self, connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
        """Return whether a request comes with a session that is none any more, or never was."""
        return COOKIE in connection.cookies and self.read(connection) is None

    def read(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Session | None:
        """Return the session of a request; None where there is none, it has ended, or it is forged."""
        sealed = connection.cookies.get(COOKIE, "").encode()
        try:
            key = self._fernet.decrypt(sealed, ttl=WORKING_DAY_S).decode()
            began_at = datetime.fromtimestamp(self._fernet.extract_timestamp(sealed), UTC)
        except InvalidToken:
            return None
        return Session(key, began_at)


def _cookie(value: str, *, max_age_s: int) -> Cookie:
    return Cookie(
        COOKIE, value=value, path=PATH, max_age=max_age_s, httponly=True, samesite="strict"
    )
