; Conversions between f32 and f16 for machines without instructions for them: LLVM calls these by these names.

define half @__truncsfhf2(float %x) {
entry:
  %bits = bitcast float %x to i32
  %magnitude = and i32 %bits, 2147483647
  %high = lshr i32 %bits, 16
  %sign = and i32 %high, 32768
  ; normal: move the exponent, round the fraction to nearest even; a carry goes into the exponent
  %moved = sub i32 %magnitude, 939524096
  %cut = lshr i32 %moved, 13
  %odd = and i32 %cut, 1
  %up = add i32 %moved, 4095
  %up.even = add i32 %up, %odd
  %normal = lshr i32 %up.even, 13
  ; small: adding a half leaves the denormal's bits, rounded, in the low end of the sum
  %positive = bitcast i32 %magnitude to float
  %sum = fadd float %positive, 5.000000e-01
  %sum.bits = bitcast float %sum to i32
  %denormal = sub i32 %sum.bits, 1056964608
  ; large: infinity, or a quiet NaN that keeps its upper bits
  %nan = icmp ugt i32 %magnitude, 2139095040
  %fraction = lshr i32 %magnitude, 13
  %payload = and i32 %fraction, 1023
  %quiet = or i32 %payload, 32256
  %large = select i1 %nan, i32 %quiet, i32 31744
  %is.large = icmp uge i32 %magnitude, 1199570944
  %is.small = icmp ult i32 %magnitude, 947912704
  %finite = select i1 %is.small, i32 %denormal, i32 %normal
  %value = select i1 %is.large, i32 %large, i32 %finite
  %signed = or i32 %value, %sign
  %short = trunc i32 %signed to i16
  %half = bitcast i16 %short to half
  ret half %half
}

define float @__extendhfsf2(half %x) {
entry:
  %short = bitcast half %x to i16
  %bits = zext i16 %short to i32
  %magnitude = and i32 %bits, 32767
  %sign.low = and i32 %bits, 32768
  %sign = shl i32 %sign.low, 16
  %shifted = shl i32 %magnitude, 13
  %normal = add i32 %shifted, 939524096
  %large = or i32 %shifted, 2139095040
  %count = uitofp i32 %magnitude to float
  %small = fmul float %count, 0x3E70000000000000
  %denormal = bitcast float %small to i32
  %is.large = icmp uge i32 %magnitude, 31744
  %is.small = icmp ult i32 %magnitude, 1024
  %finite = select i1 %is.small, i32 %denormal, i32 %normal
  %value = select i1 %is.large, i32 %large, i32 %finite
  %signed = or i32 %value, %sign
  %float = bitcast i32 %signed to float
  ret float %float
}
