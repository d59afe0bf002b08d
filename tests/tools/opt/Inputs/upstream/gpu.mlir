module attributes {gpu.container_module} {
gpu.module @kernels [#nvvm.target<chip = "sm_90a", features = "+ptx86">] {
  gpu.func @k(%x: memref<10xf32>, %y: memref<10xf32> {llvm.noalias}) workgroup(%w : memref<32xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}, %w2 : memref<3xf32, 3>) private(%p : memref<1xf32, #gpu.address_space<private>>) kernel attributes {known_block_size = array<i32: 256, 1, 1>, foo = 3 : i32} {
    %b = gpu.block_id x
    %t = gpu.thread_id y upper_bound 64
    %l = gpu.lane_id
    %l2 = gpu.lane_id upper_bound 32
    %s = gpu.subgroup_id upper_bound 32 : index
    %n = gpu.num_subgroups : index
    %ss = gpu.subgroup_size : index
    %g = gpu.global_id z
    gpu.barrier
    %c1 = arith.constant 1 : i32
    %f = arith.constant 1.0 : f32
    %r, %v = gpu.shuffle xor %f, %c1, %c1 : f32
    %ar = gpu.all_reduce add %f uniform {} : (f32) -> f32
    %ar2 = gpu.all_reduce %f { ^bb(%q : f32, %q1 : f32): %z = arith.addf %q, %q1 : f32
      gpu.yield %z : f32 } : (f32) -> f32
    %sr = gpu.subgroup_reduce maximumf %f : (f32) -> f32
    gpu.printf "hello %f\n" %f : f32
    %d = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
    %cl = gpu.cluster_id x
    %1 = gpu.cluster_dim y
    %2 = gpu.cluster_block_id z
    %3 = gpu.cluster_dim_blocks x
    %4 = gpu.block_dim x
    %5 = gpu.grid_dim y
    %6 = gpu.subgroup_reduce add %c1 uniform : (i32) -> i32
    gpu.printf "no arguments\0A"
    gpu.return
  }
  gpu.func @products(%x: memref<32x32xf16, 3>, %y: memref<32x32xf32, #gpu.address_space<workgroup>>, %i: index) kernel {
    %f = arith.constant 1.0 : f32
    %a = gpu.subgroup_mma_load_matrix %x[%i, %i] {leadDimension = 32 : index} : memref<32x32xf16, 3> -> !gpu.mma_matrix<16x16xf16, "AOp">
    %b = gpu.subgroup_mma_load_matrix %x[%i, %i] {leadDimension = 32 : index, transpose} : memref<32x32xf16, 3> -> !gpu.mma_matrix<16x16xf16, "BOp">
    %c = gpu.subgroup_mma_constant_matrix %f : !gpu.mma_matrix<16x16xf32, "COp">
    %d = gpu.subgroup_mma_compute %a, %b, %c {b_transpose} : !gpu.mma_matrix<16x16xf16, "AOp">, !gpu.mma_matrix<16x16xf16, "BOp"> -> !gpu.mma_matrix<16x16xf32, "COp">
    %e = gpu.subgroup_mma_elementwise addf %c, %d : (!gpu.mma_matrix<16x16xf32, "COp">, !gpu.mma_matrix<16x16xf32, "COp">) -> !gpu.mma_matrix<16x16xf32, "COp">
    gpu.subgroup_mma_store_matrix %e, %y[%i, %i] {leadDimension = 32 : index} : !gpu.mma_matrix<16x16xf32, "COp">, memref<32x32xf32, #gpu.address_space<workgroup>>
    gpu.return
  }
  gpu.func @dev(%x: f32) -> f32 {
    gpu.return %x : f32
  }
}
func.func @main(%n: index, %m: memref<10xf32>, %s: i32) {
  gpu.launch_func @kernels::@k blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%m : memref<10xf32>, %m : memref<10xf32>)
  %t = gpu.wait async
  %t2 = gpu.launch_func async [%t] @kernels::@k clusters in (%n,%n,%n) blocks in (%n, %n, %n) threads in (%n, %n, %n) dynamic_shared_memory_size %s args(%m : memref<10xf32>, %m : memref<10xf32>)
  %i = arith.constant 1 : i64
  gpu.launch_func @kernels::@k blocks in (%i, %i, %i) threads in (%i, %i, %i) : i64 args(%m : memref<10xf32>, %m : memref<10xf32>) {foo}
  gpu.wait [%t2, %t]
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %n, %gy = %n, %gz = %n) threads(%tx, %ty, %tz) in (%sx = %n, %sy = %n, %sz = %n) {
    gpu.terminator
  }
  %tt = gpu.launch async [%t] clusters(%cx, %cy, %cz) in (%zx = %n, %zy = %n, %zz = %n) blocks(%bx, %by, %bz) in (%gx = %n, %gy = %n, %gz = %n) threads(%tx, %ty, %tz) in (%sx = %n, %sy = %n, %sz = %n) dynamic_shared_memory_size %s workgroup(%w : memref<32xf32, 3>) private(%p : memref<1xf32, 5>) {
    gpu.terminator
  } {foo}
  %a, %ta = gpu.alloc async [%t] host_shared (%n) : memref<?xf32>
  %a2 = gpu.alloc () : memref<10xf32>
  %a3 = gpu.alloc (%n)[%n] : memref<?xf32, affine_map<(d0)[s0] -> (d0 + s0)>>
  gpu.memcpy %a2, %m : memref<10xf32>, memref<10xf32>
  %f = arith.constant 1.0 : f32
  %tt2 = gpu.memset async [%ta] %a2, %f : memref<10xf32>, f32
  gpu.dealloc %a2 : memref<10xf32>
  %u = memref.cast %m : memref<10xf32> to memref<*xf32>
  gpu.host_register %u : memref<*xf32>
  gpu.host_unregister %u : memref<*xf32>
  gpu.set_default_device %s
  return
}
gpu.binary @b [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = "abc">]
gpu.binary @b2 <#gpu.select_object<1 : i64>> [#gpu.object<#nvvm.target<chip = "sm_80">, properties = {O = 3 : i32}, bin = "a\00">, #gpu.object<#nvvm.target, "abc">]
gpu.module @k2 attributes {foo} {}
}
