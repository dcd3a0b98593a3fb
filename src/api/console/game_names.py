"""What games are called, for lists that know only their ids."""

from collections.abc import Iterable

from api.console.asking import Answer, Question, in_path
from api.console.visits import Visit

_MOST = 12
"""So many are asked for, each being a question: a player mostly plays few. The others show their ids."""


async def game_names(visit: Visit, game_ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of games that have one, by their ids."""
    asked = list(dict.fromkeys(filter(None, game_ids)))[:_MOST]
    found = await visit.ask_each(*(Question(f"games/{in_path(each)}") for each in asked))
    return {
        game_id: answer.json["name"]
        for game_id, answer in zip(asked, found, strict=True)
        if isinstance(answer, Answer) and answer.json["name"]
    }
