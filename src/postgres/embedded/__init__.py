"""A PostgreSQL of the service's own, for hosts that have none: one SQL dialect, nothing to install.

For Linux and macOS (it needs `flock` and unix sockets). On macOS, where no signal follows the death of
a parent, the server outlives a killed owner until the next process starts, which ends it first.
"""

from postgres.embedded.errors import EmbeddedError, StoppedError, in_words
from postgres.embedded.server import EmbeddedServer

__all__ = ["EmbeddedError", "EmbeddedServer", "StoppedError", "in_words"]
