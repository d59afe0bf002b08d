; What the code of a kernel calls, and what becomes part of it.

declare token @llvm.coro.id(i32, ptr, ptr, ptr)
declare i64 @llvm.coro.size.i64()
declare ptr @llvm.coro.begin(token, ptr)
declare i8 @llvm.coro.suspend(token, i1)
declare void @llvm.coro.end(ptr, i1, token)

define internal ptr @weft.begin(ptr %t) alwaysinline {
  %id = call token @llvm.coro.id(i32 16, ptr null, ptr null, ptr null)
  %size = call i64 @llvm.coro.size.i64()
  %memory = call ptr @weft_sim_frame(ptr %t, i64 %size)
  %coroutine = call noalias ptr @llvm.coro.begin(token %id, ptr %memory)
  ret ptr %coroutine
}

; 0 when the thread goes on; else the coroutine gives way
define internal i8 @weft.suspend() alwaysinline {
  %how = call i8 @llvm.coro.suspend(token none, i1 false)
  ret i8 %how
}

define internal void @weft.end(ptr %coroutine) alwaysinline {
  call void @llvm.coro.end(ptr %coroutine, i1 false, token none)
  ret void
}

define internal void @weft.finish(ptr %t) alwaysinline {
  %state = call ptr @thread.state(ptr %t)
  store i32 0, ptr %state
  ret void
}

define internal void @weft.wait(ptr %t, i32 %new, i32 %where, i64 %for, i64 %by) alwaysinline {
  %state = call ptr @thread.state(ptr %t)
  store i32 %new, ptr %state
  %site = call ptr @thread.site(ptr %t)
  store i32 %where, ptr %site
  %what = call ptr @thread.what(ptr %t)
  store i64 %for, ptr %what
  %how = call ptr @thread.how(ptr %t)
  store i64 %by, ptr %how
  ret void
}

; ids

define internal i32 @weft.thread_id(ptr %t, i32 %n) alwaysinline {
  %at = call ptr @thread.id(ptr %t, i32 %n)
  %id = load i32, ptr %at
  ret i32 %id
}

define internal ptr @weft.block(ptr %t) alwaysinline {
  %at = call ptr @thread.block(ptr %t)
  %block = load ptr, ptr %at
  ret ptr %block
}

define internal i32 @weft.block_id(ptr %t, i32 %n) alwaysinline {
  %block = call ptr @weft.block(ptr %t)
  %at = call ptr @block.id(ptr %block, i32 %n)
  %id = load i32, ptr %at
  ret i32 %id
}

define internal i32 @weft.block_size(ptr %t, i32 %n) alwaysinline {
  %block = call ptr @weft.block(ptr %t)
  %at = call ptr @block.size(ptr %block, i32 %n)
  %id = load i32, ptr %at
  ret i32 %id
}

define internal i32 @weft.grid_size(ptr %t, i32 %n) alwaysinline {
  %block = call ptr @weft.block(ptr %t)
  %at = call ptr @block.grid(ptr %block, i32 %n)
  %id = load i32, ptr %at
  ret i32 %id
}

define internal i32 @weft.cluster_size(ptr %t, i32 %n) alwaysinline {
  %block = call ptr @weft.block(ptr %t)
  %at = call ptr @block.cluster(ptr %block, i32 %n)
  %id = load i32, ptr %at
  ret i32 %id
}

define internal i32 @weft.place_in_cluster(ptr %t, i32 %n) alwaysinline {
  %block = call ptr @weft.block(ptr %t)
  %at = call ptr @block.place(ptr %block, i32 %n)
  %id = load i32, ptr %at
  ret i32 %id
}

define internal i32 @weft.rank_in_cluster(ptr %t) alwaysinline {
  %block = call ptr @weft.block(ptr %t)
  %at = call ptr @block.rank(ptr %block)
  %id = load i32, ptr %at
  ret i32 %id
}

define internal i32 @weft.lane(ptr %t) alwaysinline {
  %at = call ptr @thread.lane(ptr %t)
  %lane = load i32, ptr %at
  ret i32 %lane
}

define internal i32 @weft.warp(ptr %t) alwaysinline {
  %at = call ptr @thread.number(ptr %t)
  %number = load i32, ptr %at
  %warp = lshr i32 %number, 5
  ret i32 %warp
}

define internal ptr @weft.shared(ptr %t, i64 %offset) alwaysinline {
  %block = call ptr @weft.block(ptr %t)
  %at = call ptr @block.shared(ptr %block)
  %base = load ptr, ptr %at
  %place = getelementptr i8, ptr %base, i64 %offset
  ret ptr %place
}

