"""`weft lsp`: a language server on standard input and output, for editors."""

from __future__ import annotations

from weft import codes
from weft.diagnostics import WeftError


def command(arguments: list[str]) -> int:
    """Run `weft lsp`; the exit code. Raises :class:`WeftError` where pygls is not installed."""
    if arguments and arguments[0] in ("-h", "--help"):
        print("usage: weft lsp\n\nA language server for MLIR text; it speaks on standard input and output.")
        return 0
    if arguments and arguments != ["--stdio"]:
        raise WeftError(
            f"weft lsp: unknown argument '{arguments[0]}'", hint="weft lsp takes no arguments", code=codes.COMMAND_LINE
        )
    try:
        import pygls  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise WeftError("weft lsp needs pygls", hint="pip install 'weft[lsp]'", code=codes.MISSING_PACKAGE) from None
    from weft.tools.lsp_server import serve

    serve()
    return 0
