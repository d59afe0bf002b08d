"""`weft lsp`, driven by a client over standard input and output, as an editor drives it."""

import asyncio
import sys

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from weft.tools.main import main

URI = "file:///program.mlir"
TEXT = """// RUN: weft opt %s --cse
#map = affine_map<(i) -> (i)>
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = ml.relu %x : tensor<4xf32>
  %z = func.call @other(%y) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %z : tensor<4xf32>
}
func.func private @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^end
^end:
  func.return %x : tensor<4xf32>
}
// -----
func.func @wrong(%x: tensor<4xf32>) {
  %y = ml.rellu %x : tensor<4xf32>
  func.return
}
"""
LINES = TEXT.split("\n")


class Editor:
    """An editor with one document."""

    def __init__(self, client):
        self.client = client
        self.said = asyncio.Queue()

        @client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params: lsp.PublishDiagnosticsParams):
            self.said.put_nowait(params.diagnostics)

    async def open(self, text):
        item = lsp.TextDocumentItem(URI, "mlir", 1, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return await asyncio.wait_for(self.said.get(), 30)

    async def change(self, text):
        document = lsp.VersionedTextDocumentIdentifier(version=2, uri=URI)
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [whole]))
        return await asyncio.wait_for(self.said.get(), 30)

    def at(self, line, word):
        return lsp.TextDocumentIdentifier(URI), lsp.Position(line, LINES[line].index(word) + 1)

    async def hover(self, line, word):
        found = await self.client.text_document_hover_async(lsp.HoverParams(*self.at(line, word)))
        return found and found.contents.value

    async def definition(self, line, word):
        found = await self.client.text_document_definition_async(lsp.DefinitionParams(*self.at(line, word)))
        return found and (found.range.start.line, found.range.start.character)

    async def complete(self, text, line=0):
        await self.change(text)
        position = lsp.Position(line, len(text.split("\n")[line]))
        params = lsp.CompletionParams(lsp.TextDocumentIdentifier(URI), position)
        return [item.label for item in (await self.client.text_document_completion_async(params)).items]


def edit(story):
    """Run a story with an editor and a server in a process of its own."""

    async def run():
        client = LanguageClient("test", "1")
        editor = Editor(client)
        await client.start_io(sys.executable, "-m", "weft.tools.main", "lsp")
        await client.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
        try:
            await asyncio.wait_for(story(editor), 60)
        finally:
            await client.shutdown_async(None)
            client.exit(None)
            await client.stop()

    asyncio.run(run())


def test_an_editor_is_served():
    async def story(editor):
        said = await editor.open(TEXT)
        assert [(d.range.start.line, d.severity) for d in said] == [(14, lsp.DiagnosticSeverity.Error)]
        assert "ml.relu" in said[0].message
        assert "### ml.relu" in await editor.hover(3, "ml.relu")
        assert "%y : tensor<4xf32>" in await editor.hover(4, "%y")
        assert "### cse" in await editor.hover(0, "cse")
        assert await editor.definition(4, "%y") == (3, 2)
        assert await editor.definition(3, "%x") == (2, 16)
        assert await editor.definition(10, "%x") == (7, 25)
        assert await editor.definition(8, "^end") == (9, 0)
        assert await editor.definition(4, "@other") == (7, 18)
        outline = await editor.client.text_document_document_symbol_async(
            lsp.DocumentSymbolParams(lsp.TextDocumentIdentifier(URI))
        )
        assert [symbol.name for symbol in outline] == ["@main", "@other", "@wrong"]

    edit(story)


def test_a_broken_text_is_served_too():
    async def story(editor):
        await editor.open(TEXT)
        said = await editor.change(TEXT.replace("  %z = func", "  %broken = ml. (\n  %z = func"))
        assert len(said) == 2
        assert await editor.definition(3, "%x") == (2, 16)
        assert "%x : tensor<4xf32>" in await editor.hover(3, "%x")
        assert not await editor.change(TEXT.replace("rellu", "relu"))

    edit(story)


def test_names_are_completed():
    async def story(editor):
        await editor.open("")
        assert "ml.softmax" in await editor.complete("%0 = ml.")
        assert "canonicalize" in await editor.complete("// RUN: weft opt --")
        assert "axis" in await editor.complete("%0 = ml.softmax %x {")
        assert "llvm.ptr" in await editor.complete("func.func @f(%x: !llvm.")
        assert "tensor" in await editor.complete("func.func @f(%x: ")
        assert await editor.complete("%0 = nosuch.") == []

    edit(story)


def test_without_pygls_there_is_one_clear_message(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pygls", None)
    assert main(["lsp"]) == 1
    assert capsys.readouterr().err == "error: weft lsp needs pygls [E0804]\nhint: pip install 'weft[lsp]'\n"


def test_an_unknown_argument_is_refused(capsys):
    assert main(["lsp", "--port"]) == 1
    assert "unknown argument '--port'" in capsys.readouterr().err
