"""Errors in the shape of OpenAI's API: an HTTP status and `{"error": {message, type, param, code}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ApiError(Exception):
    """An error that is answered. `param`: the form's field at fault; `code`: a word for programs."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON that is answered."""
        return error_body(self.status, self.message, self.param, self.code)


def error_body(status: int, message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """Build the body of an error.

    >>> error_body(404, "There is no job of this id.")["error"]["type"]
    'invalid_request_error'
    """
    kind = TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def wrap_unexpected(error: Exception) -> ApiError:
    """The error that is answered for a fault of the server's own."""
    return ApiError(500, f"Failed unexpectedly ({type(error).__name__}); the server's log says more.")


def refuse(message: str, param: str | None = None) -> ApiError:
    """The error of a request that is wrong in itself (status 400)."""
    return ApiError(400, message, param=param)
