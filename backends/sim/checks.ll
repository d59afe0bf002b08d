; The checker: what a checked kernel's code and the scheduler tell it.
;
; Which access is before which is known from clocks, one a thread, and from what each thread knows of the others' clocks:
; a row of numbers, which barriers and the like join (vector clocks; Flanagan and Freund, "FastTrack", PLDI 2009). In the
; shadow of memory each byte has three marks: its last write, and two reads. Two accesses that are not ordered, of which
; one writes and one is not atomic, are a race. Findings are numbered as in layout.py.

declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare i32 @memcmp(ptr, ptr, i64)

define internal ptr @launch.of(ptr %t) alwaysinline {
  %block.at = call ptr @thread.block(ptr %t)
  %block = load ptr, ptr %block.at
  %launch.at = call ptr @block.launch(ptr %block)
  %launch = load ptr, ptr %launch.at
  ret ptr %launch
}

define internal ptr @check.of(ptr %launch) alwaysinline {
  %at = call ptr @launch.check(ptr %launch)
  %check = load ptr, ptr %at
  ret ptr %check
}

define internal i64 @index.of(ptr %t) alwaysinline {
  %at = call ptr @thread.index(ptr %t)
  %index = load i32, ptr %at
  %wide = zext i32 %index to i64
  ret i64 %wide
}

define internal i64 @width.of(ptr %check) alwaysinline {
  %at = call ptr @check.width(ptr %check)
  %width = load i64, ptr %at
  ret i64 %width
}

; row n of a table of clocks
define internal ptr @row.of(ptr %check, ptr %table.at, i64 %n) alwaysinline {
  %table = load ptr, ptr %table.at
  %width = call i64 @width.of(ptr %check)
  %first = mul i64 %n, %width
  %row = getelementptr i32, ptr %table, i64 %first
  ret ptr %row
}

define internal ptr @clocks.of(ptr %check, i64 %index) alwaysinline {
  %at = call ptr @check.clocks(ptr %check)
  %row = call ptr @row.of(ptr %check, ptr %at, i64 %index)
  ret ptr %row
}

; rows 0: what is joined at hand; 1 to 16: what those brought that only arrive at a barrier; 17: what fenced atomics know
define internal ptr @joined.of(ptr %check, i64 %n) alwaysinline {
  %at = call ptr @check.joined(ptr %check)
  %row = call ptr @row.of(ptr %check, ptr %at, i64 %n)
  ret ptr %row
}

define internal void @clear.row(ptr %check, ptr %row) alwaysinline {
  %width = call i64 @width.of(ptr %check)
  %bytes = shl i64 %width, 2
  call void @llvm.memset.p0.i64(ptr %row, i8 0, i64 %bytes, i1 false)
  ret void
}

declare <16 x i32> @llvm.umax.v16i32(<16 x i32>, <16 x i32>)

; what is known in %from is known in %to
define internal void @learn(ptr %check, ptr %to, ptr %from) {
entry:
  %width = call i64 @width.of(ptr %check)
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %next ]
  %a.at = getelementptr i32, ptr %to, i64 %n
  %b.at = getelementptr i32, ptr %from, i64 %n
  %a = load <16 x i32>, ptr %a.at, align 4
  %b = load <16 x i32>, ptr %b.at, align 4
  %most = call <16 x i32> @llvm.umax.v16i32(<16 x i32> %a, <16 x i32> %b)
  store <16 x i32> %most, ptr %a.at, align 4
  %n.next = add i64 %n, 16
  %more = icmp ult i64 %n.next, %width
  br i1 %more, label %next, label %done
done:
  ret void
}

; what a thread does from here on is later than what it has told
define internal void @tick(ptr %check, i64 %index) alwaysinline {
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  %own = getelementptr i32, ptr %row, i64 %index
  %clock = load i32, ptr %own
  %later = add i32 %clock, 1
  store i32 %later, ptr %own
  ret void
}

; count a finding at a place; the first ones are told to Python. Nothing is said where %launch is null.
define internal void @found(ptr %launch, i64 %finding, i64 %site, i64 %a, i64 %b, i64 %c, i64 %d) noinline {
entry:
  %quiet = icmp eq ptr %launch, null
  br i1 %quiet, label %done, label %count.it
count.it:
  %check = call ptr @check.of(ptr %launch)
  %sites.at = call ptr @check.sites(ptr %check)
  %sites = load i64, ptr %sites.at
  %first = mul i64 %finding, %sites
  %n = add i64 %first, %site
  %counts.at = call ptr @check.counts(ptr %check)
  %counts = load ptr, ptr %counts.at
  %count.at = getelementptr i64, ptr %counts, i64 %n
  %count = load i64, ptr %count.at
  %count.next = add i64 %count, 1
  store i64 %count.next, ptr %count.at
  %few = icmp ult i64 %count, 64
  br i1 %few, label %tell, label %done
tell:
  %report.at = call ptr @launch.report(ptr %launch)
  %report = load ptr, ptr %report.at
  call void %report(i64 %finding, i64 %site, i64 %a, i64 %b, i64 %c, i64 %d)
  br label %done
done:
  ret void
}

