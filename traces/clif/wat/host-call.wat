;; The callee calls a function of the host: the task is observed in every call.
(component
  (import "host" (func $host (param "x" u32) (result u32)))
  (component $Callee
    (import "host" (func $host (param "x" u32) (result u32)))
    (core func $host (canon lower (func $host)))
    (core module $M
      (import "" "host" (func $host (param i32) (result i32)))
      (func (export "f") (param i32) (result i32)
        (i32.add (call $host (local.get 0)) (i32.const 1))))
    (core instance $m (instantiate $M (with "" (instance (export "host" (func $host))))))
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
  (instance $callee (instantiate $Callee (with "host" (func $host))))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
