;; A string goes there in UTF-8 and comes back in UTF-16: both sides have a realloc, the callee a post-return that frees, and the adapter transcodes.
(component
  (component $Callee
    (core module $M
      (memory (export "mem") 1)
      (global $next (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at
          (i32.and
            (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get 2))))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at))
      (func (export "f") (param i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 0))
        (i32.store (i32.const 20) (local.get 1))
        (i32.const 16))
      (func (export "free") (param i32)
        (global.set $next (i32.const 1024))))
    (core instance $m (instantiate $M))
    (func (export "f") (param "s" string) (result string)
      (canon lift (core func $m "f") string-encoding=utf16
        (memory (core memory $m "mem")) (realloc (core func $m "realloc")) (post-return (core func $m "free")))))
  (component $Caller
    (import "f" (func $f (param "s" string) (result string)))
    (core module $Memory
      (memory (export "mem") 1)
      (data (i32.const 16) "there and back")
      (global $next (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (global.get $next))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at)))
    (core instance $memory (instantiate $Memory))
    (core func $f (canon lower (func $f) string-encoding=utf8 (memory (core memory $memory "mem")) (realloc (core func $memory "realloc"))))
    (core module $M
      (import "" "f" (func $f (param i32 i32 i32)))
      (import "" "mem" (memory 1))
      (func (export "run") (result i32)
        (call $f (i32.const 16) (i32.const 14) (i32.const 48))
        (i32.load (i32.const 52))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "mem" (memory $memory "mem"))))))
    (func (export "run") (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
