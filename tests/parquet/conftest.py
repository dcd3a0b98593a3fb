"""What is exported is compared with what is served."""

from tests.queries.conftest import api, casino, day, new_casino

__all__ = ["api", "casino", "day", "new_casino"]
