"""A line of text that is kept, as an option of the command line."""

import click

_LONGEST = 1_000


class Text(click.ParamType[str]):
    """Some words on one line."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return it without spaces around it, or end with a usage error."""
        text = str(value).strip()
        if not 0 < len(text) <= _LONGEST or not text.isprintable():
            self.fail(f"must be one line of 1 to {_LONGEST} characters", param, ctx)
        return text
