"""Webhooks: signed as Standard Webhooks has it (https://www.standardwebhooks.com), sent again where nobody answers.

openai-python's `client.webhooks.verify_signature` checks the same signature.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import secrets
import socket
import time
from collections.abc import Callable, Collection
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flows.http.errors import refuse
from tasks.storage.atomic import write_atomically

log = logging.getLogger("daylong.serve")

PAUSES_S = (2.0, 10.0, 60.0, 600.0, 3600.0)
"""Between the attempts, seconds."""
TIMEOUT_S = 20.0
SECRET_PREFIX = "whsec_"
ALLOWED_SCHEMES = ("http", "https")


def find_secret(file: Path) -> str:
    """Read the secret, or make one and keep it in the file, which its owner alone may read."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        file.chmod(0o600)
    return file.read_text(encoding="utf-8").strip()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign a message: HMAC-SHA256 over `id.timestamp.body`, in base64, after the version.

    >>> sign("whsec_c2VjcmV0", "evt_1", 1700000000, b"{}")
    'v1,gcuLUJYfD9JQ2UlZMDEyUnqjiYF/KVJjsn3HLULsCj4='
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def check_url(url: str, allowed: Collection[str]) -> None:
    """Check a webhook's URL when it is given: http(s), a host, no name and password. Raises ApiError (400)."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise refuse("webhook_url: no URL.", "webhook_url") from None
    if parts.scheme not in ALLOWED_SCHEMES or not parts.hostname or "@" in parts.netloc or len(url) > 2_000:
        raise refuse("webhook_url: an http or https URL with a host, without name and password.", "webhook_url")
    host = parts.hostname
    try:
        public = ip_address(host).is_global
    except ValueError:
        public = host != "localhost" and not host.endswith(".localhost")
    if not public and host not in allowed:
        raise refuse(f"webhook_url: {host} is private; serve.webhook_hosts names those allowed.", "webhook_url")


def find_address(host: str, port: int, allowed: Collection[str]) -> str:
    """Resolve a webhook's host to the one address that is connected to. Raises PermissionError for a private one.

    All addresses must be public, since a name may have several and change between two look-ups.
    """
    addresses = [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    private = [each for each in addresses if not ip_address(each.partition("%")[0]).is_global]
    if private and host not in allowed:
        raise PermissionError(f"{host} has the private address {private[0]}")
    return addresses[0]


def build_message(event: str, data: dict[str, Any]) -> tuple[str, bytes]:
    """Build the id and the body of a message."""
    message_id = "evt_" + secrets.token_hex(16)
    body = {"id": message_id, "object": "event", "type": event, "created_at": int(time.time()), "data": data}
    return message_id, json.dumps(body, ensure_ascii=True).encode()


async def deliver(
    url: str,
    event: str,
    data: dict[str, Any],
    *,
    secret: str,
    allowed: Collection[str],
    pauses_s: tuple[float, ...] = PAUSES_S,
    count: Callable[[str], None] = lambda _: None,
) -> bool:
    """Send a message until it is answered with a status of 2xx; return whether it was. `count` hears each result."""
    message_id, body = build_message(event, data)
    for pause_s in (*pauses_s, None):
        try:
            status = await _post(url, message_id, body, secret, allowed)
            count("delivered" if 200 <= status < 300 else "refused")
            if 200 <= status < 300:
                return True
            reason = f"status {status}"
        except PermissionError as error:
            count("forbidden")
            log.warning("webhook to %s not sent: %s; serve.webhook_hosts names those allowed", _host(url), error)
            return False
        except Exception as error:  # whatever fails on the way to another machine
            count("failed")
            reason = type(error).__name__
        if pause_s is not None:
            await asyncio.sleep(pause_s)
    log.warning("webhook to %s given up (%s)", _host(url), reason)
    return False


async def _post(url: str, message_id: str, body: bytes, secret: str, allowed: Collection[str]) -> int:
    """Send a message once, to an address that was looked at; redirections are not followed."""
    import httpx

    now, parts = int(time.time()), urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    address = await asyncio.to_thread(find_address, host, port, allowed)
    target = httpx.URL(url).copy_with(host=address)
    async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
        answer = await client.post(
            target,
            content=body,
            headers={
                "Host": parts.netloc,
                "Content-Type": "application/json",
                "User-Agent": "daylong",
                "webhook-id": message_id,
                "webhook-timestamp": str(now),
                "webhook-signature": sign(secret, message_id, now, body),
            },
            extensions={"sni_hostname": host},
        )
    return answer.status_code


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"
