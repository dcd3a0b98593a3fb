"""The reports as people ask for them: what each is for, and its parameters in words.

The names are those of the API, which says what is wrong with a value.
"""

from typing import Literal, NamedTuple

Choice = tuple[str, str]
"""A value, and its name."""


class Field(NamedTuple):
    """A parameter. `hint` is an example of a value, `choices` are those of which some may be given."""

    name: str
    label: str
    kind: Literal["text", "date", "choices", "provider"] = "text"
    hint: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    chosen: tuple[str, ...] = ()
    """The choices that are meant where none is given."""


class ReportForm(NamedTuple):
    """A report: its name in the API, its title, what it is for in a sentence, and how it is asked for."""

    name: str
    title: str
    about: str
    fields: tuple[Field, ...]
    longest_span_days: int | None = None
    """Of how many days it is proposed at most: of more, it would often be too long."""

    @property
    def has_period(self) -> bool:
        """Whether it is of a time."""
        return _FROM in self.fields

    @property
    def suggests_providers(self) -> bool:
        """Whether it can be of one provider, of whom there are few."""
        return _PROVIDER in self.fields


_FROM = Field("from", "From day", "date")
_TO = Field("to", "Before day", "date")
_PLAYER = Field("player_id", "Player", hint="Id of the player")
_GAME = Field("game_id", "Game", hint="Id of the game")
_CURRENCY = Field("currency", "Currency", hint="EUR")
_PROVIDER = Field("provider", "Provider", "provider")

_GROUPS = (
    ("day", "Day"),
    ("month", "Month"),
    ("game", "Game"),
    ("provider", "Provider"),
    ("currency", "Currency"),
)
KINDS = {
    "conflict": "Conflict",
    "late": "Late item",
    "win": "Large win",
    "block": "Block",
    "consent": "Consent",
    "refused": "Item left out",
    "key": "Key",
}
"""What is significant, in words."""

_FORMS = (
    ReportForm(
        "revenue",
        "Revenue",
        "What was bet and won, and what is left of it: gross gaming revenue and return to player, by day or"
        " month, game, provider and currency.",
        (
            _FROM,
            _TO,
            _CURRENCY,
            _PROVIDER,
            _GAME,
            Field(
                "group_by", "Added up by", "choices", choices=_GROUPS, chosen=("day", "currency")
            ),
        ),
    ),
    ReportForm(
        "rtp",
        "Return to player",
        "How much of what was bet each game paid back, beside what it is expected to pay; a game that is too"
        " far off is flagged.",
        (
            _FROM,
            _TO,
            _PROVIDER,
            Field("beyond", "Farther off than, in standard errors", hint="3"),
        ),
    ),
    ReportForm(
        "accounts",
        "Accounts by gaming day",
        "What was in each player's account when a gaming day began, what moved, and what was left when it"
        " ended.",
        (_FROM, _TO, _PLAYER, _CURRENCY),
    ),
    ReportForm(
        "statement",
        "Statement of a player",
        "Each movement of one player's money in order of time, with the balance after it.",
        (_PLAYER._replace(required=True), _CURRENCY, _FROM, _TO),
    ),
    ReportForm(
        "open-rounds",
        "Open rounds",
        "Rounds that were bet on and have neither a win nor an end: the money that is at stake now.",
        (Field("older_than", "Open for at least", hint="24h, 90m or 7d"), _PLAYER, _GAME),
    ),
    ReportForm(
        "significant",
        "Significant events",
        "What an auditor looks at first: conflicts, late items, large wins, blocks and consents that changed,"
        " items left out, keys that were made and revoked.",
        (
            _FROM,
            _TO,
            Field("threshold", "Wins of at least", hint="1000, in each currency"),
            Field("kind", "Only", "choices", choices=(*KINDS.items(),), chosen=(*KINDS,)),
        ),
        longest_span_days=1,
    ),
    ReportForm(
        "restated",
        "Restated days",
        "Days whose figures changed after they had ended: as they were known then, as they are now, and the"
        " late events that make the difference.",
        (_FROM, _TO, Field("known_at", "As known at the end of day", "date")),
    ),
)

REPORTS = {form.name: form for form in _FORMS}
"""All of them by name, what is most asked for first."""
