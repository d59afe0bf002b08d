"""What backends for devices (`cuda`, `sim`) have in common: a program whose host code is done, and its kernels.

Host code is machine code of this machine. It calls the functions of :mod:`weft.dialects.device`, which the backend
brings under their names when it links the code, and reads its globals at symbols that the backend gives addresses on
the device to. The contract of a backend:

- `compile_module(module, target)`: what it makes of a `gpu.module` at stop 7, as bytes (PTX, object code);
- `load(program)`: a callable, which takes and gives arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from weft.backends.data import DataSpec
from weft.backends.signature import Signature


@dataclass(frozen=True)
class DeviceProgram:
    """A compiled program for a device.

    `host` is the object code of the host functions, `modules` what the backend made of each `gpu.module`, by its name.
    `kernels` and `sites` are what launches count (`"module::name"` and `file:line:col`), `messages` the texts of
    run-time checks. `contents` holds the initial bytes of each global by its symbol, `data` the files of those whose
    data lies in files: they are uploaded once, when the program is loaded.
    """

    signature: Signature
    messages: tuple[str, ...]
    kernels: tuple[str, ...]
    sites: tuple[str, ...]
    host: bytes
    modules: Mapping[str, bytes]
    contents: Mapping[str, bytes]
    data: Mapping[str, DataSpec]
