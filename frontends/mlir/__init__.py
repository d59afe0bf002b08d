"""The reader of MLIR text, on lark."""
