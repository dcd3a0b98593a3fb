"""libpq's environment: what of it a connection goes by, and what never.

https://www.postgresql.org/docs/current/libpq-envars.html
"""

import os
from functools import cache

from psycopg import pq

# These would lead a connection elsewhere than its URL says, change what bytes mean, or make PostgreSQL refuse
# it. No parameter overrules the last four.
MISLEADING = (
    "PGHOSTADDR",
    "PGTARGETSESSIONATTRS",
    "PGOPTIONS",
    "PGCLIENTENCODING",
    "PGAPPNAME",
    "PGSERVICE",
    "PGDATESTYLE",
    "PGTZ",
    "PGGEQO",
)

# What libpq has no default for, but no empty value that means the same either.
_NEVER_EMPTY = {
    "require_auth": "none,password,md5,gss,sspi,scram-sha-256",
    "sslcertmode": "allow",
    "min_protocol_version": "3.0",
    "max_protocol_version": "3.0",
    "connect_timeout": "0",
}


def forget_misleading_variables() -> None:
    """Remove from this process's environment what no connection of the service may go by.

    libpq reads the environment behind everybody's back. What is ordinary stays: PGPASSWORD, PGPASSFILE,
    PGSSLROOTCERT and their like, for what a URL leaves open.
    """
    for variable in MISLEADING:
        os.environ.pop(variable, None)


@cache
def defaults() -> dict[str, str]:
    """Return what libpq would read from its environment, each with the value that it has without.

    All but the service: it has no value that means none, and its variable is a misleading one.
    """
    found = {}
    for option in pq.Conninfo.get_defaults():
        name = option.keyword.decode()
        if option.envvar and name != "service":
            found[name] = (option.compiled or b"").decode() or _NEVER_EMPTY.get(name, "")
    return found


def variables_in_use() -> list[str]:
    """List the variables by which connections go besides their URLs."""
    known = [option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar]
    return [variable for variable in known if variable in os.environ]
