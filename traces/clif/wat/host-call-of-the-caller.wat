;; The caller calls the host before and after the call of its callee, and both use a slot: what the call restores, the host may look at.
(component
  (import "host" (func $host (param "x" u32) (result u32)))
  (component $Callee
    (core func $set (canon context.set i32 0))
    (core module $M
      (import "" "set" (func $set (param i32)))
      (func (export "f") (param i32) (result i32)
        (call $set (local.get 0))
        (i32.add (local.get 0) (i32.const 1234))))
    (core instance $m (instantiate $M (with "" (instance (export "set" (func $set))))))
    (func (export "f") (param "x" u32) (result u32) (canon lift (core func $m "f"))))
  (component $Caller
    (import "host" (func $host (param "x" u32) (result u32)))
    (import "f" (func $f (param "x" u32) (result u32)))
    (core func $host (canon lower (func $host)))
    (core func $f (canon lower (func $f)))
    (core func $set (canon context.set i32 0))
    (core module $M
      (import "" "host" (func $host (param i32) (result i32)))
      (import "" "f" (func $f (param i32) (result i32)))
      (import "" "set" (func $set (param i32)))
      (func (export "run") (param i32) (result i32)
        (call $set (i32.const 5))
        (call $host (call $f (call $host (local.get 0))))))
    (core instance $m (instantiate $M
      (with "" (instance (export "host" (func $host)) (export "f" (func $f)) (export "set" (func $set))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "host" (func $host)) (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