; a cluster begins: nobody knows anything of the others, each is at its time 1
define void @weft_sim_new_unit(ptr %launch) {
entry:
  %check = call ptr @check.of(ptr %launch)
  %threads = call i64 @threads(ptr %launch)
  %width = call i64 @width.of(ptr %check)
  %clocks.at = call ptr @check.clocks(ptr %check)
  %clocks = load ptr, ptr %clocks.at
  %entries = mul i64 %threads, %width
  %bytes = shl i64 %entries, 2
  call void @llvm.memset.p0.i64(ptr %clocks, i8 0, i64 %bytes, i1 false)
  %joined = call ptr @joined.of(ptr %check, i64 0)
  %joined.bytes = mul i64 %width, 72                  ; 18 rows
  call void @llvm.memset.p0.i64(ptr %joined, i8 0, i64 %joined.bytes, i1 false)
  %transactions.at = call ptr @check.transaction_count(ptr %check)
  store i64 0, ptr %transactions.at
  %agents.at = call ptr @check.agent_clocks(ptr %check)
  %agents = load ptr, ptr %agents.at
  call void @llvm.memset.p0.i64(ptr %agents, i8 0, i64 1024, i1 false)
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %next ]
  call void @tick(ptr %check, i64 %n)
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %threads
  br i1 %more, label %next, label %samples
samples:
  %count.at = call ptr @check.sample_count(ptr %check)
  %count = load i64, ptr %count.at
  %limit.at = call ptr @check.sample_limit(ptr %check)
  %limit = load i64, ptr %limit.at
  %sampling = icmp ult i64 %count, %limit
  br i1 %sampling, label %clear, label %done
clear:
  %sites.at = call ptr @check.sites(ptr %check)
  %sites = load i64, ptr %sites.at
  %all = mul i64 %sites, %threads
  %all.bytes = shl i64 %all, 2
  %occurrences.at = call ptr @check.occurrences(ptr %check)
  %occurrences = load ptr, ptr %occurrences.at
  call void @llvm.memset.p0.i64(ptr %occurrences, i8 0, i64 %all.bytes, i1 false)
  br label %done
done:
  ret void
}

; the lanes of a mask know from here on what each of them knew
define void @weft_sim_join_warp(ptr %launch, ptr %first, i64 %group) {
entry:
  %check = call ptr @check.of(ptr %launch)
  %start = call i64 @index.of(ptr %first)
  %joined = call ptr @joined.of(ptr %check, i64 0)
  call void @clear.row(ptr %check, ptr %joined)
  br label %take
take:
  %n = phi i64 [ 0, %entry ], [ %n.next, %taken ]
  %n.bit = lshr i64 %group, %n
  %n.in = trunc i64 %n.bit to i1
  %n.index = add i64 %start, %n
  br i1 %n.in, label %take.it, label %taken
take.it:
  %n.row = call ptr @clocks.of(ptr %check, i64 %n.index)
  call void @learn(ptr %check, ptr %joined, ptr %n.row)
  br label %taken
taken:
  %n.next = add i64 %n, 1
  %n.more = icmp ult i64 %n.next, 32
  br i1 %n.more, label %take, label %give
give:
  %m = phi i64 [ 0, %taken ], [ %m.next, %given ]
  %m.bit = lshr i64 %group, %m
  %m.in = trunc i64 %m.bit to i1
  %m.index = add i64 %start, %m
  br i1 %m.in, label %give.it, label %given
give.it:
  %m.row = call ptr @clocks.of(ptr %check, i64 %m.index)
  call void @learn(ptr %check, ptr %m.row, ptr %joined)
  call void @tick(ptr %check, i64 %m.index)
  br label %given
given:
  %m.next = add i64 %m, 1
  %m.more = icmp ult i64 %m.next, 32
  br i1 %m.more, label %give, label %done
done:
  ret void
}

; whether a thread waits at barrier %id of its block
define internal i1 @waits.at(ptr %t, i64 %id) alwaysinline {
  %state = call i32 @state.of(ptr %t)
  %waits = icmp eq i32 %state, 4
  %what = call i64 @what.of(ptr %t)
  %same = icmp eq i64 %what, %id
  %is = and i1 %waits, %same
  ret i1 %is
}

; a barrier is complete: those at it know what each of them knew; they should all be at one place, and none have ended
define void @weft_sim_join_barrier(ptr %launch, ptr %block, i64 %id) {
entry:
  %check = call ptr @check.of(ptr %launch)
  %threads.at = call ptr @block.threads(ptr %block)
  %threads = load ptr, ptr %threads.at
  %count.at = call ptr @block.count(ptr %block)
  %count32 = load i32, ptr %count.at
  %count = zext i32 %count32 to i64
  %arrivals = add i64 %id, 1
  %joined = call ptr @joined.of(ptr %check, i64 %arrivals)
  br label %take
take:
  %n = phi i64 [ 0, %entry ], [ %n.next, %taken ]
  %leader = phi ptr [ null, %entry ], [ %leader.next, %taken ]
  %other = phi ptr [ null, %entry ], [ %other.next, %taken ]
  %ended = phi ptr [ null, %entry ], [ %ended.next, %taken ]
  %t = call ptr @thread.of(ptr %threads, i64 %n)
  %here = call i1 @waits.at(ptr %t, i64 %id)
  br i1 %here, label %take.it, label %not.here
not.here:
  %state = call i32 @state.of(ptr %t)
  %gone = icmp eq i32 %state, 0
  %ended.new = select i1 %gone, ptr %t, ptr %ended
  br label %taken
take.it:
  %index = call i64 @index.of(ptr %t)
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  call void @learn(ptr %check, ptr %joined, ptr %row)
  %first = icmp eq ptr %leader, null
  %leader.new = select i1 %first, ptr %t, ptr %leader
  %leader.site = call i32 @site.of(ptr %leader.new)
  %site = call i32 @site.of(ptr %t)
  %same = icmp eq i32 %site, %leader.site
  %other.new = select i1 %same, ptr %other, ptr %t
  br label %taken
taken:
  %leader.next = phi ptr [ %leader, %not.here ], [ %leader.new, %take.it ]
  %other.next = phi ptr [ %other, %not.here ], [ %other.new, %take.it ]
  %ended.next = phi ptr [ %ended.new, %not.here ], [ %ended, %take.it ]
  %n.next = add i64 %n, 1
  %n.more = icmp ult i64 %n.next, %count
  br i1 %n.more, label %take, label %give
give:
  %m = phi i64 [ 0, %taken ], [ %m.next, %given ]
  %u = call ptr @thread.of(ptr %threads, i64 %m)
  %u.here = call i1 @waits.at(ptr %u, i64 %id)
  br i1 %u.here, label %give.it, label %given
give.it:
  %u.index = call i64 @index.of(ptr %u)
  %u.row = call ptr @clocks.of(ptr %check, i64 %u.index)
  call void @learn(ptr %check, ptr %u.row, ptr %joined)
  call void @tick(ptr %check, i64 %u.index)
  br label %given
given:
  %m.next = add i64 %m, 1
  %m.more = icmp ult i64 %m.next, %count
  br i1 %m.more, label %give, label %judge
judge:
  call void @clear.row(ptr %check, ptr %joined)
  %how = call i64 @how.of(ptr %leader.next)
  %of.all = icmp eq i64 %how, 0
  br i1 %of.all, label %judge.it, label %done
judge.it:
  %where32 = call i32 @site.of(ptr %leader.next)
  %where = zext i32 %where32 to i64
  %who = call i64 @index.of(ptr %leader.next)
  %apart = icmp ne ptr %other.next, null
  br i1 %apart, label %divergent, label %whole
divergent:
  %there32 = call i32 @site.of(ptr %other.next)
  %there = zext i32 %there32 to i64
  %whom = call i64 @index.of(ptr %other.next)
  call void @found(ptr %launch, i64 3, i64 %where, i64 %there, i64 %who, i64 %whom, i64 0)
  br label %whole
whole:
  %missing = icmp ne ptr %ended.next, null
  br i1 %missing, label %exited, label %done
exited:
  %ended.index = call i64 @index.of(ptr %ended.next)
  call void @found(ptr %launch, i64 4, i64 %where, i64 0, i64 %who, i64 %ended.index, i64 0)
  br label %done
done:
  ret void
}

