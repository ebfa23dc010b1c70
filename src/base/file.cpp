#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

std::string reason() {
  return std::strerror(errno);
}

/// An open descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

/// Opens a regular file for reading and reports its size.
std::pair<int, std::uint64_t> open_regular(const fs::path& path) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer before we can refuse it.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    throw UserError(fmt::format("cannot open {}: {}", path.string(), reason()),
                    "check the path and that you may read it");
  }
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    throw UserError(fmt::format("{} is not a regular file", path.string()),
                    "give the path of a file, not of a folder or device");
  }
  return {descriptor, static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace

std::string read_file(const fs::path& path, std::uint64_t limit) {
  const auto [raw, size] = open_regular(path);
  const Descriptor descriptor(raw);
  if (size > limit) {
    throw UserError(fmt::format("{} has {} bytes; at most {} are read", path.string(), size, limit),
                    "check that this is the file you meant");
  }
  std::string content(size, '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t count = read(descriptor.get(), content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw UserError(fmt::format("cannot read {}: {}", path.string(), reason()),
                      "check the disk and try again");
    }
    if (count == 0) break;  // The file shrank while it was read.
    done += static_cast<std::size_t>(count);
  }
  content.resize(done);
  return content;
}

MappedFile::MappedFile(const fs::path& path) {
  const auto [raw, size] = open_regular(path);
  const Descriptor descriptor(raw);
  if (size == 0) return;  // mmap refuses an empty range.
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (address == MAP_FAILED) {
    throw UserError(fmt::format("cannot map {}: {}", path.string(), reason()),
                    "free some memory and try again");
  }
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto begin = static_cast<std::size_t>(part.data() - bytes_.data());  // The map is aligned.
  const std::size_t first = (begin + page - 1) / page * page;
  const std::size_t last = (begin + part.size()) / page * page;
  // Advice only: when it fails the pages merely stay.
  if (last > first) {
    madvise(const_cast<std::byte*>(bytes_.data()) + first, last - first, MADV_DONTNEED);
  }
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  // Taking the name of a device such as /dev/null would destroy it.
  std::error_code ignored;
  if (fs::exists(path_, ignored) && !fs::is_regular_file(path_, ignored)) {
    throw UserError(fmt::format("cannot create {}: it exists and is not a file", path_.string()),
                    "give the path of a file");
  }
  std::string name = path_.string() + ".tmp-XXXXXX";
  descriptor_ = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) {
    throw UserError(fmt::format("cannot create {}: {}", path_.string(), reason()),
                    "check that the folder exists and that you may write there");
  }
  temporary_ = name;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw UserError(fmt::format("cannot write {}: {}", path_.string(), reason()),
                      "free disk space or choose another place; nothing was left behind");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text)));
}

void AtomicFile::commit() {
  // mkostemp makes the file private; a result should have the permissions of any new file.
  const mode_t mask = umask(0);
  umask(mask);
  const bool written = fchmod(descriptor_, 0666 & ~mask) == 0 && fsync(descriptor_) == 0;
  if (!written || rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw UserError(fmt::format("cannot finish {}: {}", path_.string(), reason()),
                    "free disk space or choose another place; nothing was left behind");
  }
  close(std::exchange(descriptor_, -1));
}

void write_file(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace heddle
