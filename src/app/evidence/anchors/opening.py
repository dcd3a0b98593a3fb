"""From what an operator wrote to anchors."""

from app.evidence.anchors.anchor import Anchor
from app.evidence.anchors.files import FileAnchor
from app.evidence.anchors.time_stamps import TimeStampAnchor
from app.evidence.anchors.witnesses import WitnessAnchor
from domain.evidence.anchoring import AnchorSpec


def open_anchor(spec: AnchorSpec) -> Anchor:
    """Return the anchor of a setting; nothing is asked yet."""
    match spec.kind:
        case "file":
            return FileAnchor(spec)
        case "witness":
            return WitnessAnchor(spec)
        case "tsa":
            return TimeStampAnchor(spec)
