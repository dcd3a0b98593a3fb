"""Settings are checked at the start, and what is told of them holds no secret."""

import pytest

from app.settings import SettingsError, read_settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ROUNDBOOK_DATABASE_URL", "mysql://host/db"),
        ("ROUNDBOOK_DATABASE_URL", "postgresql://user:s3%cret@host/db"),
        ("ROUNDBOOK_POOL_SIZE", "0"),
        ("ROUNDBOOK_POOL_SIZE", "many"),
        ("ROUNDBOOK_KEY_CACHE_S", "6"),
        ("ROUNDBOOK_LOCK_TIMEOUT_S", "inf"),
        ("ROUNDBOOK_LOG_FORMAT", "xml"),
    ],
)
def test_a_bad_setting_is_named_and_no_secret_is_told(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({variable: value})
    assert str(refused.value).startswith(variable + ": ")
    assert "cret" not in str(refused.value)


def test_an_empty_variable_counts_as_absent() -> None:
    assert read_settings({"ROUNDBOOK_POOL_SIZE": ""}) == read_settings({})
