;; Three parameters of three types, and a task: the callee's instance imports a built-in that it does not call on this path.
(component
  (component $Callee
    (core func $inc (canon backpressure.inc))
    (core module $M
      (import "" "inc" (func $inc))
      (func (export "f") (param i32 i64 f64) (result i64)
        (i64.add
          (i64.add (local.get 1) (i64.extend_i32_u (local.get 0)))
          (i64.reinterpret_f64 (local.get 2))))
      (func (export "other")
        (call $inc)))
    (core instance $m (instantiate $M (with "" (instance (export "inc" (func $inc))))))
    (func (export "f") (param "a" u16) (param "b" s64) (param "c" f64) (result u64) (canon lift (core func $m "f"))))
  (component $Caller
    (import "f" (func $f (param "a" u16) (param "b" s64) (param "c" f64) (result u64)))
    (core func $f (canon lower (func $f)))
    (core module $M
      (import "" "f" (func $f (param i32 i64 f64) (result i64)))
      (func (export "run") (param i32 i64 f64) (result i64)
        (call $f (local.get 0) (local.get 1) (local.get 2))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
    (func (export "run") (param "a" u32) (param "b" s64) (param "c" f64) (result u64) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
