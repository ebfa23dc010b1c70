// The safetensors file format: checkpoints read through a memory map, checked in full when opened,
// and written whole or not at all.
// Format: https://huggingface.co/docs/safetensors/index#format
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/tensor.h"

namespace heddle {

/// What the header of one safetensors file says.
struct SafeTensorsHeader {
  std::map<std::string, TensorView> tensors;    ///< Views of the bytes that were parsed.
  std::map<std::string, std::string> metadata;  ///< The free-form "__metadata__".
};

/// Parses and checks a whole safetensors file held in `file`; `where` names it in messages. The
/// views point into `file` and may be unaligned. Memory use is bounded by the length of the header.
/// Throws UserError for every departure from the format: a file or header cut short, a header that
/// is too long or not JSON, a tensor named twice, an unknown dtype or key, a shape that is negative
/// or overflows, offsets that disagree with the shape, overlap, or leave bytes uncovered.
SafeTensorsHeader parse_safetensors_header(std::span<const std::byte> file, std::string_view where);

/// A checkpoint: one file, or several that an index file ("weight_map") or a folder holds together.
/// Views stay valid as long as the object that the checkpoint was moved to last.
class SafeTensors {
 public:
  /// Opens a ".safetensors" file, a ".safetensors.index.json" file, or a folder. In a folder it
  /// takes "model.safetensors", else "model.safetensors.index.json", else the only index, else the
  /// only ".safetensors". Everything is checked here, nothing later. Throws UserError.
  explicit SafeTensors(const std::filesystem::path& path);

  /// The same for one file whose bytes are in memory; they must outlive the object.
  SafeTensors(std::span<const std::byte> file, std::string_view where);

  /// Sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// nullptr if there is no such tensor.
  [[nodiscard]] const TensorView* find(std::string_view name) const;
  /// Throws UserError, with the nearest names there are, if there is no such tensor.
  [[nodiscard]] const TensorView& get(std::string_view name) const;
  /// The file a tensor is in. Throws UserError like get().
  [[nodiscard]] const std::filesystem::path& file_of(std::string_view name) const;

  /// The "__metadata__" of all files; of equal keys the first file's.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// The bytes of all tensors, without headers.
  [[nodiscard]] std::uint64_t total_bytes() const { return total_bytes_; }
  /// What was opened, for messages.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Gives the memory behind a tensor back to the system; it is read again from disk when touched.
  /// Throws UserError like get().
  void release(std::string_view name) const;

 private:
  struct Entry {
    TensorView view;
    std::size_t file = 0;  ///< Index into paths_ and files_.
  };

  void open_shards(const std::filesystem::path& index);
  void add_file(const std::filesystem::path& path);
  void add_tensors(SafeTensorsHeader header, const std::filesystem::path& path);
  [[nodiscard]] const Entry& entry(std::string_view name) const;

  std::filesystem::path path_;
  std::vector<std::filesystem::path> paths_;
  std::vector<MappedFile> files_;  ///< Empty when the bytes are somebody else's.
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, std::string> metadata_;
  std::uint64_t total_bytes_ = 0;
};

/// A tensor to be written.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;

  /// Bytes of the tensor. The caller guarantees that the number does not overflow.
  [[nodiscard]] std::uint64_t bytes() const;
};

/// Writes a safetensors file one tensor at a time, so that a checkpoint need never be in memory.
/// The file appears under its name in commit() and not before. Its bytes are those that Hugging
/// Face's own library writes, which puts tensors of larger dtypes first, then sorts by name; only
/// "__metadata__", which that library writes in any order, is sorted here.
class SafeTensorsWriter {
 public:
  /// Writes the header. Names must be UTF-8 and differ. Throws UserError if the file cannot be
  /// written.
  SafeTensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata = {});

  /// The tensors in the order in which write() takes them.
  [[nodiscard]] const std::vector<TensorSpec>& order() const { return tensors_; }

  /// Writes the next tensor of order(), whole. Throws UserError if the disk is full.
  void write(std::string_view name, std::span<const std::byte> bytes);

  /// Finishes the file; every tensor must have been written.
  void commit();

 private:
  AtomicFile file_;
  std::vector<TensorSpec> tensors_;
  std::size_t next_ = 0;
};

/// Writes `tensors` to `path` with a SafeTensorsWriter. Throws UserError.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace heddle
