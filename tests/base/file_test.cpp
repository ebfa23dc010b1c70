// Reading, mapping and writing files, also when the disk or the user gets in the way.
#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "support/scratch.h"
#include "support/user_error.h"

namespace heddle {
namespace {

using Names = std::vector<std::string>;

/// While it lives, no file can grow past `bytes`: writing fails as it does on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limited{bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

TEST(ReadFile, ReturnsEveryByte) {
  const Scratch scratch;
  const std::string content("a\0b\nc", 5);
  EXPECT_EQ(read_file(scratch.put("file", content)), content);
  EXPECT_EQ(read_file(scratch.put("empty", "")), "");
}

TEST(ReadFile, RefusesWhatIsMissingTooLargeOrNoFile) {
  const Scratch scratch;
  scratch.put("four", "1234");
  EXPECT_EQ(read_file(scratch / "four", 4), "1234");
  expect_parts(user_error([&] { read_file(scratch / "four", 3); }),
               {"four", "4 bytes", "at most 3"});
  expect_parts(user_error([&] { read_file(scratch / "none"); }), {"none", "No such file"});
  expect_parts(user_error([&] { read_file(scratch.path()); }), {"not a regular file"});
  expect_parts(user_error([] { read_file("/dev/zero"); }), {"/dev/zero", "not a regular file"});
}

TEST(ReadFile, RefusesANamedPipeWithoutWaitingForItsWriter) {
  const Scratch scratch;
  ASSERT_EQ(mkfifo((scratch / "pipe").c_str(), 0600), 0);
  expect_parts(user_error([&] { read_file(scratch / "pipe"); }), {"pipe", "not a regular file"});
}

TEST(MappedFile, ShowsTheContentAlsoAfterRelease) {
  const Scratch scratch;
  const std::string content(100'000, 'x');
  const MappedFile file(scratch.put("file", content));
  ASSERT_EQ(file.bytes().size(), content.size());
  EXPECT_EQ(std::memcmp(file.bytes().data(), content.data(), content.size()), 0);
  file.release(file.bytes().subspan(10, 50'000));
  file.release(file.bytes().subspan(10, 5));  // Less than a page.
  EXPECT_EQ(std::memcmp(file.bytes().data(), content.data(), content.size()), 0);
}

TEST(MappedFile, MovesAndMayBeEmpty) {
  const Scratch scratch;
  MappedFile file(scratch.put("file", "abc"));
  const std::byte* address = file.bytes().data();
  const MappedFile moved(std::move(file));
  EXPECT_EQ(moved.bytes().data(), address);
  EXPECT_TRUE(MappedFile(scratch.put("empty", "")).bytes().empty());
  expect_parts(user_error([&] { MappedFile mapped(scratch / "none"); }), {"none"});
}

TEST(AtomicFile, AppearsOnCommitWithUsualPermissions) {
  const Scratch scratch;
  {
    AtomicFile file(scratch / "result");
    file.write("one ");
    file.write(std::as_bytes(std::span("two", 3)));
    EXPECT_FALSE(std::filesystem::exists(scratch / "result"));
    file.commit();
  }
  EXPECT_EQ(read_file(scratch / "result"), "one two");
  EXPECT_EQ(scratch.list(), Names{"result"});
  const mode_t mask = umask(0);
  umask(mask);
  struct stat status{};
  ASSERT_EQ(stat((scratch / "result").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0666U & ~mask);
}

TEST(AtomicFile, LeavesNothingBehindWithoutCommit) {
  const Scratch scratch;
  scratch.put("result", "old");
  {
    AtomicFile file(scratch / "result");
    file.write("new");
  }
  EXPECT_EQ(scratch.list(), Names{"result"});
  EXPECT_EQ(read_file(scratch / "result"), "old");
}

TEST(AtomicFile, FullDiskIsAUserErrorAndLeavesNothingBehind) {
  const Scratch scratch;
  scratch.put("result", "old");
  std::string message;
  {
    const FileSizeLimit limit(4096);
    message = user_error([&] { write_file(scratch / "result", std::string(10'000, 'x')); });
  }
  expect_parts(message, {"cannot write", "result", "File too large", "nothing was left behind"});
  EXPECT_EQ(scratch.list(), Names{"result"});
  EXPECT_EQ(read_file(scratch / "result"), "old");
}

TEST(AtomicFile, RefusesFoldersAndDevices) {
  const Scratch scratch;
  expect_parts(user_error([&] { AtomicFile file(scratch / "none" / "result"); }),
               {"none/result", "No such file", "check that the folder exists"});
  expect_parts(user_error([&] { AtomicFile file(scratch.path()); }), {"not a file"});
  // The temporary file must not take the place of a device.
  expect_parts(user_error([] { AtomicFile file("/dev/null"); }), {"/dev/null", "not a file"});
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_TRUE(scratch.list().empty());
}

TEST(AtomicFile, CommitOntoAFolderFailsCleanly) {
  const Scratch scratch;
  std::string message;
  {
    AtomicFile file(scratch / "result");
    std::filesystem::create_directory(scratch / "result");
    message = user_error([&] { file.commit(); });
  }
  expect_parts(message, {"cannot finish", "result"});
  EXPECT_EQ(scratch.list(), Names{"result"});
}

}  // namespace
}  // namespace heddle
