// Three dimensions: one step of heat in a volume of 20 x 30 x 40 cells. Each inner cell goes a tenth of the way to the
// sum of its six neighbours; the border stays. Blocks of 8 x 8 x 4 threads.
//
//   weft run examples/gpu/volume.mlir --target gpu-sim

func.func @main(%t: memref<20x30x40xf32> {weft.input = "20x30x40xf32=random:1"}) -> (memref<20x30x40xf32> {weft.name = "after"}) {
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %c8 = arith.constant 8 : index
  %after = memref.alloc() : memref<20x30x40xf32>
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c5, %gy = %c4, %gz = %c5)
             threads(%tx, %ty, %tz) in (%sx = %c8, %sy = %c8, %sz = %c4) {
    %z = affine.apply affine_map<(d0, d1) -> (d0 * 4 + d1)>(%bz, %tz)
    %y = affine.apply affine_map<(d0, d1) -> (d0 * 8 + d1)>(%by, %ty)
    %x = affine.apply affine_map<(d0, d1) -> (d0 * 8 + d1)>(%bx, %tx)
    %c30 = arith.constant 30 : index
    %there = arith.cmpi ult, %y, %c30 : index
    scf.if %there {
      %old = memref.load %t[%z, %y, %x] : memref<20x30x40xf32>
      memref.store %old, %after[%z, %y, %x] : memref<20x30x40xf32>
      affine.if affine_set<(d0, d1, d2) : (d0 - 1 >= 0, 18 - d0 >= 0, d1 - 1 >= 0, 28 - d1 >= 0, d2 - 1 >= 0, 38 - d2 >= 0)>(%z, %y, %x) {
        %k1 = arith.constant 1 : index
        %zm = arith.subi %z, %k1 : index
        %zp = arith.addi %z, %k1 : index
        %ym = arith.subi %y, %k1 : index
        %yp = arith.addi %y, %k1 : index
        %xm = arith.subi %x, %k1 : index
        %xp = arith.addi %x, %k1 : index
        %0 = memref.load %t[%zm, %y, %x] : memref<20x30x40xf32>
        %1 = memref.load %t[%zp, %y, %x] : memref<20x30x40xf32>
        %2 = memref.load %t[%z, %ym, %x] : memref<20x30x40xf32>
        %3 = memref.load %t[%z, %yp, %x] : memref<20x30x40xf32>
        %4 = memref.load %t[%z, %y, %xm] : memref<20x30x40xf32>
        %5 = memref.load %t[%z, %y, %xp] : memref<20x30x40xf32>
        %s0 = arith.addf %0, %1 : f32
        %s1 = arith.addf %s0, %2 : f32
        %s2 = arith.addf %s1, %3 : f32
        %s3 = arith.addf %s2, %4 : f32
        %s4 = arith.addf %s3, %5 : f32
        %six = arith.constant 6.0 : f32
        %tenth = arith.constant 0.1 : f32
        %own = arith.mulf %old, %six : f32
        %difference = arith.subf %s4, %own : f32
        %change = arith.mulf %difference, %tenth : f32
        %new = arith.addf %old, %change : f32
        memref.store %new, %after[%z, %y, %x] : memref<20x30x40xf32>
      }
    }
    gpu.terminator
  }
  func.return %after : memref<20x30x40xf32>
}

// The same on tensors: the neighbours are six slices, and the change is padded with zeros at the border.
func.func @twin(%t: tensor<20x30x40xf32> {weft.input = "20x30x40xf32=random:1"}) -> (tensor<20x30x40xf32> {weft.name = "after"}) {
  %own = ml.slice %t [1:19, 1:29, 1:39] : tensor<20x30x40xf32> to tensor<18x28x38xf32>
  %0 = ml.slice %t [0:18, 1:29, 1:39] : tensor<20x30x40xf32> to tensor<18x28x38xf32>
  %1 = ml.slice %t [2:20, 1:29, 1:39] : tensor<20x30x40xf32> to tensor<18x28x38xf32>
  %2 = ml.slice %t [1:19, 0:28, 1:39] : tensor<20x30x40xf32> to tensor<18x28x38xf32>
  %3 = ml.slice %t [1:19, 2:30, 1:39] : tensor<20x30x40xf32> to tensor<18x28x38xf32>
  %4 = ml.slice %t [1:19, 1:29, 0:38] : tensor<20x30x40xf32> to tensor<18x28x38xf32>
  %5 = ml.slice %t [1:19, 1:29, 2:40] : tensor<20x30x40xf32> to tensor<18x28x38xf32>
  %s0 = ml.add %0, %1 : tensor<18x28x38xf32>
  %s1 = ml.add %s0, %2 : tensor<18x28x38xf32>
  %s2 = ml.add %s1, %3 : tensor<18x28x38xf32>
  %s3 = ml.add %s2, %4 : tensor<18x28x38xf32>
  %s4 = ml.add %s3, %5 : tensor<18x28x38xf32>
  %six = ml.constant dense<6.0> : tensor<18x28x38xf32>
  %tenth = ml.constant dense<0.1> : tensor<18x28x38xf32>
  %six_own = ml.mul %own, %six : tensor<18x28x38xf32>
  %difference = ml.sub %s4, %six_own : tensor<18x28x38xf32>
  %change = ml.mul %difference, %tenth : tensor<18x28x38xf32>
  %zero = ml.constant dense<0.0> : tensor<f32>
  %padded = ml.pad %change, %zero, low = [1, 1, 1], high = [1, 1, 1] : tensor<18x28x38xf32>, tensor<f32> to tensor<20x30x40xf32>
  %after = ml.add %t, %padded : tensor<20x30x40xf32>
  func.return %after : tensor<20x30x40xf32>
}
