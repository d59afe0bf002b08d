; What is under way while threads go on: asynchronous copies to shared memory, and mbarriers.
;
; A copy is made as late as it may be: when the thread waits for its group. A program that forgets to wait finds shared
; memory as it was before.
;
; An mbarrier is a word: bit 0 the parity of its phase, then 20 bits of arrivals that are pending, 20 bits of arrivals
; that a phase takes, and 23 bits (signed) of bytes that are on their way.

define internal i64 @copy.offset(i32 %n) alwaysinline {
  %wide = zext i32 %n to i64
  %size = call i64 @sizeof.copy()
  %offset = mul i64 %wide, %size
  ret i64 %offset
}

define internal ptr @copy.of(ptr %t, i32 %n) alwaysinline {
  %at = call ptr @thread.copies(ptr %t)
  %first = load ptr, ptr %at
  %offset = call i64 @copy.offset(i32 %n)
  %copy = getelementptr i8, ptr %first, i64 %offset
  ret ptr %copy
}

; note a copy of %bytes from %from to %to; those behind the first %read are zeros. The oldest are made where there is no room.
define void @weft_sim_copy(ptr %t, ptr %to, ptr %from, i32 %bytes, i32 %read, i64 %site) {
entry:
  %pending.at = call ptr @thread.pending(ptr %t)
  %pending = load i32, ptr %pending.at
  %full = icmp uge i32 %pending, 64
  br i1 %full, label %flush, label %add
flush:
  call void @weft_sim_copies_done(ptr %t, i32 0)
  br label %add
add:
  %n = load i32, ptr %pending.at
  %new = call ptr @copy.of(ptr %t, i32 %n)
  %to.at = call ptr @copy.to(ptr %new)
  store ptr %to, ptr %to.at
  %from.at = call ptr @copy.from(ptr %new)
  store ptr %from, ptr %from.at
  %bytes.at = call ptr @copy.bytes(ptr %new)
  store i32 %bytes, ptr %bytes.at
  %read.at = call ptr @copy.read(ptr %new)
  store i32 %read, ptr %read.at
  %group.from = call ptr @thread.group(ptr %t)
  %group = load i32, ptr %group.from
  %group.at = call ptr @copy.group(ptr %new)
  store i32 %group, ptr %group.at
  %site.at = call ptr @copy.site(ptr %new)
  %site32 = trunc i64 %site to i32
  store i32 %site32, ptr %site.at
  %more = add i32 %n, 1
  store i32 %more, ptr %pending.at
  ret void
}

; the copies so far are a group
define void @weft_sim_commit(ptr %t) {
  %at = call ptr @thread.group(ptr %t)
  %group = load i32, ptr %at
  %next = add i32 %group, 1
  store i32 %next, ptr %at
  ret void
}

; make the copies of all groups but the last %left; those of no group yet are left too
define void @weft_sim_wait_group(ptr %t, i32 %left) {
  %at = call ptr @thread.group(ptr %t)
  %group = load i32, ptr %at
  %end = sub i32 %group, %left
  call void @make.copies(ptr %t, i32 %end)
  ret void
}

; make all copies, also those of no group (the argument says nothing)
define void @weft_sim_copies_done(ptr %t, i32 %_) {
  call void @make.copies(ptr %t, i32 2147483647)
  ret void
}

