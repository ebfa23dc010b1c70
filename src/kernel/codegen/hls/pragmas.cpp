#include "kernel/codegen/hls/pragmas.h"

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/hls/types.h"

namespace heddle::kernel::hls {
namespace {

/// An AXI burst does not cross 4 KiB and has at most 256 beats.
constexpr int kBurstBytes = 4096;
constexpr int kBurstBeats = 256;
/// Bursts in flight, to cover the memory's latency.
constexpr int kOutstanding = 16;

std::string_view implementation(Storage storage) {
  switch (storage) {
    case Storage::kUram:
      return "uram";
    case Storage::kBram:
      return "bram";
    case Storage::kLutram:
      return "lutram";
    default:
      return "";
  }
}

std::string partition_pragma(const Partition& partition, const std::string& name, std::size_t d) {
  const std::string head =
      fmt::format("#pragma HLS ARRAY_PARTITION variable={} dim={} type=", name, d + 1);
  switch (partition.kind) {
    case Partition::Kind::kComplete:
      return head + "complete";
    case Partition::Kind::kCyclic:
      return fmt::format("{}cyclic factor={}", head, partition.factor);
    case Partition::Kind::kBlock:
      return fmt::format("{}block factor={}", head, partition.factor);
    case Partition::Kind::kNone:
      break;
  }
  return "";
}

std::string memory_pragma(const ArrayParameter& parameter, const Port& port,
                          const ArrayView& view) {
  const int beats = std::min(kBurstBeats, kBurstBytes * 8 / view.word_bits());
  std::string text = fmt::format("#pragma HLS INTERFACE m_axi port={} bundle={} offset=slave",
                                 port.name, port.bundle);
  if (const std::optional<std::int64_t> count = element_count(parameter.array.shape)) {
    text += fmt::format(" depth={}", *count / view.lanes);
  }
  if (parameter.direction != Direction::kOut) {
    text += fmt::format(" max_read_burst_length={} num_read_outstanding={}", beats, kOutstanding);
  }
  if (parameter.direction != Direction::kIn) {
    text += fmt::format(" max_write_burst_length={} num_write_outstanding={}", beats, kOutstanding);
  }
  return text;
}

}  // namespace

std::vector<std::string> loop_pragmas(const LoopMarks& marks,
                                      const std::set<std::string>& written) {
  std::vector<std::string> lines;
  if (marks.pipeline) lines.push_back(fmt::format("#pragma HLS PIPELINE II={}", *marks.pipeline));
  if (marks.unroll) lines.emplace_back("#pragma HLS UNROLL");
  if (marks.parallel) {
    for (const std::string& name : written) {
      lines.push_back(
          fmt::format("#pragma HLS DEPENDENCE variable={} type=inter dependent=false", name));
    }
  }
  return lines;
}

std::vector<std::string> layout_pragmas(const Array& array, const std::string& name) {
  std::vector<std::string> lines;
  if (array.storage == Storage::kRegister) {
    if (!array.shape.empty()) {
      lines.push_back(
          fmt::format("#pragma HLS ARRAY_PARTITION variable={} dim=0 type=complete", name));
    }
    return lines;
  }
  bool last_is_partitioned = false;
  for (std::size_t d = 0; d < array.partition.size(); ++d) {
    const Partition& partition = array.partition[d];
    if (partition.kind == Partition::Kind::kNone) continue;
    lines.push_back(partition_pragma(partition, name, d));
    last_is_partitioned = last_is_partitioned || d + 1 == array.shape.size();
  }
  if (array.lanes > 1 && !last_is_partitioned) {
    lines.push_back(
        fmt::format("#pragma HLS ARRAY_RESHAPE variable={} dim={} type=cyclic factor={}", name,
                    array.shape.size(), array.lanes));
  } else if (array.lanes > 1) {
    lines.push_back(fmt::format(
        "// Words of {} elements: not with a partition of the same dimension.", array.lanes));
  }
  return lines;
}

std::vector<std::string> array_pragmas(const Array& array, const std::string& name) {
  if (array.shape.empty()) return {};
  std::vector<std::string> lines;
  const std::string_view memory = implementation(array.storage);
  if (!array.table.empty() && array.storage == Storage::kUram) {
    lines.emplace_back("// A table: URAM has no initial contents, so the tool chooses the memory.");
  } else if (!memory.empty()) {
    lines.push_back(fmt::format("#pragma HLS BIND_STORAGE variable={} type={} impl={}", name,
                                array.table.empty() ? "ram_2p" : "rom_2p", memory));
  }
  for (std::string& line : layout_pragmas(array, name)) lines.push_back(std::move(line));
  return lines;
}

std::string stream_pragma(const Stream& stream, const std::string& name) {
  return fmt::format("#pragma HLS STREAM variable={} depth={}", name, stream.depth);
}

std::vector<std::string> port_pragmas(const Parameter& parameter, const Port& port,
                                      const ArrayView* view) {
  switch (port.kind) {
    case Port::Kind::kScalar:
      return {fmt::format("#pragma HLS INTERFACE s_axilite port={}", port.name)};
    case Port::Kind::kStream:
      return {fmt::format("#pragma HLS INTERFACE axis port={}", port.name)};
    case Port::Kind::kMemory:
      return {memory_pragma(std::get<ArrayParameter>(parameter), port, *view)};
    case Port::Kind::kOnChip:
      break;
  }
  const Array& array = std::get<ArrayParameter>(parameter).array;
  std::vector<std::string> lines;
  if (const std::string_view memory = implementation(array.storage); !memory.empty()) {
    lines.push_back(
        fmt::format("#pragma HLS INTERFACE ap_memory port={} storage_type=ram_2p storage_impl={}",
                    port.name, memory));
  }
  for (std::string& line : layout_pragmas(array, port.name)) lines.push_back(std::move(line));
  return lines;
}

}  // namespace heddle::kernel::hls
