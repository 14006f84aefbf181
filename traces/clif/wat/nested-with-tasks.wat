;; As nested.wat, and both the middle and the inner instance import a built-in that neither calls: two tasks also in Wasmtime 50.0.1.
(component
  (component $Callee
    (core func $inc (canon backpressure.inc))
    (core module $M
      (import "" "inc" (func $inc))
      (func (export "f") (param i32) (result i32)
        (i32.add (local.get 0) (i32.const 1234)))
      (func (export "other")
        (call $inc)))
    (core instance $m (instantiate $M (with "" (instance (export "inc" (func $inc))))))
    (func (export "f") (param "x" u32) (result u32) (canon lift (core func $m "f"))))
  (component $Middle
    (import "f" (func $f (param "x" u32) (result u32)))
    (core func $f (canon lower (func $f)))
    (core func $inc (canon backpressure.inc))
    (core module $M
      (import "" "f" (func $f (param i32) (result i32)))
      (import "" "inc" (func $inc))
      (func (export "g") (param i32) (result i32)
        (i32.mul (call $f (local.get 0)) (i32.const 2)))
      (func (export "other")
        (call $inc)))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "inc" (func $inc))))))
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
  (instance $callee (instantiate $Callee))
  (instance $middle (instantiate $Middle (with "f" (func $callee "f"))))
  (instance $caller (instantiate $Caller (with "f" (func $middle "g"))))
  (export "run" (func $caller "run")))
