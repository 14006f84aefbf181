# Counts test cases from what ctest wrote (the file given) and what the GoogleTest programs wrote (dir/NAME.xml).
#
# Prints lines for ./lockstep: "passed N", "failed NAME", "not-run NAME: WHY". A GoogleTest program counts as its
# cases, everything else that ctest ran as one. A program that ended badly (a crash, a leak found at its end) is one
# failure more, as it may not have got to write its file. WHERE is the preset, if names are to say it.

function attribute(line, name) {
  if (!match(line, " " name "=\"[^\"]*\"")) return ""
  return decode(substr(line, RSTART + length(name) + 3, RLENGTH - length(name) - 4))
}

function decode(text) {
  gsub(/&#x0A;|&#10;/, " ", text)
  gsub(/&lt;/, "<", text)
  gsub(/&gt;/, ">", text)
  gsub(/&quot;/, "\"", text)
  gsub(/&apos;/, "'", text)
  gsub(/&amp;/, "\\&", text)
  return text
}

# Counts the cases in the file of one GoogleTest program. Returns how many failed, or -1 if there is no such file.
function count_cases(program,    path, line, name, kind, failures, closed) {
  path = dir "/" program ".xml"
  failures = -1
  while ((getline line < path) > 0) {
    if (failures < 0) failures = 0
    if (line ~ /<testcase /) {
      name = attribute(line, "classname") "." attribute(line, "name")
      kind = "passed"
      if (attribute(line, "status") == "notrun") not_run(name, "disabled")
      if (attribute(line, "status") == "notrun") kind = "not run"
      closed = line ~ /\/>/
    }
    if (kind != "" && line ~ /<skipped[ >\/]/) {
      not_run(name, reason(attribute(line, "message")))
      kind = "not run"
    }
    if (kind != "" && kind != "failed" && line ~ /<failure /) {
      print "failed " label(name)
      kind = "failed"
      ++failures
    }
    if (kind != "" && (line ~ /<\/testcase>/ || closed)) {
      if (kind == "passed") ++passed
      kind = ""
      closed = 0
    }
  }
  close(path)
  return failures
}

# A skip message begins with the place of the GTEST_SKIP.
function reason(message) {
  sub(/^[^ ]*:[0-9]+ +/, "", message)
  return message == "" ? "skipped" : message
}

function not_run(name, why) { print "not-run " label(name) ": " why }

function label(name) { return where == "" ? name : name " (" where ")" }

/^[ \t]*<testcase / {
  name = attribute($0, "name")
  status = attribute($0, "status")
  last = ""
}

# The output of a check: its last line says why it could not run.
name != "" && !/<\/?(testcase|skipped|failure|properties|property|testsuite)/ {
  text = $0
  gsub(/<\/?system-out>/, "", text)
  gsub(/^[ \t]+|[ \t]+$/, "", text)
  if (text != "") last = decode(text)
}

/<\/testcase>/ {
  if ((getline line < (dir "/" name ".xml")) > 0) {
    close(dir "/" name ".xml")
    failures = count_cases(name)
    if (status == "fail" && failures == 0) print "failed " label(name) ": ended badly after its last case"
  } else if (status == "run") {
    ++passed
  } else if (status == "fail") {
    print "failed " label(name)
  } else {
    not_run(name, last == "" ? "skipped" : last)
  }
  name = ""
}

END { print "passed " passed + 0 }
