#include "tensor/safetensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::string_view kMetadata = "__metadata__";
constexpr std::string_view kIndexEnding = ".safetensors.index.json";
constexpr std::string_view kFileEnding = ".safetensors";

[[noreturn]] void damaged(std::string_view where, std::string_view problem) {
  throw UserError(fmt::format("{}: {}", where, problem),
                  "the file is damaged or incomplete: fetch it again and compare its size with the "
                  "published one");
}

/// The JSON text of the header, checked for length only.
std::string_view header_text(std::span<const std::byte> file, std::string_view where) {
  if (file.size() < kLengthBytes) {
    damaged(where, fmt::format("{} bytes are too few for a safetensors file, which starts with an "
                               "8-byte header length",
                               file.size()));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);  // Little-endian, as the machine is.
  if (length > kMaxHeader) {
    throw UserError(fmt::format("{}: header length {} is over the format's limit of {}", where,
                                length, kMaxHeader),
                    "check that this is a safetensors file; if so, fetch it again");
  }
  if (length > file.size() - kLengthBytes) {
    damaged(where, fmt::format("the file ends inside its header: {} bytes announced, {} present",
                               length, file.size() - kLengthBytes));
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  if (text.empty() || text.front() != '{') {
    throw UserError(fmt::format("{}: the header does not start with '{{'", where),
                    "check that this is a safetensors file; if so, fetch it again");
  }
  return text;
}

std::map<std::string, std::string> parse_metadata(const Json& value, std::string_view where) {
  if (!value.is_object()) {
    damaged(where, fmt::format("{} should be an object, found {}", kMetadata, value.type_name()));
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, item] : value.items()) {
    if (!item.is_string()) {
      damaged(where, fmt::format("{} {} should be a string, found {}", kMetadata, quote(key),
                                 item.type_name()));
    }
    metadata.emplace(key, item.get<std::string>());
  }
  return metadata;
}

/// The bytes that `shape` needs. Extents of zero are passed over, so that no product of some of
/// the extents can overflow later either.
std::uint64_t shape_bytes(const Shape& shape, DType dtype, const std::string& where) {
  bool empty = false;
  auto bytes = static_cast<std::int64_t>(size_of(dtype));
  for (const std::int64_t extent : shape) {
    if (extent < 0) {
      damaged(where, fmt::format("shape {} has a negative extent", shorten(to_string(shape))));
    }
    if (extent == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, extent, &bytes)) {
      damaged(where, fmt::format("shape {} overflows 64 bits", shorten(to_string(shape))));
    }
  }
  return empty ? 0 : static_cast<std::uint64_t>(bytes);
}

TensorView parse_tensor(const Json& value, std::span<const std::byte> data,
                        const std::string& where) {
  const JsonObject object(value, where);
  for (const auto& [key, item] : value.items()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      damaged(where, fmt::format("unknown key {}; known: dtype, shape, data_offsets", quote(key)));
    }
  }
  const std::string dtype_name = object.string("dtype");
  const std::optional<DType> dtype = dtype_from_name(dtype_name);
  if (!dtype) {
    throw UserError(fmt::format("{}: unsupported dtype {}", where, quote(dtype_name)),
                    fmt::format("convert the tensor to one of {}", known_dtypes()));
  }
  TensorView view{*dtype, object.integers("shape"), {}};
  const std::uint64_t bytes = shape_bytes(view.shape, *dtype, where);

  const std::vector<std::int64_t> offsets = object.integers("data_offsets");
  if (offsets.size() != 2) {
    damaged(where,
            fmt::format("data_offsets has {} numbers instead of begin and end", offsets.size()));
  }
  const std::int64_t begin = offsets[0];
  const std::int64_t end = offsets[1];
  if (begin < 0 || begin > end) {
    damaged(where,
            fmt::format("data_offsets [{},{}] do not satisfy 0 <= begin <= end", begin, end));
  }
  if (static_cast<std::uint64_t>(end) > data.size()) {
    damaged(where, fmt::format("data_offsets [{},{}] pass the end of the file, which holds {} "
                               "bytes of tensor data",
                               begin, end, data.size()));
  }
  if (static_cast<std::uint64_t>(end - begin) != bytes) {
    damaged(where,
            fmt::format("data_offsets [{},{}] span {} bytes, but {} of shape {} needs {}", begin,
                        end, end - begin, dtype_name, shorten(to_string(view.shape)), bytes));
  }
  view.bytes = data.subspan(static_cast<std::size_t>(begin), bytes);
  return view;
}

/// Tensors must tile the data: no overlap, no hole, nothing after the last.
void check_coverage(const std::map<std::string, TensorView>& tensors,
                    std::span<const std::byte> data, std::string_view where) {
  struct Range {
    std::size_t begin;
    std::size_t end;
    const std::string* name;
  };
  std::vector<Range> ranges;
  ranges.reserve(tensors.size());
  for (const auto& [name, view] : tensors) {
    const auto begin = static_cast<std::size_t>(view.bytes.data() - data.data());
    ranges.push_back({begin, begin + view.bytes.size(), &name});
  }
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::size_t covered = 0;
  const std::string* previous = nullptr;
  for (const Range& range : ranges) {
    if (range.begin < covered) {
      damaged(where, fmt::format("tensors {} and {} overlap at byte {} of the data",
                                 quote(*previous), quote(*range.name), range.begin));
    }
    if (range.begin > covered) {
      damaged(where,
              fmt::format("bytes {} to {} of the data, before tensor {}, belong to no tensor",
                          covered, range.begin, quote(*range.name)));
    }
    covered = range.end;
    previous = range.name;
  }
  if (covered != data.size()) {
    damaged(where, fmt::format("{} bytes after the last tensor belong to no tensor",
                               data.size() - covered));
  }
}

