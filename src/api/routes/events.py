"""Ingest: `POST /api/v1/events`."""

from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
from anyio import CapacityLimiter
from litestar import Request, Response, post
from prometheus_client import Counter

from api.auth import tenant_of
from api.problems import ProblemError
from app.database.connections import Pool
from app.recording import Receipt, record
from app.settings import Settings
from app.tenants import Tenant
from app.wire.body import (
    BodyTooLargeError,
    NotEncodedAsSaidError,
    NotJsonError,
    UnsupportedEncodingError,
    check_encoding,
    decompress,
    most_encoded_bytes,
)
from app.wire.items import InvalidItemsError, TooManyItemsError, decode_batch

INGESTED = Counter("roundbook_ingested_items", "Items answered, by outcome", ["outcome"])

_JSON = "application/json"


@post("/api/v1/events", opt={"scope": "ingest"}, status_code=200, tags=["ingest"])
async def ingest(
    request: Request[Any, Any, Any], settings: Settings, pool: Pool, ingest_threads: CapacityLimiter
) -> Response[Any]:
    """Record a batch of items, all of it or nothing; sending it again is safe."""
    tenant = tenant_of(request)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    _check_content_type(request.headers.get("content-type", ""))
    limit = settings.max_body_bytes
    try:
        check_encoding(encoding)
        body = await _read(request, limit)
        receipt = await anyio.to_thread.run_sync(
            _record, body, encoding, limit, tenant, pool, limiter=ingest_threads
        )
    except UnsupportedEncodingError as error:
        raise ProblemError("unsupported-encoding", str(error)) from error
    except BodyTooLargeError as error:
        raise ProblemError("body-too-large", str(error), limit_bytes=limit) from error
    except (NotJsonError, NotEncodedAsSaidError) as error:
        raise ProblemError("malformed-body", str(error)) from error
    except TooManyItemsError as error:
        raise ProblemError("too-many-items", str(error)) from error
    except InvalidItemsError as error:
        raise ProblemError("invalid-items", str(error), errors=error.faults) from error
    return _answer(request, receipt)


def _record(body: bytes, encoding: str, limit_bytes: int, tenant: Tenant, pool: Pool) -> Receipt:
    decompressed = decompress(body, encoding, limit_bytes)
    items = decode_batch(
        decompressed, currencies=tenant.allowed_currencies(), now=datetime.now(UTC)
    )
    return record(pool, tenant.tenant_id, items)


def _check_content_type(content_type: str) -> None:
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != _JSON or charset not in {"", "utf-8"}:
        raise ProblemError("unsupported-media-type", f"The body must be {_JSON}.")


async def _read(request: Request[Any, Any, Any], limit_bytes: int) -> bytes:
    """Read what was sent, no more than can decompress to the limit. Raises BodyTooLargeError."""
    most_bytes = most_encoded_bytes(limit_bytes)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most_bytes:
        raise BodyTooLargeError(limit_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise BodyTooLargeError(limit_bytes)
    return bytes(body)


def _answer(request: Request[Any, Any, Any], receipt: Receipt) -> Response[Any]:
    counts = {
        "stored": receipt.stored,
        "duplicate": receipt.duplicate,
        "conflict": receipt.conflict,
    }
    for outcome, count in counts.items():
        INGESTED.labels(outcome).inc(count)
    request.scope["state"]["log"] = counts
    headers = {f"Events-{outcome.title()}": str(count) for outcome, count in counts.items()}
    headers["Log-Position"] = str(receipt.log_position)
    if _wants_receipt(request.headers.get("prefer", "")):
        headers["Preference-Applied"] = "return=representation"
        return Response(receipt, status_code=200, headers=headers, media_type=_JSON)
    return Response(None, status_code=204, headers=headers)


def _wants_receipt(prefer: str) -> bool:
    """Tell whether `Prefer: return=representation` (RFC 7240) was sent."""
    preferences = [part.partition(";")[0].strip().lower() for part in prefer.split(",")]
    return "return=representation" in [p.replace(" ", "").replace('"', "") for p in preferences]
