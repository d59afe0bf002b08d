"""`weft explain`: what the code of an error means, with an example and the example mended."""

from __future__ import annotations

from weft import codes
from weft.diagnostics import WeftError, did_you_mean


def command(arguments: list[str]) -> int:
    """Run `weft explain [CODE...]`; the exit code."""
    from weft.driver.explain import explain, listing

    if any(argument in ("-h", "--help") for argument in arguments):
        print("usage: weft explain [CODE ...]\n\nfor example: weft explain E0201; without a code: a list of all")
        return 0
    if wrong := next((argument for argument in arguments if argument.startswith("-")), None):
        hint = "weft explain --help tells what it takes"
        raise WeftError(f"weft explain: unknown option '{wrong}'", hint=hint, code=codes.COMMAND_LINE)
    found = [_find(argument) for argument in arguments]
    print("\n\n".join(map(explain, found)) if found else listing())
    return 0


def _find(name: str) -> codes.Code:
    code = codes.CODES.get(name.strip("[]").upper())
    if code is None:
        hint = did_you_mean(name.strip("[]").upper(), codes.CODES) or "weft explain lists the codes"
        raise WeftError(f"there is no code '{name}'", hint=hint, code=codes.NOTHING_KNOWN)
    return code
