// A comment whose regular expression is none is an error at the comment.
// RUN: not weft opt %s --verify-diagnostics 2>&1 | filecheck %s
// CHECK: bad-expected-regex.mlir:5:{{[0-9]+}}: error: '[' is no regular expression
func.func @f() {
  // expected-error-re {{{{[}}}}
  func.return
}
