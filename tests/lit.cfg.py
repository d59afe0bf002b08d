"""lit's configuration: `lit tests` runs the `.mlir` tests. `weft`, `weft-opt` and `filecheck` are found on PATH."""

import lit.formats

config.name = "weft"  # noqa: F821 (lit defines `config`)
config.test_format = lit.formats.ShTest()  # noqa: F821
config.suffixes = [".mlir"]  # noqa: F821
config.excludes = ["Inputs"]  # noqa: F821
