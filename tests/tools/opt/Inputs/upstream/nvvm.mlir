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
llvm.func @mma(%h: vector<2xf16>, %i: i32, %f: f32, %d: f64, %p: !llvm.ptr<3>, %g: !llvm.ptr<1>, %s: !llvm.struct<(f32,f32,f32,f32)>, %l: i64, %pr: i1, %sh: i16, %gp: !llvm.ptr) {
  %0 = nvvm.mma.sync A[%h, %h, %h, %h] B[%h, %h] C[%f, %f, %f, %f] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (vector<2xf16>, vector<2xf16>, f32) -> !llvm.struct<(f32, f32, f32, f32)>
  %1 = nvvm.mma.sync A[%i, %i, %i, %i] B[%i, %i] C[%i, %i, %i, %i] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<s8>, multiplicandBPtxType = #nvvm.mma_type<s8>, intOverflowBehavior = #nvvm.mma_int_overflow<satfinite>, shape = #nvvm.shape<m = 16, n = 8, k = 32>} : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
  %2 = nvvm.mma.sync A[%i, %i, %i, %i] B[%i, %i] C[%f, %f, %f, %f] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<tf32>, multiplicandBPtxType = #nvvm.mma_type<tf32>, shape = #nvvm.shape<m = 16, n = 8, k = 8>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
  %3 = nvvm.mma.sync A[%d] B[%d] C[%d, %d] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 8, n = 8, k = 4>} : (f64, f64, f64) -> !llvm.struct<(f64, f64)>
  %4 = nvvm.mma.sync A[%i,%i] B[%i] C[%i, %i, %i, %i] {b1Op = #nvvm.mma_b1op<xor_popc>, layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<b1>, multiplicandBPtxType = #nvvm.mma_type<b1>, shape = #nvvm.shape<m = 16, n = 8, k = 128>} : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
  %5 = nvvm.ldmatrix %p {num = 4 : i32, layout = #nvvm.mma_layout<row>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
  nvvm.stmatrix %p, %i, %i {layout = #nvvm.mma_layout<row>} : !llvm.ptr<3>, i32, i32
  %6 = nvvm.wmma.load %p, %i {eltype = #nvvm.mma_type<f16>, frag = #nvvm.mma_frag<a>, k = 16 : i32, layout = #nvvm.mma_layout<row>, m = 16 : i32, n = 16 : i32} : (!llvm.ptr<3>) -> !llvm.struct<(vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>)>
  nvvm.wmma.store %p, %i, %h, %h, %h, %h {eltype = #nvvm.mma_type<f16>, k = 16 : i32, layout = #nvvm.mma_layout<row>, m = 16 : i32, n = 16 : i32} : !llvm.ptr<3>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>
  %7 = nvvm.wmma.mma %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h, %h {eltypeA = #nvvm.mma_type<f16>, eltypeB = #nvvm.mma_type<f16>, k = 16 : i32, layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<row>, m = 16 : i32, n = 16 : i32} : (vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>) -> !llvm.struct<(vector<2xf16>, vector<2xf16>, vector<2xf16>, vector<2xf16>)>
  %8 = nvvm.wgmma.mma_async %l, %l, %s, <m = 64, n = 8, k = 16>, D [<f32>, <zero>], A [<f16>, <one>, <row>], B [<f16>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
  nvvm.wgmma.fence.aligned
  nvvm.wgmma.commit.group.sync.aligned
  nvvm.wgmma.wait.group.sync.aligned 1
  nvvm.cp.async.bulk.tensor.shared.cluster.global %p, %gp, %p, box[%i, %i] : !llvm.ptr<3>, !llvm.ptr
  nvvm.cp.async.bulk.tensor.shared.cluster.global %p, %gp, %p, box[%i, %i, %i] im2col[%sh] multicast_mask = %sh l2_cache_hint = %l predicate = %pr : !llvm.ptr<3>, !llvm.ptr
  nvvm.cp.async.bulk.tensor.global.shared.cta %gp, %p, box[%i, %i], predicate = %pr : !llvm.ptr, !llvm.ptr<3>, i32, i32, i1
  nvvm.cp.async.mbarrier.arrive.shared %p : !llvm.ptr<3>
  nvvm.cp.async.mbarrier.arrive.shared %p {noinc = true} : !llvm.ptr<3>
  nvvm.cp.async.bulk.wait_group 1
  nvvm.cp.async.bulk.wait_group 0 {read}
  nvvm.setmaxregister decrease 40
  %9 = nvvm.vote.ballot.sync %i, %pr : i32
  nvvm.mbarrier.init.shared %p, %i, predicate = %pr : !llvm.ptr<3>, i32, i1
  nvvm.cp.async.shared.global %p, %g, 16, cache = cg, %i : !llvm.ptr<3>, !llvm.ptr<1>, i32
  nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
  nvvm.mbarrier.init %gp, %i : !llvm.ptr, i32
  nvvm.mbarrier.inval %gp : !llvm.ptr
  nvvm.mbarrier.inval.shared %p : !llvm.ptr<3>
  %10 = nvvm.mbarrier.arrive %gp : !llvm.ptr -> i64
  %11 = nvvm.mbarrier.arrive.shared %p : !llvm.ptr<3> -> i64
  %12 = nvvm.mbarrier.arrive.nocomplete %gp, %i : !llvm.ptr, i32 -> i64
  %13 = nvvm.mbarrier.arrive.nocomplete.shared %p, %i : !llvm.ptr<3>, i32 -> i64
  nvvm.mbarrier.arrive.expect_tx %gp, %i : !llvm.ptr, i32
  nvvm.mbarrier.arrive.expect_tx.shared %p, %i, predicate = %pr : !llvm.ptr<3>, i32, i1
  nvvm.mbarrier.try_wait.parity %gp, %i, %i : !llvm.ptr, i32, i32
  nvvm.mbarrier.try_wait.parity.shared %p, %i, %i : !llvm.ptr<3>, i32, i32
  %14 = nvvm.mbarrier.test.wait %gp, %10 : !llvm.ptr, i64 -> i1
  %15 = nvvm.mbarrier.test.wait.shared %p, %11 : !llvm.ptr<3>, i64 -> i1
  nvvm.cp.async.mbarrier.arrive %gp : !llvm.ptr
  nvvm.cp.async.commit.group
  nvvm.cp.async.wait.group 2
  nvvm.cp.async.bulk.commit.group
  nvvm.prefetch.tensormap %gp : !llvm.ptr
  nvvm.fence.sc.cluster
  nvvm.fence.mbarrier.init
  %16 = nvvm.rcp.approx.ftz.f %f : f32
  llvm.return
}
