"""Names of streams: one for each player and each game, readable in the log."""

PLAYER = "player:"
GAME = "game:"


def player_stream(player_id: str) -> str:
    """Name the stream of all events of a player, but for game updates."""
    return PLAYER + player_id


def game_stream(game_id: str) -> str:
    """Name the stream of a game's catalogue updates."""
    return GAME + game_id
