"""What would become of a batch if it was recorded now."""

from app.log.append import read_head
from app.recording.differences import Fingerprints, fingerprints
from app.recording.judge import judge
from app.recording.known_events import RecordedEvents
from app.recording.prepare import Prepared
from app.recording.receipt import Recorded
from postgres.connections import Pool


def foresee(
    pool: Pool, tenant_id: int, batch: Prepared, hashed_by: Fingerprints = fingerprints
) -> Recorded:
    """Judge a batch by what is recorded by now, and record nothing.

    What is new has the positions that it would have if nobody else wrote meanwhile. Raises as
    `app.recording.commit.commit` does.
    """
    with pool.connection() as connection:
        log = read_head(connection, tenant_id)
        known = RecordedEvents(connection, tenant_id)
        known.look_up(batch.keys)
        judged = judge(batch, known, hashed_by)
    last = log.position + len(judged.new)
    positions = judged.positions(range(log.position + 1, last + 1))
    columns = (batch.unique_ids, judged.outcomes, positions)
    return Recorded(*columns, log.log_id, last, batch.salts, b"")
