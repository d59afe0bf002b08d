; Agents: what accesses memory by itself while threads go on. A bulk copy is one of its mbarrier, or of the thread that
; began it; a product of a warpgroup is one of the warpgroup.
;
; An agent has a place of its own in the rows of clocks, behind the threads, by its number among the transactions. It
; knows what the thread knew that began it. What it did is known to those who have waited for it: for the phase of an
; mbarrier, or for a group.
;
; Agents go to memory another way (PTX calls it the async proxy): they see what threads have stored only behind a fence.
; So a row has a second half, which tells of each thread until when the agents see its stores. A fence copies the first
; half to the second, and whatever joins rows joins both.

; agents see from here on what the thread knows of
define void @weft_sim_fence_proxy(ptr %t) {
entry:
  %launch = call ptr @launch.of(ptr %t)
  %checks = call i1 @checking(ptr %launch)
  br i1 %checks, label %look, label %done
look:
  %check = call ptr @check.of(ptr %launch)
  %half.at = call ptr @check.proxy(ptr %check)
  %half = load i64, ptr %half.at
  %some = icmp ne i64 %half, 0
  br i1 %some, label %copy, label %done
copy:
  %index = call i64 @index.of(ptr %t)
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  br label %next
next:
  %n = phi i64 [ 0, %copy ], [ %n.next, %next ]
  %from = getelementptr i32, ptr %row, i64 %n
  %place = add i64 %n, %half
  %to = getelementptr i32, ptr %row, i64 %place
  %known = load i32, ptr %from
  %seen = load i32, ptr %to
  %most = call i32 @llvm.umax.i32(i32 %known, i32 %seen)
  store i32 %most, ptr %to
  %n.next = add i64 %n, 1
  %more = icmp ult i64 %n.next, %half
  br i1 %more, label %next, label %copied
copied:
  call void @tick(ptr %check, i64 %index)
  br label %done
done:
  ret void
}

declare i32 @llvm.umax.i32(i32, i32)

define internal ptr @agent.clock(ptr %check, i64 %number) alwaysinline {
  %at = call ptr @check.agent_clocks(ptr %check)
  %clocks = load ptr, ptr %at
  %clock = getelementptr i32, ptr %clocks, i64 %number
  ret ptr %clock
}

; the agent with this key begins something for a thread: the number of it
define i64 @weft_sim_begin(ptr %t, i64 %key) {
  %launch = call ptr @launch.of(ptr %t)
  %check = call ptr @check.of(ptr %launch)
  %number = call i64 @transaction.number(ptr %check, i64 %key)
  %at = call ptr @agent.clock(ptr %check, i64 %number)
  %before = load i32, ptr %at
  %clock = add i32 %before, 1
  store i32 %clock, ptr %at
  %wide = zext i32 %clock to i64
  ret i64 %wide
}

; what an agent accesses for a thread: %bytes at each of %count addresses. How many of them it may not.
define i64 @weft_sim_check_agent(ptr %t, i64 %key, i64 %clock, ptr %addresses, i64 %count, i64 %bytes, i64 %site, i64 %kind) {
entry:
  %launch = call ptr @launch.of(ptr %t)
  %check = call ptr @check.of(ptr %launch)
  %number = call i64 @transaction.number(ptr %check, i64 %key)
  %first.at = call ptr @check.first_agent(ptr %check)
  %first = load i64, ptr %first.at
  %place = add i64 %first, %number
  %thread = call i64 @me(ptr %launch, ptr %t)
  %unit = and i64 %thread, -65536
  %me = or i64 %unit, %place
  %clock32 = trunc i64 %clock to i32
  %how = or i64 %kind, 16
  br label %next
next:
  %n = phi i64 [ 0, %entry ], [ %n.next, %step ]
  %bad = phi i64 [ 0, %entry ], [ %bad.next, %step ]
  %left = icmp ult i64 %n, %count
  br i1 %left, label %step, label %done
step:
  %at = getelementptr ptr, ptr %addresses, i64 %n
  %p = load ptr, ptr %at
  %given = call ptr @check.access(ptr %t, ptr %p, ptr %p, i64 -1, i64 %bytes, i64 %site, i64 %how, ptr null, i64 %me, i32 %clock32)
  %other = icmp ne ptr %given, %p
  %one = zext i1 %other to i64
  %bad.next = add i64 %bad, %one
  %n.next = add i64 %n, 1
  br label %next
done:
  ret i64 %bad
}

; a row knows what an agent did until %clock
define internal void @know(ptr %check, ptr %row, i64 %number, i32 %clock) {
  %first.at = call ptr @check.first_agent(ptr %check)
  %first = load i64, ptr %first.at
  %place = add i64 %first, %number
  %at = getelementptr i32, ptr %row, i64 %place
  %before = load i32, ptr %at
  %most = call i32 @llvm.umax.i32(i32 %before, i32 %clock)
  store i32 %most, ptr %at
  ret void
}

; a thread has waited for what an agent did until %clock
define void @weft_sim_waited(ptr %t, i64 %key, i64 %clock) {
  %launch = call ptr @launch.of(ptr %t)
  %check = call ptr @check.of(ptr %launch)
  %index = call i64 @index.of(ptr %t)
  %row = call ptr @clocks.of(ptr %check, i64 %index)
  %number = call i64 @transaction.number(ptr %check, i64 %key)
  %clock32 = trunc i64 %clock to i32
  call void @know(ptr %check, ptr %row, i64 %number, i32 %clock32)
  ret void
}