; a thread arrives at a barrier without waiting: what it knows is told there
define void @weft_sim_arrive(ptr %t, i64 %id) {
entry:
  %launch = call ptr @launch.of(ptr %t)
  %checks = call i1 @checking(ptr %launch)
  br i1 %checks, label %tell, label %done
tell:
  %check = call ptr @check.of(ptr %launch)
  %index = call i64 @index.of(ptr %t)
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  %n = add i64 %id, 1
  %joined = call ptr @joined.of(ptr %check, i64 %n)
  call void @learn(ptr %check, ptr %joined, ptr %row)
  call void @tick(ptr %check, i64 %index)
  br label %done
done:
  ret void
}

; every thread of the cluster knows what each of them knew
define void @weft_sim_join_cluster(ptr %launch) {
entry:
  %check = call ptr @check.of(ptr %launch)
  %threads = call i64 @threads(ptr %launch)
  %joined = call ptr @joined.of(ptr %check, i64 0)
  call void @clear.row(ptr %check, ptr %joined)
  br label %take
take:
  %n = phi i64 [ 0, %entry ], [ %n.next, %take ]
  %n.row = call ptr @clocks.of(ptr %check, i64 %n)
  call void @learn(ptr %check, ptr %joined, ptr %n.row)
  %n.next = add i64 %n, 1
  %n.more = icmp ult i64 %n.next, %threads
  br i1 %n.more, label %take, label %give
give:
  %m = phi i64 [ 0, %take ], [ %m.next, %give ]
  %m.row = call ptr @clocks.of(ptr %check, i64 %m)
  call void @learn(ptr %check, ptr %m.row, ptr %joined)
  call void @tick(ptr %check, i64 %m)
  %m.next = add i64 %m, 1
  %m.more = icmp ult i64 %m.next, %threads
  br i1 %m.more, label %give, label %done
done:
  ret void
}

; the row of an mbarrier
define internal ptr @transaction.row(ptr %check, i64 %address) {
  %rows.at = call ptr @check.transaction_rows(ptr %check)
  %n = call i64 @transaction.number(ptr %check, i64 %address)
  %row = call ptr @row.of(ptr %check, ptr %rows.at, i64 %n)
  ret ptr %row
}

; the number of an mbarrier, or of what else has an agent: a new one for what is new; beyond 256 of them the last is shared
define internal i64 @transaction.number(ptr %check, i64 %address) {
entry:
  %count.at = call ptr @check.transaction_count(ptr %check)
  %count = load i64, ptr %count.at
  %known.at = call ptr @check.transactions(ptr %check)
  %known = load ptr, ptr %known.at
  %rows.at = call ptr @check.transaction_rows(ptr %check)
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %other ]
  %left = icmp ult i64 %n, %count
  br i1 %left, label %look, label %new
look:
  %at = getelementptr i64, ptr %known, i64 %n
  %here = load i64, ptr %at
  %is = icmp eq i64 %here, %address
  br i1 %is, label %found, label %other
other:
  %n.next = add i64 %n, 1
  br label %next
new:
  %full = icmp eq i64 %count, 256
  br i1 %full, label %last, label %make
last:
  ret i64 255
make:
  %new.at = getelementptr i64, ptr %known, i64 %count
  store i64 %address, ptr %new.at
  %count.next = add i64 %count, 1
  store i64 %count.next, ptr %count.at
  %new.row = call ptr @row.of(ptr %check, ptr %rows.at, i64 %count)
  call void @clear.row(ptr %check, ptr %new.row)
  ret i64 %count
found:
  ret i64 %n
}

