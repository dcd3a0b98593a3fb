"""Which kinds of targets a process sends to, and what opens them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from app.relay.secrets import Secrets
from app.relay.targets.target import Opens
from app.relay.targets.webhook import Webhooks
from app.settings import Settings
from domain.relaying import Kind


def openers(settings: Settings, kinds: Sequence[Kind]) -> Mapping[Kind, Callable[[], Opens]]:
    """Return what opens the targets of these kinds; without any, of all that the settings are enough for.

    Raises SettingsError where they are not enough for one that is named.
    """
    webhooks = partial(
        Webhooks,
        Secrets(settings.webhook_path),
        private=settings.private_webhooks == "allowed",
    )
    known: dict[Kind, Callable[[], Opens]] = {"webhook": webhooks}
    return {kind: known[kind] for kind in kinds or known}
