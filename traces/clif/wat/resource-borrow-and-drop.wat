;; The middle component gets a borrow of a resource that it did not define, asks its definer for the value, and drops the borrow
;; before it returns, as it must: borrows are counted in the task.
(component
  (component $Definer
    (type $r (resource (rep i32)))
    (core func $new (canon resource.new $r))
    (core module $M
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (param i32) (result i32)
        (call $new (local.get 0)))
      (func (export "read") (param i32) (result i32)
        (local.get 0)))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
    (export $r' "r" (type $r))
    (func (export "make") (param "x" u32) (result (own $r')) (canon lift (core func $m "make")))
    (func (export "read") (param "r" (borrow $r')) (result u32) (canon lift (core func $m "read"))))
  (component $Middle
    (import "definer" (instance $definer
      (export "r" (type $r (sub resource)))
      (export "read" (func (param "r" (borrow $r)) (result u32)))))
    (alias export $definer "r" (type $r))
    (core func $read (canon lower (func $definer "read")))
    (core func $drop (canon resource.drop $r))
    (core module $M
      (import "" "read" (func $read (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "f") (param i32) (result i32)
        (call $read (local.get 0))
        (call $drop (local.get 0))))
    (core instance $m (instantiate $M (with "" (instance (export "read" (func $read)) (export "drop" (func $drop))))))
    (func (export "f") (param "r" (borrow $r)) (result u32) (canon lift (core func $m "f"))))
  (component $Caller
    (import "definer" (instance $definer
      (export "r" (type $r (sub resource)))
      (export "make" (func (param "x" u32) (result (own $r))))))
    (alias export $definer "r" (type $r))
    (import "f" (func $f (param "r" (borrow $r)) (result u32)))
    (core func $make (canon lower (func $definer "make")))
    (core func $f (canon lower (func $f)))
    (core func $drop (canon resource.drop $r))
    (core module $M
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "f" (func $f (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run") (param i32) (result i32)
        (local $handle i32)
        (local.set $handle (call $make (local.get 0)))
        (call $f (local.get $handle))
        (call $drop (local.get $handle))))
    (core instance $m (instantiate $M
      (with "" (instance (export "make" (func $make)) (export "f" (func $f)) (export "drop" (func $drop))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $definer (instantiate $Definer))
  (instance $middle (instantiate $Middle (with "definer" (instance $definer))))
  (instance $caller (instantiate $Caller (with "definer" (instance $definer)) (with "f" (func $middle "f"))))
  (export "run" (func $caller "run")))
