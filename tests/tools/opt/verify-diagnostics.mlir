// RUN: weft opt %s --split-input-file --verify-diagnostics
// RUN: weft opt %s -split-input-file -verify-diagnostics=only-expected

func.func @same_line(%a: i32) -> i64 {
  func.return %a : i32 // expected-error {{Expected arguments to have the same types}}
}

// -----

func.func @next_line(%a: i32) -> i64 {
  // expected-error @+1 {{Expected arguments to have the same types}}
  func.return %a : i32
}

// -----

func.func @below(%a: i32) -> i64 {
  // expected-error@below {{Expected arguments}}
  func.return %a : i32
}

// -----

func.func @above(%a: i32) -> i64 {
  func.return %a : i32
  // expected-error@above {{Expected arguments}}
}

// -----

func.func @anywhere(%a: i32) -> i64 {
  func.return %a : i32
}
// expected-error@unknown {{Expected arguments}}

// -----

func.func @expression(%a: i32) -> i64 {
  // expected-error-re @+1 {{expected [i{{[0-9]+}}], got [i32]}}
  func.return %a : i32
}

// -----

func.func @nothing_wrong() { func.return }
