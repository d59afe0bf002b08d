; The parallel for of a library: what parallel.ll does, on no more threads than the machine has or the program allows.
;
; weft_parallel_for calls weft_pool_for with the smaller of the threads that the code was made for and the limit.
; weft_set_threads(n) sets the limit; 0 stands for one thread a core, the limit at the start.

@limit = internal global i64 0

declare i64 @sysconf(i32)
declare void @weft_pool_for(ptr, ptr, i64, i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)

define void @weft_set_threads(i64 %threads) {
  %some = call i64 @llvm.smax.i64(i64 %threads, i64 0)
  store atomic i64 %some, ptr @limit monotonic, align 8
  ret void
}

define void @weft_parallel_for(ptr %fn, ptr %ctx, i64 %n, i64 %grain, i64 %threads) {
entry:
  %known = load atomic i64, ptr @limit monotonic, align 8
  %set = icmp ne i64 %known, 0
  br i1 %set, label %run, label %ask
ask:
  %online = call i64 @sysconf(i32 84)                 ; _SC_NPROCESSORS_ONLN
  %cores = call i64 @llvm.smax.i64(i64 %online, i64 1)
  store atomic i64 %cores, ptr @limit monotonic, align 8
  br label %run
run:
  %limit = phi i64 [ %known, %entry ], [ %cores, %ask ]
  %few = call i64 @llvm.smin.i64(i64 %threads, i64 %limit)
  call void @weft_pool_for(ptr %fn, ptr %ctx, i64 %n, i64 %grain, i64 %few)
  ret void
}
