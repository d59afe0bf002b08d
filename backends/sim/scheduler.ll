; Runs a launch: one cluster of blocks after the other, each of their threads a coroutine.
;
; A warp's threads run in turn until each of them waits. What the lanes of a mask do together is released when all of
; them have come to it; when all warps wait, barriers and what else is of several warps. When nothing can be released,
; `stuck` is asked, which says what is wrong. States are those of `State` in layout.py.
;
; weft_sim_run(launch): 0, or what `stuck` gave.

declare ptr @aligned_alloc(i64, i64)
declare void @free(ptr)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; memory for a thread's frame: the frames of all threads have one size, that of the kernel
define ptr @weft_sim_frame(ptr %t, i64 %size) {
entry:
  %block.at = call ptr @thread.block(ptr %t)
  %block = load ptr, ptr %block.at
  %launch.at = call ptr @block.launch(ptr %block)
  %launch = load ptr, ptr %launch.at
  %frames.at = call ptr @launch.frames(ptr %launch)
  %bytes.at = call ptr @launch.frame_bytes(ptr %launch)
  %bytes = load i64, ptr %bytes.at
  %fits = icmp ule i64 %size, %bytes
  br i1 %fits, label %give, label %make
make:
  %old = load ptr, ptr %frames.at
  call void @free(ptr %old)
  %raised = add i64 %size, 63
  %whole = and i64 %raised, -64
  %odd = or i64 %whole, 64                            ; an odd number of lines: frames spread over the cache's sets
  %threads = call i64 @threads(ptr %launch)
  %all = mul i64 %odd, %threads
  %new = call ptr @aligned_alloc(i64 64, i64 %all)
  store ptr %new, ptr %frames.at
  store i64 %odd, ptr %bytes.at
  br label %give
give:
  %frames = load ptr, ptr %frames.at
  %each = load i64, ptr %bytes.at
  %index.at = call ptr @thread.index(ptr %t)
  %index = load i32, ptr %index.at
  %wide = zext i32 %index to i64
  %offset = mul i64 %wide, %each
  %frame = getelementptr i8, ptr %frames, i64 %offset
  ret ptr %frame
}

; threads of a cluster
define internal i64 @threads(ptr %launch) {
  %blocks.at = call ptr @launch.blocks_in_unit(ptr %launch)
  %blocks = load i32, ptr %blocks.at
  %count.at = call ptr @launch.threads_in_block(ptr %launch)
  %count = load i32, ptr %count.at
  %all = mul i32 %blocks, %count
  %wide = zext i32 %all to i64
  ret i64 %wide
}

define internal ptr @thread.of(ptr %first, i64 %n) alwaysinline {
  %size = call i64 @sizeof.thread()
  %offset = mul i64 %n, %size
  %t = getelementptr i8, ptr %first, i64 %offset
  ret ptr %t
}

define internal ptr @block.of(ptr %launch, i64 %n) alwaysinline {
  %at = call ptr @launch.blocks(ptr %launch)
  %first = load ptr, ptr %at
  %size = call i64 @sizeof.block()
  %offset = mul i64 %n, %size
  %b = getelementptr i8, ptr %first, i64 %offset
  ret ptr %b
}

define internal i32 @state.of(ptr %t) alwaysinline {
  %at = call ptr @thread.state(ptr %t)
  %state = load i32, ptr %at
  ret i32 %state
}

define internal void @set.state(ptr %t, i32 %state) alwaysinline {
  %at = call ptr @thread.state(ptr %t)
  store i32 %state, ptr %at
  ret void
}

define internal i32 @site.of(ptr %t) alwaysinline {
  %at = call ptr @thread.site(ptr %t)
  %site = load i32, ptr %at
  ret i32 %site
}

define internal i64 @what.of(ptr %t) alwaysinline {
  %at = call ptr @thread.what(ptr %t)
  %what = load i64, ptr %at
  ret i64 %what
}

define internal i64 @how.of(ptr %t) alwaysinline {
  %at = call ptr @thread.how(ptr %t)
  %how = load i64, ptr %at
  ret i64 %how
}

