"""`weft help`: what an op, a pass or a dialect is, from its docstring and its definition."""

from __future__ import annotations

from weft import codes
from weft.diagnostics import WeftError


def command(arguments: list[str]) -> int:
    """Run `weft help NAME...`; the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(
            "usage: weft help OP|PASS|DIALECT ...\n\nfor example: weft help ml.softmax, weft help cse, weft help loop"
        )
        return 0
    if wrong := next((argument for argument in arguments if argument.startswith("-")), None):
        raise WeftError(
            f"weft help: unknown option '{wrong}'", hint="weft help --help tells what it takes", code=codes.COMMAND_LINE
        )
    from weft.driver.reference import describe

    for name in arguments:
        if name in codes.CODES:
            raise WeftError(f"'{name}' is the code of an error", hint=f"weft explain {name}", code=codes.NOTHING_KNOWN)
    print("\n\n".join(describe(name) for name in arguments))
    return 0
