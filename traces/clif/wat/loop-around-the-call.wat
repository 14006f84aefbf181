;; The caller calls in a loop: each round makes a task and drops it, all of which could be done once or never.
(component
  (component $Callee
    (core func $inc (canon backpressure.inc))
    (core module $M
      (import "" "inc" (func $inc))
      (func (export "f") (param i32) (result i32)
        (i32.add (local.get 0) (i32.const 3)))
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
        (local $sum i32)
        (loop $again
          (local.set $sum (call $f (local.get $sum)))
          (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
          (br_if $again (i32.gt_s (local.get 0) (i32.const 0))))
        (local.get $sum)))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
