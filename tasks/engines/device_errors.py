"""Recognises device failures in the error messages of torch and CTranslate2. After one, every later call of the
process on that device fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.engines.memory import is_out_of_memory
from tasks.errors import DeviceBroken, EngineDied

_DEVICE_ERROR = re.compile(
    # torch: "CUDA error: …", "CUDA driver error: …", "CUDA unknown error", "cuDNN error: …"; CTranslate2: "CUDA
    # failed with error …", "cuBLAS failed with status …".
    r"\b(cuda|cublas|cublaslt|cudnn|cufft|cusparse)( driver| unknown)? (error|failed)\b|no cuda gpus are available",
    re.IGNORECASE,
)
_CALL_ERROR = re.compile(
    r"not_supported|invalid_value|bad_param|invalid argument|invalid configuration argument", re.IGNORECASE
)
"""Such a call is refused again, by a device that is well."""
_OF_THE_VALUES = "device-side assert"
"""Values that the device's code isn't made for: the recording may be at fault."""


@contextmanager
def translate_device_errors(what: str) -> Iterator[None]:
    """Translate any library's device error into `DeviceBroken`, naming `what`; into plain `EngineDied` where the
    input values may have caused it."""
    try:
        yield
    except Exception as error:
        said = find_device_error(error)
        if said is None:
            raise
        kind = EngineDied if _OF_THE_VALUES in said.lower() else DeviceBroken
        raise kind(f"{what}: its device failed ({said}). See nvidia-smi, or set device = cpu.") from error


def find_device_error(error: BaseException) -> str | None:
    """The line of an error message that reports a device failure; None if there is none.

    >>> find_device_error(RuntimeError("CUDA failed with error unspecified launch failure"))
    'CUDA failed with error unspecified launch failure'
    >>> find_device_error(RuntimeError("CUDA error: invalid configuration argument"))
    """
    if not isinstance(error, RuntimeError) or is_out_of_memory(error):
        return None
    # Only that line: torch adds advice, which mentions other errors.
    line = next((line for line in str(error).splitlines() if _DEVICE_ERROR.search(line)), None)
    return None if line is None or _CALL_ERROR.search(line) else line.strip()
