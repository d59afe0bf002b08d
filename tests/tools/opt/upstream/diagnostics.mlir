// RUN: weft opt %s -split-input-file -verify-diagnostics
// RUN: weft opt %s -split-input-file -verify-diagnostics -cse

func.func @right(%a: i32) -> i32 {
  return %a : i32
}

// -----

func.func @count(%a: i32) -> (i32, i32) {
  // expected-error @below {{}}
  return %a : i32
}

// -----

func.func @result(%a: i32) -> i64 {
  // expected-error@+1 {{}}
  return %a : i32
}

// -----

func.func @unknown_op() {
  arith.nosuch // expected-error {{arith.nosuch}}
}

// -----

func.func @undefined() -> i32 {
  return %x : i32 // expected-error {{use}}
}

// -----

func.func @punctuation(%a: i32) -> i32 {
  // expected-error @+1 {{expected}}
  %0 = arith.addi %a %a : i32
  return %0 : i32
}