define internal i1 @checking(ptr %launch) alwaysinline {
  %at = call ptr @launch.check(ptr %launch)
  %check = load ptr, ptr %at
  %is = icmp ne ptr %check, null
  ret i1 %is
}

; start a thread, or let it go on, until it waits
define internal void @resume(ptr %launch, ptr %t) {
  %at = call ptr @thread.coroutine(ptr %t)
  %coroutine = load ptr, ptr %at
  %fresh = icmp eq ptr %coroutine, null
  br i1 %fresh, label %start, label %on
start:
  %entry.at = call ptr @launch.entry(ptr %launch)
  %entry = load ptr, ptr %entry.at
  %arguments.at = call ptr @launch.arguments(ptr %launch)
  %arguments = load ptr, ptr %arguments.at
  %new = call ptr %entry(ptr %t, ptr %arguments)
  store ptr %new, ptr %at
  ret void
on:
  %code = load ptr, ptr %coroutine
  call fastcc void %code(ptr %coroutine)
  ret void
}

; run a warp until all of its threads wait
define internal void @run.warp(ptr %launch, ptr %first, i64 %lanes) {
entry:
  br label %round
round:
  br label %next
next:
  %lane = phi i64 [ 0, %round ], [ %lane.next, %step ]
  %t = call ptr @thread.of(ptr %first, i64 %lane)
  %state = call i32 @state.of(ptr %t)
  %runs = icmp eq i32 %state, 1
  br i1 %runs, label %run, label %step
run:
  call void @resume(ptr %launch, ptr %t)
  br label %step
step:
  %lane.next = add i64 %lane, 1
  %more = icmp ult i64 %lane.next, %lanes
  br i1 %more, label %next, label %release
release:
  %free = call i1 @release.warp(ptr %launch, ptr %first, i64 %lanes)
  br i1 %free, label %round, label %done
done:
  ret void
}

; the lanes of a mask that have all come to the place where lane `start` waits, as bits; 0 if one has not
define internal i64 @gathered(ptr %first, i64 %lanes, i64 %start) {
entry:
  %leader = call ptr @thread.of(ptr %first, i64 %start)
  %mask = call i64 @what.of(ptr %leader)
  %site = call i32 @site.of(ptr %leader)
  br label %next
next:
  %lane = phi i64 [ 0, %entry ], [ %lane.next, %step ]
  %group = phi i64 [ 0, %entry ], [ %group.next, %step ]
  %shifted = lshr i64 %mask, %lane
  %in = trunc i64 %shifted to i1
  br i1 %in, label %look, label %step
look:
  %t = call ptr @thread.of(ptr %first, i64 %lane)
  %state = call i32 @state.of(ptr %t)
  %gone = icmp eq i32 %state, 0
  br i1 %gone, label %step, label %waits
waits:
  %here = call i32 @site.of(ptr %t)
  %same = icmp eq i32 %here, %site
  %warp = icmp eq i32 %state, 3
  %come = and i1 %same, %warp
  br i1 %come, label %count, label %missing
count:
  %bit = shl i64 1, %lane
  %with = or i64 %group, %bit
  br label %step
missing:
  ret i64 0
step:
  %group.next = phi i64 [ %group, %next ], [ %group, %look ], [ %with, %count ]
  %lane.next = add i64 %lane, 1
  %more = icmp ult i64 %lane.next, %lanes
  br i1 %more, label %next, label %done
done:
  ret i64 %group.next
}