; bytes have come, as an mbarrier is told, whose agent brought them
define void @weft_sim_delivered(ptr %launch, ptr %barrier, i64 %bytes, i64 %clock) {
entry:
  %checks = call i1 @checking(ptr %launch)
  br i1 %checks, label %tell, label %count
tell:
  %check = call ptr @check.of(ptr %launch)
  %key = ptrtoint ptr %barrier to i64
  %number = call i64 @transaction.number(ptr %check, i64 %key)
  %row = call ptr @transaction.row(ptr %check, i64 %key)
  %clock32 = trunc i64 %clock to i32
  call void @know(ptr %check, ptr %row, i64 %number, i32 %clock32)
  br label %count
count:
  %less = sub i64 0, %bytes
  %state = call i64 @change(ptr %barrier, i64 0, i64 0, i64 %less)
  ret void
}

; products: numbers of a warpgroup's are its agent's times

; the registers of products are fenced
define void @weft_sim_product_fence(ptr %t) {
  %at = call ptr @thread.product_fenced(ptr %t)
  store i32 1, ptr %at
  ret void
}

; the products so far are a group
define void @weft_sim_product_commit(ptr %t) {
  %groups.at = call ptr @thread.product_groups(ptr %t)
  %groups = load i32, ptr %groups.at
  %ticket.at = call ptr @thread.ticket(ptr %t)
  %ticket = load i32, ptr %ticket.at
  %place = urem i32 %groups, 16
  %at = call ptr @thread.product_clock(ptr %t, i32 %place)
  store i32 %ticket, ptr %at
  %more = add i32 %groups, 1
  store i32 %more, ptr %groups.at
  ret void
}

; the key of the agent of a thread's warpgroup: behind the address of its first thread
define internal i64 @warpgroup.key(ptr %t) {
  %number.at = call ptr @thread.number(ptr %t)
  %number = load i32, ptr %number.at
  %inside = and i32 %number, 127
  %wide = zext i32 %inside to i64
  %size = call i64 @sizeof.thread()
  %offset = mul i64 %wide, %size
  %address = ptrtoint ptr %t to i64
  %first = sub i64 %address, %offset
  %key = add i64 %first, 3
  ret i64 %key
}

; wait for all groups but the last %left
define void @weft_sim_product_wait(ptr %t, i64 %left) {
entry:
  %groups.at = call ptr @thread.product_groups(ptr %t)
  %groups = load i32, ptr %groups.at
  %wide = zext i32 %groups to i64
  %some = icmp ugt i64 %wide, %left
  br i1 %some, label %look, label %done
look:
  %behind = sub i64 %wide, %left
  %number = sub i64 %behind, 1
  %rest = urem i64 %number, 16
  %place = trunc i64 %rest to i32
  %at = call ptr @thread.product_clock(ptr %t, i32 %place)
  %clock = load i32, ptr %at
  %done.at = call ptr @thread.product_done(ptr %t)
  store i32 %clock, ptr %done.at
  %launch = call ptr @launch.of(ptr %t)
  %checks = call i1 @checking(ptr %launch)
  br i1 %checks, label %learn.it, label %done
learn.it:
  %clock64 = zext i32 %clock to i64
  %key = call i64 @warpgroup.key(ptr %t)
  call void @weft_sim_waited(ptr %t, i64 %key, i64 %clock64)
  br label %done
done:
  ret void
}

; a thread reads registers that came with a ticket: the product must be one that it has waited for
define void @weft_sim_registers(ptr %t, i32 %ticket, i64 %site) {
entry:
  %done.at = call ptr @thread.product_done(ptr %t)
  %last = load i32, ptr %done.at
  %early = icmp ugt i32 %ticket, %last
  br i1 %early, label %tell, label %done
tell:
  %launch = call ptr @launch.of(ptr %t)
  %index = call i64 @index.of(ptr %t)
  call void @found(ptr %launch, i64 10, i64 %site, i64 0, i64 %index, i64 0, i64 0)
  br label %done
done:
  ret void
}

; a thread begins a product: its registers must have been fenced
define i32 @weft_sim_product(ptr %t, i64 %site) {
entry:
  %fenced.at = call ptr @thread.product_fenced(ptr %t)
  %fenced = load i32, ptr %fenced.at
  %open = icmp eq i32 %fenced, 0
  br i1 %open, label %tell, label %done
tell:
  %launch = call ptr @launch.of(ptr %t)
  %index = call i64 @index.of(ptr %t)
  call void @found(ptr %launch, i64 11, i64 %site, i64 0, i64 %index, i64 0, i64 0)
  br label %done
done:
  %ticket.at = call ptr @thread.ticket(ptr %t)
  %ticket = load i32, ptr %ticket.at
  ret i32 %ticket
}

; a thread takes the value of a lane that did not come to the shuffle
define void @weft_sim_shuffled(ptr %t, i32 %source, i64 %site) {
  %launch = call ptr @launch.of(ptr %t)
  %index = call i64 @index.of(ptr %t)
  %lane = zext i32 %source to i64
  call void @found(ptr %launch, i64 13, i64 %site, i64 %lane, i64 %index, i64 0, i64 0)
  ret void
}

; count a finding that Python made
define void @weft_sim_found(ptr %launch, i64 %finding, i64 %site, i64 %a, i64 %b) {
  call void @found(ptr %launch, i64 %finding, i64 %site, i64 %a, i64 %b, i64 0, i64 0)
  ret void
}
