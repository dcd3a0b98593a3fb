"""Numbers of events in forms: from one to another."""

import re
from http import HTTPStatus

from api.console.asking import Fault, Problem, Refusal

POSITION = re.compile(r"[1-9]\d{0,17}", re.ASCII)


def backwards(first: str, last: str) -> Refusal | None:
    """Return what is to be said where the last number stands before the first, as the API says it of periods.

    To the API that is a question like others, as of streams that begin after their end.
    """
    if not (POSITION.fullmatch(first) and POSITION.fullmatch(last)) or int(first) <= int(last):
        return None
    fault = Fault("to_position", "contradictory", f"must not be before {first}")
    detail = "The numbers of events go backwards."
    return Refusal(
        Problem(
            "urn:roundbook:problem:invalid-parameters",
            detail,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            detail,
            [fault],
        )
    )
