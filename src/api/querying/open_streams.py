"""How many streams each tenant and each key has open."""

from collections import Counter

from api.http.problems import ProblemError

_RETRY_AFTER_S = 5


class OpenStreams:
    """Counts the streams of a process, and refuses what is beyond the caps. For one event loop."""

    def __init__(self, *, per_tenant: int, per_key: int) -> None:
        """Allow so many of each tenant and of each key."""
        self._per_tenant = per_tenant
        self._per_key = per_key
        self._of_tenant: Counter[int] = Counter()
        self._of_key: Counter[int] = Counter()

    def open(self, tenant_id: int, key_id: int) -> None:
        """Count one more; `close` must follow. Raises ProblemError `too-many-streams`."""
        for count, most, whose in (
            (self._of_key[key_id], self._per_key, "With this key"),
            (self._of_tenant[tenant_id], self._per_tenant, "Of the tenant"),
        ):
            if count >= most:
                raise ProblemError(
                    "too-many-streams",
                    f"{whose} {most} streams are open already. Let others end, or follow the log with fewer.",
                    headers={"Retry-After": str(_RETRY_AFTER_S)},
                )
        self._of_tenant[tenant_id] += 1
        self._of_key[key_id] += 1

    def close(self, tenant_id: int, key_id: int) -> None:
        """Count one less."""
        for counts, number in ((self._of_tenant, tenant_id), (self._of_key, key_id)):
            counts[number] -= 1
            if not counts[number]:
                del counts[number]