; let the lanes go on that have all come to one place
define internal i1 @release.warp(ptr %launch, ptr %first, i64 %lanes) {
entry:
  br label %next
next:
  %start = phi i64 [ 0, %entry ], [ %start.next, %step ]
  %leader = call ptr @thread.of(ptr %first, i64 %start)
  %state = call i32 @state.of(ptr %leader)
  %waits = icmp eq i32 %state, 3
  br i1 %waits, label %look, label %step
look:
  %group = call i64 @gathered(ptr %first, i64 %lanes, i64 %start)
  %all = icmp ne i64 %group, 0
  br i1 %all, label %go, label %step
go:
  br label %copy
copy:
  %lane = phi i64 [ 0, %go ], [ %lane.next, %copied ]
  %shifted = lshr i64 %group, %lane
  %in = trunc i64 %shifted to i1
  br i1 %in, label %take, label %copied
take:
  %t = call ptr @thread.of(ptr %first, i64 %lane)
  %slot.at = call ptr @thread.slot(ptr %t)
  %slot = load ptr, ptr %slot.at
  %seen.at = call ptr @thread.seen(ptr %t)
  %seen = load ptr, ptr %seen.at
  %offset = shl i64 %lane, 6
  %place = getelementptr i8, ptr %seen, i64 %offset
  call void @llvm.memcpy.p0.p0.i64(ptr %place, ptr %slot, i64 64, i1 false)
  call void @set.state(ptr %t, i32 1)
  %what.at = call ptr @thread.what(ptr %t)
  store i64 %group, ptr %what.at                      ; who is there
  br label %copied
copied:
  %lane.next = add i64 %lane, 1
  %more.lanes = icmp ult i64 %lane.next, %lanes
  br i1 %more.lanes, label %copy, label %together
together:
  %how = call i64 @how.of(ptr %leader)
  %nothing = icmp eq i64 %how, 0
  br i1 %nothing, label %gone, label %orders
orders:
  %order = icmp eq i64 %how, -1                       ; a barrier of the warp: it orders memory
  br i1 %order, label %join, label %serve
join:
  %check = call i1 @checking(ptr %launch)
  br i1 %check, label %join.it, label %gone
join.it:
  call void @weft_sim_join_warp(ptr %launch, ptr %first, i64 %group)
  br label %gone
serve:
  call void @serve(ptr %launch, i64 %how, ptr %first, i64 %group)
  br label %gone
gone:
  ret i1 true
step:
  %start.next = add i64 %start, 1
  %more = icmp ult i64 %start.next, %lanes
  br i1 %more, label %next, label %none
none:
  ret i1 false
}

; have Python do what some threads do together
define internal void @serve(ptr %launch, i64 %service, ptr %first, i64 %group) {
  %at = call ptr @launch.service(ptr %launch)
  %function = load ptr, ptr %at
  %index.at = call ptr @thread.index(ptr %first)
  %index = load i32, ptr %index.at
  %wide = zext i32 %index to i64
  call void %function(i64 %service, i64 %wide, i64 %group)
  ret void
}

; let threads of a block go on that wait at barriers which are complete
define internal i1 @release.barriers(ptr %launch, ptr %block) {
entry:
  %waiting = alloca [16 x i32]
  %needed = alloca [16 x i32]
  %sum = alloca [16 x i32]
  store [16 x i32] zeroinitializer, ptr %waiting
  store [16 x i32] zeroinitializer, ptr %sum
  %threads.at = call ptr @block.threads(ptr %block)
  %threads = load ptr, ptr %threads.at
  %count.at = call ptr @block.count(ptr %block)
  %count32 = load i32, ptr %count.at
  %count = zext i32 %count32 to i64
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %step ]
  %alive = phi i32 [ 0, %entry ], [ %alive.next, %step ]
  %any = phi i1 [ false, %entry ], [ %any.next, %step ]
  %t = call ptr @thread.of(ptr %threads, i64 %n)
  %state = call i32 @state.of(ptr %t)
  %lives = icmp ne i32 %state, 0
  %lives32 = zext i1 %lives to i32
  %alive.next = add i32 %alive, %lives32
  %waits = icmp eq i32 %state, 4
  br i1 %waits, label %note, label %step
