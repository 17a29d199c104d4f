"""API keys: a file with a line for each key, its name and the SHA-256 of the key, hexadecimal. Keys are not kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from flows.http.errors import ApiError
from tasks.errors import UsageError
from tasks.settings.home import home
from tasks.settings.schema import ServeSettings
from tasks.storage.atomic import write_atomically

PREFIX = "sk-daylong-"


def resolve_keys_file(settings: ServeSettings) -> Path | None:
    """The file of the keys as an absolute path; None where none is set."""
    return home() / Path(settings.api_keys).expanduser() if settings.api_keys else None


def read_keys(path: Path) -> dict[str, str]:
    """Read the file: SHA-256 of each key -> its name. Raises UsageError where it can't be read or has no key."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise UsageError(
            f"serve.api_keys = {path}: {reason}. Add a first key: daylong serve --add-key NAME"
        ) from None
    keys = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, digest = line.strip().rpartition(" ")
        if not name or not re.fullmatch("[0-9a-f]{64}", digest):
            raise UsageError(
                f"{path}, line {number}: no name and SHA-256 of a key. Add keys: daylong serve --add-key NAME"
            )
        keys[digest] = name.strip()
    if not keys:
        raise UsageError(f"serve.api_keys = {path}: no key in it. Add one: daylong serve --add-key NAME")
    return keys


def add_key(path: Path, name: str) -> str:
    """Make a key, add it to the file (made where it is not there), and return it. Raises UsageError for its name."""
    if not re.fullmatch(r"[\w.@-]{1,80}", name):
        raise UsageError(f"--add-key {name}: a name has letters, digits, and . _ @ - alone.")
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    if any(line.partition(" ")[0] == name for line in there.splitlines()):
        raise UsageError(f"--add-key {name}: {path} has a key of this name. Remove its line to take that key back.")
    key = PREFIX + secrets.token_urlsafe(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = there + ("\n" if there and not there.endswith("\n") else "") + f"{name} {hash_key(key)}\n"
    write_atomically(path, text)
    path.chmod(0o600)
    return key


def hash_key(key: str) -> str:
    """SHA-256 of a key, hexadecimal: keys are random and long, so that nothing slower is needed."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def check_key(header: str | None, keys: Mapping[str, str]) -> None:
    """Check the header `Authorization: Bearer KEY`. Raises ApiError (401)."""
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise ApiError(
            401, "An API key is wanted: Authorization: Bearer KEY.", headers={"WWW-Authenticate": "Bearer"}
        )
    digest = hash_key(key.strip())
    if not any(hmac.compare_digest(digest, known) for known in keys):
        raise ApiError(401, "This API key is not known here.", code="invalid_api_key")


def check_caller(headers: Mapping[str, str], keys: Mapping[str, str], origins: tuple[str, ...]) -> None:
    """Check the key of a request, or where no keys are set the page that sends it. Raises ApiError (401, 403)."""
    if keys:
        check_key(headers.get("authorization"), keys)
    else:
        check_origin(headers.get("origin"), headers.get("host"), origins)


def is_loopback(host: str) -> bool:
    """Check whether an address is of this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_origin(origin: str | None, host: str | None, allowed: tuple[str, ...]) -> None:
    """Refuse what a web page sends that nobody allowed: a browser sends forms of any page to this machine, too.

    `origin`, `host`: the headers. Pages of this server itself may, where its name can't be another's. Raises ApiError
    (403).
    """
    if origin is None or origin in allowed:
        return
    try:
        page = urlsplit(origin)
        name = page.hostname or ""
    except ValueError:
        name = ""
    if name and page.netloc == host and (is_loopback(name) or _is_address(name)):
        return
    raise ApiError(403, "Pages of this origin may not send requests; serve.origins names those that may.")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