define internal i32 @weft.dynamic_bytes(ptr %t) alwaysinline {
  %block = call ptr @weft.block(ptr %t)
  %at = call ptr @block.dynamic_bytes(ptr %block)
  %bytes = load i32, ptr %at
  ret i32 %bytes
}

define internal i32 @weft.cluster_id(ptr %t, i32 %n) alwaysinline {
  %block = call i32 @weft.block_id(ptr %t, i32 %n)
  %size = call i32 @weft.cluster_size(ptr %t, i32 %n)
  %id = udiv i32 %block, %size
  ret i32 %id
}

define internal i32 @weft.clusters_in_grid(ptr %t, i32 %n) alwaysinline {
  %grid = call i32 @weft.grid_size(ptr %t, i32 %n)
  %size = call i32 @weft.cluster_size(ptr %t, i32 %n)
  %count = udiv i32 %grid, %size
  ret i32 %count
}

define internal i32 @weft.blocks_in_cluster(ptr %t) alwaysinline {
  %x = call i32 @weft.cluster_size(ptr %t, i32 0)
  %y = call i32 @weft.cluster_size(ptr %t, i32 1)
  %z = call i32 @weft.cluster_size(ptr %t, i32 2)
  %xy = mul i32 %x, %y
  %all = mul i32 %xy, %z
  ret i32 %all
}

declare i64 @llvm.readcyclecounter()

define internal i64 @weft.ticks(ptr %t) alwaysinline {
  %ticks = call i64 @llvm.readcyclecounter()
  ret i64 %ticks
}

; what the lanes of a warp bring and see

define internal ptr @weft.slot(ptr %t) alwaysinline {
  %at = call ptr @thread.slot(ptr %t)
  %slot = load ptr, ptr %at
  ret ptr %slot
}

define internal ptr @weft.seen(ptr %t, i32 %lane) alwaysinline {
  %at = call ptr @thread.seen(ptr %t)
  %slots = load ptr, ptr %at
  %wide = zext i32 %lane to i64
  %offset = shl i64 %wide, 6
  %slot = getelementptr i8, ptr %slots, i64 %offset
  ret ptr %slot
}

; the lanes that came together with this one
define internal i32 @weft.present(ptr %t) alwaysinline {
  %at = call ptr @thread.what(ptr %t)
  %lanes = load i64, ptr %at
  %mask = trunc i64 %lanes to i32
  ret i32 %mask
}

; the lanes of the warp whose threads have not ended
define internal i32 @weft.alive(ptr %t) alwaysinline {
entry:
  %lane = call i32 @weft.lane(ptr %t)
  %number = call ptr @thread.number(ptr %t)
  %mine = load i32, ptr %number
  %block = call ptr @weft.block(ptr %t)
  %count.at = call ptr @block.count(ptr %block)
  %count = load i32, ptr %count.at
  %first = sub i32 %mine, %lane
  %left = sub i32 %count, %first
  %lanes = call i32 @llvm.umin.i32(i32 %left, i32 32)
  br label %next
next:
  %n = phi i32 [ 0, %entry ], [ %n.next, %next ]
  %mask = phi i32 [ 0, %entry ], [ %mask.next, %next ]
  %distance = sub i32 %n, %lane
  %wide = sext i32 %distance to i64
  %size = call i64 @sizeof.thread()
  %offset = mul i64 %wide, %size
  %u = getelementptr i8, ptr %t, i64 %offset
  %state.at = call ptr @thread.state(ptr %u)
  %state = load i32, ptr %state.at
  %lives = icmp ne i32 %state, 0
  %one = zext i1 %lives to i32
  %bit = shl i32 %one, %n
  %mask.next = or i32 %mask, %bit
  %n.next = add i32 %n, 1
  %more = icmp ult i32 %n.next, %lanes
  br i1 %more, label %next, label %done
done:
  ret i32 %mask.next
}

; what a thread brings to a barrier that counts, and what it sees: how many brought something, how many came
define internal void @weft.bring_predicate(ptr %t, i32 %value) alwaysinline {
  %at = call ptr @thread.predicate(ptr %t)
  store i32 %value, ptr %at
  ret void
}

define internal i32 @weft.counted(ptr %t) alwaysinline {
  %at = call ptr @thread.what(ptr %t)
  %sum = load i64, ptr %at
  %count = trunc i64 %sum to i32
  ret i32 %count
}

