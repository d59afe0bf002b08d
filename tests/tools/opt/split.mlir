// Every chunk is a module of its own; one that fails does not hide the next, and lines are those of the file.
// RUN: not weft opt %s --split-input-file 2>&1 | filecheck %s
// RUN: not weft opt %s --split-input-file --output-split-marker="// next" 2>&1 | filecheck %s --check-prefix=MARKER

// CHECK: split.mlir:13:3: error: operation 'arith.nosuch' is not registered
// CHECK: func.func @first
// CHECK: // -----
// CHECK: func.func @third
// MARKER: // next
func.func @first() { func.return }
// -----
func.func @second() {
  arith.nosuch
}
// -----
func.func @third() { func.return }