; a thread has seen the end of an mbarrier's phase
define void @weft_sim_acquire(ptr %launch, ptr %t, i64 %address) {
  %check = call ptr @check.of(ptr %launch)
  %index = call i64 @index.of(ptr %t)
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  %told = call ptr @transaction.row(ptr %check, i64 %address)
  call void @learn(ptr %check, ptr %row, ptr %told)
  ret void
}

; a thread arrives at an mbarrier: what it knows is told there
define void @weft_sim_release(ptr %t, i64 %address) {
entry:
  %launch = call ptr @launch.of(ptr %t)
  %checks = call i1 @checking(ptr %launch)
  br i1 %checks, label %tell, label %done
tell:
  %check = call ptr @check.of(ptr %launch)
  %index = call i64 @index.of(ptr %t)
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  %told = call ptr @transaction.row(ptr %check, i64 %address)
  call void @learn(ptr %check, ptr %told, ptr %row)
  call void @tick(ptr %check, i64 %index)
  br label %done
done:
  ret void
}

; an atomic of a thread that has fenced: it knows what all such knew before it, and its block is seen by other such blocks
define internal void @publish(ptr %launch, ptr %check, ptr %t) {
entry:
  %fenced.at = call ptr @thread.fenced(ptr %t)
  %fenced = load i32, ptr %fenced.at
  %is = icmp ne i32 %fenced, 0
  br i1 %is, label %tell, label %done
tell:
  %index = call i64 @index.of(ptr %t)
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  %told = call ptr @joined.of(ptr %check, i64 17)
  call void @learn(ptr %check, ptr %row, ptr %told)
  call void @learn(ptr %check, ptr %told, ptr %row)
  call void @tick(ptr %check, i64 %index)
  %unit.at = call ptr @launch.unit(ptr %launch)
  %unit = load i64, ptr %unit.at
  %published.at = call ptr @check.published(ptr %check)
  %published = load ptr, ptr %published.at
  %first.at = call ptr @check.first_unit(ptr %check)
  %first = load i64, ptr %first.at
  %number = sub i64 %unit, %first
  %byte = getelementptr i8, ptr %published, i64 %number
  store i8 1, ptr %byte
  br label %done
done:
  ret void
}

; the region that holds an address: null where there is none. Regions are in order.
define internal ptr @region.of(ptr %check, i64 %address) {
entry:
  %regions.at = call ptr @check.regions(ptr %check)
  %regions = load ptr, ptr %regions.at
  %count.at = call ptr @check.region_count(ptr %check)
  %count = load i64, ptr %count.at
  %size = call i64 @sizeof.region()
  br label %next
next:
  %low = phi i64 [ 0, %entry ], [ %low.next, %step ]
  %high = phi i64 [ %count, %entry ], [ %high.next, %step ]
  %left = icmp ult i64 %low, %high
  br i1 %left, label %step, label %judge
step:
  %sum = add i64 %low, %high
  %middle = lshr i64 %sum, 1
  %offset = mul i64 %middle, %size
  %region = getelementptr i8, ptr %regions, i64 %offset
  %base.at = call ptr @region.base(ptr %region)
  %base = load i64, ptr %base.at
  %behind = icmp ule i64 %base, %address
  %middle.next = add i64 %middle, 1
  %low.next = select i1 %behind, i64 %middle.next, i64 %low
  %high.next = select i1 %behind, i64 %high, i64 %middle
  br label %next
judge:
  %none = icmp eq i64 %low, 0
  br i1 %none, label %nothing, label %last
last:
  %n = sub i64 %low, 1
  %last.offset = mul i64 %n, %size
  %last.region = getelementptr i8, ptr %regions, i64 %last.offset
  %end.at = call ptr @region.end(ptr %last.region)
  %end = load i64, ptr %end.at
  %within = icmp ule i64 %address, %end               ; the address behind the last byte is still its allocation's
  %found = select i1 %within, ptr %last.region, ptr null
  ret ptr %found
nothing:
  ret ptr null
}

; whether an address is a thread's own memory: in a frame, or on the stack of this process's thread
define internal i1 @is.private(ptr %launch, i64 %address) {
entry:
  %here = alloca i64
  %frames.at = call ptr @launch.frames(ptr %launch)
  %frames = load ptr, ptr %frames.at
  %first = ptrtoint ptr %frames to i64
  %bytes.at = call ptr @launch.frame_bytes(ptr %launch)
  %bytes = load i64, ptr %bytes.at
  %threads = call i64 @threads(ptr %launch)
  %all = mul i64 %bytes, %threads
  %offset = sub i64 %address, %first
  %framed = icmp ult i64 %offset, %all
  %top = ptrtoint ptr %here to i64
  %above = sub i64 %address, %top
  %stacked = icmp ult i64 %above, 1048576
  %is = or i1 %framed, %stacked
  ret i1 %is
}

; whether what a mark says is before what a thread does now; %proxy: where the part of the row begins that tells of
; threads (0, or for what agents may see of their stores the second half)
define internal i1 @is.before(ptr %check, ptr %row, i64 %me, i64 %who, i32 %clock, i64 %proxy) {
entry:
  %nobody = icmp eq i64 %who, 0
  %self = icmp eq i64 %who, %me
  %easy = or i1 %nobody, %self
  br i1 %easy, label %yes, label %look
look:
  %unit = lshr i64 %who, 16
  %my.unit = lshr i64 %me, 16
  %near = icmp eq i64 %unit, %my.unit
  br i1 %near, label %clocks, label %units
clocks:
  %index = and i64 %who, 65535
  %first.agent.at = call ptr @check.first_agent(ptr %check)
  %first.agent = load i64, ptr %first.agent.at
  %by.thread = icmp ult i64 %index, %first.agent
  %part = select i1 %by.thread, i64 %proxy, i64 0
  %place = add i64 %part, %index
  %known.at = getelementptr i32, ptr %row, i64 %place
  %known = load i32, ptr %known.at
  %seen = icmp uge i32 %known, %clock
  ret i1 %seen
units:
  %first.at = call ptr @check.first_unit(ptr %check)
  %first = load i64, ptr %first.at
  %earlier = icmp ule i64 %unit, %first               ; of an earlier launch
  br i1 %earlier, label %yes, label %blocks
blocks:
  %published.at = call ptr @check.published(ptr %check)
  %published = load ptr, ptr %published.at
  %base = add i64 %first, 1
  %unit.index = sub i64 %unit, %base
  %my.index = sub i64 %my.unit, %base
  %theirs.at = getelementptr i8, ptr %published, i64 %unit.index
  %mine.at = getelementptr i8, ptr %published, i64 %my.index
  %theirs = load i8, ptr %theirs.at
  %mine = load i8, ptr %mine.at
  %both = and i8 %theirs, %mine
  %told = icmp ne i8 %both, 0
  ret i1 %told
yes:
  ret i1 true
}

