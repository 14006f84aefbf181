// What other programs read: the JSON summary with its keys, JUnit as well-formed XML.
#include <gtest/gtest.h>

#include "diff/summary.h"
#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

using traces::Json;

// A small check of well-formedness: tags that nest, quoted attributes, escaped text. "" if all is well.
std::string xml_fault(const std::string& text) {
  std::vector<std::string> open;
  size_t at = 0;
  const auto fault = [&](const std::string& what) { return what + " at byte " + std::to_string(at); };
  const auto bad_text = [](const std::string& s) {
    for (size_t i = 0; i < s.size(); ++i) {
      const auto c = static_cast<unsigned char>(s[i]);
      if (c < 0x20 && c != '\n' && c != '\t' && c != '\r') return true;
      if (c == '<' || c == '>') return true;
      if (c != '&') continue;
      const std::string entity = s.substr(i, s.find(';', i) - i + 1);
      if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" && entity != "&quot;") return true;
    }
    return false;
  };
  bool had_root = false;
  while (at < text.size()) {
    if (text[at] != '<') {
      const size_t end = std::min(text.find('<', at), text.size());
      if (bad_text(text.substr(at, end - at))) return fault("bad text");
      at = end;
      continue;
    }
    size_t end = at;
    for (bool quoted = false; end < text.size() && (quoted || text[end] != '>'); ++end) quoted ^= text[end] == '"';
    if (end == text.size()) return fault("a tag that does not end");
    const std::string tag = text.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '?') {
      if (at != 0) return fault("a declaration that is not first");
    } else if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return fault("</" + tag.substr(1) + "> closes nothing");
      open.pop_back();
    } else {
      if (open.empty() && had_root) return fault("a second root");
      had_root = true;
      // Attributes: name="value".
      for (size_t a = tag.find(' '); a != std::string::npos && a + 1 < tag.size() && tag[a + 1] != '/';) {
        const size_t equals = tag.find("=\"", a);
        if (equals == std::string::npos) return fault("an attribute without a value");
        const size_t close = tag.find('"', equals + 2);
        if (bad_text(tag.substr(equals + 2, close - equals - 2))) return fault("a bad attribute");
        a = tag.find(' ', close);
      }
      if (tag.back() != '/') open.push_back(name);
    }
    at = end + 1;
  }
  if (!had_root) return "no root";
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(XmlCheck, SeesWhatIsNotWellFormed) {
  EXPECT_EQ(xml_fault("<?xml version=\"1.0\"?>\n<a b=\"c &lt; d\"><e/>text &amp; more</a>\n"), "");
  for (const char* bad : {"", "text", "<a>", "<a></b>", "<a/><b/>", "<a>&</a>", "<a>&nbsp;</a>", "<a b=c/>",
                          "<a b=\"&\"/>", "<a>\x01</a>", "<a>]]></a>", "<a b=\""})
    EXPECT_NE(xml_fault(bad), "") << bad;
}

TEST(JUnit, IsWellFormedWhateverTheTextsHold) {
  const std::string nasty = "a <b> & \"c\" 'd' ]]> \x01\x1b[31m\nsecond line";
  const std::string xml = junit(nasty, {{nasty, "", ""}, {nasty, nasty, ""}, {nasty, "", nasty}});
  EXPECT_EQ(xml_fault(xml), "") << xml;
  EXPECT_TRUE(contains(xml, "tests=\"3\" failures=\"1\" skipped=\"1\"")) << xml;
}

TEST(Outputs, OfARunWithoutDivergence) {
  const Folder folder;
  const Output o = lockstep({"run", "--cases", "50", "--json", folder.file("j.json"), "--junit", folder.file("j.xml")});
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const Json j = read_json(folder.file("j.json"));
  for (const char* key : {"seed", "cases", "steps", "steps_per_second", "divergences", "outcomes", "operations",
                          "traps", "choices", "promotions"})
    EXPECT_TRUE(j.contains(key)) << key;
  EXPECT_EQ(j.at("seed"), 1u);
  EXPECT_EQ(j.at("cases"), 50u);
  EXPECT_EQ(j.at("divergences"), 0u);
  EXPECT_GT(j.at("steps").get<uint64_t>(), 500u);
  uint64_t outcomes = 0;
  for (const auto& [name, n] : j.at("outcomes").items()) outcomes += n.get<uint64_t>();
  EXPECT_EQ(outcomes, 50u);
  for (const char* object : {"outcomes", "operations", "traps", "choices", "promotions"})
    EXPECT_TRUE(j.at(object).is_object() && !j.at(object).empty()) << object;
  const std::string xml = traces::read_file(folder.file("j.xml"));
  EXPECT_EQ(xml_fault(xml), "") << xml;
  EXPECT_EQ(count(xml, "<testcase"), 1u);
  EXPECT_TRUE(contains(xml, "failures=\"0\"")) << xml;
}

TEST(Outputs, OfARunThatFindsSomething) {
  const Folder folder;
  const Output o = lockstep({"run", "--cases", "2000", "--against", "optimized,optimized:free-list-fifo", "--out",
                             folder.file("out"), "--json", folder.file("j.json"), "--junit", folder.file("j.xml")});
  ASSERT_EQ(o.exit_code, 1) << o.err;
  const Json j = read_json(folder.file("j.json"));
  EXPECT_GE(j.at("divergences").get<uint64_t>(), 1u);
  const Json& failure = j.at("failures").at(0);
  for (const char* key : {"engine", "bucket", "file", "case", "seed", "confirmed", "lines"})
    EXPECT_TRUE(failure.contains(key)) << key;
  EXPECT_EQ(failure.at("engine"), "optimized:free-list-fifo");
  EXPECT_EQ(failure.at("confirmed"), true);
  const std::string xml = traces::read_file(folder.file("j.xml"));
  EXPECT_EQ(xml_fault(xml), "") << xml;
  EXPECT_EQ(count(xml, "<failure"), 1u) << xml;
  EXPECT_EQ(count(xml, "<testcase"), 2u) << xml;
}

TEST(Outputs, OfAReplay) {
  const Folder folder;
  write_trace(folder, "a.json", small_case());
  std::unique_ptr<Contestant> mutant = Contestant::make("optimized:free-list-fifo", kCaseTime);
  write_trace(folder, "b.json", first_failure(*mutant, 1, 2000).value().c);
  const Output o = lockstep({"replay", folder.file("a.json"), folder.file("b.json"), "--against",
                             "optimized,optimized:free-list-fifo", "--json", folder.file("out.json"), "--junit",
                             folder.file("out.xml")});
  EXPECT_EQ(o.exit_code, 1) << o.out << o.err;
  const Json j = read_json(folder.file("out.json"));
  ASSERT_EQ(j.size(), 6u) << "two traces; model and two engines";
  size_t disagree = 0;
  for (const Json& line : j) {
    for (const char* key : {"trace", "engine", "agrees", "bucket"}) EXPECT_TRUE(line.contains(key)) << key;
    if (line.at("agrees") == true) continue;
    ++disagree;
    EXPECT_EQ(line.at("trace"), folder.file("b.json"));
    EXPECT_EQ(line.at("engine"), "optimized:free-list-fifo");
  }
  EXPECT_EQ(disagree, 1u);
  const std::string xml = traces::read_file(folder.file("out.xml"));
  EXPECT_EQ(xml_fault(xml), "") << xml;
  EXPECT_EQ(count(xml, "<testcase"), 6u);
  EXPECT_EQ(count(xml, "<failure"), 1u);
}

}  // namespace
}  // namespace lockstep::diff::testing
