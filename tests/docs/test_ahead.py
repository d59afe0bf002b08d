"""The C of the page on compiling ahead of time is what the header has, and works."""

import shutil
import subprocess

import pytest

from tests.docs.shown import BLOCK, ROOT
from weft.driver.ahead import Request, export_program

PAGE = (ROOT / "docs" / "ahead-of-time.md").read_text()
DECLARATION, PROGRAM = (text for language, text in BLOCK.findall(PAGE) if language == "c")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc to build a C program")
def test_the_program_of_the_page_works_and_its_excerpt_is_of_the_header(tmp_path):
    export_program(ROOT / "examples" / "layer.mlir", tmp_path / "layer.o", Request())
    assert DECLARATION in (tmp_path / "layer.h").read_text()
    (tmp_path / "program.c").write_text(PROGRAM)
    words = ["gcc", "-Wall", "-Werror", "-o", "program", "program.c", "layer.o", "-lm", "-lpthread"]
    subprocess.run(words, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=True)
    assert done.stdout == "2 x 512, the first is 0\n"
