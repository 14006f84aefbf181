;; An option goes to the callee and a result with an error comes back: the adapter branches on the discriminants, and traps on unknown ones.
(component
  (component $Callee
    (core module $M
      (memory (export "mem") 1)
      (func (export "f") (param i32 i32) (result i32)
        (i32.store (i32.const 16) (i32.eqz (local.get 0)))
        (i32.store (i32.const 20) (local.get 1))
        (i32.const 16)))
    (core instance $m (instantiate $M))
    (func (export "f") (param "x" (option u32)) (result (result u32 (error u8)))
      (canon lift (core func $m "f") (memory (core memory $m "mem")))))
  (component $Caller
    (import "f" (func $f (param "x" (option u32)) (result (result u32 (error u8)))))
    (core module $Memory
      (memory (export "mem") 1))
    (core instance $memory (instantiate $Memory))
    (core func $f (canon lower (func $f) (memory (core memory $memory "mem"))))
    (core module $M
      (import "" "f" (func $f (param i32 i32 i32)))
      (import "" "mem" (memory 1))
      (func (export "run") (param i32) (result i32)
        (call $f (i32.and (local.get 0) (i32.const 1)) (local.get 0) (i32.const 64))
        (i32.add (i32.load8_u (i32.const 64)) (i32.load (i32.const 68)))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "mem" (memory $memory "mem"))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
