"""What goes wrong with the embedded PostgreSQL, in words for the operator."""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)
