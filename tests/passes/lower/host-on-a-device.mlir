// RUN: weft opt %s -p "builtin.module(convert-scf-to-cf,convert-to-llvm)" | filecheck %s

// Host code of a program for a GPU calls run-time functions; kernels stay as they are.

// CHECK: weft.messages = ["{{.*}}:32:3: the launch of '@kernels::@scale' failed"
// CHECK-SAME: weft.kernels = ["kernels::scale"], weft.sites = ["{{.*}}:32:3", "{{.*}}:34:3"]
// CHECK: llvm.mlir.global internal constant @w({{.*}}) {{.*}}weft.device
// CHECK: llvm.func internal @main.host(
// CHECK: llvm.alloca {{.*}} x i64
// CHECK: llvm.call @weft_gpu_launch({{.*}}) : (i64, i64, !llvm.ptr, i64, !llvm.ptr) -> i64
// CHECK: llvm.call @weft_gpu_launch(
// CHECK: llvm.call @weft_gpu_copy({{.*}}) : (!llvm.ptr, !llvm.ptr, i64, i64) -> i64
// CHECK: llvm.call @weft_gpu_copy_strided(
// CHECK: llvm.call @weft_gpu_fill(
// CHECK: llvm.call @weft_gpu_wait() : () -> i64
// CHECK: llvm.call @weft_gpu_free(
// CHECK: llvm.func @_mlir_ciface_main(
// CHECK: gpu.module @kernels {
// CHECK: llvm.func @scale(

module attributes {gpu.container_module} {
memref.global "private" constant @w : memref<4xf32> = dense<1.0>
func.func @main(%x: memref<?xf32, strided<[?], offset: ?>>, %y: memref<4xf32>, %k: i32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %shared = arith.constant 128 : i32
  %f = arith.constant 2.0 : f32
  %w = memref.get_global @w : memref<4xf32>
  %t0 = gpu.wait async
  %t1 = gpu.launch_func async [%t0] @kernels::@scale blocks in (%c2, %c1, %c1) threads in (%c64, %c1, %c1)
      dynamic_shared_memory_size %shared args(%x : memref<?xf32, strided<[?], offset: ?>>, %k : i32)
  %t2 = gpu.launch_func async [%t1] @kernels::@scale clusters in (%c2, %c1, %c1) blocks in (%c2, %c1, %c1)
      threads in (%c64, %c1, %c1) args(%x : memref<?xf32, strided<[?], offset: ?>>, %k : i32)
  %t3 = gpu.memcpy async [%t2] %y, %w : memref<4xf32>, memref<4xf32>
  %m = memref.alloc() : memref<8xf32>
  %part = memref.subview %m[0] [4] [2] : memref<8xf32> to memref<4xf32, strided<[2]>>
  memref.copy %y, %part : memref<4xf32> to memref<4xf32, strided<[2]>>
  memref.store %f, %m[%c0] : memref<8xf32>
  %any = memref.cast %m : memref<8xf32> to memref<*xf32>
  gpu.host_register %any : memref<*xf32>
  gpu.wait [%t3]
  memref.dealloc %m : memref<8xf32>
  func.return
}
gpu.module @kernels {
  llvm.func @scale(%x: !llvm.ptr<1>, %n: i64, %s: i64, %k: i32) attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}
}
