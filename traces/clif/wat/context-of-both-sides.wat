;; Caller and callee both use slot 0: what the caller set before the call it must find after it, and the callee's value must be gone.
(component
  (component $Callee
    (core func $set (canon context.set i32 0))
    (core module $M
      (import "" "set" (func $set (param i32)))
      (func (export "f") (param i32) (result i32)
        (call $set (local.get 0))
        (i32.mul (local.get 0) (i32.const 3))))
    (core instance $m (instantiate $M (with "" (instance (export "set" (func $set))))))
    (func (export "f") (param "x" u32) (result u32) (canon lift (core func $m "f"))))
  (component $Caller
    (import "f" (func $f (param "x" u32) (result u32)))
    (core func $f (canon lower (func $f)))
    (core func $set (canon context.set i32 0))
    (core func $get (canon context.get i32 0))
    (core module $M
      (import "" "f" (func $f (param i32) (result i32)))
      (import "" "set" (func $set (param i32)))
      (import "" "get" (func $get (result i32)))
      (func (export "run") (param i32) (result i32)
        (call $set (i32.const 5))
        (call $f (local.get 0))
        (i32.add (call $get))))
    (core instance $m (instantiate $M
      (with "" (instance (export "f" (func $f)) (export "set" (func $set)) (export "get" (func $get))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
