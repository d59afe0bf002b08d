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
        self.lines = LINES
        self.said = asyncio.Queue()

        @client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params: lsp.PublishDiagnosticsParams):
            self.said.put_nowait(params.diagnostics)

    async def open(self, text):
        self.lines = text.split("\n")
        item = lsp.TextDocumentItem(URI, "mlir", 1, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return await asyncio.wait_for(self.said.get(), 30)

    async def change(self, text):
        document = lsp.VersionedTextDocumentIdentifier(version=2, uri=URI)
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [whole]))
        return await asyncio.wait_for(self.said.get(), 30)

    def at(self, line, word):
        before = self.lines[line][: self.lines[line].index(word) + 1]
        return lsp.TextDocumentIdentifier(URI), lsp.Position(line, len(before.encode("utf-16-le")) // 2)

    async def hover(self, line, word):
        found = await self.client.text_document_hover_async(lsp.HoverParams(*self.at(line, word)))
        return found and found.contents.value

    async def definition(self, line, word):
        found = await self.client.text_document_definition_async(lsp.DefinitionParams(*self.at(line, word)))
        return found and (found.range.start.line, found.range.start.character)

    async def complete(self, text, line=0):
        await self.change(text)
        position = lsp.Position(line, len(text.split("\n")[line].encode("utf-16-le")) // 2)
        params = lsp.CompletionParams(lsp.TextDocumentIdentifier(URI), position)
        return [item.label for item in (await self.client.text_document_completion_async(params)).items]


def edit(story, *arguments):
    """Run a story with an editor and a server in a process of its own."""

    async def run():
        client = LanguageClient("test", "1")
        editor = Editor(client)
        await client.start_io(sys.executable, "-m", "weft.tools.main", "lsp", *arguments)
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


ALIASES = """func.func @use(%x: !pair, %y: tensor<4xf32>) attributes {tag.m = #map} {
  func.return
}
#map = affine_map<(i)
  -> (i * 2)>
!pair = tuple<i32,
  f32> // a comment with a ( bracket
func.func @other(
    %long: tensor<4xf32>,
    %short: i32
) -> tensor<4xf32> {
  %r = ml.softmax %long {
    tag.a = "}",
    axis = 0
  } : tensor<4xf32>
  %s,
  %t = func.call @two(
    %short) : (i32) -> (i32, i32)
  func.return %r : tensor<4xf32>
}
func.func private @two(i32) -> (i32, i32)
"""


def test_aliases_are_found_and_shown():
    async def story(editor):
        await editor.open(ALIASES)
        assert await editor.definition(0, "#map") == (3, 0)
        assert await editor.definition(0, "!pair") == (5, 0)
        assert await editor.hover(0, "#map") == "```mlir\n#map = affine_map<(i)\n  -> (i * 2)>\n```"
        assert "!pair = tuple<i32,\n  f32>" in await editor.hover(0, "!pair")
        assert "affine" not in await editor.hover(5, "!pair")
        assert await editor.hover(3, "#map") == await editor.hover(0, "#map")
        named = await editor.complete("#map = affine_map<() -> ()>\n!t = i32\nfunc.func @f() attributes {a = #m", 2)
        assert "#map" in named and "!t" not in named and "#llvm" in named

    edit(story)


def test_headers_of_several_lines_are_understood():
    async def story(editor):
        await editor.open(ALIASES)
        assert await editor.definition(11, "%long") == (8, 4)
        assert "%short : i32" in await editor.hover(17, "%short")
        assert await editor.definition(16, "@two") == (20, 18)
        assert "func.func private @two(i32) -> (i32, i32)" in await editor.hover(16, "@two")
        shown = await editor.hover(7, "@other")
        assert shown.startswith("```mlir\nfunc.func @other(\n    %long") and "-> tensor<4xf32>" in shown
        assert "softmax" not in shown
        assert "%t : i32" in await editor.hover(16, "%t")
        assert "axis" in await editor.complete("%0 = ml.softmax %x\n  {tag.a = 1 : i32,\n   a", 2)
        assert "axis" in await editor.complete("%0 = ml.softmax %x {\n", 1)
        assert "axis" in await editor.complete('%0 = "ml.softmax"(%x) <{ // the {\n  a', 1)
        assert "axis" not in await editor.complete("%0 = ml.softmax %x {axis = 0} : tensor<f32>\n  a", 1)
        assert "ml" in await editor.complete("scf.for %i = %a to %b step %c {\n", 1)

    edit(story)


def test_columns_count_as_the_protocol_does():
    async def story(editor):
        await editor.open("")
        line = 'func.func @f() attributes {t = "\U0001d6fc\U0001d6fd"} { ml.nosuch }'
        said = await editor.change(line)
        start = said[0].range.start.character
        assert start == len(line[: line.index("ml.nosuch")].encode("utf-16-le")) // 2
        text = (
            'func.func @f() attributes {t = "\U0001d6fc"} { %z = arith.constant 1 : i32 func.call @g(%z) : (i32) -> () '
        )
        text += "func.return }\nfunc.func private @g(i32)"
        await editor.open(text)
        place = text.split("\n")[0].index("%z")
        assert await editor.definition(0, "%z) :") == (0, len(text[:place].encode("utf-16-le")) // 2)
        assert await editor.definition(0, "@g") == (1, 18)

    edit(story)


PLUGIN = '''
from xdsl.dialects.builtin import i32
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, operand_def, opt_prop_def, result_def
from xdsl.dialects.builtin import StringAttr


@irdl_op_definition
class TwiceOp(IRDLOperation):
    """Twice its operand.

    ```mlir
    %r = guest.twice %a
    ```
    """

    name = "guest.twice"
    a = operand_def(i32)
    r = result_def(i32)
    mode = opt_prop_def(StringAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$a attr-dict"


DIALECTS = (Dialect("guest", [TwiceOp]),)
'''


def test_a_plug_in_is_served_like_a_dialect_of_weft(tmp_path):
    plugin = tmp_path / "guest.py"
    plugin.write_text(PLUGIN)

    async def story(editor):
        assert not await editor.open("func.func @f(%x: i32) {\n  %y = guest.twice %x\n  func.return\n}\n")
        assert "Twice its operand." in await editor.hover(1, "guest.twice")
        assert "%y : i32" in await editor.hover(1, "%y")
        assert await editor.complete("%0 = guest.") == ["guest.twice"]
        assert await editor.complete("%0 = guest.twice %x {") == ["mode"]
        assert "guest" in await editor.complete("%0 = g")

    edit(story, f"--load-dialect-plugin={plugin}")
