// Files: read whole, map into memory, write so that no reader ever sees a half-written one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace heddle {

/// The whole content of a regular file of at most `limit` bytes. Throws UserError if it is missing,
/// unreadable, not a regular file, or larger.
std::string read_file(const std::filesystem::path& path, std::uint64_t limit = 1ULL << 30);

/// A regular file mapped read-only. Pages come from disk when touched.
class MappedFile {
 public:
  /// Throws UserError if the file is missing, unreadable, or not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  /// Gives the pages wholly inside `part` back to the system; touching them reads the file again.
  /// Keeps a program that converts a large file piece by piece from holding it twice.
  void release(std::span<const std::byte> part) const;

 private:
  std::span<const std::byte> bytes_;
};

/// A file under construction: a temporary neighbour of `path` that takes its name on commit() and
/// vanishes if it is destroyed before that. Every failed write is a UserError (disk full, no
/// permission, missing folder, a folder or device of that name).
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Flushes and renames; the file then exists in full under its name.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// Writes `text` to `path` through an AtomicFile.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace heddle
