"""What was compiled before starts fast: neither xDSL nor lark is loaded for it."""

import os
import shutil
import subprocess
import sys

import pytest

import weft

SCRIPT = """
import sys, numpy as np, weft
f = weft.compile(sys.argv[1]) if sys.argv[1].endswith(".mlir") else weft.load(sys.argv[1])
assert f(np.ones(2, np.float32)).tolist() == [2, 2]
print(sorted({"xdsl", "lark"} & sys.modules.keys()))
"""
PROGRAM = """
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = ml.add %x, %x : tensor<2xf32>
  func.return %0 : tensor<2xf32>
}
"""


def loaded_for(path, cache):
    words = [sys.executable, "-c", SCRIPT, str(path)]
    environment = {**os.environ, "WEFT_CACHE_DIR": str(cache)}
    return subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout.strip()


def test_a_program_from_the_cache_needs_no_xdsl(tmp_path):
    """Both runs are processes of their own: plug-ins that other tests have loaded into this one would be in the key."""
    (tmp_path / "p.mlir").write_text(PROGRAM)
    assert "xdsl" in loaded_for(tmp_path / "p.mlir", tmp_path / "cache")
    assert loaded_for(tmp_path / "p.mlir", tmp_path / "cache") == "[]"


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler to link a library")
def test_a_library_needs_no_xdsl(tmp_path):
    weft.export(PROGRAM, tmp_path / "p.so")
    assert loaded_for(tmp_path / "p.so", tmp_path / "cache") == "[]"
