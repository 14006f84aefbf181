;; Eighteen parameters do not fit into the flat limit: caller and callee pass them in memory, and the callee's realloc makes room.
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
      (func (export "f") (param i32) (result i32)
        (i32.add (i32.load (local.get 0)) (i32.load offset=68 (local.get 0)))))
    (core instance $m (instantiate $M))
    (type $r (tuple u32 u32 u32 u32 u32 u32 u32 u32 u32))
    (func (export "f") (param "x" $r) (param "y" $r) (result u32)
      (canon lift (core func $m "f") (memory (core memory $m "mem")) (realloc (core func $m "realloc")))))
  (component $Caller
    (type $r (tuple u32 u32 u32 u32 u32 u32 u32 u32 u32))
    (import "f" (func $f (param "x" $r) (param "y" $r) (result u32)))
    (core module $Memory
      (memory (export "mem") 1))
    (core instance $memory (instantiate $Memory))
    (core func $f (canon lower (func $f) (memory (core memory $memory "mem"))))
    (core module $M
      (import "" "f" (func $f (param i32) (result i32)))
      (import "" "mem" (memory 1))
      (func (export "run") (param i32) (result i32)
        (i32.store (i32.const 128) (local.get 0))
        (i32.store offset=68 (i32.const 128) (local.get 0))
        (call $f (i32.const 128))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f)) (export "mem" (memory $memory "mem"))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
