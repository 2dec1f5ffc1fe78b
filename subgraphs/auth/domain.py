"""Pure rules of identity: users, sessions and refresh tokens.

A *session* begins at login and ends at logout, at the reuse of a refresh token, or when it is `SessionRules.lifetime`
old. A session has a chain of refresh tokens. Each token can be used once, to get the next token:

```
login ──> token 1 ──refresh──> token 2 ──refresh──> token 3
             └── used again: somebody has a copy of the token, perhaps a thief. The session ends.
```

The answer to a refresh may be lost, and a page may send two at once. So for a moment (`SessionRules.grace`), the old
token gives the same next token again. This ends when the next token is used: then its owner has it.

All tokens of a session begin with the same secret, their *family*. So only the last two tokens are stored: a token that
has the family of a session, and is not stored, is an older one.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import email_validator
from email_validator import EmailNotValidError, validate_email

from bank import values
from bank.identity import ADMIN
from bank.permissions import ALL_STAFF, Permission
from subgraphs.auth.authentication import Authentication

if TYPE_CHECKING:
    from collections.abc import Mapping

# The default of the maximum lifetime of a session, even if it is active (OWASP ASVS 5.0, 7.3.2).
SESSION_LIFETIME: Final = timedelta(days=30)
# By default, a session ends if it is not used for this time (OWASP ASVS 5.0, 7.3.1). A session that is used every week
# lasts for its maximum lifetime.
REFRESH_LIFETIME: Final = timedelta(days=7)
# How long the old token gives the same next token again. A client that got no answer tries again within seconds.
REFRESH_GRACE: Final = timedelta(seconds=10)
# The lifetime of an access token (bank §2.8). It is short, because a change of the user's roles takes effect only in
# the next token.
ACCESS_LIFETIME: Final = timedelta(minutes=10)

# By default, the validator refuses domains that receive no mail on the Internet, such as `example.test`. The bank sends
# no mail, so it accepts these domains.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

MAX_NAME_LENGTH: Final = 100
# RFC 5321 allows 254 bytes. The text may be longer, because a client may send an accented letter as two characters.
MAX_EMAIL_LENGTH: Final = 1000


class Role(StrEnum):
    CUSTOMER = "CUSTOMER"
    SUPPORT = "SUPPORT"
    ADMIN = "ADMIN"


class Operation(StrEnum):
    """The GraphQL operations on a user's data that need a permission.

    To end a session, a client sends a token of this session, so no permission is needed. Limits and keys can only be
    changed on the command line.
    """

    READ = "read"
    READ_AUDIT_LOG = "read the audit log"
    ROTATE_API_KEY = "give an API key a new secret"
    REVOKE_API_KEY = "end an API key"
    CHANGE_USERS = "change the roles of users, and whether they may log in"


# `READ` is the permission to see all fields of a user. Every signed-in user can see the id and the name of each user
# without this permission.
PERMISSIONS: Final[Mapping[Operation, Permission]] = MappingProxyType(
    {
        Operation.READ: Permission(owner=True, staff=ALL_STAFF),
        Operation.READ_AUDIT_LOG: Permission(staff=frozenset({ADMIN})),
        # Whoever rotates a key gets its secret, so nobody but the owner may.
        Operation.ROTATE_API_KEY: Permission(owner=True),
        Operation.REVOKE_API_KEY: Permission(owner=True, staff=frozenset({ADMIN})),
        Operation.CHANGE_USERS: Permission(staff=frozenset({ADMIN})),
    }
)


def scopes(operation: Operation) -> list[list[str]]:
    """Return the argument of `@requiresScopes` for an operation of staff: one of the roles suffices.

    The router's scopes are the roles of the access token (`authentication.jwt.scope_claim`).
    """
    return [[role] for role in sorted(PERMISSIONS[operation].staff)]


@dataclass(frozen=True, slots=True)
class User:
    """A person known to the bank.

    Attributes:
        id: UUIDv7 text.
        email: the address as the user typed it, with its domain in lower case.
        name: the name that other customers see.
        created_at: UTC, milliseconds.
        disabled_at: the time at which an operator disabled the user; None if the user may log in.
        email_verified_at: the time at which the user proved that mails to the address arrive; None if not yet.
        password_changed_at: the time of the last change of the password; None if it is that of the registration.
    """

    id: str
    email: str
    name: str
    roles: frozenset[Role]
    created_at: datetime
    disabled_at: datetime | None = None
    email_verified_at: datetime | None = None
    password_changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long sessions last.

    Attributes:
        lifetime: the maximum lifetime of a session.
        idle: a session ends if no refresh token of it is used for this time.
        grace: how long after its use a refresh token gives the same next token again; zero for never.
    """

    lifetime: timedelta = SESSION_LIFETIME
    idle: timedelta = REFRESH_LIFETIME
    grace: timedelta = REFRESH_GRACE


