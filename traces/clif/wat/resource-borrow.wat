;; The caller lends a resource to the callee that defined it, which gets the representation itself and adds it up; the adapter lends and takes back.
(component
  (component $Callee
    (type $r (resource (rep i32)))
    (core func $new (canon resource.new $r))
    (core module $M
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (param i32) (result i32)
        (call $new (local.get 0)))
      (func (export "read") (param i32) (result i32)
        (i32.add (local.get 0) (i32.const 1))))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
    (export $r' "r" (type $r))
    (func (export "make") (param "x" u32) (result (own $r')) (canon lift (core func $m "make")))
    (func (export "read") (param "r" (borrow $r')) (result u32) (canon lift (core func $m "read"))))
  (component $Caller
    (import "callee" (instance $callee
      (export "r" (type $r (sub resource)))
      (export "make" (func (param "x" u32) (result (own $r))))
      (export "read" (func (param "r" (borrow $r)) (result u32)))))
    (alias export $callee "r" (type $r))
    (core func $make (canon lower (func $callee "make")))
    (core func $read (canon lower (func $callee "read")))
    (core func $drop (canon resource.drop $r))
    (core module $M
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "read" (func $read (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run") (param i32) (result i32)
        (local $handle i32)
        (local.set $handle (call $make (local.get 0)))
        (call $read (local.get $handle))
        (call $drop (local.get $handle))))
    (core instance $m (instantiate $M
      (with "" (instance (export "make" (func $make)) (export "read" (func $read)) (export "drop" (func $drop))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "callee" (instance $callee))))
  (export "run" (func $caller "run")))
