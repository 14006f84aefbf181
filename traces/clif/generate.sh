#!/usr/bin/env bash
# Writes the CLIF of this folder anew: for each Wasmtime given, each file in wat/, optimised and not, with calls inlined and not.
#
#   traces/clif/generate.sh WASMTIME…        (command line programs of Wasmtime 48.0.0 or later, with the compiler in it)
#
# The result for wat/NAME.wat is VERSION/NAME/{O0,O2}-{inline,call}.clif: O0 and O2 are Wasmtime's opt-level 0 and 2 of the
# same input, function by function under the same name; `inline` and `call` say whether calls were inlined before that.
#
# Kept are the functions of core modules and of adapter modules, in Wasmtime's order. Left out are
#   - trampolines (array_to_wasm, wasm_to_array, component-trampolines, signatures): no adapter is ever inlined into them;
#   - module start-up functions;
#   - in `inline` files, functions that another function names as a callee and none still calls: every call of them was
#     inlined. What stays is decided by the unoptimised text and taken over for the optimised one.
# VERSION/regions.txt gives the regions' numbers their names where Wasmtime prints only numbers (from 50 on), as its trace log
# has them (a program built without `logging` writes no such file). One number may stand for several: they are hashes.
#
# Nothing else is changed but blanks at the start of lines, which are a third of what Wasmtime writes.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
if (($# == 0)); then
  echo "usage: $0 WASMTIME…" >&2
  exit 2
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# functions DIR: the files of DIR that hold functions of modules, by module, then function.
functions() {
  (cd "$1" && ls | grep -E '^wasm\[[0-9]+\]--function\[[0-9]+\](\.|--)' | sort -t'[' -k2,2n -k3,3n)
}

# all_inlined DIR: the names (u1:0) of functions that others in DIR name and none calls.
all_inlined() {
  functions "$1" | sed "s|^|$1/|" | tr '\n' '\0' | xargs -0 awk '
    FNR == 1 { split("", name_of) }
    $2 == "=" && $3 == "colocated" { name_of[$1] = $4; named[$4] = 1 }
    / (call|try_call|return_call|func_addr\.i64) fn[0-9]+/ {
      match($0, /fn[0-9]+/)
      called[name_of[substr($0, RSTART, RLENGTH)]] = 1
    }
    END { for (name in named) if (!(name in called)) print name }'
}

# region_names: from a trace log, lines `number name, name…`, fields of runtime structures as structure+offset.
region_names() {
  sed -n -e 's/.*alias region: \(.*\) => region[0-9]* (user_id = \([0-9]*\)).*/\2 \1/p' |
    awk '{
      name = $0; sub(/^[0-9]+ /, "", name)
      if (match(name, /^Vm \{ ty: [A-Za-z]+, offset: [0-9]+ \}$/)) {
        gsub(/[,}]/, "", name); split(name, word, " "); name = sprintf("%s+0x%x", word[4], word[6])
      }
      print $1, name }' |
    sort -u | sort -s -n -k1,1 |
    awk '{ name = $0; sub(/^[0-9]+ /, "", name)
           if ($1 == last) printf ", %s", name
           else printf "%s%s %s", last == "" ? "" : "\n", $1, name
           last = $1 }
         END { if (last != "") print "" }'
}

for wasmtime in "$@"; do
  : >"$scratch/log"
  version=$("$wasmtime" --version | awk '{ print $2 }')
  rm -rf "${here:?}/$version"
  for wat in "$here"/wat/*.wat; do
    name=$(basename "$wat" .wat)
    flags=$(sed -n 's/^;; flags: //p' "$wat")
    mkdir -p "$here/$version/$name"
    for inlining in y n; do
      kind=call
      if [[ $inlining == y ]]; then kind=inline; fi
      for level in 0 2; do
        clif=$scratch/O$level
        rm -rf "$clif"
        # shellcheck disable=SC2206 # flags are words
        command=(compile -O opt-level=$level -C inlining=$inlining -W component-model-async,concurrency-support=y $flags)
        WASMTIME_LOG=wasmtime_internal_cranelift::alias_region=trace \
          "$wasmtime" "${command[@]}" --emit-clif "$clif" -o /dev/null "$wat" 2>"$scratch/errors" || {
          cat "$scratch/errors" >&2
          exit 2
        }
        cat "$scratch/errors" >>"$scratch/log"
        if [[ $level == 0 ]]; then
          dropped=
          if [[ $kind == inline ]]; then dropped=$(all_inlined "$clif"); fi
        fi
        {
          echo "; Wasmtime $version: wasmtime ${command[*]} --emit-clif DIR wat/$name.wat"
          functions "$clif" | while IFS= read -r file; do
            function=$(sed -n 's/^function \(u[0-9]*:[0-9]*\)(.*/\1/p' "$clif/$file")
            if grep -qxF -- "$function" <<<"$dropped"; then continue; fi
            echo
            sed -E 's/^ {32}//; s/^(@[0-9a-f]+) +/\1 /' "$clif/$file"
          done
        } >"$here/$version/$name/O$level-$kind.clif"
      done
    done
  done
  region_names <"$scratch/log" >"$scratch/names"
  if [[ -s $scratch/names ]]; then
    {
      echo "; Wasmtime $version: what the region numbers of these files stand for, and whatever else has the same number."
      find "$here/$version" -name '*.clif' -exec cat {} + |
        sed -n 's/^ *region[0-9]* = \([0-9]*\) .*/\1/p' | sort -nu |
        awk 'NR == FNR { wanted[$1] = 1; next } $1 in wanted' - "$scratch/names"
    } >"$here/$version/regions.txt"
  fi
  echo "$version: $(find "$here/$version" -name '*.clif' | wc -l) files, $(find "$here/$version" -name '*.clif' -exec cat {} + | wc -c) bytes"
done