bool ends_with(const fs::path& path, std::string_view ending) {
  return path.filename().string().ends_with(ending);
}

/// Regular files of a folder whose names end in `ending`, sorted.
std::vector<fs::path> files_ending_in(const fs::path& folder, std::string_view ending) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), last; !error && it != last; it.increment(error)) {
    if (ends_with(it->path(), ending) && fs::is_regular_file(it->path(), error)) {
      found.push_back(it->path());
    }
  }
  if (error) {
    throw UserError(fmt::format("cannot list {}: {}", folder.string(), error.message()),
                    "check the path and that you may read it");
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// The file to open for what the user named; see the constructor of SafeTensors.
fs::path resolve(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  for (const std::string_view name : {"model.safetensors", "model.safetensors.index.json"}) {
    if (fs::exists(path / name, ignored)) return path / name;
  }
  for (const std::string_view ending : {kIndexEnding, kFileEnding}) {
    const std::vector<fs::path> found = files_ending_in(path, ending);
    if (found.size() == 1) return found.front();
    if (found.size() > 1) {
      throw UserError(
          fmt::format("{} holds {} files that end in \"{}\" and none is called \"model{}\"",
                      path.string(), found.size(), ending, ending),
          fmt::format("give the path of one of them, such as {}", found[0].string()));
    }
  }
  throw UserError(fmt::format("{} holds no safetensors file", path.string()),
                  "give the folder of a checkpoint with model.safetensors or "
                  "model.safetensors.index.json in it");
}

/// The shards an index names, each once, sorted. A shard is a file next to the index: a name with
/// a folder in it could reach any file of the machine.
std::set<std::string> shard_names(const JsonObject& weight_map) {
  std::set<std::string> shards;
  for (const auto& [tensor, value] : weight_map.raw().items()) {
    if (!value.is_string()) {
      damaged(weight_map.where(), fmt::format("tensor {} should name a file, found {}",
                                              quote(tensor), value.type_name()));
    }
    const auto& name = value.get_ref<const std::string&>();
    const bool plain = !name.empty() && name != "." && name != ".." &&
                       name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
    if (!plain) {
      throw UserError(
          fmt::format("{}: tensor {} is said to be in {}, which is not a plain file name",
                      weight_map.where(), quote(tensor), quote(name)),
          "put every shard next to the index and name it without a folder");
    }
    shards.insert(name);
  }
  return shards;
}

/// A JSON string literal.
std::string json_string(const std::string& text) {
  try {
    return Json(text).dump();
  } catch (const Json::exception&) {
    throw InternalError(fmt::format("{} is not UTF-8", quote(text)));
  }
}

/// The header of a file that holds `tensors` in this order, padded so that the data is aligned.
std::string make_header(const std::vector<TensorSpec>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> items;
  items.reserve(tensors.size() + 1);
  if (!metadata.empty()) {
    std::vector<std::string> pairs;
    pairs.reserve(metadata.size());
    for (const auto& [key, value] : metadata) {
      pairs.push_back(json_string(key) + ':' + json_string(value));
    }
    items.push_back(fmt::format("\"{}\":{{{}}}", kMetadata, fmt::join(pairs, ",")));
  }
  std::uint64_t offset = 0;
  for (const TensorSpec& tensor : tensors) {
    const std::uint64_t end = offset + tensor.bytes();
    items.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})",
                                json_string(tensor.name), name_of(tensor.dtype),
                                to_string(tensor.shape), offset, end));
    offset = end;
  }
  std::string header = fmt::format("{{{}}}", fmt::join(items, ","));
  header.append((kLengthBytes - header.size() % kLengthBytes) % kLengthBytes, ' ');
  return header;
}

}  // namespace

SafeTensorsHeader parse_safetensors_header(std::span<const std::byte> file,
                                           std::string_view where) {
  const std::string_view text = header_text(file, where);
  const std::span<const std::byte> data = file.subspan(kLengthBytes + text.size());
  const Json json = parse_json(text, fmt::format("{}: header", where));
  SafeTensorsHeader header;
  for (const auto& [name, value] : json.items()) {
    if (name == kMetadata) {
      header.metadata = parse_metadata(value, where);
    } else {
      header.tensors.emplace(
          name, parse_tensor(value, data, fmt::format("{}: tensor {}", where, quote(name))));
    }
  }
  check_coverage(header.tensors, data, where);
  return header;
}

SafeTensors::SafeTensors(const fs::path& path) : path_(resolve(path)) {
  if (ends_with(path_, ".json")) {
    open_shards(path_);
  } else {
    add_file(path_);
  }
}

