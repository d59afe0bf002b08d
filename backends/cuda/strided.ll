; The kernel of strided copies: element by element, the last dim fastest. The shape is that of weft_gpu_copy_strided:
; the rank, the bytes of an element, the sizes, the strides of `to`, the strides of `from`.

target triple = "nvptx64-nvidia-cuda"

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()

define ptx_kernel void @weft_copy_strided(ptr addrspace(1) %to, ptr addrspace(1) %from, i64 %count, ptr byval([200 x i64]) align 8 "nvvm.grid_constant" %shape) {
entry:
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %threads = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %blocks = call i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()
  %t.w = zext i32 %t to i64
  %b.w = zext i32 %b to i64
  %threads.w = zext i32 %threads to i64
  %blocks.w = zext i32 %blocks to i64
  %before = mul i64 %b.w, %threads.w
  %first = add i64 %before, %t.w
  %step = mul i64 %blocks.w, %threads.w
  %rank = load i64, ptr %shape
  %width.place = getelementptr i64, ptr %shape, i64 1
  %width = load i64, ptr %width.place
  %sizes = getelementptr i64, ptr %shape, i64 2
  %to.strides = getelementptr i64, ptr %sizes, i64 %rank
  %from.strides = getelementptr i64, ptr %to.strides, i64 %rank
  br label %element
element:
  %i = phi i64 [ %first, %entry ], [ %i.next, %copied ]
  %more = icmp ult i64 %i, %count
  br i1 %more, label %dim, label %done
dim:
  %d = phi i64 [ %rank, %element ], [ %d.next, %place ]
  %rest = phi i64 [ %i, %element ], [ %rest.next, %place ]
  %to.at = phi i64 [ 0, %element ], [ %to.next, %place ]
  %from.at = phi i64 [ 0, %element ], [ %from.next, %place ]
  %deeper = icmp sgt i64 %d, 0
  br i1 %deeper, label %place, label %copy
place:
  %d.next = sub i64 %d, 1
  %size.place = getelementptr i64, ptr %sizes, i64 %d.next
  %size = load i64, ptr %size.place
  %index = urem i64 %rest, %size
  %rest.next = udiv i64 %rest, %size
  %to.stride.place = getelementptr i64, ptr %to.strides, i64 %d.next
  %to.stride = load i64, ptr %to.stride.place
  %to.part = mul i64 %index, %to.stride
  %to.next = add i64 %to.at, %to.part
  %from.stride.place = getelementptr i64, ptr %from.strides, i64 %d.next
  %from.stride = load i64, ptr %from.stride.place
  %from.part = mul i64 %index, %from.stride
  %from.next = add i64 %from.at, %from.part
  br label %dim
copy:
  switch i64 %width, label %eight [ i64 1, label %one
                                    i64 2, label %two
                                    i64 4, label %four ]
one:
  %f1 = getelementptr i8, ptr addrspace(1) %from, i64 %from.at
  %t1 = getelementptr i8, ptr addrspace(1) %to, i64 %to.at
  %v1 = load i8, ptr addrspace(1) %f1
  store i8 %v1, ptr addrspace(1) %t1
  br label %copied
two:
  %f2 = getelementptr i16, ptr addrspace(1) %from, i64 %from.at
  %t2 = getelementptr i16, ptr addrspace(1) %to, i64 %to.at
  %v2 = load i16, ptr addrspace(1) %f2
  store i16 %v2, ptr addrspace(1) %t2
  br label %copied
four:
  %f4 = getelementptr i32, ptr addrspace(1) %from, i64 %from.at
  %t4 = getelementptr i32, ptr addrspace(1) %to, i64 %to.at
  %v4 = load i32, ptr addrspace(1) %f4
  store i32 %v4, ptr addrspace(1) %t4
  br label %copied
eight:
  %f8 = getelementptr i64, ptr addrspace(1) %from, i64 %from.at
  %t8 = getelementptr i64, ptr addrspace(1) %to, i64 %to.at
  %v8 = load i64, ptr addrspace(1) %f8
  store i64 %v8, ptr addrspace(1) %t8
  br label %copied
copied:
  %i.next = add i64 %i, %step
  br label %element
done:
  ret void
}
