// A module shrinks while a test exits with 1 on it.
// RUN: weft reduce %s --test=%S/Inputs/has_softmax.sh | filecheck %s
// RUN: weft reduce %s --reduction-tree='traversal-mode=0 test=%S/Inputs/has_softmax.sh test-arg=a,b' | filecheck %s
// RUN: weft reduce %s --test=%S/Inputs/has_softmax.sh --test-arg=a -o %t && filecheck %s --input-file %t
// RUN: weft reduce %s --test=%S/Inputs/has_softmax.sh 2>&1 | filecheck %s --check-prefix=SUMMARY
// RUN: weft reduce %s --test=%S/Inputs/has_softmax.sh --max-steps=1 | filecheck %s --check-prefix=WHOLE
// RUN: weft reduce %s --test=%S/Inputs/has_softmax.sh --max-steps=1 --keep-names | filecheck %s --check-prefix=NAMES
// RUN: weft reduce --help | filecheck %s --check-prefix=HELP

// CHECK:      builtin.module {
// CHECK-NEXT:   func.func @main(%arg0: tensor<1xf32>) {
// CHECK-NEXT:     %0 = ml.softmax %arg0 : tensor<1xf32>
// CHECK-NEXT:     func.return
// CHECK-NEXT:   }
// CHECK-NEXT: }
// SUMMARY: {{[0-9]+}} ops became 4, in {{[0-9]+}} runs of the test
// WHOLE: %1 = ml.softmax %0
// NAMES: %b = ml.softmax %a
// HELP: --reduction-tree
func.func @main(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %a = ml.exp %x : tensor<8x16xf32>
  %b = ml.softmax %a, axis = 1 : tensor<8x16xf32>
  %c = ml.tanh %b : tensor<8x16xf32>
  func.return %c : tensor<8x16xf32>
}
func.func private @other(tensor<2xf32>)
