"""From the `llvm` dialect to LLVM IR text and object code.

The functions here load what they need when they are called: a program from the cache needs no xDSL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from weft.backends.llvm.blobs import Blobs
    from weft.backends.llvm.machine import Machine


def to_llvm_ir(module: ModuleOp, blobs: Blobs | None = None) -> str:
    """The LLVM IR of a module of `llvm` ops. Raises :class:`WeftError` at the first op of another dialect.

    With `blobs`, the data of large constants is put there, and :func:`to_object` needs it.
    """
    from weft.backends.llvm.translate import to_llvm_ir as translate

    return translate(module, blobs)


def to_object(ir: str, machine: Machine | None = None, blobs: Blobs | None = None) -> bytes:
    """Object code of LLVM IR for a machine, by default this one. Raises :class:`InvalidIR` for wrong IR."""
    from weft.backends.llvm.object_code import to_object as generate

    code = generate(ir, machine)
    return code if blobs is None else blobs.put_into(code)


def blobs_for_host() -> Blobs | None:
    """Where the data of large constants goes in code for this machine; None where it has to stand in the text."""
    from weft.backends.llvm.blobs import Blobs, can_hold
    from weft.backends.llvm.machine import host_machine

    return Blobs() if can_hold(host_machine()) else None


def host() -> str:
    """This machine, in words that change whenever code made for it would."""
    from weft.backends.llvm.machine import host_machine

    return str(host_machine())