; one mark against the access at hand; whether they race. %atomic: whether the access is.
define internal i1 @races(ptr %check, ptr %row, i64 %me, ptr %mark, i1 %atomic, i1 %shared, i64 %proxy) {
entry:
  %who.at = call ptr @mark.who(ptr %mark)
  %who = load i64, ptr %who.at
  %clock.at = call ptr @mark.clock(ptr %mark)
  %clock = load i32, ptr %clock.at
  %site.at = call ptr @mark.site(ptr %mark)
  %site = load i32, ptr %site.at
  %its.atomic = icmp slt i32 %site, 0
  %both = and i1 %its.atomic, %atomic
  %unit = lshr i64 %who, 16
  %my.unit = lshr i64 %me, 16
  %far = icmp ne i64 %unit, %my.unit
  %stale = and i1 %far, %shared                       ; of another block that had this memory before
  %fine = or i1 %both, %stale
  br i1 %fine, label %no, label %look
look:
  %before = call i1 @is.before(ptr %check, ptr %row, i64 %me, i64 %who, i32 %clock, i64 %proxy)
  %race = xor i1 %before, true
  ret i1 %race
no:
  ret i1 false
}

define internal void @set.mark(ptr %mark, i64 %me, i32 %clock, i32 %site) alwaysinline {
  %who.at = call ptr @mark.who(ptr %mark)
  store i64 %me, ptr %who.at
  %clock.at = call ptr @mark.clock(ptr %mark)
  store i32 %clock, ptr %clock.at
  %site.at = call ptr @mark.site(ptr %mark)
  store i32 %site, ptr %site.at
  ret void
}

define internal void @found.race(ptr %launch, i64 %site, ptr %mark, i64 %address, i64 %me, i64 %how) noinline {
  %who.at = call ptr @mark.who(ptr %mark)
  %who = load i64, ptr %who.at
  %there.at = call ptr @mark.site(ptr %mark)
  %there32 = load i32, ptr %there.at
  %there.bits = and i32 %there32, 2147483647
  %there = zext i32 %there.bits to i64
  %how.high = shl i64 %how, 32
  %there.how = or i64 %there, %how.high
  call void @found(ptr %launch, i64 0, i64 %site, i64 %there.how, i64 %address, i64 %me, i64 %who)
  ret void
}

