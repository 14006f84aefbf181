;; A string comes back: the caller's realloc makes room while the adapter runs, the caller reads address and length.
(component
  (component $Callee
    (core module $M
      (memory (export "mem") 1)
      (data (i32.const 64) "an answer")
      (func (export "f") (result i32)
        (i32.store (i32.const 16) (i32.const 64))
        (i32.store (i32.const 20) (i32.const 9))
        (i32.const 16)))
    (core instance $m (instantiate $M))
    (func (export "f") (result string)
      (canon lift (core func $m "f") (memory (core memory $m "mem")))))
  (component $Caller
    (import "f" (func $f (result string)))
    (core module $Memory
      (memory (export "mem") 1)
      (global $next (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (global.get $next))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at)))
    (core instance $memory (instantiate $Memory))
    (core func $f (canon lower (func $f) (memory (core memory $memory "mem")) (realloc (core func $memory "realloc"))))
    (core module $M
      (import "" "f" (func $f (param i32)))
      (import "" "mem" (memory 1))
      (func (export "run") (result i32)
        (call $f (i32.const 32))
        (i32.add (i32.load (i32.const 32)) (i32.load (i32.const 36)))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "mem" (memory $memory "mem"))))))
    (func (export "run") (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
