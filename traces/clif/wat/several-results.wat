;; A tuple comes back: more than one result travels through memory, from the callee's area to the caller's, with bounds and alignment checks.
(component
  (component $Callee
    (core module $M
      (memory (export "mem") 1)
      (func (export "f") (param i32) (result i32)
        (i32.store (i32.const 16) (local.get 0))
        (i64.store (i32.const 24) (i64.extend_i32_u (i32.mul (local.get 0) (local.get 0))))
        (i32.store8 (i32.const 32) (local.get 0))
        (f64.store (i32.const 40) (f64.convert_i32_u (local.get 0)))
        (i32.const 16)))
    (core instance $m (instantiate $M))
    (func (export "f") (param "x" u32) (result (tuple u32 u64 u8 f64))
      (canon lift (core func $m "f") (memory (core memory $m "mem")))))
  (component $Caller
    (import "f" (func $f (param "x" u32) (result (tuple u32 u64 u8 f64))))
    (core module $Memory
      (memory (export "mem") 1))
    (core instance $memory (instantiate $Memory))
    (core func $f (canon lower (func $f) (memory (core memory $memory "mem"))))
    (core module $M
      (import "" "f" (func $f (param i32 i32)))
      (import "" "mem" (memory 1))
      (func (export "run") (param i32) (result i64)
        (call $f (local.get 0) (i32.const 64))
        (i64.add
          (i64.add (i64.load32_u (i32.const 64)) (i64.load (i32.const 72)))
          (i64.add (i64.load8_u (i32.const 80)) (i64.trunc_sat_f64_u (f64.load (i32.const 88)))))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "mem" (memory $memory "mem"))))))
    (func (export "run") (param "x" u32) (result u64) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
