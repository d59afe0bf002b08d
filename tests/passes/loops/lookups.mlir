// Lookups are loads at computed places in one nest with what is around them; a scatter is a nest over the updates.
// RUN: weft-opt %s --outline-kernels --bufferize --convert-ml-to-loop | filecheck %s
// RUN: weft-opt %s --outline-kernels --bufferize --convert-ml-to-loop | weft-opt --verify-roundtrip | filecheck %s

// CHECK-LABEL: func.func @embed(
func.func @embed(%table: tensor<100x16xf32>, %ids: tensor<7xi32>, %b: tensor<7x16xf32>) -> tensor<7x16xf32> {
  %rows = ml.take %table, %ids : tensor<100x16xf32>, tensor<7xi32> to tensor<7x16xf32>
  %sum = ml.add %rows, %b : tensor<7x16xf32>
  func.return %sum : tensor<7x16xf32>
}
// CHECK-LABEL: func.func private @embed_kernel_0(
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK-DAG:     %[[LAST:.*]] = arith.constant 99 : i64
// CHECK:         loop.for "i" %[[I:.*]] to 7 {
// CHECK-NEXT:      loop.for "j" %[[J:.*]] to 16 {
// CHECK-NEXT:        %[[ID:.*]] = loop.load %{{.*}}[%[[I]]] : memref<7xi32>
// CHECK-NEXT:        %[[WIDE:.*]] = arith.extsi %[[ID]] : i32 to i64
// CHECK-NEXT:        %[[LOW:.*]] = arith.maxsi %[[WIDE]], %[[ZERO]] : i64
// CHECK-NEXT:        %[[HELD:.*]] = arith.minsi %[[LOW]], %[[LAST]] : i64
// CHECK-NEXT:        %[[ROW:.*]] = arith.index_cast %[[HELD]] : i64 to index
// CHECK-NEXT:        %[[X:.*]] = loop.gather %{{.*}}[%[[ROW]], %[[J]]] : memref<100x16xf32>
// CHECK-NEXT:        %[[B:.*]] = loop.load %{{.*}}[%[[I]], %[[J]]] : memref<7x16xf32>
// CHECK-NEXT:        %[[SUM:.*]] = arith.addf %[[X]], %[[B]]
// CHECK-NEXT:        loop.store %[[SUM]], %{{.*}}[%[[I]], %[[J]]] : memref<7x16xf32>

// CHECK-LABEL: func.func @count(
func.func @count(%x: tensor<10xi32>, %bins: tensor<50xui8>, %one: tensor<50xi32>) -> tensor<10xi32> {
  %r = ml.scatter(%x, %bins, %one), update_window_dims = [], inserted_window_dims = [0],
    scatter_dims_to_operand_dims = [0], index_vector_dim = 1
    : (tensor<10xi32>, tensor<50xui8>, tensor<50xi32>) -> tensor<10xi32> by add
  func.return %r : tensor<10xi32>
}
// CHECK-LABEL: func.func private @count_kernel_0(
// CHECK:         loop.for "i" %{{.*}} to 10 {
// CHECK:           loop.store
// CHECK:         loop.for "iu" %[[U:.*]] to 50 {
// CHECK-NEXT:      %[[BIN:.*]] = loop.load %{{.*}}[%[[U]]] : memref<50xi8>
// CHECK-NEXT:      %[[PLACE:.*]] = arith.extui %[[BIN]] : i8 to i64
// CHECK-NEXT:      %[[INSIDE:.*]] = arith.cmpi ult, %[[PLACE]], %{{.*}} : i64
// CHECK-NEXT:      %[[SAFE:.*]] = arith.select %[[INSIDE]], %[[PLACE]], %{{.*}} : i64
// CHECK-NEXT:      %[[AT:.*]] = arith.index_cast %[[SAFE]] : i64 to index
// CHECK-NEXT:      %[[OLD:.*]] = loop.gather %[[OUT:.*]][%[[AT]]] : memref<10xi32>
// CHECK-NEXT:      %[[ONE:.*]] = loop.load %{{.*}}[%[[U]]] : memref<50xi32>
// CHECK-NEXT:      %[[NEW:.*]] = arith.addi %[[OLD]], %[[ONE]] : i32
// CHECK-NEXT:      %[[KEPT:.*]] = arith.select %[[INSIDE]], %[[NEW]], %[[OLD]] : i32
// CHECK-NEXT:      loop.scatter %[[KEPT]], %[[OUT]][%[[AT]]] : memref<10xi32>

// CHECK-LABEL: func.func @mask(
func.func @mask(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %r = ml.tril %x : tensor<8x8xf32>
  func.return %r : tensor<8x8xf32>
}
// CHECK-LABEL: func.func private @mask_kernel_0(
// CHECK:         %[[D:.*]] = loop.index %{{.*}} - %{{.*}} : index
// CHECK-NEXT:    %[[N:.*]] = arith.index_cast %[[D]] : index to i64
// CHECK-NEXT:    %[[BELOW:.*]] = arith.cmpi sge, %[[N]], %{{.*}} : i64
// CHECK-NEXT:    arith.select %[[BELOW]]
