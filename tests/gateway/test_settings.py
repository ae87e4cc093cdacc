"""Settings come from a file and the environment, and each error names the member and its source."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gateway.settings import Settings, SettingsError, load

MINIMAL = {"CONDOCHARGE_CONDOMINIUM_CODE": "riverside"}


def _load(tmp_path: Path, text: str, **environment: str) -> Settings:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return load(file, environment)


def test_a_code_is_all_that_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else has a default; the database is a file in the directory."""
    monkeypatch.chdir(tmp_path)
    settings = load(None, MINIMAL)
    assert settings.condominium.code == "riverside"
    assert settings.directory == tmp_path
    assert settings.database_url == f"sqlite:///{tmp_path}/gateway.sqlite"
    assert settings.ledger.kind == "embedded"
    assert settings.origin == "http://127.0.0.1:8080"


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    """A variable changes its member and leaves its neighbours; lists are separated by commas."""
    settings = _load(
        tmp_path,
        'directory = "state"\n[condominium]\ncode = "hill"\n[http]\nport = 9000\nhost = "::1"\n',
        CONDOCHARGE_HTTP_PORT="9001",
        CONDOCHARGE_HTTP_TRUSTED_PROXIES="127.0.0.1, 10.0.0.1",
        CONDOCHARGE_PASSPHRASE="another program's",
        HOME="/nowhere",
    )
    assert settings.directory == tmp_path / "state"
    assert (settings.http.port, settings.http.host) == (9001, "::1")
    assert settings.http.trusted_proxies == ("127.0.0.1", "10.0.0.1")
    assert settings.origin == "http://[::1]:9001"


def test_paths_are_meant_from_the_files_directory(tmp_path: Path) -> None:
    """Wherever the gateway is started, relative paths name the same files; absolute ones stay."""
    settings = _load(
        tmp_path,
        '[condominium]\ncode = "hill"\n[http]\ncertificate = "tls.pem"\nkey = "/keys/tls.key"\n'
        '[ledger]\nkind = "fabric"\nfolder = "riverside"\n',
    )
    assert settings.http.certificate == tmp_path / "tls.pem"
    assert settings.http.key == Path("/keys/tls.key")
    assert settings.ledger.folder == tmp_path / "riverside"
    assert settings.origin.startswith("https://")


@pytest.mark.parametrize(
    ("text", "environment", "sentence"),
    [
        (
            "",
            {},
            "condominium.code: is required; set it in the settings file or as CONDOCHARGE_CONDOMINIUM_CODE",
        ),
        ('[condominium]\ncode = "No"', {}, "settings.toml: condominium.code: has 3 to 16 lower-case"),
        ('[condominium]\ncode = "hill"\n[http]\nport = 70000', {}, "settings.toml: http.port: .*65535"),
        ("", {**MINIMAL, "CONDOCHARGE_HTTP_PORT": "eighty"}, "CONDOCHARGE_HTTP_PORT: http.port: .*integer"),
        (
            "",
            {**MINIMAL, "CONDOCHARGE_HTTP_PROT": "80"},
            "CONDOCHARGE_HTTP_PROT: there is no setting http.prot",
        ),
        ('[condominium]\ncode = "hill"\n[htpt]\nport = 1', {}, "settings.toml: there is no setting htpt"),
        ('[condominium]\ncode = "hill"\nsize = 1', {}, "settings.toml: there is no setting condominium.size"),
        ("port = ", {}, "settings.toml is not TOML"),
        ("http = 5", MINIMAL, "settings.toml: http: "),
        ("", {**MINIMAL, "CONDOCHARGE_LEDGER_KIND": "fabric"}, "ledger: has a folder if and only if"),
        ("", {**MINIMAL, "CONDOCHARGE_LEDGER_TOKEN": "hsm"}, "ledger: has token and token_library together"),
        (
            "",
            {**MINIMAL, "CONDOCHARGE_LEDGER_TOKEN": "hsm", "CONDOCHARGE_LEDGER_TOKEN_LIBRARY": "hsm.so"},
            "ledger: has a token only where kind is fabric",
        ),
        (
            "",
            {**MINIMAL, "CONDOCHARGE_UNITS_TRANSMISSION": "25"},
            "units: has a transmission that divides 60",
        ),
        ("", {**MINIMAL, "CONDOCHARGE_UNITS_SAMPLING": "7"}, "units: has a sampling that divides"),
        ("", {**MINIMAL, "CONDOCHARGE_LEDGER_KIND": "paper"}, "CONDOCHARGE_LEDGER_KIND: ledger.kind: "),
        ("", {**MINIMAL, "CONDOCHARGE_HTTP_KEY": "k.pem"}, "http: has certificate and key together"),
        (
            "",
            {**MINIMAL, "CONDOCHARGE_DATABASE_URL": "mysql://h/d"},
            "DATABASE_URL: database.url: begins with",
        ),
        (
            "",
            {**MINIMAL, "CONDOCHARGE_HTTP_PUBLIC_URL": "http://charging.example"},
            "CONDOCHARGE_HTTP_PUBLIC_URL: http.public_url: begins with https://",
        ),
        (
            "",
            {**MINIMAL, "CONDOCHARGE_HTTP_PUBLIC_URL": "https://charging.example/x"},
            "http.public_url: is an address",
        ),
        (
            "",
            {**MINIMAL, "CONDOCHARGE_PAGES_WALLET_URL": "http://wallet.example"},
            "CONDOCHARGE_PAGES_WALLET_URL: pages.wallet_url: begins with https://",
        ),
        (
            "",
            {**MINIMAL, "CONDOCHARGE_PAGES_WALLET_URL": "https://wallet.example/#x"},
            "pages.wallet_url: is an address",
        ),
        (
            "",
            {**MINIMAL, "CONDOCHARGE_CONDOMINIUM_TIME_ZONE": "Nowhere/City"},
            "condominium.time_zone: is an IANA time zone",
        ),
    ],
)
def test_each_error_names_member_and_source(
    tmp_path: Path, text: str, environment: dict[str, str], sentence: str
) -> None:
    """A person can find the line or the variable that is wrong."""
    with pytest.raises(SettingsError, match=sentence):
        _load(tmp_path, text, **environment)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """So is one that is not text."""
    with pytest.raises(SettingsError, match=r"gone\.toml cannot be read: No such file"):
        load(tmp_path / "gone.toml", {})
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        load(tmp_path / "binary.toml", {})


def _example() -> str:
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    return text.partition("```toml\n")[2].partition("```")[0]


def test_what_the_document_shows_uncommented_is_the_default(tmp_path: Path) -> None:
    """But for the code, which has none: whoever copies the example gets what they would have without it."""
    assert _load(tmp_path, _example()) == _load(tmp_path, '[condominium]\ncode = "riverside"\n')


def test_the_documents_example_has_every_setting() -> None:
    """Members that are commented out count as shown; none is missing and none is made up."""
    example = _example()
    shown = tomllib.loads(re.sub(r"^# (?=[a-z_]+ = )", "", example, flags=re.MULTILINE))
    expected: dict[str, set[str] | None] = {}
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        expected[name] = (
            set(kind.model_fields) if isinstance(kind, type) and hasattr(kind, "model_fields") else None
        )
    assert {
        name: set(value) if isinstance(value, dict) else None for name, value in shown.items()
    } == expected
