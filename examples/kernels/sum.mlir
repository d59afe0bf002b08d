func.func @sum(%x: memref<100xf32> {loop.name = "x"}, %s: memref<f32> {loop.name = "s"}) attributes {loop.kernel} {
  loop.for "i" %i to 100 {
    %0 = loop.load %x[%i] : memref<100xf32>
    loop.reduce add %0 into %s[] over (%i) : memref<f32>
  }
  func.return
}
