"""Every dialect of weft, by name. An entry is imported when a module first uses it."""

from __future__ import annotations

DIALECTS: tuple[tuple[str, str], ...] = (
    ("ml", "weft.dialects.ml:ML"),
    ("loop", "weft.dialects.loop:LOOP"),
    ("gpu", "weft.dialects.gpu:GPU"),
    ("nvvm", "weft.dialects.nvvm:NVVM"),
    ("target", "weft.dialects.target:TARGET"),
    ("arith", "weft.dialects.upstream.arith:ARITH"),
    ("llvm", "weft.dialects.upstream.llvm:LLVM"),
)
