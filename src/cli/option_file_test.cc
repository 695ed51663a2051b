#include "cli/option_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "cli/system.h"

namespace sirocco::cli {
namespace {

TEST(OptionFile, FindsLastValueInItsGroup) {
  const std::string text =
      "port = 1\n# port = 9\n[client]\nport=2\n[mysqld]\n  port = 3\nskip-name-resolve\n!include /x\nport=4 # five\n[other]\nport=6\n";
  EXPECT_EQ(FindOption(text, "mysqld", "port"), "4");
  EXPECT_EQ(FindOption(text, "client", "port"), "2");
  EXPECT_EQ(FindOption(text, "mysqld", "skip_name_resolve"), "");
  EXPECT_EQ(FindOption(text, "mysqld", "socket"), std::nullopt);
  EXPECT_EQ(FindOption("", "mysqld", "port"), std::nullopt);
}

TEST(OptionFile, EscapedValuesComeBackUnchanged) {
  for (const std::string value : {"plain", "/a folder/with # and ;", "back\\slash\\n", "quote\"s'", " edge "}) {
    const std::string text = "[client]\nsocket = " + EscapeOptionValue(value) + "\n";
    EXPECT_EQ(FindOption(text, "client", "socket"), value) << text;
  }
}

TEST(OptionFile, SetReplacesAddsOrMakesGroup) {
  EXPECT_EQ(SetOption("[mysqld]\nport = 1\na = b\n", "mysqld", "port", "2"), "[mysqld]\nport = 2\na = b\n");
  EXPECT_EQ(SetOption("[mysqld]\na = b\n\n[client]\nport = 1\n", "mysqld", "port", "2"),
            "[mysqld]\na = b\nport = 2\n\n[client]\nport = 1\n");
  EXPECT_EQ(SetOption("# only this\n", "mysqld", "port", "2"), "# only this\n[mysqld]\nport = 2\n");
}

TEST(OptionFile, WriteFileSetsModeAndReplaces) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "option_file_test";
  std::filesystem::create_directories(folder);
  const std::filesystem::path file = folder / "secret";
  ASSERT_TRUE(WriteFile(file, "one", 0644).has_value());
  ASSERT_TRUE(WriteFile(file, "two", 0600).has_value());
  EXPECT_EQ(ReadFile(file).value(), "two");
  struct stat found;
  ASSERT_EQ(stat(file.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_EQ(ReadFile(folder / "missing").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(WriteFile(folder / "no" / "folder", "x", 0600).error().code, ErrorCode::kNotFound);
  std::filesystem::remove_all(folder);
}

TEST(System, Names) {
  for (const char* good : {"main", "a", "A-b_9", "12345678901234567890123456789012"}) EXPECT_TRUE(IsValidSystemName(good)) << good;
  for (const char* bad : {"", "-a", "a b", "a/b", "..", "\xc3\xa4", "123456789012345678901234567890123"}) {
    EXPECT_FALSE(IsValidSystemName(bad)) << bad;
  }
  EXPECT_EQ(LocateSystem("../etc").error().code, ErrorCode::kInvalidArgument);
}

TEST(System, SocketPathsStayShortEnough) {
  const std::string old = std::getenv("SIROCCO_HOME") == nullptr ? "" : std::getenv("SIROCCO_HOME");
  setenv("SIROCCO_HOME", "/short", 1);
  EXPECT_EQ(LocateSystem("main")->SocketFile(), "/short/systems/main/run/mysqld.sock");
  const std::string deep = "/" + std::string(100, 'd');
  setenv("SIROCCO_HOME", deep.c_str(), 1);
  const System system = LocateSystem("main").value();
  EXPECT_LE(system.SocketFile().native().size(), 107u);
  EXPECT_EQ(system.folder, deep + "/systems/main");
  EXPECT_NE(system.SocketFile(), LocateSystem("other")->SocketFile());
  setenv("SIROCCO_HOME", old.c_str(), 1);
}

}  // namespace
}  // namespace sirocco::cli
