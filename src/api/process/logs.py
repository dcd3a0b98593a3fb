"""Structured logs on stderr: JSON, one object a line, or a form for people."""

import logging
import sys
from typing import Any

import msgspec
import structlog

_NOISY = ("httpx", "uvicorn.error", "psycopg.pool")

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(log_format: str) -> None:
    """Send all logs, those of libraries too, to stderr as `json` or for people (`console`)."""
    factory: Any
    if log_format == "json":
        finish: list[Any] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ]
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    else:
        finish = [structlog.dev.ConsoleRenderer()]
        factory = structlog.PrintLoggerFactory(sys.stderr)
    structlog.configure(
        processors=[*_SHARED, *finish],
        logger_factory=factory,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    _forward_standard_library()


def _to_json(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)


class _Forward(logging.Handler):
    """Hands what libraries log by the standard library's means to our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record again."""
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info
        )


def _forward_standard_library() -> None:
    root = logging.getLogger()
    root.handlers[:] = [_Forward()]
    root.setLevel(logging.INFO)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
