"""The language server: the protocol on one side, `weft.driver.editing` on the other."""

from __future__ import annotations

import os

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from weft.diagnostics import Diagnostic
from weft.driver.editing import Document, Span
from weft.version import VERSION

_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "note": lsp.DiagnosticSeverity.Information,
    "remark": lsp.DiagnosticSeverity.Hint,
}


class Server(LanguageServer):
    """A server and the documents that the editor has open, by URI."""

    def __init__(self) -> None:
        super().__init__("weft", VERSION)  # pyright: ignore[reportUnknownMemberType]
        self.open: dict[str, Document] = {}

    def read(self, uri: str) -> None:
        """Read a document as it is now, and tell the editor what is wrong with it."""
        document = self.open.setdefault(uri, Document(to_fs_path(uri) or uri))
        document.update(self.workspace.get_text_document(uri).source)
        found = [self.shown(uri, diagnostic) for diagnostic in document.diagnostics]
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found))

    def place(self, uri: str, position: lsp.Position) -> tuple[int, int]:
        """A position of the protocol, which counts in the units that the editor asked for, as line and character."""
        found = self.workspace.position_codec.position_from_client_units(self._lines(uri), position)
        return found.line, found.character

    def range(self, uri: str, span: Span) -> lsp.Range:
        """The inverse, for a span."""
        return self.workspace.position_codec.range_to_client_units(
            self._lines(uri),
            lsp.Range(lsp.Position(span.line, span.start), lsp.Position(span.line, span.end)),
        )

    def shown(self, uri: str, diagnostic: Diagnostic) -> lsp.Diagnostic:
        """A diagnostic as the protocol has it."""
        line, column = max(diagnostic.where.line - 1, 0), max(diagnostic.where.column - 1, 0)
        message = diagnostic.message + (f"\n{diagnostic.hint}" if diagnostic.hint else "")
        span = self.range(uri, Span(line, column, column + 1))
        code = None if diagnostic.code is None else diagnostic.code.name
        return lsp.Diagnostic(span, message, _SEVERITIES[diagnostic.severity], code, source="weft")

    def _lines(self, uri: str) -> list[str]:
        return self.open[uri].text.split("\n")


def serve() -> None:
    """Speak on standard input and output until the editor says goodbye."""
    # pygls closes what it speaks on; standard output stays ours
    make_server().start_io(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))


def make_server() -> Server:
    """A server with all that it can do."""
    server = Server()
    server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)(_opened)
    server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)(_changed)
    server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(_closed)
    server.feature(lsp.TEXT_DOCUMENT_HOVER)(_hover)
    server.feature(lsp.TEXT_DOCUMENT_DEFINITION)(_definition)
    server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)(_outline)
    triggers = lsp.CompletionOptions(trigger_characters=[".", "!", "#", "{", "-", ","])
    server.feature(lsp.TEXT_DOCUMENT_COMPLETION, triggers)(_complete)
    return server


def _opened(ls: Server, params: lsp.DidOpenTextDocumentParams) -> None:
    ls.read(params.text_document.uri)


def _changed(ls: Server, params: lsp.DidChangeTextDocumentParams) -> None:
    ls.read(params.text_document.uri)


def _closed(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    ls.open.pop(params.text_document.uri, None)


def _hover(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    uri = params.text_document.uri
    text = ls.open[uri].hover(*ls.place(uri, params.position))
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text)) if text else None


def _definition(ls: Server, params: lsp.DefinitionParams) -> lsp.Location | None:
    uri = params.text_document.uri
    span = ls.open[uri].definition(*ls.place(uri, params.position))
    return lsp.Location(uri, ls.range(uri, span)) if span is not None else None


def _complete(ls: Server, params: lsp.CompletionParams) -> lsp.CompletionList:
    uri = params.text_document.uri
    names = ls.open[uri].complete(*ls.place(uri, params.position))
    return lsp.CompletionList(False, [lsp.CompletionItem(name) for name in names])


def _outline(ls: Server, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    uri = params.text_document.uri
    found = [(name, ls.range(uri, span)) for name, span in ls.open[uri].outline()]
    return [lsp.DocumentSymbol(name, lsp.SymbolKind.Function, span, span) for name, span in found]
