// Device query: a kernel asks the machine who it is. Ids and sizes are special registers of the GPU; the host reads
// what thread (5, 1) of block 2 found.
//
//   weft run examples/gpu/device_query.mlir --target gpu-sim
//
// What a whole device has (multiprocessors, shared memory, registers) is no part of a program: the compiler knows it as
// the attribute `weft.target`, and checks each launch against the limits of the machine that it runs on.

func.func @main() -> (
    i64 {weft.name = "threads in a block"}, i64 {weft.name = "blocks in the grid"}, i64 {weft.name = "threads in a warp"},
    i64 {weft.name = "warps in a block"}, i64 {weft.name = "number in the block"}, i64 {weft.name = "warp"},
    i64 {weft.name = "lane"}, i64 {weft.name = "number in the grid"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %c6 = arith.constant 6 : index
  %c7 = arith.constant 7 : index
  %c32 = arith.constant 32 : index
  %found = memref.alloc() : memref<8xi64>
  // a grid of 4 blocks, each of 32 x 3 threads
  gpu.launch_func @kernels::@query blocks in (%c4, %c1, %c1) threads in (%c32, %c3, %c1) args(%found : memref<8xi64>)
  %0 = memref.load %found[%c0] : memref<8xi64>
  %1 = memref.load %found[%c1] : memref<8xi64>
  %2 = memref.load %found[%c2] : memref<8xi64>
  %3 = memref.load %found[%c3] : memref<8xi64>
  %4 = memref.load %found[%c4] : memref<8xi64>
  %5 = memref.load %found[%c5] : memref<8xi64>
  %6 = memref.load %found[%c6] : memref<8xi64>
  %7 = memref.load %found[%c7] : memref<8xi64>
  memref.dealloc %found : memref<8xi64>
  func.return %0, %1, %2, %3, %4, %5, %6, %7 : i64, i64, i64, i64, i64, i64, i64, i64
}

gpu.module @kernels {
  // writes a number to one place of the answer
  func.func private @say(%answer: memref<8xi64>, %place: index, %number: index) {
    %0 = arith.index_cast %number : index to i64
    memref.store %0, %answer[%place] : memref<8xi64>
    func.return
  }

  gpu.func @query(%answer: memref<8xi64>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %c6 = arith.constant 6 : index
    %c7 = arith.constant 7 : index
    %tx = gpu.thread_id x
    %ty = gpu.thread_id y
    %bx = gpu.block_id x
    %x5 = arith.cmpi eq, %tx, %c5 : index
    %y1 = arith.cmpi eq, %ty, %c1 : index
    %b2 = arith.cmpi eq, %bx, %c2 : index
    %xy = arith.andi %x5, %y1 : i1
    %chosen = arith.andi %xy, %b2 : i1
    scf.if %chosen {
      %dx = gpu.block_dim x
      %dy = gpu.block_dim y
      %threads = arith.muli %dx, %dy : index
      func.call @say(%answer, %c0, %threads) : (memref<8xi64>, index, index) -> ()
      %blocks = gpu.grid_dim x
      func.call @say(%answer, %c1, %blocks) : (memref<8xi64>, index, index) -> ()
      %warp = gpu.subgroup_size : index
      func.call @say(%answer, %c2, %warp) : (memref<8xi64>, index, index) -> ()
      %warps = gpu.num_subgroups : index
      func.call @say(%answer, %c3, %warps) : (memref<8xi64>, index, index) -> ()
      // threads are counted along x first
      %row = arith.muli %ty, %dx : index
      %number = arith.addi %row, %tx : index
      func.call @say(%answer, %c4, %number) : (memref<8xi64>, index, index) -> ()
      %w = gpu.subgroup_id : index
      func.call @say(%answer, %c5, %w) : (memref<8xi64>, index, index) -> ()
      %l = gpu.lane_id
      func.call @say(%answer, %c6, %l) : (memref<8xi64>, index, index) -> ()
      %before = arith.muli %bx, %threads : index
      %global = arith.addi %before, %number : index
      func.call @say(%answer, %c7, %global) : (memref<8xi64>, index, index) -> ()
    }
    gpu.return
  }
}