note:
  %id = call i64 @what.of(ptr %t)
  %how = call i64 @how.of(ptr %t)
  %how32 = trunc i64 %how to i32
  %w.at = getelementptr i32, ptr %waiting, i64 %id
  %w = load i32, ptr %w.at
  %w.next = add i32 %w, 1
  store i32 %w.next, ptr %w.at
  %n.at = getelementptr i32, ptr %needed, i64 %id
  store i32 %how32, ptr %n.at
  %p.at = call ptr @thread.predicate(ptr %t)
  %p = load i32, ptr %p.at
  %s.at = getelementptr i32, ptr %sum, i64 %id
  %s = load i32, ptr %s.at
  %s.next = add i32 %s, %p
  store i32 %s.next, ptr %s.at
  br label %step
step:
  %any.next = phi i1 [ %any, %next ], [ true, %note ]
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %count
  br i1 %more, label %next, label %counted
counted:
  br i1 %any.next, label %barrier, label %none
none:
  ret i1 false
barrier:
  %b = phi i64 [ 0, %counted ], [ %b.next, %barrier.done ]
  %free = phi i1 [ false, %counted ], [ %free.next, %barrier.done ]
  %bw.at = getelementptr i32, ptr %waiting, i64 %b
  %bw = load i32, ptr %bw.at
  %used = icmp ne i32 %bw, 0
  br i1 %used, label %is.full, label %barrier.done
is.full:
  %bn.at = getelementptr i32, ptr %needed, i64 %b
  %bn = load i32, ptr %bn.at
  %everybody = icmp eq i32 %bn, 0
  %wanted = select i1 %everybody, i32 %alive.next, i32 %bn
  %b32 = trunc i64 %b to i32
  %arrived.at = call ptr @block.arrived(ptr %block, i32 %b32)
  %arrived = load i32, ptr %arrived.at
  %total = add i32 %bw, %arrived
  %full = icmp uge i32 %total, %wanted
  br i1 %full, label %open, label %barrier.done
open:
  %check = call i1 @checking(ptr %launch)
  br i1 %check, label %join, label %clear
join:
  call void @weft_sim_join_barrier(ptr %launch, ptr %block, i64 %b)
  br label %clear
clear:
  store i32 0, ptr %arrived.at
  %bs.at = getelementptr i32, ptr %sum, i64 %b
  %bs = load i32, ptr %bs.at
  %bs64 = zext i32 %bs to i64
  %bw64 = zext i32 %bw to i64
  br label %wake
wake:
  %m = phi i64 [ 0, %clear ], [ %m.next, %woken ]
  %u = call ptr @thread.of(ptr %threads, i64 %m)
  %u.state = call i32 @state.of(ptr %u)
  %u.waits = icmp eq i32 %u.state, 4
  %u.what = call i64 @what.of(ptr %u)
  %u.here = icmp eq i64 %u.what, %b
  %u.free = and i1 %u.waits, %u.here
  br i1 %u.free, label %wake.it, label %woken
wake.it:
  call void @set.state(ptr %u, i32 1)
  %u.what.at = call ptr @thread.what(ptr %u)
  store i64 %bs64, ptr %u.what.at                     ; how many of them brought a predicate that holds
  %u.how.at = call ptr @thread.how(ptr %u)
  store i64 %bw64, ptr %u.how.at
  br label %woken
woken:
  %m.next = add i64 %m, 1
  %more.m = icmp ult i64 %m.next, %count
  br i1 %more.m, label %wake, label %barrier.done
barrier.done:
  %free.next = phi i1 [ %free, %barrier ], [ %free, %is.full ], [ true, %woken ]
  %b.next = add i64 %b, 1
  %more.b = icmp ult i64 %b.next, 16
  br i1 %more.b, label %barrier, label %done
done:
  ret i1 %free.next
}

