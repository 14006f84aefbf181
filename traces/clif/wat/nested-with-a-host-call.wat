;; As nested-with-tasks.wat, and the innermost callee calls the host on a cold path: the chain of both tasks must be there for it.
(component
  (import "host" (func $host (param "x" u32) (result u32)))
  (component $Callee
    (import "host" (func $host (param "x" u32) (result u32)))
    (core func $host (canon lower (func $host)))
    (core module $M
      (import "" "host" (func $host (param i32) (result i32)))
      (func (export "f") (param i32) (result i32)
        (if (result i32) (i32.eq (local.get 0) (i32.const 99))
          (then (call $host (local.get 0)))
          (else (i32.add (local.get 0) (i32.const 1234))))))
    (core instance $m (instantiate $M (with "" (instance (export "host" (func $host))))))
    (func (export "f") (param "x" u32) (result u32) (canon lift (core func $m "f"))))
  (component $Middle
    (import "f" (func $f (param "x" u32) (result u32)))
    (core func $f (canon lower (func $f)))
    (core func $set (canon context.set i32 0))
    (core module $M
      (import "" "f" (func $f (param i32) (result i32)))
      (import "" "set" (func $set (param i32)))
      (func (export "g") (param i32) (result i32)
        (call $set (i32.const 3))
        (i32.mul (call $f (local.get 0)) (i32.const 2))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "set" (func $set))))))
    (func (export "g") (param "x" u32) (result u32) (canon lift (core func $m "g"))))
  (component $Caller
    (import "f" (func $f (param "x" u32) (result u32)))
    (core func $f (canon lower (func $f)))
    (core module $M
      (import "" "f" (func $f (param i32) (result i32)))
      (func (export "run") (param i32) (result i32)
        (call $f (local.get 0))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee (with "host" (func $host))))
  (instance $middle (instantiate $Middle (with "f" (func $callee "f"))))
  (instance $caller (instantiate $Caller (with "f" (func $middle "g"))))
  (export "run" (func $caller "run")))
