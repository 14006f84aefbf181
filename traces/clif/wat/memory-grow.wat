;; The callee grows its memory: a call of the runtime that is no call of the host and does not look at the task.
(component
  (component $Callee
    (core func $inc (canon backpressure.inc))
    (core module $M
      (import "" "inc" (func $inc))
      (memory 1)
      (func (export "f") (param i32) (result i32)
        (i32.store (i32.const 8) (local.get 0))
        (drop (memory.grow (local.get 0)))
        (i32.load (i32.const 8)))
      (func (export "other")
        (call $inc)))
    (core instance $m (instantiate $M (with "" (instance (export "inc" (func $inc))))))
    (func (export "f") (param "x" u32) (result u32) (canon lift (core func $m "f"))))
  (component $Caller
    (import "f" (func $f (param "x" u32) (result u32)))
    (core func $f (canon lower (func $f)))
    (core module $M
      (import "" "f" (func $f (param i32) (result i32)))
      (func (export "run") (param i32) (result i32)
        (call $f (local.get 0))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