define internal i32 @weft.came(ptr %t) alwaysinline {
  %at = call ptr @thread.how(ptr %t)
  %sum = load i64, ptr %at
  %count = trunc i64 %sum to i32
  ret i32 %count
}

; the address in the shared memory of another block of the cluster
define internal ptr @weft.map_shared(ptr %t, ptr %p, i32 %rank) alwaysinline {
  %block = call ptr @weft.block(ptr %t)
  %own = call i32 @weft.rank_in_cluster(ptr %t)
  %distance = sub i32 %rank, %own
  %wide = sext i32 %distance to i64
  %size = call i64 @sizeof.block()
  %offset = mul i64 %wide, %size
  %other = getelementptr i8, ptr %block, i64 %offset
  %here.at = call ptr @block.shared(ptr %block)
  %here = load ptr, ptr %here.at
  %there.at = call ptr @block.shared(ptr %other)
  %there = load ptr, ptr %there.at
  %address = ptrtoint ptr %p to i64
  %first = ptrtoint ptr %here to i64
  %inside = sub i64 %address, %first
  %mapped = getelementptr i8, ptr %there, i64 %inside
  ret ptr %mapped
}

; the address that lane (8 * matrix + row) of the warp brought
define internal ptr @weft.row(ptr %t, i32 %lane) alwaysinline {
  %slot = call ptr @weft.seen(ptr %t, i32 %lane)
  %row = load ptr, ptr %slot
  ret ptr %row
}

; the lane that a shuffle reads from, and whether it is in range: PTX, shfl.sync; modes up 0, down 1, idx 2, bfly 3
define internal { i32, i1 } @weft.shuffle.source(ptr %t, i32 %mode, i32 %b, i32 %c) alwaysinline {
entry:
  %lane = call i32 @weft.lane(ptr %t)
  %bval = and i32 %b, 31
  %cval = and i32 %c, 31
  %c.high = lshr i32 %c, 8
  %segment = and i32 %c.high, 31
  %inside = and i32 %lane, %segment
  %not.segment = xor i32 %segment, 31
  %c.masked = and i32 %cval, %not.segment
  %most = or i32 %inside, %c.masked
  switch i32 %mode, label %bfly [ i32 0, label %up i32 1, label %down i32 2, label %idx ]
up:
  %u = sub i32 %lane, %bval
  %u.in = icmp sge i32 %u, %most
  br label %done
down:
  %d = add i32 %lane, %bval
  %d.in = icmp sle i32 %d, %most
  br label %done
idx:
  %b.masked = and i32 %bval, %not.segment
  %i = or i32 %inside, %b.masked
  %i.in = icmp sle i32 %i, %most
  br label %done
bfly:
  %x = xor i32 %lane, %bval
  %x.in = icmp sle i32 %x, %most
  br label %done
done:
  %wanted = phi i32 [ %u, %up ], [ %d, %down ], [ %i, %idx ], [ %x, %bfly ]
  %in = phi i1 [ %u.in, %up ], [ %d.in, %down ], [ %i.in, %idx ], [ %x.in, %bfly ]
  %source = select i1 %in, i32 %wanted, i32 %lane
  %r0 = insertvalue { i32, i1 } poison, i32 %source, 0
  %r1 = insertvalue { i32, i1 } %r0, i1 %in, 1
  ret { i32, i1 } %r1
}

define internal { i32, i1 } @weft.shuffle(ptr %t, i32 %mode, i32 %b, i32 %c) alwaysinline {
  %found = call { i32, i1 } @weft.shuffle.source(ptr %t, i32 %mode, i32 %b, i32 %c)
  %source = extractvalue { i32, i1 } %found, 0
  %slot = call ptr @weft.seen(ptr %t, i32 %source)
  %value = load i32, ptr %slot
  %r = insertvalue { i32, i1 } %found, i32 %value, 0
  ret { i32, i1 } %r
}

; the lane that a shuffle reads from must have come to it
define internal void @weft.shuffle.check(ptr %t, i32 %mode, i32 %b, i32 %c, i64 %site) alwaysinline {
entry:
  %found = call { i32, i1 } @weft.shuffle.source(ptr %t, i32 %mode, i32 %b, i32 %c)
  %source = extractvalue { i32, i1 } %found, 0
  %present = call i32 @weft.present(ptr %t)
  %shifted = lshr i32 %present, %source
  %bit = and i32 %shifted, 1
  %is = icmp ne i32 %bit, 0
  br i1 %is, label %done, label %tell
tell:
  call void @weft_sim_shuffled(ptr %t, i32 %source, i64 %site)
  br label %done
done:
  ret void
}