DEFAULT_RULES: Final = SessionRules()


@dataclass(frozen=True, slots=True)
class Session:
    """A login and its tokens.

    Attributes:
        ended_at: None if nobody has ended the session, even if it has expired.
        family: the digest of the secret with which all refresh tokens of the session begin; None if they have none,
            because the session is from an earlier release, or because nobody has its refresh token.
    """

    id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    authentication: Authentication = field(kw_only=True)
    family: bytes | None = field(default=None, kw_only=True)

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at

    @classmethod
    def begin(
        cls,
        session_id: str,
        user_id: str,
        now: datetime,
        authentication: Authentication | None = None,
        rules: SessionRules = DEFAULT_RULES,
    ) -> Session:
        """Return a new session. Without `authentication`, the user has logged in now, with the password only."""
        proof = authentication or Authentication.by_password(now)
        return cls(session_id, user_id, now, now + rules.lifetime, authentication=proof)

    def end(self, now: datetime) -> Session:
        """Return the session with `now` as the time of its end. If it has already ended, return it unchanged."""
        return self if self.ended_at is not None else replace(self, ended_at=now)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One token of a session's chain; only the digest of the token is stored.

    Attributes:
        digest: the SHA-256 digest of the token. The token has 256 random bits and cannot be guessed, so a slow hash as
            for passwords is not needed.
        used_at: the time at which the token was exchanged for the next token; None if it was not exchanged yet.
    """

    digest: bytes
    session_id: str
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None

    @classmethod
    def issue(cls, digest: bytes, session: Session, now: datetime, rules: SessionRules = DEFAULT_RULES) -> RefreshToken:
        """Return a new token. It expires when its session expires, or earlier."""
        return cls(digest, session.id, now, min(now + rules.idle, session.expires_at))


@dataclass(frozen=True, slots=True)
class StepUp:
    """A new proof of the identity of a session's user. It replaces the session, with all its tokens, by a new one.

    So a token that somebody has copied before is of no use for what the new proof allows (OWASP ASVS 5.0, 7.2.4).

    Attributes:
        session_id: the id of the new session.
        digest: the digest of its refresh token.
        family: as in `Session`.
    """

    proof: Authentication
    session_id: str
    digest: bytes
    rules: SessionRules = DEFAULT_RULES
    family: bytes | None = None

    def replacement(self, session: Session, now: datetime) -> tuple[Session, RefreshToken] | None:
        """Return the session that replaces `session`, and its refresh token. It has the same end.

        Return None if `session` has ended, or if the proof does not suffice (`Authentication.stepped_up`).
        """
        authentication = session.authentication.stepped_up(self.proof)
        if authentication is None or not session.is_live(now):
            return None
        new = replace(session, id=self.session_id, authentication=authentication, family=self.family)
        return new, RefreshToken.issue(self.digest, new, now, self.rules)


class Verdict(Enum):
    """The decision about a refresh token that a client sends."""

    ROTATE = auto()
    """The token is exchanged for the next token."""
    REPEATED = auto()
    """The token was exchanged a moment ago. The next token, which nobody has used yet, is sent again."""
    DEAD = auto()
    """The token is refused, because it or its session has expired, or the session has ended."""
    REUSED = auto()
    """The token is refused because it was exchanged before.

    The session ends: one of the two clients that sent the token may be a thief.
    """


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token that a client sends, and what is stored about it.

    Attributes:
        next_digest: the digest of the next token, which is derived from this one.
        next_token: the stored next token; None before the exchange, or if `AUTH_JWT_SECRET` has changed since then.
    """

    token: RefreshToken
    session: Session
    next_digest: bytes
    next_token: RefreshToken | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """The result for a refresh token that a client sends. The store must write all of it in one transaction.

    Attributes:
        session: the new state of the session. If the token was used before, the session has ended.
        successor: the next token; None unless the verdict is ROTATE. The store writes it, and marks the sent token as
            used.
    """

    verdict: Verdict
    session: Session
    successor: RefreshToken | None = None