; one byte is accessed; whether something was found
define internal i1 @touch(ptr %launch, ptr %check, ptr %row, i64 %me, i32 %clock, ptr %marks, i64 %address, i64 %site, i64 %kind) {
entry:
  %write.bit = and i64 %kind, 1
  %writes = icmp ne i64 %write.bit, 0
  %atomic.bit = and i64 %kind, 2
  %atomic = icmp ne i64 %atomic.bit, 0
  %shared.bit = and i64 %kind, 4
  %shared = icmp ne i64 %shared.bit, 0
  %read1 = getelementptr i8, ptr %marks, i64 16
  %read2 = getelementptr i8, ptr %marks, i64 32
  %only.writes = xor i1 %atomic, true
  %pure = and i1 %writes, %only.writes
  %reads = xor i1 %pure, true
  %needs = and i1 %reads, %shared
  br i1 %needs, label %written, label %race
written:
  %writer.at = call ptr @mark.who(ptr %marks)
  %writer = load i64, ptr %writer.at
  %writer.unit = lshr i64 %writer, 16
  %my.unit = lshr i64 %me, 16
  %fresh = icmp eq i64 %writer.unit, %my.unit
  br i1 %fresh, label %race, label %unwritten
unwritten:
  call void @found(ptr %launch, i64 2, i64 %site, i64 0, i64 %address, i64 %me, i64 0)
  br label %race
race:
  %bad = phi i1 [ false, %entry ], [ false, %written ], [ true, %unwritten ]
  %same.bit = and i64 %kind, 8                        ; two that write the same do no harm
  %differs = icmp eq i64 %same.bit, 0
  %agent.bit = and i64 %kind, 16
  %by.thread = icmp eq i64 %agent.bit, 0
  %proxy.at = call ptr @check.proxy(ptr %check)
  %proxy.half = load i64, ptr %proxy.at
  %proxy = select i1 %by.thread, i64 0, i64 %proxy.half
  %with.any = call i1 @races(ptr %check, ptr %row, i64 %me, ptr %marks, i1 %atomic, i1 %shared, i64 %proxy)
  %with.write = and i1 %with.any, %differs
  br i1 %with.write, label %race.write, label %others
race.write:
  %unordered = call i1 @races(ptr %check, ptr %row, i64 %me, ptr %marks, i1 %atomic, i1 %shared, i64 0)
  %how.written = select i1 %unordered, i64 1, i64 3    ; 2: it is before, and only a fence is missing
  call void @found.race(ptr %launch, i64 %site, ptr %marks, i64 %address, i64 %me, i64 %how.written)
  br label %others
others:
  %with = or i1 %with.write, %bad
  br i1 %writes, label %reads.first, label %is.read
reads.first:
  %with.first = call i1 @races(ptr %check, ptr %row, i64 %me, ptr %read1, i1 %atomic, i1 %shared, i64 0)
  br i1 %with.first, label %race.first, label %reads.second
race.first:
  call void @found.race(ptr %launch, i64 %site, ptr %read1, i64 %address, i64 %me, i64 0)
  br label %is.write
reads.second:
  %with.second = call i1 @races(ptr %check, ptr %row, i64 %me, ptr %read2, i1 %atomic, i1 %shared, i64 0)
  br i1 %with.second, label %race.second, label %is.write
race.second:
  call void @found.race(ptr %launch, i64 %site, ptr %read2, i64 %address, i64 %me, i64 0)
  br label %is.write
is.write:
  %any = phi i1 [ true, %race.first ], [ %with, %reads.second ], [ true, %race.second ]
  %site.low = trunc i64 %site to i32
  %atomic.high = select i1 %atomic, i32 -2147483648, i32 0
  %site.flags = or i32 %site.low, %atomic.high
  call void @set.mark(ptr %marks, i64 %me, i32 %clock, i32 %site.flags)
  call void @set.mark(ptr %read1, i64 0, i32 0, i32 0)
  call void @set.mark(ptr %read2, i64 0, i32 0, i32 0)
  ret i1 %any
is.read:
  %read.low = trunc i64 %site to i32
  %read.high = select i1 %atomic, i32 -2147483648, i32 0
  %read.site = or i32 %read.low, %read.high
  %keep.first = call i1 @races(ptr %check, ptr %row, i64 %me, ptr %read1, i1 false, i1 %shared, i64 0)
  br i1 %keep.first, label %second, label %set.first
set.first:
  call void @set.mark(ptr %read1, i64 %me, i32 %clock, i32 %read.site)
  ret i1 %with
second:
  %keep.second = call i1 @races(ptr %check, ptr %row, i64 %me, ptr %read2, i1 false, i1 %shared, i64 0)
  br i1 %keep.second, label %done, label %set.second
set.second:
  call void @set.mark(ptr %read2, i64 %me, i32 %clock, i32 %read.site)
  ret i1 %with
done:
  ret i1 %with
}

; the most frequent case: a thread reads again what only it has written, or writes it again; then its mark is renewed
define internal i1 @is.own(ptr %marks, i64 %me, i32 %clock, i64 %site, i64 %kind) alwaysinline {
entry:
  %writer.at = call ptr @mark.who(ptr %marks)
  %writer = load i64, ptr %writer.at
  %mine = icmp eq i64 %writer, %me
  br i1 %mine, label %reads, label %no
reads:
  %read1 = getelementptr i8, ptr %marks, i64 16
  %reader.at = call ptr @mark.who(ptr %read1)
  %reader = load i64, ptr %reader.at
  %nobody = icmp eq i64 %reader, 0
  %self = icmp eq i64 %reader, %me
  %first = or i1 %nobody, %self
  %read2 = getelementptr i8, ptr %marks, i64 32
  %second.at = call ptr @mark.who(ptr %read2)
  %second = load i64, ptr %second.at
  %alone = icmp eq i64 %second, 0
  %only = and i1 %first, %alone
  %atomic = and i64 %kind, 2
  %plain = icmp eq i64 %atomic, 0
  %easy = and i1 %only, %plain
  br i1 %easy, label %renew, label %no
renew:
  %write = and i64 %kind, 1
  %writes = icmp ne i64 %write, 0
  %mark = select i1 %writes, ptr %marks, ptr %read1
  %site32 = trunc i64 %site to i32
  call void @set.mark(ptr %mark, i64 %me, i32 %clock, i32 %site32)
  ret i1 true
no:
  ret i1 false
}

; keep an access for what is looked at later: how the accesses of a warp lie
define internal void @sample(ptr %launch, ptr %check, i64 %address, i64 %index, i64 %site, i64 %bytes, i64 %kind) {
entry:
  %count.at = call ptr @check.sample_count(ptr %check)
  %count = load i64, ptr %count.at
  %limit.at = call ptr @check.sample_limit(ptr %check)
  %limit = load i64, ptr %limit.at
  %room = icmp ult i64 %count, %limit
  br i1 %room, label %keep, label %done
keep:
  %count.next = add i64 %count, 1
  store i64 %count.next, ptr %count.at
  %sites.at = call ptr @check.sites(ptr %check)
  %sites = load i64, ptr %sites.at
  %first = mul i64 %index, %sites
  %n = add i64 %first, %site
  %occurrences.at = call ptr @check.occurrences(ptr %check)
  %occurrences = load ptr, ptr %occurrences.at
  %occurrence.at = getelementptr i32, ptr %occurrences, i64 %n
  %occurrence = load i32, ptr %occurrence.at
  %occurrence.next = add i32 %occurrence, 1
  store i32 %occurrence.next, ptr %occurrence.at
  %samples.at = call ptr @check.samples(ptr %check)
  %samples = load ptr, ptr %samples.at
  %size = call i64 @sizeof.sample()
  %offset = mul i64 %count, %size
  %new = getelementptr i8, ptr %samples, i64 %offset
  %address.at = call ptr @sample.address(ptr %new)
  store i64 %address, ptr %address.at
  %unit.from = call ptr @launch.unit(ptr %launch)
  %unit = load i64, ptr %unit.from
  %unit.at = call ptr @sample.unit(ptr %new)
  store i64 %unit, ptr %unit.at
  %thread.at = call ptr @sample.thread(ptr %new)
  %index32 = trunc i64 %index to i32
  store i32 %index32, ptr %thread.at
  %site.at = call ptr @sample.site(ptr %new)
  %site32 = trunc i64 %site to i32
  store i32 %site32, ptr %site.at
  %number.at = call ptr @sample.occurrence(ptr %new)
  store i32 %occurrence, ptr %number.at
  %bytes.at = call ptr @sample.bytes(ptr %new)
  %bytes32 = trunc i64 %bytes to i32
  store i32 %bytes32, ptr %bytes.at
  %kind.at = call ptr @sample.kind(ptr %new)
  store i64 %kind, ptr %kind.at
  br label %done
done:
  ret void
}

