;; The body sets a context slot and the post-return reads it back into a global: the slots must survive the lowering of the result.
(component
  (component $Callee
    (core func $set (canon context.set i32 0))
    (core func $get (canon context.get i32 0))
    (core module $M
      (import "" "set" (func $set (param i32)))
      (import "" "get" (func $get (result i32)))
      (global $seen (mut i32) (i32.const 0))
      (func (export "f") (param i32) (result i32)
        (call $set (local.get 0))
        (i32.add (local.get 0) (i32.const 1)))
      (func (export "done") (param i32)
        (global.set $seen (call $get))))
    (core instance $m (instantiate $M (with "" (instance (export "set" (func $set)) (export "get" (func $get))))))
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
