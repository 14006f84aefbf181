;; Parameters of eight types, floats, narrow and signed ones among them: the adapter narrows, extends and checks each (char and bool).
(component
  (component $Callee
    (core module $M
      (func (export "f") (param i32 i64 f32 f64 i32 i32 i32 i32) (result i64)
        (i64.add
          (i64.add (local.get 1) (i64.extend_i32_u (i32.add (local.get 0) (local.get 4))))
          (i64.add
            (i64.add (i64.extend_i32_s (local.get 5)) (i64.extend_i32_s (i32.add (local.get 6) (local.get 7))))
            (i64.add (i64.extend_i32_u (i32.reinterpret_f32 (local.get 2))) (i64.reinterpret_f64 (local.get 3)))))))
    (core instance $m (instantiate $M))
    (func (export "f")
      (param "a" u32) (param "b" s64) (param "c" f32) (param "d" f64) (param "e" u8) (param "f" s16) (param "g" bool) (param "h" char)
      (result u64)
      (canon lift (core func $m "f"))))
  (component $Caller
    (import "f" (func $f
      (param "a" u32) (param "b" s64) (param "c" f32) (param "d" f64) (param "e" u8) (param "f" s16) (param "g" bool) (param "h" char)
      (result u64)))
    (core func $f (canon lower (func $f)))
    (core module $M
      (import "" "f" (func $f (param i32 i64 f32 f64 i32 i32 i32 i32) (result i64)))
      (func (export "run") (param i32 i64 f32 f64) (result i64)
        (call $f (local.get 0) (local.get 1) (local.get 2) (local.get 3)
          (local.get 0) (local.get 0) (local.get 0) (local.get 0))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
    (func (export "run") (param "a" u32) (param "b" s64) (param "c" f32) (param "d" f64) (result u64) (canon lift (core func $m "run"))))
  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "f" (func $callee "f"))))
  (export "run" (func $caller "run")))
