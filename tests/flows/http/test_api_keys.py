"""Keys, addresses, and pages of other origins."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.http.errors import ApiError
from flows.http.keys import add_key, check_key, check_origin, read_keys
from flows.http.serve import check_address, listen
from tasks.errors import UsageError
from tasks.settings.schema import ServeSettings


def test_a_key_is_known_by_its_hash_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    key, other = add_key(file, "laptop"), add_key(file, "nas")
    text = file.read_text(encoding="utf-8")
    assert key not in text
    assert other not in text
    assert file.stat().st_mode & 0o077 == 0
    keys = read_keys(file)
    assert sorted(keys.values()) == ["laptop", "nas"]
    check_key(f"Bearer {key}", keys)
    check_key(f"bearer  {other} ", keys)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic c2s=", "Bearer sk-other", "Bearer \udcff"])
def test_other_keys_are_refused(tmp_path: Path, header: str | None) -> None:
    add_key(tmp_path / "keys", "laptop")
    with pytest.raises(ApiError) as caught:
        check_key(header, read_keys(tmp_path / "keys"))
    assert caught.value.status == 401
    assert "sk-other" not in caught.value.message


@pytest.mark.parametrize("text", ["", "# nobody yet\n", "laptop sk-daylong-plain\n", "f" * 64])
def test_a_file_without_hashes_of_keys_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="--add-key"):
        read_keys(tmp_path / "keys")


def test_names_of_keys_are_plain_and_given_once(tmp_path: Path) -> None:
    add_key(tmp_path / "keys", "laptop")
    for name in ("laptop", "two words", "a\nb", ""):
        with pytest.raises(UsageError, match="--add-key"):
            add_key(tmp_path / "keys", name)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "nas.example.org"])
def test_other_machines_need_keys(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r"serve\.api_keys"):
        check_address(ServeSettings(host=host))
    with pytest.raises(UsageError, match="--add-key"):
        check_address(ServeSettings(host=host, api_keys="keys"))
    add_key(tmp_path / "keys", "laptop")
    assert list(check_address(ServeSettings(host=host, api_keys="keys")).values()) == ["laptop"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
def test_this_machine_needs_none(host: str) -> None:
    assert check_address(ServeSettings(host=host)) == {}


def test_a_port_in_use_is_named() -> None:
    with listen(ServeSettings(port=1).model_copy(update={"port": 0})) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port + 1}"):
            listen(ServeSettings(port=port))


@pytest.mark.parametrize(
    ("origin", "host", "may"),
    [
        (None, "localhost:8000", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("https://notes.example.org", "localhost:8000", True),
        ("https://other.example.org", "localhost:8000", False),
        ("http://other.example.org:8000", "other.example.org:8000", False),  # a name that was bent to this machine
        ("http://localhost:3000", "localhost:8000", False),
        ("null", "localhost:8000", False),
        ("http://[", "localhost:8000", False),
    ],
)
def test_pages_of_other_origins_may_not_send(origin: str | None, host: str, may: bool) -> None:
    if may:
        check_origin(origin, host, ("https://notes.example.org",))
    else:
        with pytest.raises(ApiError) as caught:
            check_origin(origin, host, ("https://notes.example.org",))
        assert caught.value.status == 403
