// Inputs come in order or by name, from values or files; results are printed with name, shape and type.
// RUN: weft run %s --input 2x2xf32=1.5 --input i32=2 | filecheck %s --check-prefix=ORDER
// RUN: weft run %s --input n=3 --input x=2x2xf32=0.5 --target reference 2>&1 | not filecheck %s --check-prefix=ORDER
// RUN: weft run %s --input n=i32=2 --input x=2x2xf32=1.5 --target reference | filecheck %s --check-prefix=ORDER
// RUN: weft run %s --input 2x2xf32=random:7 --input i32=2 --output %t.npz && weft run %s --input x=%t.npz:result0 --input n=i32=0 | filecheck %s --check-prefix=FILE
// RUN: weft run %s --input 2x2xf32=1 --input i32=2 --time --repeat 3 2>&1 | filecheck %s --check-prefix=TIME
// RUN: not weft run %s 2>&1 | filecheck %s --check-prefix=MISSING
// RUN: not weft run %s --input 2x2xf32=1 --input 2x2xf32=1 --input i32=2 2>&1 | filecheck %s --check-prefix=MANY
// RUN: not weft run %s --input 2x3xf32=1 --input i32=2 2>&1 | filecheck %s --check-prefix=SHAPE
// RUN: not weft run %s --input 2x2xf33=1 --input i32=2 2>&1 | filecheck %s --check-prefix=TYPE
// RUN: not weft run %s --input a.bin --input i32=2 2>&1 | filecheck %s --check-prefix=SPEC
// RUN: not weft run %s --input nofile.npy --input i32=2 2>&1 | filecheck %s --check-prefix=NOFILE
// RUN: not weft run %s --input 2x2xf32=1 --input i32=2 --output out.txt 2>&1 | filecheck %s --check-prefix=OUTPUT
// RUN: not weft run %s --nosuch 2>&1 | filecheck %s --check-prefix=FLAG
// RUN: not weft runn %s 2>&1 | filecheck %s --check-prefix=COMMAND

// ORDER: doubled: 2x2xf32 =
// ORDER-NEXT: {{\[\[}}3. 3.]
// ORDER: count: i32 = 4
// FILE: count: i32 = 0
// TIME: (median of 3)
// MISSING: error: @main needs values for x: tensor<2x2xf32>, n: i32
// MISSING: hint: give them with --input NAME=SPEC
// MANY: error: 3 inputs were given, @main takes 2
// SHAPE: argument 'x' is an array of shape (2, 3) and dtype float32, expected tensor<2x2xf32>
// TYPE: 'f33' is not an element type
// SPEC: cannot make a value of 'a.bin'
// NOFILE: cannot open input file 'nofile.npy': No such file or directory
// OUTPUT: --output writes .npz, .png, .pgm, .ppm, not
// FLAG: weft run: unrecognized arguments: --nosuch
// COMMAND: unknown command 'runn'
// COMMAND: did you mean 'run'?
func.func @main(%x: tensor<2x2xf32>, %n: i32) -> (tensor<2x2xf32> {weft.name = "doubled"}, i32 {weft.name = "count"}) {
  %0 = ml.add %x, %x : tensor<2x2xf32>
  %1 = arith.addi %n, %n : i32
  func.return %0, %1 : tensor<2x2xf32>, i32
}
