;; The callee has a post-return that changes a global: it runs after the result is lowered, with the slots of the callee's task put back.
(component
  (component $Callee
    (core module $M
      (global $calls (mut i32) (i32.const 0))
      (func (export "f") (param i32) (result i32)
        (i32.add (local.get 0) (global.get $calls)))
      (func (export "done") (param i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))))
    (core instance $m (instantiate $M))
    (func (export "f") (param "x" u32) (result u32)
      (canon lift (core func $m "f") (post-return (core func $m "done")))))
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
