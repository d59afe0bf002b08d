"""The codes of what verifiers say: most rules are xDSL's, and known by their words only."""

from __future__ import annotations

import re

from weft import codes
from weft.codes import Code

_RULES: tuple[tuple[str, Code], ...] = (
    (r"terminat|ends its block|must be the last operation|empty block", codes.MISSING_TERMINATOR),
    (
        r"symbol table|Redefinition of symbol|could not be found|no (function|memref\.global|llvm\.func)",
        codes.WRONG_SYMBOL,
    ),
    (r"expects (parent|ancestor) op|does not belong to|of a different region", codes.WRONG_PLACE),
    (r"IsolatedFromAbove", codes.NOT_DOMINATED),
    (
        r"^(property|attribute) '|is not defined by the operation|(property|attribute) in \S+ operation",
        codes.WRONG_ATTRIBUTES,
    ),
    (
        r"but got \d+|count \(\d+\) does not match|^Operation has \d+|cannot have negative",
        codes.WRONG_COUNT,
    ),
    (r"wrong number of|incorrect number of|number of (operands|results|arguments|inputs)", codes.WRONG_COUNT),
    (r"they are .* and |same (shape|type|element)|different (shape|size|rank)|shapes? (of|do)", codes.SHAPE_MISMATCH),
    (
        r"does not verify:|should be of|[Ee]xpected attribute|Unexpected attribute|must be of type|is needed",
        codes.WRONG_TYPE,
    ),
)
"""The first pattern that is found in a message gives its code."""


def code_of(message: str) -> Code:
    """The code of what a verifier says."""
    return next((code for pattern, code in _RULES if re.search(pattern, message)), codes.INVALID_OP)