; make the copies of the groups before %end, and move the others to the front
define internal void @make.copies(ptr %t, i32 %end) {
entry:
  %launch = call ptr @launch.of(ptr %t)
  %checks = call i1 @checking(ptr %launch)
  %pending.at = call ptr @thread.pending(ptr %t)
  %pending = load i32, ptr %pending.at
  br label %next
next:
  %n = phi i32 [ 0, %entry ], [ %n.next, %step ]
  %kept = phi i32 [ 0, %entry ], [ %kept.next, %step ]
  %left = icmp ult i32 %n, %pending
  br i1 %left, label %look, label %done
look:
  %copy = call ptr @copy.of(ptr %t, i32 %n)
  %group.at = call ptr @copy.group(ptr %copy)
  %group = load i32, ptr %group.at
  %due = icmp slt i32 %group, %end
  br i1 %due, label %make, label %keep
keep:
  %place = call ptr @copy.of(ptr %t, i32 %kept)
  %size = call i64 @sizeof.copy()
  call void @llvm.memmove.p0.p0.i64(ptr %place, ptr %copy, i64 %size, i1 false)
  %kept.more = add i32 %kept, 1
  br label %step
make:
  %to.at = call ptr @copy.to(ptr %copy)
  %to = load ptr, ptr %to.at
  %from.at = call ptr @copy.from(ptr %copy)
  %from = load ptr, ptr %from.at
  %bytes.at = call ptr @copy.bytes(ptr %copy)
  %bytes32 = load i32, ptr %bytes.at
  %bytes = zext i32 %bytes32 to i64
  %read.at = call ptr @copy.read(ptr %copy)
  %read32 = load i32, ptr %read.at
  %read = zext i32 %read32 to i64
  br i1 %checks, label %check, label %move
check:
  %site.at = call ptr @copy.site(ptr %copy)
  %site32 = load i32, ptr %site.at
  %site = zext i32 %site32 to i64
  %checked = call ptr @weft_sim_check(ptr %t, ptr %to, ptr %to, i64 -1, i64 %bytes, i64 %site, i64 1, ptr null)
  br label %move
move:
  %goal = phi ptr [ %to, %make ], [ %checked, %check ]
  call void @llvm.memset.p0.i64(ptr %goal, i8 0, i64 %bytes, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr %goal, ptr %from, i64 %read, i1 false)
  br label %step
step:
  %kept.next = phi i32 [ %kept.more, %keep ], [ %kept, %move ]
  %n.next = add i32 %n, 1
  br label %next
done:
  store i32 %kept, ptr %pending.at
  ret void
}

declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)

; mbarriers

define internal i64 @arrivals.pending(i64 %word) alwaysinline {
  %shifted = lshr i64 %word, 1
  %pending = and i64 %shifted, 1048575
  ret i64 %pending
}

define internal i64 @arrivals.wanted(i64 %word) alwaysinline {
  %shifted = lshr i64 %word, 21
  %wanted = and i64 %shifted, 1048575
  ret i64 %wanted
}

define internal i64 @word.of(i64 %parity, i64 %pending, i64 %wanted, i64 %bytes) alwaysinline {
  %pending.low = and i64 %pending, 1048575
  %p = shl i64 %pending.low, 1
  %wanted.low = and i64 %wanted, 1048575
  %w = shl i64 %wanted.low, 21
  %b = shl i64 %bytes, 41
  %pp = or i64 %parity, %p
  %ppw = or i64 %pp, %w
  %word = or i64 %ppw, %b
  ret i64 %word
}

define void @weft_sim_mbarrier_init(ptr %t, ptr %at, i32 %count) {
  %wide = zext i32 %count to i64
  %word = call i64 @word.of(i64 0, i64 %wide, i64 %wide, i64 0)
  store i64 %word, ptr %at
  ret void
}

; change what is pending, of arrivals and bytes, and begin the next phase when nothing is; the word before
define internal i64 @change(ptr %at, i64 %arrivals, i64 %dropped, i64 %bytes) {
  %word = load i64, ptr %at
  %parity = and i64 %word, 1
  %pending = call i64 @arrivals.pending(i64 %word)
  %wanted = call i64 @arrivals.wanted(i64 %word)
  %on.way = ashr i64 %word, 41
  %pending.left = sub i64 %pending, %arrivals
  %wanted.left = sub i64 %wanted, %dropped
  %bytes.left = add i64 %on.way, %bytes
  %no.arrivals = icmp eq i64 %pending.left, 0
  %no.bytes = icmp eq i64 %bytes.left, 0
  %over = and i1 %no.arrivals, %no.bytes
  %flip = zext i1 %over to i64
  %parity.new = xor i64 %parity, %flip
  %pending.new = select i1 %over, i64 %wanted.left, i64 %pending.left
  %new = call i64 @word.of(i64 %parity.new, i64 %pending.new, i64 %wanted.left, i64 %bytes.left)
  store i64 %new, ptr %at
  ret i64 %word
}

