;; The callee makes a resource and gives it away, the caller drops it, and the destructor runs in the callee: handles go through calls of the host.
(component
  (component $Callee
    (core module $Dtor
      (global $dropped (mut i32) (i32.const 0))
      (func (export "dtor") (param i32)
        (global.set $dropped (local.get 0))))
    (core instance $dtor (instantiate $Dtor))
    (type $r (resource (rep i32) (dtor (core func $dtor "dtor"))))
    (core func $new (canon resource.new $r))
    (core module $M
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (param i32) (result i32)
        (call $new (local.get 0))))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
    (export $r' "r" (type $r))
    (func (export "make") (param "x" u32) (result (own $r')) (canon lift (core func $m "make"))))
  (component $Caller
    (import "callee" (instance $callee
      (export "r" (type $r (sub resource)))
      (export "make" (func (param "x" u32) (result (own $r))))))
    (alias export $callee "r" (type $r))
    (core func $make (canon lower (func $callee "make")))
    (core func $drop (canon resource.drop $r))
    (core module $M
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run") (param i32) (result i32)
        (call $drop (call $make (local.get 0)))
        (local.get 0)))
    (core instance $m (instantiate $M (with "" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "callee" (instance $callee))))
  (export "run" (func $caller "run")))