; let warpgroups go on whose threads have all come to one place
define internal i1 @release.groups(ptr %launch, ptr %block) {
entry:
  %threads.at = call ptr @block.threads(ptr %block)
  %threads = load ptr, ptr %threads.at
  %count.at = call ptr @block.count(ptr %block)
  %count32 = load i32, ptr %count.at
  %count = zext i32 %count32 to i64
  br label %group
group:
  %g = phi i64 [ 0, %entry ], [ %g.end, %group.done ]
  %free = phi i1 [ false, %entry ], [ %free.next, %group.done ]
  %g.end = add i64 %g, 128
  %whole = icmp ule i64 %g.end, %count
  br i1 %whole, label %look, label %done
look:
  %first = call ptr @thread.of(ptr %threads, i64 %g)
  %site = call i32 @site.of(ptr %first)
  br label %next
next:
  %n = phi i64 [ %g, %look ], [ %n.next, %here ]
  %t = call ptr @thread.of(ptr %threads, i64 %n)
  %state = call i32 @state.of(ptr %t)
  %waits = icmp eq i32 %state, 5
  %where = call i32 @site.of(ptr %t)
  %same = icmp eq i32 %where, %site
  %come = and i1 %waits, %same
  br i1 %come, label %here, label %group.done
here:
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %g.end
  br i1 %more, label %next, label %open
open:
  %how = call i64 @how.of(ptr %first)
  %serves = icmp ne i64 %how, 0
  br i1 %serves, label %serve, label %wake
serve:
  call void @serve(ptr %launch, i64 %how, ptr %first, i64 128)
  br label %wake
wake:
  %m = phi i64 [ %g, %open ], [ %g, %serve ], [ %m.next, %wake ]
  %u = call ptr @thread.of(ptr %threads, i64 %m)
  call void @set.state(ptr %u, i32 1)
  %m.next = add i64 %m, 1
  %more.m = icmp ult i64 %m.next, %g.end
  br i1 %more.m, label %wake, label %group.done
group.done:
  %free.next = phi i1 [ %free, %next ], [ true, %wake ]
  br label %group
done:
  ret i1 %free
}

; whether the current phase of an mbarrier has this parity: then it is not complete
define internal i1 @in.phase(ptr %barrier, i64 %parity) {
  %word = load i64, ptr %barrier
  %phase = and i64 %word, 1
  %low = and i64 %parity, 1
  %is = icmp eq i64 %phase, %low
  ret i1 %is
}

; let threads go on whose own condition holds; those that only gave way are no progress (bit 1), the others are (bit 0)
define internal i32 @release.single(ptr %launch) {
entry:
  %threads.at = call ptr @launch.threads(ptr %launch)
  %threads = load ptr, ptr %threads.at
  %count = call i64 @threads(ptr %launch)
  %phase.at = call ptr @launch.phase(ptr %launch)
  %phase32 = load i32, ptr %phase.at
  %phase = zext i32 %phase32 to i64
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %step ]
  %free = phi i32 [ 0, %entry ], [ %free.next, %step ]
  %t = call ptr @thread.of(ptr %threads, i64 %n)
  %state = call i32 @state.of(ptr %t)
  %what = call i64 @what.of(ptr %t)
  switch i32 %state, label %step [ i32 2, label %gave.way i32 6, label %transaction i32 7, label %cluster ]
gave.way:
  call void @set.state(ptr %t, i32 1)
  %with.two = or i32 %free, 2
  br label %step
transaction:
  %barrier = inttoptr i64 %what to ptr
  %parity = call i64 @how.of(ptr %t)
  %pending = call i1 @in.phase(ptr %barrier, i64 %parity)
  br i1 %pending, label %step, label %acquire
acquire:
  %check = call i1 @checking(ptr %launch)
  br i1 %check, label %acquire.it, label %wake
acquire.it:
  call void @weft_sim_acquire(ptr %launch, ptr %t, i64 %what)
  br label %wake
cluster:
  %over = icmp ugt i64 %phase, %what
  br i1 %over, label %wake, label %step
wake:
  call void @set.state(ptr %t, i32 1)
  %with.one = or i32 %free, 1
  br label %step
step:
  %free.next = phi i32 [ %free, %next ], [ %with.two, %gave.way ], [ %free, %transaction ], [ %free, %cluster ],
    [ %with.one, %wake ]
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %count
  br i1 %more, label %next, label %done
done:
  ret i32 %free.next
}

