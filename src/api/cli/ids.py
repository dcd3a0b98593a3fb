"""An id as an argument or an option of the command line."""

import click

_LONGEST_ID = 255


class IdType(click.ParamType[str]):
    """An id as the log has them; slashes, spaces and quotes are ordinary."""

    name = "id"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return it, or end with a usage error."""
        text = str(value)
        if not 0 < len(text) <= _LONGEST_ID:
            self.fail(f"an id has 1 to {_LONGEST_ID} characters, not {len(text)}", param, ctx)
        return text
