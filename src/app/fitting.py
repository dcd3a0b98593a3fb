"""Defaults cut to the memory that there is: a small container works without being told how."""

from collections.abc import Mapping

from app.settings import PREFIX, Settings

# The least that is of use. What is held is to have room for the largest body, see `max_inflight_bytes`.
_LEAST = {
    "max_inflight_bytes": 3 * 16 * 1024 * 1024,
    "max_working_bytes": 2 * 1024 * 1024,
    "max_unsent_bytes": 4 * 1024 * 1024,
    "pool_size": 4,
    "chunk_events": 2_000,
}


def fitting(environment: Mapping[str, str], share: float) -> dict[str, str]:
    """Return settings, by their variables, for a `share` (0 to 1) of the memory that defaults are made for.

    None of what the environment sets, and nothing where there is enough.
    """
    cut = {}
    for field, least in _LEAST.items():
        variable = PREFIX + field.upper()
        usual: int = getattr(Settings(), field)
        fits = max(least, int(usual * share))
        if fits < usual and not environment.get(variable):
            cut[variable] = str(fits)
    return cut
