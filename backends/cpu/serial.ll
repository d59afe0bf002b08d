; The parallel for where there is one thread.

define void @weft_parallel_for(ptr %fn, ptr %ctx, i64 %n, i64 %grain, i64 %threads) {
entry:
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %run, label %done
run:
  call void %fn(ptr %ctx, i64 0, i64 %n, i64 0)
  br label %done
done:
  ret void
}