; An access of %bytes at %p, made from the pointer %base. %size: the bytes of what %base points to, -1 where only its
; allocation tells, -2 where it is the rest of a block's shared memory. %kind: 1 writes, 2 atomic; from bit 8 on the
; alignment that it needs. %value: what is written, null where that is not known. The pointer that may be used.
define ptr @weft_sim_check(ptr %t, ptr %p, ptr %base, i64 %size, i64 %bytes, i64 %site, i64 %kind, ptr %value) {
  %launch = call ptr @launch.of(ptr %t)
  %check = call ptr @check.of(ptr %launch)
  %me = call i64 @me(ptr %launch, ptr %t)
  %index = call i64 @index.of(ptr %t)
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  %clock.at = getelementptr i32, ptr %row, i64 %index
  %clock = load i32, ptr %clock.at
  %given = call ptr @check.access(ptr %t, ptr %p, ptr %base, i64 %size, i64 %bytes, i64 %site, i64 %kind, ptr %value, i64 %me, i32 %clock)
  ret ptr %given
}

; the same for a thread or agent %me at its time %clock, which knows what the thread %t does
define internal ptr @check.access(ptr %t, ptr %p, ptr %base, i64 %size, i64 %bytes, i64 %site, i64 %kind, ptr %value, i64 %me, i32 %clock) alwaysinline {
entry:
  %launch = call ptr @launch.of(ptr %t)
  %check = call ptr @check.of(ptr %launch)
  %a = ptrtoint ptr %p to i64
  %b = ptrtoint ptr %base to i64
  %arena.at = call ptr @check.arena(ptr %check)
  %arena = load i64, ptr %arena.at
  %arena.end.at = call ptr @check.arena_end(ptr %check)
  %arena.end = load i64, ptr %arena.end.at
  %from.arena = icmp uge i64 %b, %arena
  %to.arena = icmp ult i64 %b, %arena.end
  %in.arena = and i1 %from.arena, %to.arena
  br i1 %in.arena, label %shared, label %global
shared:
  %sized = icmp sge i64 %size, 0
  %block.at = call ptr @thread.block(ptr %t)
  %block = load ptr, ptr %block.at
  %all.at = call ptr @block.shared_bytes(ptr %block)
  %all = load i64, ptr %all.at
  %stride.at = call ptr @check.arena_stride(ptr %check)
  %stride = load i64, ptr %stride.at
  %b.offset = sub i64 %b, %arena
  %rank = udiv i64 %b.offset, %stride
  %own.offset = mul i64 %rank, %stride
  %own = add i64 %arena, %own.offset
  %rooted = icmp ne i64 %size, -1                   ; -2: from there to the end of the block
  %shared.low = select i1 %rooted, i64 %b, i64 %own
  %sized.high = add i64 %b, %size
  %own.high = add i64 %own, %all
  %shared.high = select i1 %sized, i64 %sized.high, i64 %own.high
  %arena.shadow.at = call ptr @check.arena_shadow(ptr %check)
  %arena.shadow = load ptr, ptr %arena.shadow.at
  br label %bounds
global:
  %region = call ptr @region.of(ptr %check, i64 %b)
  %known = icmp ne ptr %region, null
  br i1 %known, label %in.region, label %unknown
unknown:
  %private = call i1 @is.private(ptr %launch, i64 %a)
  br i1 %private, label %use, label %outside
in.region:
  %region.base.at = call ptr @region.base(ptr %region)
  %region.base = load i64, ptr %region.base.at
  %region.end.at = call ptr @region.end(ptr %region)
  %region.end = load i64, ptr %region.end.at
  %region.shadow.at = call ptr @region.shadow(ptr %region)
  %region.shadow = load ptr, ptr %region.shadow.at
  br label %bounds
bounds:
  %low = phi i64 [ %shared.low, %shared ], [ %region.base, %in.region ]
  %high = phi i64 [ %shared.high, %shared ], [ %region.end, %in.region ]
  %shadow = phi ptr [ %arena.shadow, %shared ], [ %region.shadow, %in.region ]
  %origin = phi i64 [ %arena, %shared ], [ %region.base, %in.region ]
  %is.shared = phi i64 [ 4, %shared ], [ 0, %in.region ]
  %end = add i64 %a, %bytes
  %from.low = icmp uge i64 %a, %low
  %to.high = icmp ule i64 %end, %high
  %ordered = icmp ult i64 %a, %end
  %fits = and i1 %from.low, %to.high
  %within = and i1 %fits, %ordered
  br i1 %within, label %aligned, label %outside
outside:
  %known.low = phi i64 [ 0, %unknown ], [ %low, %bounds ]
  %known.high = phi i64 [ 0, %unknown ], [ %high, %bounds ]
  %outside.kind = and i64 %kind, 3
  %bytes.high = shl i64 %bytes, 8
  %outside.how = or i64 %outside.kind, %bytes.high
  call void @found.outside(ptr %launch, i64 %site, i64 %a, i64 %me, i64 %known.low, i64 %known.high, i64 %outside.how)
  %scratch.at = call ptr @check.scratch(ptr %check)
  %scratch = load ptr, ptr %scratch.at
  call void @llvm.memset.p0.i64(ptr %scratch, i8 0, i64 256, i1 false)
  ret ptr %scratch
aligned:
  %alignment = lshr i64 %kind, 8
  %agent.bit = and i64 %kind, 16
  %below = sub i64 %alignment, 1
  %odd = and i64 %a, %below
  %asks = icmp ne i64 %alignment, 0
  %off = icmp ne i64 %odd, 0
  %misaligned = and i1 %asks, %off
  br i1 %misaligned, label %is.misaligned, label %marks
is.misaligned:
  call void @found(ptr %launch, i64 6, i64 %site, i64 %alignment, i64 %a, i64 %me, i64 0)
  br label %marks
marks:
  %index = call i64 @index.of(ptr %t)
  %atomic.bits = and i64 %kind, 3
  %is.atomic = icmp eq i64 %atomic.bits, 3
  br i1 %is.atomic, label %atomic, label %by.itself
by.itself:                                            ; what an agent accesses is no access of a warp
  %by.agent = icmp ne i64 %agent.bit, 0
  br i1 %by.agent, label %has.shadow, label %plain
atomic:
  call void @publish(ptr %launch, ptr %check, ptr %t)
  br label %has.shadow
plain:
  call void @sample(ptr %launch, ptr %check, i64 %a, i64 %index, i64 %site, i64 %bytes, i64 %is.shared)
  br label %has.shadow
has.shadow:
  %none = icmp eq ptr %shadow, null
  br i1 %none, label %use, label %touch
touch:
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  %unknown.value = icmp eq ptr %value, null
  br i1 %unknown.value, label %look, label %compare
compare:
  %difference = call i32 @memcmp(ptr %p, ptr %value, i64 %bytes)
  %equal = icmp eq i32 %difference, 0
  %same = select i1 %equal, i64 8, i64 0
  br label %look
look:
  %same.bit = phi i64 [ 0, %touch ], [ %same, %compare ]
  %how.bits = or i64 %atomic.bits, %is.shared
  %how.known = or i64 %how.bits, %agent.bit
  %how = or i64 %how.known, %same.bit
  %first = sub i64 %a, %origin
  %first.offset = mul i64 %first, 48
  %first.marks = getelementptr i8, ptr %shadow, i64 %first.offset
  br label %byte
byte:
  %n = phi i64 [ 0, %look ], [ %n.next, %byte.done ]
  %to = phi ptr [ %launch, %look ], [ %to.next, %byte.done ]
  %offset = mul i64 %n, 48
  %byte.marks = getelementptr i8, ptr %first.marks, i64 %offset
  %renewed = call i1 @is.own(ptr %byte.marks, i64 %me, i32 %clock, i64 %site, i64 %how)
  br i1 %renewed, label %byte.done, label %slow
slow:
  %address = add i64 %a, %n
  %bad = call i1 @touch(ptr %to, ptr %check, ptr %row, i64 %me, i32 %clock, ptr %byte.marks, i64 %address, i64 %site, i64 %how)
  %to.new = select i1 %bad, ptr null, ptr %to         ; an access is one finding, however many of its bytes are bad
  br label %byte.done
byte.done:
  %to.next = phi ptr [ %to, %byte ], [ %to.new, %slow ]
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %bytes
  br i1 %more, label %byte, label %use
use:
  ret ptr %p
}