; the word that each lane of a mask brought, as bits: whether it is not 0
define internal i32 @weft.ballot(ptr %t, i32 %mask) alwaysinline {
entry:
  br label %next
next:
  %lane = phi i32 [ 0, %entry ], [ %lane.next, %next ]
  %bits = phi i32 [ 0, %entry ], [ %bits.next, %next ]
  %slot = call ptr @weft.seen(ptr %t, i32 %lane)
  %value = load i32, ptr %slot
  %is = icmp ne i32 %value, 0
  %wide = zext i1 %is to i32
  %bit = shl i32 %wide, %lane
  %bits.next = or i32 %bits, %bit
  %lane.next = add i32 %lane, 1
  %more = icmp ult i32 %lane.next, 32
  br i1 %more, label %next, label %done
done:
  %voted = and i32 %bits.next, %mask
  ret i32 %voted
}

; the lanes of a mask that brought the same word (width 4 or 8 bytes) as this one
define internal i32 @weft.match(ptr %t, i32 %mask, i64 %mine) alwaysinline {
entry:
  br label %next
next:
  %lane = phi i32 [ 0, %entry ], [ %lane.next, %next ]
  %bits = phi i32 [ 0, %entry ], [ %bits.next, %next ]
  %slot = call ptr @weft.seen(ptr %t, i32 %lane)
  %value = load i64, ptr %slot
  %is = icmp eq i64 %value, %mine
  %wide = zext i1 %is to i32
  %bit = shl i32 %wide, %lane
  %bits.next = or i32 %bits, %bit
  %lane.next = add i32 %lane, 1
  %more = icmp ult i32 %lane.next, 32
  br i1 %more, label %next, label %done
done:
  %same = and i32 %bits.next, %mask
  ret i32 %same
}

; the words of a mask's lanes combined: add 0, umin 1, umax 2, min 3, max 4, and 5, or 6, xor 7
define internal i32 @weft.reduce(ptr %t, i32 %mask, i32 %kind) alwaysinline {
entry:
  br label %next
next:
  %lane = phi i32 [ 0, %entry ], [ %lane.next, %step ]
  %sum = phi i32 [ 0, %entry ], [ %sum.next, %step ]
  %first = phi i1 [ true, %entry ], [ %first.next, %step ]
  %slot = call ptr @weft.seen(ptr %t, i32 %lane)
  %value = load i32, ptr %slot
  %shifted = lshr i32 %mask, %lane
  %bit = trunc i32 %shifted to i1
  br i1 %bit, label %take, label %step
take:
  %add = add i32 %sum, %value
  %umin = call i32 @llvm.umin.i32(i32 %sum, i32 %value)
  %umax = call i32 @llvm.umax.i32(i32 %sum, i32 %value)
  %smin = call i32 @llvm.smin.i32(i32 %sum, i32 %value)
  %smax = call i32 @llvm.smax.i32(i32 %sum, i32 %value)
  %and = and i32 %sum, %value
  %or = or i32 %sum, %value
  %xor = xor i32 %sum, %value
  switch i32 %kind, label %taken [ i32 1, label %k1 i32 2, label %k2 i32 3, label %k3 i32 4, label %k4
    i32 5, label %k5 i32 6, label %k6 i32 7, label %k7 ]
k1:
  br label %taken
k2:
  br label %taken
k3:
  br label %taken
k4:
  br label %taken
k5:
  br label %taken
k6:
  br label %taken
k7:
  br label %taken
taken:
  %combined = phi i32 [ %add, %take ], [ %umin, %k1 ], [ %umax, %k2 ], [ %smin, %k3 ], [ %smax, %k4 ], [ %and, %k5 ],
    [ %or, %k6 ], [ %xor, %k7 ]
  %kept = select i1 %first, i32 %value, i32 %combined
  br label %step
step:
  %sum.next = phi i32 [ %sum, %next ], [ %kept, %taken ]
  %first.next = phi i1 [ %first, %next ], [ false, %taken ]
  %lane.next = add i32 %lane, 1
  %more = icmp ult i32 %lane.next, 32
  br i1 %more, label %next, label %done
done:
  ret i32 %sum.next
}

declare i32 @llvm.umin.i32(i32, i32)
declare i32 @llvm.umax.i32(i32, i32)
declare i32 @llvm.smin.i32(i32, i32)
declare i32 @llvm.smax.i32(i32, i32)

