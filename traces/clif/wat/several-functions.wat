;; The callee has several functions: the exported one calls two more, directly and through a table.
(component
  (component $Callee
    (core func $inc (canon backpressure.inc))
    (core module $M
      (import "" "inc" (func $inc))
      (type $unary (func (param i32) (result i32)))
      (table 2 2 funcref)
      (elem (i32.const 0) $double $square)
      (func $double (param i32) (result i32)
        (i32.mul (local.get 0) (i32.const 2)))
      (func $square (param i32) (result i32)
        (i32.mul (local.get 0) (local.get 0)))
      (func (export "f") (param i32) (result i32)
        (i32.add
          (call $double (local.get 0))
          (call_indirect (type $unary) (local.get 0) (i32.and (local.get 0) (i32.const 1)))))
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