SafeTensors::SafeTensors(std::span<const std::byte> file, std::string_view where) : path_(where) {
  add_tensors(parse_safetensors_header(file, where), path_);
}

void SafeTensors::open_shards(const fs::path& index) {
  const Json json = read_json(index);
  const JsonObject weight_map = JsonObject(json, index.string()).object("weight_map");
  for (const std::string& shard : shard_names(weight_map)) {
    const fs::path path = index.parent_path() / shard;
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
      throw UserError(
          fmt::format("{} names the file {}, which does not exist", index.string(), quote(shard)),
          fmt::format("fetch {} too and put it next to the index", quote(shard)));
    }
    add_file(path);
  }
  for (const auto& [name, shard] : weight_map.raw().items()) {
    const auto found = entries_.find(name);
    const auto& expected = shard.get_ref<const std::string&>();
    if (found == entries_.end() || paths_[found->second.file].filename() != expected) {
      throw UserError(fmt::format("{}: tensor {} should be in {}, but is not", index.string(),
                                  quote(name), quote(expected)),
                      "fetch the index and all its files again, from the same revision");
    }
  }
}

void SafeTensors::add_file(const fs::path& path) {
  files_.emplace_back(path);
  add_tensors(parse_safetensors_header(files_.back().bytes(), path.string()), path);
}

void SafeTensors::add_tensors(SafeTensorsHeader header, const fs::path& path) {
  const std::size_t file = paths_.size();
  paths_.push_back(path);
  for (auto& [name, view] : header.tensors) {
    total_bytes_ += view.bytes.size();
    const auto [it, fresh] = entries_.try_emplace(name, Entry{std::move(view), file});
    if (!fresh) {
      throw UserError(fmt::format("tensor {} is both in {} and in {}", quote(name),
                                  paths_[it->second.file].string(), path.string()),
                      "fetch the index and all its files again, from the same revision");
    }
  }
  metadata_.merge(header.metadata);
}

std::vector<std::string> SafeTensors::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

const TensorView* SafeTensors::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second.view;
}

const TensorView& SafeTensors::get(std::string_view name) const {
  return entry(name).view;
}

const fs::path& SafeTensors::file_of(std::string_view name) const {
  return paths_[entry(name).file];
}

void SafeTensors::release(std::string_view name) const {
  const Entry& released = entry(name);
  if (!files_.empty()) files_[released.file].release(released.view.bytes);
}

const SafeTensors::Entry& SafeTensors::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found != entries_.end()) return found->second;
  const std::vector<std::string> all = names();
  std::vector<std::string> near = nearest(name, all);
  for (std::string& candidate : near) candidate = quote(candidate);
  throw UserError(
      fmt::format("{} has no tensor {}", path_.string(), quote(name)),
      near.empty() ? fmt::format("check that this is the right checkpoint: none of its {} tensors "
                                 "has a similar name",
                                 all.size())
                   : fmt::format("check that this is the right checkpoint; similar names in it: {}",
                                 fmt::join(near, ", ")));
}

std::uint64_t TensorSpec::bytes() const {
  return static_cast<std::uint64_t>(element_count(shape)) * size_of(dtype);
}

SafeTensorsWriter::SafeTensorsWriter(const fs::path& path, std::vector<TensorSpec> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : file_(path), tensors_(std::move(tensors)) {
  // The order of the enumerators of DType is that of the format's dtypes.
  std::sort(tensors_.begin(), tensors_.end(), [](const TensorSpec& a, const TensorSpec& b) {
    return a.dtype != b.dtype ? a.dtype > b.dtype : a.name < b.name;
  });
  std::set<std::string_view> names;
  for (const TensorSpec& tensor : tensors_) {
    ensure(tensor.name != kMetadata && names.insert(tensor.name).second, "tensor name {} is taken",
           quote(tensor.name));
  }
  const std::string header = make_header(tensors_, metadata);
  const std::uint64_t length = header.size();
  ensure(length <= kMaxHeader, "a header of {} bytes is too long for safetensors", length);
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(header);
}

void SafeTensorsWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  ensure(next_ < tensors_.size(), "tensor {} comes after the last", quote(name));
  const TensorSpec& expected = tensors_[next_++];
  ensure(name == expected.name, "tensor {} written in place of {}", quote(name),
         quote(expected.name));
  ensure(bytes.size() == expected.bytes(), "tensor {} has {} bytes instead of {}", quote(name),
         bytes.size(), expected.bytes());
  file_.write(bytes);
}

void SafeTensorsWriter::commit() {
  ensure(next_ == tensors_.size(), "only {} of {} tensors were written", next_, tensors_.size());
  file_.commit();
}

void write_safetensors(const fs::path& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorSpec> specs;
  specs.reserve(tensors.size());
  for (const auto& [name, view] : tensors) specs.push_back({name, view.dtype, view.shape});
  SafeTensorsWriter writer(path, std::move(specs), metadata);
  for (const TensorSpec& spec : writer.order())
    writer.write(spec.name, tensors.at(spec.name).bytes);
  writer.commit();
}

}  // namespace heddle
