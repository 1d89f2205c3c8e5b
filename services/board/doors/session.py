"""Who looks: the token in a cookie that scripts cannot read, and the seal that every form carries.

The board verifies nothing itself: the services check the token with every call. What is read from its claims here only
chooses what to show.
"""

import base64
import binascii
import hmac
import json
import re
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response

COOKIE = "aidc_session"
ACTING_COOKIE = "aidc_acting"
LANGUAGE_COOKIE = "aidc_language"
SEAL = "seal"
TOKEN_CHARACTERS_MAX = 3_500
"""A cookie holds 4,096 bytes with its name and attributes."""
LANGUAGE_SECONDS = 365 * 86_400
COMPANY = re.compile("[A-Za-z0-9][A-Za-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Person:
    """Who looks. `expires` is in seconds since 1970.

    `company` is empty for operators and auditors; of a support officer it is the one that they act for, if they said.
    """

    token: str
    subject: str
    role: str
    company: str
    expires: int

    @property
    def books(self) -> bool:
        """Whether this role may change anything."""
        return self.role != "auditor"

    def acts_for(self, name: str) -> bool:
        """Whether this person may change what a name is of: `companies/{company}/...`."""
        return self.books and self.company in ("", name.split("/")[1])

    @property
    def operates(self) -> bool:
        """Whether this role runs the centre."""
        return self.role == "operator"

    @property
    def oversees(self) -> bool:
        """Whether this role is told what is the centre's own."""
        return self.role in ("operator", "auditor")

    @property
    def officer(self) -> bool:
        """Whether this is a support officer of the centre, who acts for one company at a time."""
        return self.role == "officer"

    @property
    def parent(self) -> str:
        """Whose reservations this person sees: one company's, or everybody's."""
        return f"companies/{self.company or '-'}"

    @property
    def seal(self) -> str:
        """What a form must carry: nobody without the cookie can make it (against forged requests)."""
        # Of an officer it is for one company: a form that was made for another does nothing in this one's name.
        return hmac.new(self.token.encode(), f"aidc board form {self.company}".encode(), "sha256").hexdigest()[:32]

    def sealed(self, seal: str) -> bool:
        """Whether a form was made by us for this person."""
        return hmac.compare_digest(self.seal.encode(), seal.encode())


def person_of(token: str) -> Person | None:
    """The person whom a token names, or None if it names nobody."""
    try:
        payload = token.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return Person(
            token=token,
            subject=str(claims["sub"]),
            role=str(claims["role"]),
            company=str(claims.get("company", "")),
            expires=int(claims["exp"]),
        )
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        return None


def signed_in(request: HTTPConnection) -> Person | None:
    """Whoever a request's cookie names."""
    person, acting = person_of(cookie(request, COOKIE)), cookie(request, ACTING_COOKIE)
    if person is None or not person.officer:
        return person
    return replace(person, company=acting if COMPANY.fullmatch(acting) else "")


def cookie(request: HTTPConnection, name: str) -> str:
    """A cookie's value, or an empty string."""
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def sign_in(response: Response, person: Person, now: float, secure: bool) -> None:
    """Keep the token in the browser until it runs out."""
    response.set_cookie(
        COOKIE,
        person.token,
        max_age=max(0, int(person.expires - now)),
        path="/",
        httponly=True,
        samesite="strict",
        secure=secure,
    )


def act_for(response: Response, company: str, person: Person, now: float, secure: bool) -> None:
    """Keep for whom an officer acts, for as long as their token."""
    seconds = max(0, int(person.expires - now))
    response.set_cookie(
        ACTING_COOKIE, company, max_age=seconds, path="/", httponly=True, samesite="strict", secure=secure
    )


def sign_out(response: Response, secure: bool) -> None:
    """Take the token from the browser."""
    for name in (COOKIE, ACTING_COOKIE):
        response.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=secure)


def remember_language(response: Response, language: str, secure: bool) -> None:
    """Keep the chosen language for a year."""
    response.set_cookie(
        LANGUAGE_COOKIE, language, max_age=LANGUAGE_SECONDS, httponly=True, samesite="lax", secure=secure
    )
