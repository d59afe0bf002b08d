// Flags that are seldom used; the first line of each pair is the twin without it.
// RUN: weft opt %s | filecheck %s --check-prefix=PLAIN
// RUN: weft opt %s --mlir-elide-resource-strings-if-larger=20 | filecheck %s --check-prefix=SMALL
// RUN: weft opt %s --mlir-elide-resource-strings-if-larger=4 | filecheck %s --check-prefix=NONE
// RUN: weft opt %s --mlir-print-unique-ssa-ids | filecheck %s --check-prefix=UNIQUE
// RUN: weft opt %s --mlir-use-nameloc-as-prefix | filecheck %s --check-prefix=LOCATION
// RUN: weft opt %s --mlir-print-skip-regions | filecheck %s --check-prefix=SKIP
// RUN: weft opt %s --mlir-print-value-users | filecheck %s --check-prefix=USERS
// RUN: weft opt %s --cse --cse --mlir-pass-statistics 2>&1 | filecheck %s --check-prefix=TWICE
// RUN: weft opt %s --cse --cse --mlir-pass-statistics --mlir-pass-statistics-display=list 2>&1 | filecheck %s --check-prefix=ONCE
// RUN: weft opt %s --cse --mlir-generate-reproducer=%t -o - | filecheck %s --check-prefix=CSE && filecheck %s --input-file %t --check-prefix=REPRODUCER
// RUN: weft opt %s --canonicalize --cse --mlir-debug-counter=pass-execution-skip=2 | filecheck %s --check-prefix=PLAIN
// RUN: weft opt %s --cse --mlir-debug-counter=pass-execution-skip=0,pass-execution-count=1 | filecheck %s --check-prefix=CSE
// RUN: weft opt %s --cse --mlir-debug-counter=pass-execution-count=0 | filecheck %s --check-prefix=PLAIN
// RUN: weft opt %s --cse --mlir-debug-counter=pass-execution-skip=1 --mlir-print-debug-counter 2>&1 | filecheck %s --check-prefix=COUNTER
// RUN: weft opt %s --cse --mlir-print-debug-counter 2>&1 | filecheck %s --check-prefix=COUNTED
// RUN: not weft opt %s --cse --mlir-debug-counter=apply-skip=1 2>&1 | filecheck %s --check-prefix=TAG
// RUN: not weft opt %s --cse --mlir-debug-counter=pass-execution 2>&1 | filecheck %s --check-prefix=FORM
// RUN: weft opt %s --cse --log-actions-to=- 2>&1 | filecheck %s --check-prefix=LOG
// RUN: weft opt %s --cse --log-actions-to=%t -o - && filecheck %s --input-file %t --check-prefix=LOG
// RUN: not weft opt %s --cse --log-actions-to=%S 2>&1 | filecheck %s --check-prefix=UNWRITABLE
// RUN: weft opt %s --cse --profile-actions-to=- 2>&1 | filecheck %s --check-prefix=PROFILE
// RUN: not weft opt %S/Inputs/wrong.mlir 2>&1 | filecheck %s --check-prefix=WRONG
// RUN: not weft opt %S/Inputs/wrong.mlir --mlir-print-stacktrace-on-diagnostic 2>&1 | filecheck %s --check-prefix=STACK
// RUN: not weft opt %S/Inputs/wrong.mlir --mlir-print-op-on-diagnostic=0 2>&1 | filecheck %s --check-prefix=WRONG
// RUN: not weft opt %S/Inputs/wrong.mlir --mlir-diagnostic-verbosity-level=errors 2>&1 | filecheck %s --check-prefix=WRONG
// RUN: not weft opt %s --mlir-diagnostic-verbosity-level=loud 2>&1 | filecheck %s --check-prefix=LEVEL
// RUN: weft opt %s --disable-verify --cse | filecheck %s --check-prefix=CSE
// RUN: weft opt %s -t mlir | filecheck %s --check-prefix=PLAIN
// RUN: not weft opt %s -t=wasm 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not weft opt %s --irdl-file=x 2>&1 | filecheck %s --check-prefix=IRDL
// RUN: not weft opt %s --debug-only=x 2>&1 | filecheck %s --check-prefix=DEBUG
// RUN: not weft opt %s --emit-bytecode 2>&1 | filecheck %s --check-prefix=BYTECODE
// RUN: weft opt --help | filecheck %s --check-prefix=HELP

