;; The callee sets a context slot and gets it with no parameter in between: all of it folds to 1241.
(component
  (component $Callee
    (core func $set (canon context.set i32 0))
    (core func $get (canon context.get i32 0))
    (core module $M
      (import "" "set" (func $set (param i32)))
      (import "" "get" (func $get (result i32)))
      (func (export "f") (result i32)
        (call $set (i32.const 7))
        (i32.add (call $get) (i32.const 1234))))
    (core instance $m (instantiate $M (with "" (instance (export "set" (func $set)) (export "get" (func $get))))))
    (func (export "f") (result u32) (canon lift (core func $m "f"))))
  (component $Caller
    (import "f" (func $f (result u32)))
    (core func $f (canon lower (func $f)))
    (core module $M
      (import "" "f" (func $f (result i32)))
      (func (export "run") (result i32)
        (call $f)))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
