// Each flag does what it says; the twin shows what happens without it.
// RUN: weft opt %s --mlir-print-op-generic | filecheck %s --check-prefix=GENERIC
// RUN: weft opt %s --mlir-print-debuginfo | filecheck %s --check-prefix=DEBUG
// RUN: weft opt %s -o %t && filecheck %s --input-file %t --check-prefix=PLAIN
// RUN: weft opt %s --mlir-elide-elementsattrs-if-larger=2 | filecheck %s --check-prefix=ELIDED
// RUN: weft opt %s --verify-roundtrip | filecheck %s --check-prefix=PLAIN
// RUN: weft opt %s --canonicalize --mlir-print-ir-before=canonicalize 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: weft opt %s --canonicalize --cse --mlir-print-ir-after=cse 2>&1 | filecheck %s --check-prefix=AFTER
// RUN: weft opt %s --canonicalize --cse --mlir-print-ir-after-all 2>&1 | filecheck %s --check-prefix=ALL
// RUN: weft opt %s --canonicalize --cse --cse --mlir-print-ir-after-change 2>&1 | filecheck %s --check-prefix=CHANGE
// RUN: weft opt %s --canonicalize --mlir-timing 2>&1 | filecheck %s --check-prefix=TIMING
// RUN: weft opt %s --cse --mlir-timing --mlir-output-format=json 2>&1 | filecheck %s --check-prefix=JSON
// RUN: weft opt %s --cse --mlir-pass-statistics 2>&1 | filecheck %s --check-prefix=STATISTICS
// RUN: weft opt %s -p 'builtin.module(func.func(cse),canonicalize)' --dump-pass-pipeline 2>&1 | filecheck %s --check-prefix=PIPELINE
// RUN: weft opt %s --pass-pipeline='builtin.module(cse)' | filecheck %s --check-prefix=CSE
// RUN: weft opt %s --cse | filecheck %s --check-prefix=CSE
// RUN: not weft opt %s --pass-pipeline='builtin.module(cse)' --cse 2>&1 | filecheck %s --check-prefix=BOTH
// RUN: not weft opt %s --canonicalise 2>&1 | filecheck %s --check-prefix=NEAR
// RUN: not weft opt %s --no-implicit-module 2>&1 | filecheck %s --check-prefix=IMPLICIT
// RUN: not weft opt %s --pass-pipeline='func.func(cse)' 2>&1 | filecheck %s --check-prefix=ROOT
// RUN: not weft opt nofile.mlir 2>&1 | filecheck %s --check-prefix=NOFILE
// RUN: not weft opt %s -o %S 2>&1 | filecheck %s --check-prefix=FOLDER
// RUN: weft opt --list-passes | filecheck %s --check-prefix=LIST
// RUN: weft opt --show-dialects | filecheck %s --check-prefix=DIALECTS
// RUN: weft opt --version | filecheck %s --check-prefix=VERSION
// RUN: weft opt --help | filecheck %s --check-prefix=HELP

// GENERIC: "arith.addi"(%arg0, %arg0)
// DEBUG: arith.addi %arg0, %arg0 : i32 loc("{{.*}}flags.mlir":
// PLAIN: func.func @f(%arg0: i32) -> i32
// PLAIN: arith.constant dense<[1, 2, 3]>
// PLAIN: %0 = arith.addi %arg0, %arg0 : i32
// PLAIN-NEXT: %1 = arith.addi %arg0, %arg0 : i32
// ELIDED: arith.constant dense_resource<__elided__> : tensor<3xi32>
// BEFORE: IR Dump Before Canonicalize (canonicalize)
// BEFORE: arith.constant dense
// AFTER-NOT: IR Dump After Canonicalize
// AFTER: IR Dump After Cse (cse)
// ALL: IR Dump After Canonicalize (canonicalize)
// ALL: IR Dump After Cse (cse)
// CHANGE: IR Dump After Canonicalize (canonicalize)
// CHANGE: IR Dump After Cse (cse)
// CHANGE-NOT: IR Dump After
// TIMING: Execution time report
// TIMING: Parser
// TIMING: Canonicalize
// TIMING: Total
// JSON: "name": "Total"
// STATISTICS: Pass statistics report
// STATISTICS: ops-after
// PIPELINE: Pass Manager with 2 passes:
// PIPELINE: builtin.module(func.func(cse),canonicalize
// CSE: %0 = arith.addi %arg0, %arg0 : i32
// CSE-NEXT: arith.muli %0, %0
// BOTH: error: '-pass-pipeline' option can't be used with individual pass options
// NEAR: Unknown command line argument '--canonicalise'
// NEAR: did you mean '--canonicalize'?
// IMPLICIT: error:
// ROOT: can't run 'func.func' pass manager on 'builtin.module' op
// NOFILE: cannot open input file 'nofile.mlir': No such file or directory
// FOLDER: cannot write output file
// LIST: --canonicalize
// DIALECTS: Available Dialects: {{.*}}ml,
// VERSION: weft {{[0-9]+}}
// HELP: --verify-diagnostics
func.func @f(%a: i32) -> i32 {
  %unused = arith.constant dense<[1, 2, 3]> : tensor<3xi32>
  %x = arith.addi %a, %a : i32
  %y = arith.addi %a, %a : i32
  %z = arith.muli %x, %y : i32
  func.return %z : i32
}
