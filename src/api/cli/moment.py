"""A moment as an option of the command line."""

import click

from domain.instant import Instant


class Moment(click.ParamType[Instant]):
    """An RFC 3339 timestamp; without an offset it is UTC."""

    name = "RFC3339"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Instant:
        """Read it, or end with a usage error."""
        try:
            return value if isinstance(value, Instant) else Instant.parse(str(value))
        except ValueError as error:
            self.fail(f"{value!r} is {error}", param, ctx)
