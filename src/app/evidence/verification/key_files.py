"""The keys of a log that are in files where it is signed: each must be entered as one of the log's."""

from app.evidence.keys import KeyFileError, read_keys
from app.evidence.verification.findings import Findings
from app.evidence.verification.keys import SigningKeys
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.notes import VerifierKey, encode_base64
from postgres.connections import Connection
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Looking up what a key signed."""

    signed_without_entry: Statement


SQL = Sql(__file__)

# The base64 of a signature begins with so many that are of the key's id alone.
_KEY_ID_DIGITS = 5


class KeyFiles:
    """The keys of a log in files, as they are when the verification begins."""

    def __init__(self, log: Log, settings: Settings) -> None:
        """Read them; there are none where they can't be read, or a command signs."""
        self._log = log
        self._folder = settings.signing_path
        self.vkeys: list[VerifierKey] = []
        if settings.sign_command is None:
            try:
                self.vkeys = [key.vkey for key in read_keys(self._folder, log.log_id)]
            except KeyFileError:
                return

    def check(
        self, connection: Connection, keys: SigningKeys | None, size: int, findings: Findings
    ) -> None:
        """Tell, as of all positions up to `size`, if the first is none of the log's, or another that signed.

        One that signed nothing was made by a rotation that was broken off, or that is going on.
        """
        for n, vkey in enumerate(self.vkeys if keys else ()):
            if keys and vkey not in keys.all and (n == 0 or self._has_signed(connection, vkey)):
                words = f"the key in {self._folder}, {vkey}, is not one of the log's"
                findings.add(1, max(size, 1), "signature", words)

    def _has_signed(self, connection: Connection, vkey: VerifierKey) -> bool:
        """Tell whether a key that isn't entered, not even by now, signed a checkpoint."""
        parameters = {
            "tenant_id": self._log.tenant_id,
            "log_number": self._log.number,
            "vkey": str(vkey),
            "line": f"— {vkey.name} {encode_base64(vkey.key_id)[:_KEY_ID_DIGITS]}",
        }
        return bool(fetch_one(connection, SQL.signed_without_entry, parameters, bool))
