// What cannot be reduced is one clear error each.
// RUN: not weft reduce %s 2>&1 | filecheck %s --check-prefix=NOTEST
// RUN: not weft reduce %s --test=./nowhere.sh 2>&1 | filecheck %s --check-prefix=MISSING
// RUN: not weft reduce %s --test=%s 2>&1 | filecheck %s --check-prefix=EXECUTABLE
// RUN: not weft reduce %s --test=%S/Inputs/has_softmax.sh 2>&1 | filecheck %s --check-prefix=DULL
// RUN: not weft reduce %s --test=%S/Inputs/sleeps.sh --timeout=0.1 2>&1 | filecheck %s --check-prefix=SLOW
// RUN: not weft reduce %s --test=%S/Inputs/sleeps.sh --timeout=0 2>&1 | filecheck %s --check-prefix=ZERO
// RUN: not weft reduce %s --test=x --reduction-tree='mode=1' 2>&1 | filecheck %s --check-prefix=OPTION
// RUN: not weft reduce %s --reduction-tree='traversal-mode=1 test=x' 2>&1 | filecheck %s --check-prefix=MODE
// RUN: not weft reduce nofile.mlir --test=%S/Inputs/has_softmax.sh 2>&1 | filecheck %s --check-prefix=NOFILE
// RUN: not weft reduce %S/Inputs/broken.mlir --test=%S/Inputs/has_softmax.sh 2>&1 | filecheck %s --check-prefix=BROKEN

// NOTEST: error: weft reduce: no test is given
// NOTEST: hint: --test=./script
// MISSING: error: cannot run the test 'nowhere.sh': No such file or directory
// EXECUTABLE: error: cannot run the test '{{.*}}errors.mlir': it is not executable
// EXECUTABLE: hint: chmod +x
// DULL: error: '{{.*}}errors.mlir' is not interesting: the test '{{.*}}has_softmax.sh' exited with 0
// DULL: hint: a test exits with 1
// SLOW: error: '{{.*}}errors.mlir' is not interesting: the test '{{.*}}sleeps.sh' ran for more than 0.1 seconds
// ZERO: error: weft reduce: --timeout must be more than 0, not 0
// OPTION: error: weft reduce: --reduction-tree: no such option mode=1
// MODE: error: weft reduce: --reduction-tree: no such option traversal-mode=1
// NOFILE: cannot open input file 'nofile.mlir': No such file or directory
// BROKEN: broken.mlir:2:{{[0-9]+}}: error:
func.func @main() { func.return }
