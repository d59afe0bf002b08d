"""What backends for devices (`cuda`, `sim`) have in common: a program whose host code is done, and its kernels.

Host code is machine code of this machine. It calls the functions of :mod:`weft.dialects.device`, which the backend
brings under their names when it links the code, and reads its globals at symbols that the backend gives addresses on
the device to. What a backend brings is said by :class:`Backend`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from weft.backends.data import DataSpec
from weft.backends.signature import Signature

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from weft.dialects.target import Cuda


@dataclass(frozen=True)
class DeviceProgram:
    """A compiled program for a device.

    `host` is the object code of the host functions, `modules` what the backend made of each `gpu.module`, by its name.
    `kernels` and `sites` are what launches count (`"module::name"` and `file:line:col`), `messages` the texts of
    run-time checks. `contents` holds the initial bytes of each global by its symbol, `data` the files of those whose
    data lies in files: they are uploaded once, when the program is loaded. `python_call` tells whether what
    :meth:`Backend.call_text` gave is among the host code.
    """

    signature: Signature
    messages: tuple[str, ...]
    kernels: tuple[str, ...]
    sites: tuple[str, ...]
    host: bytes
    modules: Mapping[str, bytes]
    contents: Mapping[str, bytes]
    data: Mapping[str, DataSpec]
    python_call: bool = False


class Backend(Protocol):
    """What the package of a backend for devices brings. `options` is what stands behind the `:` of the target."""

    def target_facts(self, options: str) -> Cuda:
        """The GPU that code is made for. Raises :class:`WeftError` for options that are not known, or no GPU."""
        ...

    def compile_module(self, module: Operation, options: str) -> bytes:
        """Code of a `gpu.module` at stop 7: PTX, object code. Raises :class:`WeftError` at what has no code."""
        ...

    def call_text(self, signature: Signature) -> str:
        """LLVM IR to stand in one module with the host code: a function that Python calls without Python in between.

        Empty where there is none.
        """
        ...

    def load(self, program: DeviceProgram, options: str) -> Callable[..., Any]:
        """The program as a callable, which takes and gives arrays."""
        ...