// PLAIN: %1 = arith.muli %arg0, %arg0 : i32
// PLAIN-NEXT: %2 = scf.if %arg1 -> (i32) {
// PLAIN-NEXT: %4 = arith.subi
// PLAIN: } else {
// PLAIN-NEXT: %4 = arith.divsi
// PLAIN: large{{(_[0-9]+)?}}: "0x04000000
// PLAIN-SAME: small{{(_[0-9]+)?}}: "0x
// SMALL-NOT: large{{(_[0-9]+)?}}:
// SMALL: small{{(_[0-9]+)?}}: "0x
// NONE: func.func @other
// NONE-NOT: {-#
// UNIQUE: func.func @main(%arg1: i32, %arg2: i1)
// UNIQUE: %5 = arith.subi
// UNIQUE: %4 = arith.divsi
// UNIQUE: func.func @other(%arg0: i32)
// LOCATION: %half_ = arith.muli %arg0, %arg0
// SKIP: builtin.module {...}
// USERS: %0 = arith.muli %arg0, %arg0 : i32 // user: %3
// USERS: %1 = arith.muli %arg0, %arg0 : i32 // unused
// USERS: %3 = arith.addi %0, %2 : i32 // user: func.return
// TWICE-COUNT-2: Cse
// TWICE: 14 ops-after
// ONCE: Cse
// ONCE: ops-before
// ONCE-NOT: Cse
// CSE: %0 = arith.muli %arg0, %arg0
// CSE-NEXT: %1 = scf.if
// REPRODUCER: %1 = arith.muli %arg0, %arg0
// REPRODUCER: pipeline: "builtin.module(cse)"
// COUNTER: DebugCounter counters:
// COUNTER-NEXT: pass-execution{{ *}}: {1,1,-1}
// COUNTED: pass-execution{{ *}}: {1,0,-1}
// TAG: error: weft opt: --mlir-debug-counter: unknown tag 'apply'
// FORM: error: weft opt: --mlir-debug-counter: expected TAG-skip=N or TAG-count=N, not 'pass-execution'
// LOG: begins Action `pass-execution` running `cse` on Operation `builtin.module`
// LOG: completed `pass-execution` of `cse`
// UNWRITABLE: error: cannot open output file
// PROFILE: [{"name": "pass-execution", "cat": "PERF",{{.*}}"ph": "B"
// PROFILE: ,{"name": "pass-execution"{{.*}}"ph": "E"
// PROFILE: ]
// WRONG: wrong.mlir:2:{{[0-9]+}}: error:
// WRONG-NOT: Traceback
// STACK: wrong.mlir:2:{{[0-9]+}}: error:
// STACK: note: diagnostic emitted with trace:
// STACK-NEXT: Traceback
// LEVEL: expected errors or warnings or remarks
// TARGET: expected mlir
// IRDL: error: weft opt: '--irdl-file=x': not supported
// IRDL: hint: a dialect is a Python file here
// DEBUG: error: weft opt: '--debug-only=x': not supported
// BYTECODE: error: weft opt: '--emit-bytecode': not supported
// HELP-NOT: irdl
// HELP: --profile-actions-to
func.func @main(%x: i32, %c: i1) -> i32 {
  %a = arith.muli %x, %x : i32
  %b = arith.muli %x, %x : i32 loc("half ")
  %s = scf.if %c -> (i32) {
    %d = arith.subi %x, %x : i32
    scf.yield %d : i32
  } else {
    %e = arith.divsi %x, %x : i32
    scf.yield %e : i32
  }
  %r = arith.addi %a, %s : i32
  func.return %r : i32
}
func.func @other(%x: i32) -> (tensor<4xi32>, tensor<1xi8>) {
  %large = arith.constant dense_resource<large> : tensor<4xi32>
  %small = arith.constant dense_resource<small> : tensor<1xi8>
  func.return %large, %small : tensor<4xi32>, tensor<1xi8>
}
{-#
  dialect_resources: {
    builtin: {
      large: "0x0400000001000000020000000300000004000000",
      small: "0x0100000003"
    }
  }
#-}