def rotate(presented: Presented, now: datetime, rules: SessionRules = DEFAULT_RULES) -> Rotation:
    """Decide about a refresh token that a client sends."""
    session = presented.session
    verdict = judge(presented, now, rules)
    match verdict:
        case Verdict.ROTATE:
            return Rotation(verdict, session, RefreshToken.issue(presented.next_digest, session, now, rules))
        case Verdict.REUSED:
            return Rotation(verdict, session.end(now))
        case Verdict.DEAD | Verdict.REPEATED:
            return Rotation(verdict, session)


def judge(presented: Presented, now: datetime, rules: SessionRules = DEFAULT_RULES) -> Verdict:
    """Return the verdict on a refresh token that a client sends.

    If the token was used before, its session ends, even if the token has expired since then.
    """
    token = presented.token
    if not presented.session.is_live(now):
        return Verdict.DEAD
    if token.used_at is not None:
        # The clocks of two processes may differ, so `now` may be before `used_at`.
        is_recent = abs(now - token.used_at) < rules.grace
        following = presented.next_token
        is_unused = following is not None and following.used_at is None and following.session_id == token.session_id
        return Verdict.REPEATED if is_recent and is_unused else Verdict.REUSED
    return Verdict.ROTATE if now < token.expires_at else Verdict.DEAD


class InvalidField(ValueError):
    """A field of the input is not valid; code and message may be shown to clients.

    Attributes:
        code: `REQUIRED`, `TOO_LONG` or `INVALID_FORMAT`.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def parse_email(text: str) -> str:
    """Return the address in normal form: Unicode NFC, with the domain in lower case.

    Whether the address exists is not checked.

    Raises:
        InvalidField: the text is not an e-mail address.
    """
    # The length is checked first, because the validator needs a second for a text of a megabyte.
    if len(text) > MAX_EMAIL_LENGTH:
        raise InvalidField("INVALID_FORMAT", "not an e-mail address")
    try:
        return validate_email(text, check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        raise InvalidField("INVALID_FORMAT", "not an e-mail address") from None


def address_to_find(text: str) -> str | None:
    """Return the address in normal form, under which an account may be stored; None if no account can have it."""
    # The validator needs as long as the rest of the preparation of a login. It brings only other than ASCII characters
    # to normal form (`xn--` encodes them). Any other text is simply not found if it is not an address.
    if len(text) <= MAX_EMAIL_LENGTH and text.isascii() and "xn--" not in text.lower():
        return text
    try:
        return parse_email(text)
    except InvalidField:
        return None


def email_key(email: str) -> str:
    """Return a key that is the same for all spellings of one user's address.

    The spellings may differ in case and in how accents are composed. Case folding is not used, because it also replaces
    `ß` by `ss`, and these are different mailboxes.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).lower())


def parse_name(text: str) -> str:
    """Return the name without surrounding space.

    Raises:
        InvalidField: the name is empty, too long, or has characters that are not printable.
    """
    name = text.strip()
    if not name:
        raise InvalidField("REQUIRED", "must not be empty")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidField("TOO_LONG", f"at most {MAX_NAME_LENGTH} characters")
    if not values.is_line(name):
        raise InvalidField("INVALID_FORMAT", "must be printable text")
    return name
