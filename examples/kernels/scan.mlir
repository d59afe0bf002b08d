func.func @scan(%x: memref<64x100xf32> {loop.name = "x"}) attributes {loop.kernel} {
  loop.for "i" %i to 64 {
    loop.for "j" %j to 99 {
      %0 = loop.load %x[%i, %j] : memref<64x100xf32>
      %1 = loop.load %x[%i, %j + 1] : memref<64x100xf32>
      %2 = arith.addf %0, %1 : f32
      loop.store %2, %x[%i, %j + 1] : memref<64x100xf32>
    }
  }
  func.return
}
