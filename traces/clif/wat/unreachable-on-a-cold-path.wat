;; The callee traps only if the parameter is 99: the stores that the trap would see are needed on that path only.
(component
  (component $Callee
    (core func $inc (canon backpressure.inc))
    (core module $M
      (import "" "inc" (func $inc))
      (func (export "f") (param i32) (result i32)
        (if (i32.eq (local.get 0) (i32.const 99))
          (then (unreachable)))
        (i32.add (local.get 0) (i32.const 1234)))
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
