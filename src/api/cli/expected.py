"""The errors that a command may end with, which are told in a sentence and not as a traceback."""

import psycopg
from eventsourcing.persistence import PersistenceError

from app.evidence.keys import KeyFileError
from app.evidence.log_keys import NoKeyError
from app.settings import SettingsError
from app.tenants import TenantError
from postgres.embedded import EmbeddedError
from postgres.migrate import MigrationError
from postgres.privileges import TooMuchPrivilegeError
from postgres.reaching import UnreachableError
from postgres.session import SessionError
from projections.engine.generations import RebuildError
from projections.entries import PoisonError

EXPECTED_ERRORS = (
    EmbeddedError,
    KeyFileError,
    MigrationError,
    NoKeyError,
    SessionError,
    SettingsError,
    TenantError,
    TooMuchPrivilegeError,
    UnreachableError,
    PersistenceError,
    PoisonError,
    RebuildError,
    OSError,
    psycopg.Error,
)
