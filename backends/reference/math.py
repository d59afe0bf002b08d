"""The `math` dialect, by the meanings of its ops."""

from __future__ import annotations

from weft.backends.reference.machine import Rules, without_machine
from weft.dialects.scalars.math import MEANINGS

RULES: Rules = without_machine(MEANINGS)
