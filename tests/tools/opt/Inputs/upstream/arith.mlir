func.func @integers(%a: i32, %b: i32, %i: index, %v: vector<4xi32>, %t: tensor<2x?xi32>, %c: i1) {
  %0 = arith.addi %a, %b : i32
  %1 = arith.subi %a, %b overflow<nsw> : i32
  %2 = arith.muli %v, %v overflow<nsw, nuw> : vector<4xi32>
  %3 = arith.divsi %a, %b : i32
  %4 = arith.divui %t, %t : tensor<2x?xi32>
  %5 = arith.ceildivsi %a, %b : i32
  %6 = arith.ceildivui %i, %i : index
  %7 = arith.floordivsi %a, %b : i32
  %8 = arith.remsi %a, %b : i32
  %9 = arith.remui %a, %b : i32
  %10 = arith.andi %a, %b : i32
  %11 = arith.ori %a, %b : i32
  %12 = arith.xori %a, %b : i32
  %13 = arith.shli %a, %b : i32
  %14 = arith.shrsi %a, %b : i32
  %15 = arith.shrui %a, %b : i32
  %16 = arith.maxsi %a, %b : i32
  %17 = arith.maxui %a, %b : i32
  %18 = arith.minsi %a, %b : i32
  %19 = arith.minui %a, %b : i32
  %20, %21 = arith.addui_extended %a, %b : i32, i1
  %22, %23 = arith.mulsi_extended %a, %b : i32
  %24, %25 = arith.mului_extended %a, %b : i32
  %26 = arith.cmpi eq, %a, %b : i32
  %27 = arith.cmpi ne, %a, %b : i32
  %28 = arith.cmpi slt, %v, %v {tag.x} : vector<4xi32>
  %29 = arith.cmpi sle, %a, %b : i32
  %30 = arith.cmpi sgt, %a, %b : i32
  %31 = arith.cmpi sge, %a, %b : i32
  %32 = arith.cmpi ult, %i, %i : index
  %33 = arith.cmpi ule, %a, %b : i32
  %34 = arith.cmpi ugt, %a, %b : i32
  %35 = arith.cmpi uge, %a, %b : i32
  %36 = arith.select %c, %a, %b : i32
  %37 = arith.select %28, %v, %v : vector<4xi1>, vector<4xi32>
  %46 = arith.cmpi eq, %t, %t : tensor<2x?xi32>
  %38 = arith.extsi %a : i32 to i64
  %39 = arith.extui %a : i32 to i64
  %40 = arith.trunci %a : i32 to i8
  %41 = arith.index_cast %i : index to i32
  %42 = arith.index_cast %a : i32 to index
  %43 = arith.sitofp %a : i32 to f32
  %44 = arith.uitofp %a : i32 to f32
  %45 = arith.bitcast %a : i32 to f32
  return
}
// -----
func.func @floats(%a: f32, %b: f32, %v: vector<4xf32>, %d: f64, %h: f16) {
  %0 = arith.addf %a, %b : f32
  %1 = arith.subf %a, %b fastmath<fast> : f32
  %2 = arith.mulf %v, %v fastmath<nnan,contract> : vector<4xf32>
  %3 = arith.divf %a, %b : f32
  %4 = arith.remf %a, %b : f32
  %5 = arith.negf %a : f32
  %6 = arith.maximumf %a, %b : f32
  %7 = arith.minimumf %a, %b : f32
  %8 = arith.maxnumf %a, %b : f32
  %9 = arith.minnumf %a, %b : f32
  %10 = arith.cmpf oeq, %a, %b : f32
  %11 = arith.cmpf une, %a, %b fastmath<ninf> : f32
  %12 = arith.cmpf false, %a, %b : f32
  %13 = arith.cmpf uno, %v, %v fastmath<nnan> {tag.x} : vector<4xf32>
  %14 = arith.extf %a : f32 to f64
  %15 = arith.truncf %d : f64 to f32
  %16 = arith.fptosi %a : f32 to i32
  %17 = arith.fptoui %a : f32 to i8
  return
}
// -----
func.func @constants() {
  %0 = arith.constant 0 : i32
  %1 = arith.constant -7 : i64
  %2 = arith.constant true
  %3 = arith.constant false
  %4 = arith.constant 12 : index
  %5 = arith.constant 1.5 : f32
  %6 = arith.constant -0.0 : f64
  %7 = arith.constant 0x7F800000 : f32
  %8 = arith.constant 0xFFC0 : bf16
  %9 = arith.constant 1.0 : f16
  %10 = arith.constant dense<[1, 2, 3]> : vector<3xi32>
  %11 = arith.constant dense<1.0> : tensor<2x3xf32>
  %12 = arith.constant dense<[0.1, 1.0e-30, 3.14159]> : tensor<3xf32>
  %13 = arith.constant dense<[true, false]> : tensor<2xi1>
  %14 = arith.constant 3 : i8
  %15 = arith.constant dense<> : tensor<0xf32>
  %16 = arith.constant 0.1 : f64
  %17 = arith.constant 1.0e300 : f64
  %18 = arith.constant dense<[0.0, -0.0]> : tensor<2xf32>
  %19 = arith.constant {tag.x} 5 : i32
  return
}
