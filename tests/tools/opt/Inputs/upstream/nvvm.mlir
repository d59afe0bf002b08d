llvm.func @registers() attributes {nvvm.kernel, nvvm.maxntid = array<i32: 128, 1, 1>} {
  %0 = nvvm.read.ptx.sreg.tid.x : i32
  %1 = nvvm.read.ptx.sreg.tid.y : i32
  %2 = nvvm.read.ptx.sreg.tid.z : i32
  %3 = nvvm.read.ptx.sreg.ntid.x : i32
  %4 = nvvm.read.ptx.sreg.ntid.y : i32
  %5 = nvvm.read.ptx.sreg.ntid.z : i32
  %6 = nvvm.read.ptx.sreg.ctaid.x : i32
  %7 = nvvm.read.ptx.sreg.ctaid.y : i32
  %8 = nvvm.read.ptx.sreg.ctaid.z : i32
  %9 = nvvm.read.ptx.sreg.nctaid.x : i32
  %10 = nvvm.read.ptx.sreg.nctaid.y : i32
  %11 = nvvm.read.ptx.sreg.nctaid.z : i32
  %12 = nvvm.read.ptx.sreg.clusterid.x : i32
  %13 = nvvm.read.ptx.sreg.clusterid.y : i32
  %14 = nvvm.read.ptx.sreg.clusterid.z : i32
  %15 = nvvm.read.ptx.sreg.nclusterid.x : i32
  %16 = nvvm.read.ptx.sreg.nclusterid.y : i32
  %17 = nvvm.read.ptx.sreg.nclusterid.z : i32
  %18 = nvvm.read.ptx.sreg.cluster.ctaid.x : i32
  %19 = nvvm.read.ptx.sreg.cluster.ctaid.y : i32
  %20 = nvvm.read.ptx.sreg.cluster.ctaid.z : i32
  %21 = nvvm.read.ptx.sreg.cluster.nctaid.x : i32
  %22 = nvvm.read.ptx.sreg.cluster.nctaid.y : i32
  %23 = nvvm.read.ptx.sreg.cluster.nctaid.z : i32
  %24 = nvvm.read.ptx.sreg.cluster.ctarank : i32
  %25 = nvvm.read.ptx.sreg.cluster.nctarank : i32
  %26 = nvvm.read.ptx.sreg.laneid : i32
  %27 = nvvm.read.ptx.sreg.warpsize : i32
  %28 = nvvm.read.ptx.sreg.clock : i32
  %29 = nvvm.read.ptx.sreg.clock64 : i64
  llvm.return
}
llvm.func @together(%x: f32, %i: i32) {
  nvvm.barrier0
  nvvm.barrier
  nvvm.barrier id = %i
  nvvm.barrier id = %i number_of_threads = %i
  nvvm.barrier.arrive number_of_threads = %i
  nvvm.barrier.arrive id = %i number_of_threads = %i
  nvvm.bar.warp.sync %i : i32
  %0 = nvvm.shfl.sync bfly %i, %x, %i, %i : f32 -> f32
  %1 = nvvm.shfl.sync up %i, %x, %i, %i {return_value_and_is_valid} : f32 -> !llvm.struct<(f32, i1)>
  %2 = nvvm.shfl.sync down %i, %i, %i, %i : i32 -> i32
  %3 = nvvm.shfl.sync idx %i, %i, %i, %i : i32 -> i32
  %4 = nvvm.redux.sync add %i, %i : i32 -> i32
  %5 = nvvm.elect.sync -> i1
  nvvm.cluster.arrive
  nvvm.cluster.arrive {aligned}
  nvvm.cluster.arrive.relaxed {aligned}
  nvvm.cluster.wait {aligned}
  llvm.return
}
