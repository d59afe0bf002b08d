"""llvmlite's binding of LLVM. It declares no types; here it is `Any`, once for all who use it."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as _binding

binding: Any = _binding
