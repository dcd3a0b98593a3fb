"""Settings are checked at the start, and what is told of them holds no secret."""

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, ignored_settings, read_settings


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
        ("ROUNDBOOK_SERVICE_USER", "-u root"),
    ],
)
def test_a_bad_setting_is_named_and_no_secret_is_told(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({variable: value})
    assert str(refused.value).startswith(variable + ": must be ")
    assert "cret" not in str(refused.value)


def test_all_that_are_wrong_are_named_a_line_each_with_what_was_expected() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(
            {
                "ROUNDBOOK_DATABASE_URL": "null",
                "ROUNDBOOK_OWNER_URL": "localhost",
                "ROUNDBOOK_DATA_DIR": "~nobody-of-this-name/data",
                "ROUNDBOOK_MAX_BODY_BYTES": "16M",
                "ROUNDBOOK_POOL_SIZE": "9" * 30,
                "ROUNDBOOK_BODY_TIMEOUT_S": "null",
                "ROUNDBOOK_LOCK_TIMEOUT_S": "nan",
                "ROUNDBOOK_KEY_CACHE_S": "6",
                "ROUNDBOOK_POLL_INTERVAL_S": " 1",
                "ROUNDBOOK_LOG_FORMAT": "null",
                "ROUNDBOOK_CHUNK_EVENTS": "7",
                "ROUNDBOOK_EVIDENCE_ORIGIN": "https://example.com/a b",
                "ROUNDBOOK_SIGNING_KEYS": "~nobody-of-this-name/keys",
                "ROUNDBOOK_SIGN_COMMAND": "sign --pin 's3cret",
                "ROUNDBOOK_SEAL_INTERVAL_S": "0",
                "ROUNDBOOK_ANCHORS": "file:/a tsa:https://a:s3cret@host:port",
            }
        )
    url = "must be a PostgreSQL URL, as postgresql://user:password@host:5432/database"
    seconds = "must be a number of seconds, more than 0, at most 86400, not"
    anchors = (
        "must be anchors separated by spaces: file:PATH, witness:URL+vkey, tsa:URL, each of which may end"
        " in ;interval=SECONDS"
    )
    count = "must be a whole number from 1 to 1,000,000,000,000, not"
    assert str(refused.value).splitlines() == [
        f"ROUNDBOOK_ANCHORS: {anchors}; number 2 (tsa): its URL must be as https://host/path",
        f"ROUNDBOOK_BODY_TIMEOUT_S: {seconds} 'null'",
        f"ROUNDBOOK_DATABASE_URL: {url}",
        "ROUNDBOOK_DATA_DIR: must be the path of a folder, not '~nobody-of-this-name/data'",
        (
            "ROUNDBOOK_EVIDENCE_ORIGIN: must be a URL without its scheme, as example.com/casino: up to 200"
            " letters, digits and ._~:/-, not 'https://example.com/a b'"
        ),
        "ROUNDBOOK_KEY_CACHE_S: must be a number of seconds from 0 to 5, not '6'",
        f"ROUNDBOOK_LOCK_TIMEOUT_S: {seconds} 'nan'",
        "ROUNDBOOK_LOG_FORMAT: must be json or console, not 'null'",
        f"ROUNDBOOK_MAX_BODY_BYTES: {count} '16M'",
        f"ROUNDBOOK_OWNER_URL: {url}",
        f"ROUNDBOOK_POLL_INTERVAL_S: {seconds} ' 1'",
        f"ROUNDBOOK_POOL_SIZE: {count} '{'9' * 30}'",
        f"ROUNDBOOK_SEAL_INTERVAL_S: {seconds} '0'",
        "ROUNDBOOK_SIGNING_KEYS: must be the path of a folder, not '~nobody-of-this-name/keys'",
        (
            "ROUNDBOOK_SIGN_COMMAND: must be a command and its arguments, quoted as a shell quotes them;"
            " a quote is not closed"
        ),
    ]
    assert "s3cret" not in str(refused.value)


def test_every_setting_says_what_it_must_be() -> None:
    # Any text names a folder or a program.
    any_text = {
        *("ROUNDBOOK_DATA_DIR", "ROUNDBOOK_SIGNING_KEYS", "ROUNDBOOK_SIGN_COMMAND"),
        "ROUNDBOOK_BROKER_FILE",
        "ROUNDBOOK_WEBHOOK_SECRETS",
    }
    for variable in ("ROUNDBOOK_" + field.upper() for field in Settings.__struct_fields__):
        if variable not in any_text:
            with pytest.raises(SettingsError, match=f"^{variable}: must be [a-z]"):
                read_settings({variable: "-1"})


@pytest.mark.parametrize(
    "origin", ["a b", "a+b", "https://a.example/", "a/", "é.example", "a" * 201]
)
def test_an_origin_must_be_fit_for_the_name_of_a_key(origin: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^ROUNDBOOK_EVIDENCE_ORIGIN: must be a URL without its"
    ):
        read_settings({"ROUNDBOOK_EVIDENCE_ORIGIN": origin})


def test_keys_are_in_the_data_folder_unless_told_otherwise() -> None:
    assert read_settings({"ROUNDBOOK_DATA_DIR": "/data"}).signing_path == Path("/data/keys")
    assert read_settings({"ROUNDBOOK_SIGNING_KEYS": "/keys"}).signing_path == Path("/keys")


def test_anchors_are_a_list() -> None:
    assert read_settings({}).anchor_specs == []
    (spec,) = read_settings({"ROUNDBOOK_ANCHORS": "file:/a"}).anchor_specs
    assert spec.target == "file:/a"


@pytest.mark.parametrize("secret", ["", "postgresql://a:s3cret@host/db"])
def test_a_byte_order_mark_is_named_as_one(secret: str) -> None:
    """Such a file of settings made the first of them another variable, which was ignored in silence."""
    value = secret or "7"
    name = "ROUNDBOOK_DATABASE_URL" if secret else "ROUNDBOOK_POOL_SIZE"
    mended = "begins with a byte order mark: save the file that it is from without one"
    for environment, what in (
        ({name: "\ufeff" + value}, "value"),
        ({"\ufeff" + name: value}, "name"),
    ):
        with pytest.raises(SettingsError) as refused:
            read_settings(environment)
        assert str(refused.value) == f"{name}: its {what} {mended}"


def test_what_is_no_setting_is_told_of_with_what_may_be_meant() -> None:
    environment = {"ROUNDBOOK_DATADIR": "x", "ROUNDBOOK_COLOUR": "x", "ROUNDBOOK_POOL_SIZE": "7"}
    assert ignored_settings(environment) == {
        "ROUNDBOOK_COLOUR": "ROUNDBOOK_COLOUR: no such setting: ignored",
        "ROUNDBOOK_DATADIR": (
            "ROUNDBOOK_DATADIR: no such setting: ignored (is ROUNDBOOK_DATA_DIR meant?)"
        ),
    }
    assert read_settings(environment).pool_size == 7


def test_an_empty_variable_counts_as_absent() -> None:
    assert read_settings({"ROUNDBOOK_POOL_SIZE": ""}) == read_settings({})


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_may_be_in_a_file_whose_line_ends(tmp_path: Path, end: str) -> None:
    file = tmp_path / "url"
    file.write_bytes(f"postgresql://a:s3cret@host/db{end}".encode())
    settings = read_settings({"ROUNDBOOK_DATABASE_URL_FILE": str(file)})
    assert settings.database_url == "postgresql://a:s3cret@host/db"
    assert ignored_settings({"ROUNDBOOK_DATABASE_URL_FILE": str(file)}) == {}


def test_what_is_wrong_with_a_file_is_said_by_name_and_no_secret_is_told(tmp_path: Path) -> None:
    for name, content in (("wrong", b"mysql://a:s3cret@h/d"), ("empty", b"\n"), ("latin", b"\xff")):
        (tmp_path / name).write_bytes(content)
    given = {
        "ROUNDBOOK_DATABASE_URL": "postgresql://a:s3cret@host/db",
        "ROUNDBOOK_DATABASE_URL_FILE": str(tmp_path / "wrong"),
        "ROUNDBOOK_OWNER_URL_FILE": str(tmp_path / "wrong"),
        "ROUNDBOOK_SIGN_COMMAND_FILE": str(tmp_path / "absent"),
        "ROUNDBOOK_ANCHORS_FILE": str(tmp_path / "empty"),
    }
    with pytest.raises(SettingsError) as refused:
        read_settings(given)
    assert str(refused.value).splitlines() == [
        f"ROUNDBOOK_ANCHORS_FILE: '{tmp_path}/empty' is empty",
        "ROUNDBOOK_DATABASE_URL_FILE: ROUNDBOOK_DATABASE_URL is set too: set one of them",
        (
            "ROUNDBOOK_OWNER_URL_FILE: must be a PostgreSQL URL, as"
            " postgresql://user:password@host:5432/database"
        ),
        f"ROUNDBOOK_SIGN_COMMAND_FILE: '{tmp_path}/absent' can't be read: No such file or directory",
    ]
    with pytest.raises(SettingsError, match="can't be read: it is not UTF-8"):
        read_settings({"ROUNDBOOK_ANCHORS_FILE": str(tmp_path / "latin")})
