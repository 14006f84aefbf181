// Texts for the tests of the reader and the printer, and how GoogleTest prints values.
#pragma once

#include <ostream>
#include <string_view>

#include "optimized/clif/interpreter.h"

namespace lockstep::clif {

inline void PrintTo(const Bits& bits, std::ostream* out) {
  *out << std::hex << "0x" << bits.hi << ":" << bits.lo << std::dec;
}

}  // namespace lockstep::clif

namespace lockstep::clif::testing {

// Every instruction and every flag, in the form that print() gives.
inline constexpr std::string_view kEveryInstruction =
    R"(function %memory(i64 vmctx, i32, i8, f32, f64) -> i64 system_v {
    ss0 = explicit_slot 16, align = 8, key = 12345
    ss3 = explicit_slot 4
    region0 = 16 "vmctx"
    region2 = 0 ""
    gv0 = vmctx
    gv1 = load.i64 notrap aligned readonly can_move region0 gv0+8
    gv2 = iadd_imm.i64 gv1, -32
    gv3 = symbol colocated tls %data+16
    gv4 = symbol u1:2
    sig0 = () fast
    stack_limit = gv1

block0(v0: i64, v1: i32, v2: i8, v3: f32, v4: f64):
    v5 = load.i64 v0
    v6 = load.i32 notrap v0+8
    v7 = load.i16 user7 aligned readonly can_move little region0 v0-8
    v8 = load.i128 int_divz big region2 v0+0x0001_0000
    v9 = load.f32 stk_ovf v0-0x8000_0000
    v10 = load.f64x2 bad_toint aligned v0
    v11 = uload8.i16 v0
    v12 = sload8.i32 notrap v0
    v13 = uload16.i32 v0+2
    v14 = sload16.i64 big v0
    v15 = uload32 v0
    v16 = sload32 int_ovf v0+4
    store v5, v0
    store notrap aligned region0 v6, v0+8
    istore8 v11, v0
    istore16 little v12, v0
    istore32 notrap v14, v0-4
    v17 = atomic_rmw.i32 notrap aligned region0 add v0, v1
    v18 = atomic_rmw.i32 and v0, v1
    v19 = atomic_rmw.i32 nand v0, v1
    v20 = atomic_rmw.i32 or v0, v1
    v21 = atomic_rmw.i32 smax v0, v1
    v22 = atomic_rmw.i32 smin v0, v1
    v23 = atomic_rmw.i32 sub v0, v1
    v24 = atomic_rmw.i32 umax v0, v1
    v25 = atomic_rmw.i32 umin v0, v1
    v26 = atomic_rmw.i32 xchg v0, v1
    v27 = atomic_rmw.i8 big xor v0, v2
    v28 = atomic_cas notrap v0, v1, v6
    v29 = atomic_load.i64 aligned v0
    atomic_store notrap region2 v1, v0
    fence
    v30 = stack_addr.i64 ss0
    v31 = stack_addr.i64 ss3+4
    v32 = global_value.i64 gv2
    v33 = symbol_value.i64 gv4
    v34 = get_frame_pointer.i64
    v35 = get_stack_pointer.i64
    v36 = get_return_address.i64
    v37 = get_pinned_reg.i64
    set_pinned_reg v37
    debugtrap
    sequence_point
    nop
    trapz v2, user1
    trapnz v1, user250
    return v29
}
function u0:3(i64, i64, i8, i128, f32, f64) fast {
block0(v0: i64, v1: i64, v2: i8, v3: i128, v4: f32, v5: f64):
    v10 = iconst.i8 -1
    v11 = iconst.i16 -32768
    v12 = iconst.i32 9999
    v13 = iconst.i64 0x2710
    v14 = iconst.i64 -9223372036854775808
    v15 = iconst.i64 0x7fff_ffff_ffff_ffff
    v16 = f32const 0x1.800000p3
    v17 = f32const -0.0
    v18 = f32const 0x0.000002p-126
    v19 = f32const +NaN
    v20 = f32const -NaN:0x1
    v21 = f32const +sNaN:0x2aaaaa
    v22 = f64const -Inf
    v23 = f64const 0x1.fffffffffffffp1023
    v24 = f64const 0x0.0000000000001p-1022
    v25 = f64const 0.0
    v30 = iadd v0, v1
    v31 = isub v0, v1
    v32 = ineg v0
    v33 = iabs v0
    v34 = imul v0, v1
    v35 = umulhi v0, v1
    v36 = smulhi v0, v1
    v37 = udiv v0, v1
    v38 = sdiv v0, v1
    v39 = urem v0, v1
    v40 = srem v0, v1
    v41 = smin v0, v1
    v42 = umin v0, v1
    v43 = smax v0, v1
    v44 = umax v0, v1
    v45, v46 = uadd_overflow v0, v1
    v47, v48 = sadd_overflow v0, v1
    v49, v50 = usub_overflow v0, v1
    v51, v52 = ssub_overflow v0, v1
    v53, v54 = umul_overflow v0, v1
    v55, v56 = smul_overflow v0, v1
    v57, v58 = uadd_overflow_cin v0, v1, v2
    v59, v60 = sadd_overflow_cin v0, v1, v2
    v61, v62 = usub_overflow_bin v0, v1, v2
    v63, v64 = ssub_overflow_bin v0, v1, v2
    v65 = uadd_overflow_trap v0, v1, user9
    v66 = uadd_sat v0, v1
    v67 = sadd_sat v0, v1
    v68 = usub_sat v0, v1
    v69 = ssub_sat v0, v1
    v70 = band v0, v1
    v71 = bor v0, v1
    v72 = bxor v0, v1
    v73 = bnot v0
    v74 = rotl v0, v2
    v75 = rotr v0, v3
    v76 = ishl v0, v1
    v77 = ushr v0, v2
    v78 = sshr v0, v2
    v79 = bitrev v0
    v80 = clz v0
    v81 = cls v0
    v82 = ctz v0
    v83 = bswap v0
    v84 = popcnt v0
    v85 = icmp eq v0, v1
    v86 = icmp ne v0, v1
    v87 = icmp slt v0, v1
    v88 = icmp sge v0, v1
    v89 = icmp sgt v0, v1
    v90 = icmp sle v0, v1
    v91 = icmp ult v0, v1
    v92 = icmp uge v0, v1
    v93 = icmp ugt v0, v1
    v94 = icmp ule v0, v1
    v95 = select v2, v0, v1
    v96 = select_spectre_guard v2, v0, v1
    v97 = bitselect v0, v1, v0
    v98 = bmask.i128 v0
    v99 = ireduce.i16 v0
    v100 = uextend.i128 v0
    v101 = sextend.i32 v2
    v102, v103 = isplit v3
    v104 = iconcat v0, v1
    v105 = bitcast.f64 v0
    v106 = bitcast.i8x4 little v4
    v110 = fcmp ord v4, v4
    v111 = fcmp uno v5, v5
    v112 = fcmp eq v5, v5
    v113 = fcmp ne v5, v5
    v114 = fcmp one v5, v5
    v115 = fcmp ueq v5, v5
    v116 = fcmp lt v5, v5
    v117 = fcmp le v5, v5
    v118 = fcmp gt v5, v5
    v119 = fcmp ge v5, v5
    v120 = fcmp ult v5, v5
    v121 = fcmp ule v5, v5
    v122 = fcmp ugt v5, v5
    v123 = fcmp uge v5, v5
    v130 = fadd v4, v4
    v131 = fsub v5, v5
    v132 = fmul v5, v5
    v133 = fdiv v5, v5
    v134 = fmin v5, v5
    v135 = fmax v5, v5
    v136 = fcopysign v5, v5
    v137 = fma v5, v5, v5
    v138 = sqrt v5
    v139 = fneg v5
    v140 = fabs v5
    v141 = ceil v5
    v142 = floor v5
    v143 = trunc v5
    v144 = nearest v5
    v145 = fpromote.f64 v4
    v146 = fdemote.f32 v5
    v147 = fcvt_to_uint.i8 v5
    v148 = fcvt_to_sint.i64 v4
    v149 = fcvt_to_uint_sat.i32 v5
    v150 = fcvt_to_sint_sat.i16 v5
    v151 = fcvt_from_uint.f32 v0
    v152 = fcvt_from_sint.f64 v2
    return
}
function %vectors(i8, f32) -> i8, i16 windows_fastcall {
    const0 = 0x000102030405060708090a0b0c0d0e0f
    const7 = 0x00ff

block0(v0: i8, v1: f32):
    v2 = splat.i8x16 v0
    v3 = scalar_to_vector.f32x4 v1
    v4 = vconst.i8x16 const0
    v5 = vconst.i32x4 0x00000004000000030000000200000001
    v6 = extractlane v2, 15
    v7 = insertlane v3, v1, 3
    v8 = shuffle v2, v4, 0x000102030405060708090a0b0c0d0e0f
    v9 = swizzle v8, v2
    v10 = vany_true v9
    v11 = vall_true v5
    v12 = vhigh_bits.i16 v9
    v13 = icmp eq v5, v5
    v14 = fcmp lt v3, v7
    v15 = iadd v13, v14
    return v11, v12
}
function %control(i32, i64) -> i64 tail {
    ss0 = explicit_slot 8
    sig0 = (i64 sext vmctx, i32 uext) -> i64, i8 tail
    sig1 = () -> i64 tail
    sig2 = (i64 sarg(16), i64 sret) apple_aarch64
    fn0 = %callee sig0
    fn1 = colocated u7:1 sig1
    fn2 = patchable userextname5 sig2
    fn3 = colocated patchable %other sig0

block0(v0: i32, v1: i64):
    v2, v3 = call fn0(v1, v0)
    call fn2(v1, v1), stack_map=[i32 @ ss0+0, i64 @ ss0+4]
    v4 = func_addr.i64 fn1
    v5 = call_indirect sig1, v4()
    brif v0, block1(v5), block2

block1(v6: i64) cold:
    v7 -> v6
    v8 -> v6
    v9 -> v7
    br_table v0, block2, [block3(v9, v6), block2, block2]

block2 cold:
    br_table v0, block4, []

block3(v10: i64, v11: i64):
    try_call fn0(v10, v0), sig0, block5(ret0, v11, ret1), [ tag0: block6(exn0), context v10, tag7: block6(exn1), default: block7(v10) ]

block4:
    return_call fn1()

block5(v12: i64, v13: i64, v14: i8):
    try_call_indirect.i64 v4(), sig1, block6(ret0), []

block6(v15: i64):
    return_call_indirect.i64 sig1, v4()

block7(v16: i64):
    v17 = icmp.i64 eq v1, v16
    v18 = uload32.i64 v1
    store.i64 v1, v16
    v19 = select.i64 v17, v1, v16
    v20 = uadd_overflow_trap v18, v19, heap_oob
    trap user3
}
function %places() fast {
    ss0 = explicit_slot 8

                                block0:
@0012                               v0 = iconst.i64 1
                                    v1 -> v0
@12345678                           v2 = iconst.i8 2
<ss0, 1, 10000>                     v3 = iadd v1, v0
<7> @0001                           v4 = iadd v3, v3
                                    jump block1

                                block1:
                                    return
}
)";

}  // namespace lockstep::clif::testing
