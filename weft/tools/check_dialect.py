"""`weft check-dialect`: tests of a dialect that are made from its op definitions alone."""

from __future__ import annotations

from weft import codes
from weft.diagnostics import WeftError, did_you_mean

USAGE = """\
usage: weft check-dialect MODULE|FILE.py|NAME ...

Checks the dialects of a plug-in (a module, or the path of a .py file), or a dialect by its name. The examples in the
docstrings of its ops, and programs like them with other sizes, types and attributes, are printed and read back,
verified, run by their meaning and as machine code, and compared. Exit code 1 when anything is wrong.
"""


def command(arguments: list[str]) -> int:
    """Run `weft check-dialect`; the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    if wrong := next((argument for argument in arguments if argument.startswith("-")), None):
        raise WeftError(
            f"weft check-dialect: unknown option '{wrong}'", hint="weft check-dialect --help", code=codes.COMMAND_LINE
        )
    return max(_check(argument) for argument in arguments)


def _check(name: str) -> int:
    from weft.driver.check_dialect import check_dialect

    code = 0
    for dialect in _dialects(name):
        report = check_dialect(dialect)
        counts = ", ".join(f"{what} {count}" for what, count in report.counts.items())
        for remark in dict.fromkeys(report.remarks):
            print(f"remark: {remark}")
        for finding in report.findings:
            print(f"error: {finding}")
        number = len(report.findings)
        verdict = f"{number} mistake{'' if number == 1 else 's'}" if number else "no mistakes found"
        print(f"{report.dialect}: {verdict} (checks: {counts or 'none'})")
        code = max(code, 1 if report.findings else 0)
    return code


def _dialects(name: str):
    from weft.registry import context, load_plugin

    ctx = context()
    known = ctx.registered_dialect_names
    if name in known:
        ctx.load_registered_dialect(name)
        return (ctx.get_dialect(name),)
    try:
        return load_plugin(name).dialects
    except WeftError as error:
        if error.hint is None and (hint := did_you_mean(name, known)):
            raise WeftError(error.message, hint=hint, code=error.code) from error
        raise
