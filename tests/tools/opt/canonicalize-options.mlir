// `canonicalize` takes the options that mlir-opt's has, and says what it does not know.
// RUN: weft opt %s -p 'builtin.module(canonicalize{max-iterations=3 top-down=true region-simplify=disabled})' | filecheck %s
// RUN: weft opt %s --canonicalize | filecheck %s --check-prefix=GONE
// RUN: not weft opt %s --canonicalize=region-simplify=normall 2>&1 | filecheck %s --check-prefix=WRONG
// CHECK: ^bb1:
// GONE: func.return
// GONE-NOT: ^bb1:
// WRONG: error: region-simplify is normal or aggressive or disabled, not 'normall'
// WRONG-NEXT: hint: did you mean 'normal'?
func.func @f() {
  func.return
^bb1:
  func.return
}