; a thread arrives %count times, after it says that %bytes more are on their way; the state before
define i64 @weft_sim_mbarrier_arrive(ptr %t, ptr %at, i32 %count, i32 %bytes, i32 %dropped) {
  %address = ptrtoint ptr %at to i64
  call void @weft_sim_release(ptr %t, i64 %address)
  %arrivals = zext i32 %count to i64
  %more = zext i32 %bytes to i64
  %gone = zext i32 %dropped to i64
  %state = call i64 @change(ptr %at, i64 %arrivals, i64 %gone, i64 %more)
  ret i64 %state
}

; bytes have come
define void @weft_sim_mbarrier_complete(ptr %t, ptr %at, i32 %bytes) {
  %address = ptrtoint ptr %at to i64
  call void @weft_sim_release(ptr %t, i64 %address)
  %wide = zext i32 %bytes to i64
  %less = sub i64 0, %wide
  %state = call i64 @change(ptr %at, i64 0, i64 0, i64 %less)
  ret void
}

; whether the phase that has this parity is over
define i1 @weft_sim_mbarrier_test(ptr %t, ptr %at, i64 %parity) {
entry:
  %pending = call i1 @in.phase(ptr %at, i64 %parity)
  br i1 %pending, label %no, label %over
over:
  %launch = call ptr @launch.of(ptr %t)
  %checks = call i1 @checking(ptr %launch)
  br i1 %checks, label %learn, label %yes
learn:
  %address = ptrtoint ptr %at to i64
  call void @weft_sim_acquire(ptr %launch, ptr %t, i64 %address)
  br label %yes
yes:
  ret i1 true
no:
  ret i1 false
}

; a thread comes to the barrier of its cluster: the phase that it has to see the end of
define i64 @weft_sim_cluster_arrive(ptr %t) {
  %launch = call ptr @launch.of(ptr %t)
  %arrived.at = call ptr @launch.arrived(ptr %launch)
  %arrived = load i32, ptr %arrived.at
  %more = add i32 %arrived, 1
  store i32 %more, ptr %arrived.at
  %phase.at = call ptr @launch.phase(ptr %launch)
  %phase = load i32, ptr %phase.at
  %token.at = call ptr @thread.token(ptr %t)
  store i32 %phase, ptr %token.at
  %wide = zext i32 %phase to i64
  ret i64 %wide
}

; the phase of the cluster's barrier at which a thread arrived last
define i64 @weft_sim_cluster_token(ptr %t) {
  %token.at = call ptr @thread.token(ptr %t)
  %token = load i32, ptr %token.at
  %wide = zext i32 %token to i64
  ret i64 %wide
}

; a thread says at a barrier of its block that it has come
define void @weft_sim_barrier_arrive(ptr %t, i32 %id) {
  %block.at = call ptr @thread.block(ptr %t)
  %block = load ptr, ptr %block.at
  %arrived.at = call ptr @block.arrived(ptr %block, i32 %id)
  %arrived = load i32, ptr %arrived.at
  %more = add i32 %arrived, 1
  store i32 %more, ptr %arrived.at
  %wide = zext i32 %id to i64
  call void @weft_sim_arrive(ptr %t, i64 %wide)
  ret void
}

; make the oldest bulk copy that is under way, where there is one; whether there was. Those out of shared memory are
; made when their threads wait for them, or when all have %ended.
define internal i1 @deliver(ptr %launch, i1 %ended) {
entry:
  %under.way.at = call ptr @launch.under_way(ptr %launch)
  %under.way = load i64, ptr %under.way.at
  %some.loads = icmp sgt i64 %under.way, 0
  %left.at = call ptr @launch.left(ptr %launch)
  %left = load i64, ptr %left.at
  %some.left = icmp sgt i64 %left, 0
  %late = and i1 %some.left, %ended
  %some = or i1 %some.loads, %late
  br i1 %some, label %ask, label %done
ask:
  %service.at = call ptr @launch.service(ptr %launch)
  %service = load ptr, ptr %service.at
  call void %service(i64 0, i64 0, i64 0)
  br label %done
done:
  ret i1 %some
}

; have Python do something for a thread by itself, whose slot has the facts
define void @weft_sim_ask(ptr %t, i64 %service) {
  %launch = call ptr @launch.of(ptr %t)
  call void @serve(ptr %launch, i64 %service, ptr %t, i64 0)
  ret void
}

define void @weft_sim_fence(ptr %t) {
  %at = call ptr @thread.fenced(ptr %t)
  store i32 1, ptr %at
  ret void
}