; end a phase of the cluster's barrier at which every thread that is still there has arrived
define internal i1 @release.cluster(ptr %launch) {
entry:
  %arrived.at = call ptr @launch.arrived(ptr %launch)
  %arrived = load i32, ptr %arrived.at
  %used = icmp ne i32 %arrived, 0
  br i1 %used, label %count, label %none
count:
  %threads.at = call ptr @launch.threads(ptr %launch)
  %threads = load ptr, ptr %threads.at
  %all = call i64 @threads(ptr %launch)
  br label %next
next:
  %n = phi i64 [ 0, %count ], [ %n.next, %next ]
  %alive = phi i32 [ 0, %count ], [ %alive.next, %next ]
  %t = call ptr @thread.of(ptr %threads, i64 %n)
  %state = call i32 @state.of(ptr %t)
  %lives = icmp ne i32 %state, 0
  %one = zext i1 %lives to i32
  %alive.next = add i32 %alive, %one
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %all
  br i1 %more, label %next, label %counted
counted:
  %full = icmp uge i32 %arrived, %alive.next
  br i1 %full, label %open, label %none
open:
  %check = call i1 @checking(ptr %launch)
  br i1 %check, label %join, label %clear
join:
  call void @weft_sim_join_cluster(ptr %launch)
  br label %clear
clear:
  store i32 0, ptr %arrived.at
  %phase.at = call ptr @launch.phase(ptr %launch)
  %phase = load i32, ptr %phase.at
  %phase.next = add i32 %phase, 1
  store i32 %phase.next, ptr %phase.at
  ret i1 true
none:
  ret i1 false
}

; run every warp of the cluster; whether some thread is not finished
define internal i1 @run.warps(ptr %launch) {
entry:
  %threads.at = call ptr @launch.threads(ptr %launch)
  %threads = load ptr, ptr %threads.at
  %all = call i64 @threads(ptr %launch)
  %block.at = call ptr @launch.threads_in_block(ptr %launch)
  %block32 = load i32, ptr %block.at
  %block = zext i32 %block32 to i64
  br label %warp
warp:
  %n = phi i64 [ 0, %entry ], [ %end, %warp.done ]
  %left = phi i64 [ %block, %entry ], [ %left.next, %warp.done ]
  %some = phi i1 [ false, %entry ], [ %alive.next, %warp.done ]
  %part = icmp ult i64 %left, 32
  %lanes = select i1 %part, i64 %left, i64 32
  %end = add i64 %n, %lanes
  %rest = sub i64 %left, %lanes
  %block.done = icmp eq i64 %rest, 0
  %left.next = select i1 %block.done, i64 %block, i64 %rest
  %first = call ptr @thread.of(ptr %threads, i64 %n)
  call void @run.warp(ptr %launch, ptr %first, i64 %lanes)
  br label %look
look:
  %m = phi i64 [ %n, %warp ], [ %m.next, %look ]
  %alive = phi i1 [ %some, %warp ], [ %alive.next, %look ]
  %t = call ptr @thread.of(ptr %threads, i64 %m)
  %state = call i32 @state.of(ptr %t)
  %lives = icmp ne i32 %state, 0
  %alive.next = or i1 %alive, %lives
  %m.next = add i64 %m, 1
  %more = icmp ult i64 %m.next, %end
  br i1 %more, label %look, label %warp.done
warp.done:
  %more.warps = icmp ult i64 %end, %all
  br i1 %more.warps, label %warp, label %done
done:
  ret i1 %alive.next
}

