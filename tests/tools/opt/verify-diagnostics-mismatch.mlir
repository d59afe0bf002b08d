// What was not expected, and what did not come, are errors.
// RUN: not weft opt %s --verify-diagnostics 2>&1 | filecheck %s
// RUN: not weft opt %s --verify-diagnostics=only-expected 2>&1 | filecheck %s --check-prefix=ONLY

// CHECK: mismatch.mlir:11:3: error: unexpected error: {{.*}}Expected arguments
// CHECK: mismatch.mlir:13:4: error: expected error "something else" was not produced
// ONLY-NOT: unexpected
// ONLY: expected error "something else" was not produced
func.func @f(%a: i32) -> i64 {

  func.return %a : i32
}
// expected-error@above {{something else}}
