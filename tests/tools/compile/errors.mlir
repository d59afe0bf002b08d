// What is wrong is said in one line, with a hint, and nothing is written.
// RUN: not weft compile %s -o %t.obj 2>&1 | filecheck %s --check-prefix=ENDING
// RUN: not weft compile %s -o nothing 2>&1 | filecheck %s --check-prefix=NONE
// RUN: not weft compile %s 2>&1 | filecheck %s --check-prefix=WHERE
// RUN: not weft compile %s --emit=o --entry main 2>&1 | filecheck %s --check-prefix=PRINT
// RUN: not weft compile %s -o %t.o --emit=bufers 2>&1 | filecheck %s --check-prefix=EMIT
// RUN: not weft compile %s -o %t.o --target gpu 2>&1 | filecheck %s --check-prefix=FAMILY
// RUN: not weft compile %s -o %t.o --target cpu:x86-64-v5 2>&1 | filecheck %s --check-prefix=LEVEL
// RUN: not weft compile %s -o %t.o --target cpu:sparc-linux-gnu 2>&1 | filecheck %s --check-prefix=SPARC
// RUN: not weft compile %s -o %t.o --target cpu:x86_64-apple-darwin 2>&1 | filecheck %s --check-prefix=SYSTEM
// RUN: not weft compile %s -o %t.o --target cpu:x86-64,+avx3 2>&1 | filecheck %s --check-prefix=FEATURE
// RUN: not weft compile %s -o %t.o --target cpu:x86-64,avx2 2>&1 | filecheck %s --check-prefix=SIGN
// RUN: not weft compile %s -o %t.o --entry min 2>&1 | filecheck %s --check-prefix=ENTRY
// RUN: not weft compile %s -o %t.o --entry error 2>&1 | filecheck %s --check-prefix=NAME
// RUN: weft compile %s -o %t.o --entry main
// RUN: not weft compile %s -o %t.o --entry nothing 2>&1 | filecheck %s --check-prefix=SIGNATURE
// RUN: not weft compile %s -o %t.o --entry main --prefix=1- 2>&1 | filecheck %s --check-prefix=PREFIX
// RUN: not weft compile %s -o %t.o --entry main --threads 0 2>&1 | filecheck %s --check-prefix=THREADS
// RUN: not weft compile %s -o /nowhere/a.o --entry main 2>&1 | filecheck %s --check-prefix=FOLDER
// RUN: not weft compile nofile.mlir -o %t.o 2>&1 | filecheck %s --check-prefix=NOFILE

// ENDING: error: the ending of '{{.*}}.obj' does not say what to make
// ENDING-NEXT: hint: it is one of .mlir, .ll, .s, .o, .so
// NONE: error: 'nothing' has no ending that says what to make
// WHERE: error: weft compile: where to?
// PRINT: error: weft compile: machine code is not for printing
// EMIT: error: cannot emit 'bufers'
// EMIT-NEXT: hint: did you mean 'buffers'?
// FAMILY: error: unknown target 'gpu', expected cpu[:TRIPLE][,+FEATURE...]
// FAMILY-NEXT: hint: code for a GPU is made by the target cuda
// LEVEL: error: unknown target 'cpu:x86-64-v5': no code can be made for 'x86-64-v5'
// LEVEL-NEXT: hint: did you mean 'x86-64-v4'?
// SPARC: no code can be made for 'sparc-linux-gnu'
// SYSTEM: weft makes code for Linux, as in x86_64-linux-gnu
// FEATURE: error: target 'cpu:x86-64,+avx3': LLVM knows no feature 'avx3' of x86_64-unknown-linux-gnu
// SIGN: 'avx2' is no feature; write +avx2 or -avx2
// ENTRY: error: there is no function '@min' in the program
// ENTRY-NEXT: hint: did you mean 'main'?
// NAME: error: '@error' would be called '{{[a-z_]+}}error' in C, which is the name of the function '{{[a-z_]+}}error' that every library has
// NAME-NEXT: hint: rename the function
// SIGNATURE: errors.mlir:[[#]]:1: error: '@nothing' cannot be called: no array or number has the type none
// PREFIX: error: '1-' cannot stand before names in C
// THREADS: error: threads must be 1 to 1024, not 0
// FOLDER: error: cannot write output file '/nowhere/a.o': No such file or directory
// NOFILE: error: cannot open input file 'nofile.mlir': No such file or directory
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}
func.func @error(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}
func.func @nothing(%x: none) {
  func.return
}