; make a cluster's threads new
define internal void @reset(ptr %launch) {
entry:
  %threads.at = call ptr @launch.threads(ptr %launch)
  %threads = load ptr, ptr %threads.at
  %all = call i64 @threads(ptr %launch)
  %arrived.at = call ptr @launch.arrived(ptr %launch)
  store i32 0, ptr %arrived.at
  %phase.at = call ptr @launch.phase(ptr %launch)
  store i32 0, ptr %phase.at
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %next ]
  %t = call ptr @thread.of(ptr %threads, i64 %n)
  %coroutine.at = call ptr @thread.coroutine(ptr %t)
  store ptr null, ptr %coroutine.at
  call void @set.state(ptr %t, i32 1)
  %fenced.at = call ptr @thread.fenced(ptr %t)
  store i32 0, ptr %fenced.at
  %pending.at = call ptr @thread.pending(ptr %t)
  store i32 0, ptr %pending.at
  %group.at = call ptr @thread.group(ptr %t)
  store i32 0, ptr %group.at
  %ticket.at = call ptr @thread.ticket(ptr %t)
  store i32 0, ptr %ticket.at
  %product.groups.at = call ptr @thread.product_groups(ptr %t)
  store i32 0, ptr %product.groups.at
  %product.done.at = call ptr @thread.product_done(ptr %t)
  store i32 0, ptr %product.done.at
  %product.fenced.at = call ptr @thread.product_fenced(ptr %t)
  store i32 0, ptr %product.fenced.at
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %all
  br i1 %more, label %next, label %blocks
blocks:
  %count.at = call ptr @launch.blocks_in_unit(ptr %launch)
  %count32 = load i32, ptr %count.at
  %count = zext i32 %count32 to i64
  br label %block
block:
  %k = phi i64 [ 0, %blocks ], [ %k.next, %block ]
  %b = call ptr @block.of(ptr %launch, i64 %k)
  %first = call ptr @block.arrived(ptr %b, i32 0)
  store [16 x i32] zeroinitializer, ptr %first
  %k.next = add i64 %k, 1
  %more.blocks = icmp ult i64 %k.next, %count
  br i1 %more.blocks, label %block, label %check
check:
  %checking = call i1 @checking(ptr %launch)
  br i1 %checking, label %tell, label %done
tell:
  call void @weft_sim_new_unit(ptr %launch)
  br label %done
done:
  ret void
}

; run a cluster to its end
define internal i64 @run.unit(ptr %launch) {
entry:
  call void @reset(ptr %launch)
  %blocks.at = call ptr @launch.blocks_in_unit(ptr %launch)
  %blocks32 = load i32, ptr %blocks.at
  %blocks = zext i32 %blocks32 to i64
  br label %round
round:
  %spins = phi i64 [ 0, %entry ], [ 0, %progress ], [ %spins.next, %spin ], [ 0, %asked.on ]
  %alive = call i1 @run.warps(ptr %launch)
  br i1 %alive, label %block, label %end
block:
  %k = phi i64 [ 0, %round ], [ %k.next, %block ]
  %free = phi i1 [ false, %round ], [ %free.next, %block ]
  %b = call ptr @block.of(ptr %launch, i64 %k)
  %barriers = call i1 @release.barriers(ptr %launch, ptr %b)
  %groups = call i1 @release.groups(ptr %launch, ptr %b)
  %either = or i1 %barriers, %groups
  %free.next = or i1 %free, %either
  %k.next = add i64 %k, 1
  %more = icmp ult i64 %k.next, %blocks
  br i1 %more, label %block, label %rest
rest:
  %cluster = call i1 @release.cluster(ptr %launch)
  %single = call i32 @release.single(ptr %launch)
  %one = trunc i32 %single to i1
  %some = or i1 %free.next, %cluster
  %all = or i1 %some, %one
  br i1 %all, label %progress, label %weak
progress:
  br label %round
weak:                                                 ; only now bulk copies go on: they are made as late as they may be
  %delivered = call i1 @deliver(ptr %launch, i1 false)
  br i1 %delivered, label %progress, label %idle
idle:
  %spins.next = add i64 %spins, 1
  %gave.way = icmp ne i32 %single, 0
  br i1 %gave.way, label %spin, label %ask
spin:
  %limit.at = call ptr @launch.spins(ptr %launch)
  %limit = load i64, ptr %limit.at
  %patient = icmp ult i64 %spins.next, %limit
  br i1 %patient, label %round, label %ask
ask:
  %stuck.at = call ptr @launch.stuck(ptr %launch)
  %stuck = load ptr, ptr %stuck.at
  %answer = call i64 %stuck()
  %on = icmp eq i64 %answer, 0
  br i1 %on, label %asked.on, label %give.up
asked.on:
  br label %round
give.up:
  ret i64 %answer
end:
  %left = call i1 @deliver(ptr %launch, i1 true)
  br i1 %left, label %end, label %over
over:
  ret i64 0
}

