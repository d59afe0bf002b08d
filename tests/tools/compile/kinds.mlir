// The ending says what is written, or --emit does; a stop of the road is a module that can be read again.
// RUN: weft compile %s -o %t.mlir && filecheck %s --input-file %t.mlir --check-prefix=TARGET
// RUN: weft compile %s -o %t.mlir --emit=text && filecheck %s --input-file %t.mlir --check-prefix=TEXT
// RUN: weft compile %s --emit=tensors | filecheck %s --check-prefix=TENSORS
// RUN: weft compile %s --emit=kernels --entry twice | filecheck %s --check-prefix=KERNELS
// RUN: weft compile %s --emit=buffers | filecheck %s --check-prefix=BUFFERS
// RUN: weft compile %s --emit=scheduled --target cpu:x86-64-v4 | filecheck %s --check-prefix=SCHEDULED
// RUN: weft compile %s --emit=buffers -o %t.mlir && weft compile %t.mlir --emit=ll | filecheck %s --check-prefix=LL
// RUN: weft compile %s --emit=target -o %t.mlir && weft compile %t.mlir --emit=ll | filecheck %s --check-prefix=LLVM
// RUN: weft compile %s -o %t.ll && filecheck %s --input-file %t.ll --check-prefix=LL
// RUN: weft compile %s -o %t.s --target cpu:x86-64-v3 && filecheck %s --input-file %t.s --check-prefix=S
// RUN: weft compile %s --emit=s --target cpu:aarch64-linux-gnu | filecheck %s --check-prefix=ARM
// RUN: weft compile %s --emit=s --target cpu:riscv64,+v | filecheck %s --check-prefix=RISCV
// RUN: weft compile %s --emit=s --target cpu:riscv64 | filecheck %s --check-prefix=SCALAR

// TARGET: weft.target = #target.cpu<
// TARGET: llvm.func @_mlir_ciface_twice(
// TARGET: llvm.func @_mlir_ciface_other(
// TEXT: #target.cpu<
// TEXT: ml.add
// TENSORS: ml.add
// TENSORS-NOT: ml.kernel
// KERNELS: func.func @twice
// KERNELS: ml.kernel
// KERNELS: func.func private @other
// BUFFERS: loop.kernel
// SCHEDULED: vector_bytes = 64, vector_registers = 32
// SCHEDULED: vector(16)
// LL: target datalayout
// LL: target triple
// LL: define internal {{.*}} @twice.host
// LL: define i64 @_mlir_ciface_{{.*}}twice(
// LL: define {{.*}}_twice(
// LLVM: define i64 @_mlir_ciface_twice(
// LLVM-NOT: define signext i32
// S: vaddps {{.*}}%ymm
// ARM: fadd v{{[0-9]+}}.4s
// RISCV: vfadd.vv
// SCALAR-NOT: vfadd
func.func @twice(%x: tensor<64xf32>) -> tensor<64xf32> {
  %0 = ml.add %x, %x : tensor<64xf32>
  func.return %0 : tensor<64xf32>
}
func.func @other(%x: tensor<64xf32>) -> tensor<64xf32> {
  %0 = ml.add %x, %x : tensor<64xf32>
  func.return %0 : tensor<64xf32>
}