define internal void @found.outside(ptr %launch, i64 %site, i64 %a, i64 %me, i64 %low, i64 %high, i64 %how) noinline {
  %how.high = shl i64 %how, 40
  %both = or i64 %me, %how.high
  call void @found(ptr %launch, i64 1, i64 %site, i64 %a, i64 %both, i64 %low, i64 %high)
  ret void
}

; a thread as marks have it: its cluster's number plus 1, and its own in the cluster
define internal i64 @me(ptr %launch, ptr %t) alwaysinline {
  %unit.at = call ptr @launch.unit(ptr %launch)
  %unit = load i64, ptr %unit.at
  %unit.next = add i64 %unit, 1
  %high = shl i64 %unit.next, 16
  %index = call i64 @index.of(ptr %t)
  %me = or i64 %high, %index
  ret i64 %me
}

; the lanes of a masked access, %bytes each
define ptr @weft_sim_check_masked(ptr %t, ptr %p, ptr %base, i64 %size, i64 %bytes, i64 %site, i64 %kind, i64 %mask) {
entry:
  %any = icmp ne i64 %mask, 0
  br i1 %any, label %next, label %done
next:
  %left = phi i64 [ %mask, %entry ], [ %left.next, %step ]
  %lane = phi i64 [ 0, %entry ], [ %lane.next, %step ]
  %use = phi ptr [ %p, %entry ], [ %use.next, %step ]
  %in = trunc i64 %left to i1
  br i1 %in, label %look, label %step
look:
  %offset = mul i64 %lane, %bytes
  %at = getelementptr i8, ptr %p, i64 %offset
  %given = call ptr @weft_sim_check(ptr %t, ptr %at, ptr %base, i64 %size, i64 %bytes, i64 %site, i64 %kind, ptr null)
  %same = icmp eq ptr %given, %at
  %use.new = select i1 %same, ptr %use, ptr %given
  br label %step
step:
  %use.next = phi ptr [ %use, %next ], [ %use.new, %look ]
  %left.next = lshr i64 %left, 1
  %lane.next = add i64 %lane, 1
  %more = icmp ne i64 %left.next, 0
  br i1 %more, label %next, label %done
done:
  %result = phi ptr [ %p, %entry ], [ %use.next, %step ]
  ret ptr %result
}