; give the blocks of a cluster their places in the grid: the cluster's own place times its size, and theirs in it
define internal void @place(ptr %launch, i32 %x, i32 %y, i32 %z) {
entry:
  %count.at = call ptr @launch.blocks_in_unit(ptr %launch)
  %count32 = load i32, ptr %count.at
  %count = zext i32 %count32 to i64
  br label %next
next:
  %k = phi i64 [ 0, %entry ], [ %k.next, %next ]
  %b = call ptr @block.of(ptr %launch, i64 %k)
  call void @place.axis(ptr %b, i32 0, i32 %x)
  call void @place.axis(ptr %b, i32 1, i32 %y)
  call void @place.axis(ptr %b, i32 2, i32 %z)
  %k.next = add i64 %k, 1
  %more = icmp ult i64 %k.next, %count
  br i1 %more, label %next, label %done
done:
  ret void
}

define internal void @place.axis(ptr %b, i32 %axis, i32 %cluster) alwaysinline {
  %size.at = call ptr @block.cluster(ptr %b, i32 %axis)
  %size = load i32, ptr %size.at
  %in.at = call ptr @block.place(ptr %b, i32 %axis)
  %in = load i32, ptr %in.at
  %first = mul i32 %cluster, %size
  %id = add i32 %first, %in
  %id.at = call ptr @block.id(ptr %b, i32 %axis)
  store i32 %id, ptr %id.at
  ret void
}

define internal i32 @clusters(ptr %b, i32 %axis) alwaysinline {
  %size.at = call ptr @block.cluster(ptr %b, i32 %axis)
  %size = load i32, ptr %size.at
  %grid.at = call ptr @block.grid(ptr %b, i32 %axis)
  %grid = load i32, ptr %grid.at
  %count = udiv i32 %grid, %size
  ret i32 %count
}

define i64 @weft_sim_run(ptr %launch) {
entry:
  %b = call ptr @block.of(ptr %launch, i64 0)
  %nx = call i32 @clusters(ptr %b, i32 0)
  %ny = call i32 @clusters(ptr %b, i32 1)
  %nz = call i32 @clusters(ptr %b, i32 2)
  %unit.at = call ptr @launch.unit(ptr %launch)
  br label %next
next:
  %x = phi i32 [ 0, %entry ], [ %x.next, %step ]
  %y = phi i32 [ 0, %entry ], [ %y.next, %step ]
  %z = phi i32 [ 0, %entry ], [ %z.next, %step ]
  call void @place(ptr %launch, i32 %x, i32 %y, i32 %z)
  %status = call i64 @run.unit(ptr %launch)
  %fine = icmp eq i64 %status, 0
  br i1 %fine, label %step, label %done
step:
  %unit = load i64, ptr %unit.at
  %unit.next = add i64 %unit, 1
  store i64 %unit.next, ptr %unit.at
  %x.up = add i32 %x, 1
  %x.over = icmp uge i32 %x.up, %nx
  %x.next = select i1 %x.over, i32 0, i32 %x.up
  %x.carry = zext i1 %x.over to i32
  %y.up = add i32 %y, %x.carry
  %y.over = icmp uge i32 %y.up, %ny
  %y.next = select i1 %y.over, i32 0, i32 %y.up
  %y.carry = zext i1 %y.over to i32
  %z.next = add i32 %z, %y.carry
  %end = icmp uge i32 %z.next, %nz
  br i1 %end, label %done, label %next
done:
  %result = phi i64 [ %status, %next ], [ 0, %step ]
  %frames.at = call ptr @launch.frames(ptr %launch)
  %frames = load ptr, ptr %frames.at
  call void @free(ptr %frames)
  store ptr null, ptr %frames.at
  ret i64 %result
}
