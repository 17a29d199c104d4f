"""A device that fails: how the libraries say so. From then on, whatever the process asks of it fails, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.engines.memory import is_out_of_memory
from tasks.errors import DeviceBroken, EngineDied

_OF_THE_DEVICE = re.compile(
    # torch: "CUDA error: …", "CUDA driver error: …", "CUDA unknown error", "cuDNN error: …"; CTranslate2: "CUDA
    # failed with error …", "cuBLAS failed with status …".
    r"\b(cuda|cublas|cublaslt|cudnn|cufft|cusparse)( driver| unknown)? (error|failed)\b|no cuda gpus are available",
    re.IGNORECASE,
)
_OF_THE_CALL = re.compile(
    r"not_supported|invalid_value|bad_param|invalid argument|invalid configuration argument", re.IGNORECASE
)
"""Such a call is refused again, by a device that is well."""
_OF_THE_VALUES = "device-side assert"
"""Values that the device's code isn't made for: the recording may be at fault."""


@contextmanager
def told_of_device(what: str) -> Iterator[None]:
    """Raises `DeviceBroken`, naming `what`, for any library's way of saying so; plain `EngineDied` where the values
    that the device was given may be at fault."""
    try:
        yield
    except Exception as error:
        said = told_in(error)
        if said is None:
            raise
        kind = EngineDied if _OF_THE_VALUES in said.lower() else DeviceBroken
        raise kind(f"{what}: its device failed ({said}). See nvidia-smi, or set device = cpu.") from error


def told_in(error: BaseException) -> str | None:
    """The line in which a library says that the device failed; None where none does.

    >>> told_in(RuntimeError("CUDA failed with error unspecified launch failure"))
    'CUDA failed with error unspecified launch failure'
    >>> told_in(RuntimeError("CUDA error: invalid configuration argument"))
    """
    if not isinstance(error, RuntimeError) or is_out_of_memory(error):
        return None
    # Only that line: torch adds advice, which mentions other errors.
    line = next((line for line in str(error).splitlines() if _OF_THE_DEVICE.search(line)), None)
    return None if line is None or _OF_THE_CALL.search(line) else line.strip()
