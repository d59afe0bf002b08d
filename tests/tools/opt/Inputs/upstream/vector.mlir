func.func @vectors(%v: vector<4xf32>, %w: vector<2x4xf32>, %x: f32, %i: index, %m: memref<?x?xf32>, %one: memref<?xf32>, %k: vector<4xi1>, %t: tensor<?xf32>) {
  %0 = vector.bitcast %v : vector<4xf32> to vector<8xf16>
  %1 = vector.broadcast %x : f32 to vector<4xf32>
  %2 = vector.broadcast %v : vector<4xf32> to vector<2x4xf32>
  %3 = vector.create_mask %i : vector<4xi1>
  %4 = vector.extract %w[1] : vector<4xf32> from vector<2x4xf32>
  %5 = vector.extract %w[1, 2] : f32 from vector<2x4xf32>
  %6 = vector.extract %v[%i] : f32 from vector<4xf32>
  %7 = vector.fma %v, %v, %v : vector<4xf32>
  %8 = vector.insert %v, %w[0] : vector<4xf32> into vector<2x4xf32>
  %9 = vector.insert %x, %v[%i] : f32 into vector<4xf32>
  %10 = vector.load %m[%i, %i] : memref<?x?xf32>, vector<4xf32>
  %11 = vector.maskedload %m[%i, %i], %k, %v : memref<?x?xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
  vector.maskedstore %m[%i, %i], %k, %v : memref<?x?xf32>, vector<4xi1>, vector<4xf32>
  %12 = vector.reduction <add>, %v : vector<4xf32> into f32
  %13 = vector.reduction <mul>, %v, %x : vector<4xf32> into f32
  %14 = vector.reduction <maximumf>, %v fastmath<fast> : vector<4xf32> into f32
  vector.store %v, %m[%i, %i] : memref<?x?xf32>, vector<4xf32>
  %16 = vector.transfer_read %m[%i, %i], %x : memref<?x?xf32>, vector<4xf32>
  %17 = vector.transfer_read %m[%i, %i], %x {in_bounds = [true], permutation_map = affine_map<(d0, d1) -> (d0)>} : memref<?x?xf32>, vector<4xf32>
  %18 = vector.transfer_read %one[%i], %x, %k : memref<?xf32>, vector<4xf32>
  vector.transfer_write %v, %m[%i, %i] : vector<4xf32>, memref<?x?xf32>
  vector.transfer_write %v, %one[%i], %k {in_bounds = [true]} : vector<4xf32>, memref<?xf32>
  %19 = vector.transfer_write %v, %t[%i] : vector<4xf32>, tensor<?xf32>
  return
}
// -----
// Printed only: xDSL's ops follow another version of the generic forms.
func.func @print(%v: vector<4xf32>, %x: f32) {
  %0 = vector.shuffle %v, %v [0, 4, 1, 5] : vector<4xf32>, vector<4xf32>
  vector.print %v : vector<4xf32>
  vector.print %x : f32
  return
}
