#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "base/error.h"
#include "kernel/machine.h"
#include "kernel/mishap.h"

namespace heddle::kernel {
namespace {

/// Local arrays are meant to lie on a chip.
constexpr std::int64_t kMostLocalBytes = std::int64_t{1} << 32;
constexpr std::int64_t kMostChannels = std::int64_t{1} << 20;

/// Row-major strides; the number of elements.
std::int64_t lay_out(Dimension* dimensions, std::size_t rank) {
  std::int64_t stride = 1;
  for (std::size_t d = rank; d-- > 0;) {
    dimensions[d].stride = stride;
    dimensions[d].axis = static_cast<std::int32_t>(d);
    stride *= dimensions[d].extent;
  }
  return stride;
}

View whole(Memory& memory, Dimension* dimensions) {
  for (std::size_t d = 0; d < memory.shape.size(); ++d) dimensions[d].extent = memory.shape[d];
  lay_out(dimensions, memory.shape.size());
  return {memory.data, memory.written.empty() ? nullptr : memory.written.data(), 0, dimensions,
          &memory};
}

void mark_all(Memory& memory, bool is_written) {
  // At least a word, so that even an array without elements is one that keeps track.
  memory.written.assign(static_cast<std::size_t>(memory.size / 64 + 1),
                        is_written ? ~std::uint64_t{0} : 0);
}

/// Calls `visit` with each element of a view (its number in the memory), row-major.
template <typename Visit>
void for_each_element(const View& view, std::size_t rank, std::int64_t offset, std::size_t d,
                      const Visit& visit) {
  if (d == rank) return visit(offset);
  for (std::int64_t i = 0; i < view.dimensions[d].extent; ++i) {
    for_each_element(view, rank, offset + i * view.dimensions[d].stride, d + 1, visit);
  }
}

/// What a view covers of each axis of its memory.
struct Span {
  std::int64_t first = 0;
  std::int64_t count = 1;
};
std::vector<Span> spans(const View& view, std::size_t rank) {
  std::vector<Span> result(view.memory->shape.size());
  std::int64_t rest = view.offset;
  for (std::size_t axis = result.size(); axis-- > 0;) {
    const std::int64_t extent = std::max<std::int64_t>(1, view.memory->shape[axis]);
    result[axis].first = rest % extent;
    rest /= extent;
  }
  for (std::size_t d = 0; d < rank; ++d) {
    result[view.dimensions[d].axis].count = view.dimensions[d].extent;
  }
  return result;
}

bool overlap(const View& a, std::size_t a_rank, const View& b, std::size_t b_rank) {
  if (a.data != b.data) return false;
  const std::vector<Span> x = spans(a, a_rank);
  const std::vector<Span> y = spans(b, b_rank);
  for (std::size_t axis = 0; axis < x.size() && axis < y.size(); ++axis) {
    if (x[axis].first + x[axis].count <= y[axis].first) return false;
    if (y[axis].first + y[axis].count <= x[axis].first) return false;
    if (x[axis].count <= 0 || y[axis].count <= 0) return false;
  }
  return true;
}

/// Whether an array parameter may share elements with another one.
bool overlaps_another(const Frame& frame, std::int32_t array) {
  const auto rank = [&](std::int32_t place) {
    return frame.code->arrays[place].declaration->shape.size();
  };
  const std::vector<Parameter>& parameters = frame.code->kernel->parameters;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::int32_t place = frame.code->parameters[i];
    if (!std::holds_alternative<ArrayParameter>(parameters[i]) || place == array) continue;
    if (overlap(frame.views[array], rank(array), frame.views[place], rank(place))) return true;
  }
  return false;
}

void write_table(Memory& memory, const std::vector<Register>& table) {
  const Type& type = memory.declaration->element;
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::byte* to = memory.data + i * static_cast<std::size_t>(type.bytes());
    // As Buffer lays it out: the lowest bytes of the number; a bfloat16 is the upper half of a
    // float.
    std::uint64_t bits = type.is_float()   ? std::bit_cast<std::uint32_t>(table[i].real)
                         : is_narrow(type) ? static_cast<std::uint64_t>(table[i].word)
                                           : static_cast<std::uint64_t>(table[i].wide);
    if (type.kind == TypeKind::kBFloat16) bits >>= 16;
    std::memcpy(to, &bits, static_cast<std::size_t>(type.bytes()));
  }
}

/// The extents that an instruction names.
std::vector<std::int64_t> extents_of(const Process& process, std::int32_t at) {
  const Frame& frame = *process.frames.back();
  const Instruction& instruction = frame.code->instructions[at];
  std::vector<std::int64_t> extents;
  for (std::int32_t d = 0; d < instruction.rank; ++d) {
    const std::int64_t extent = frame.registers()[frame.code->operands[instruction.b + d]].word;
    if (extent < 0) {
      fail(process, at, fmt::format("dimension {} has the extent {}", d, extent),
           "give sizes of at least 0");
    }
    extents.push_back(extent);
  }
  return extents;
}

/// The product of extents, or `most` + 1 if it is more than that.
std::int64_t count_of(const std::vector<std::int64_t>& extents, std::int64_t most) {
  std::int64_t count = 1;
  for (const std::int64_t extent : extents) {
    if (extent > 0 && count > most / extent)
      count = most + 1;
    else
      count *= extent;
    if (extent == 0) return 0;
  }
  return count;
}

}  // namespace

std::unique_ptr<Frame> Machine::new_frame(const Code& code) {
  std::vector<std::unique_ptr<Frame>>& spare = spare_frames_[code.number];
  if (!spare.empty()) {
    std::unique_ptr<Frame> frame = std::move(spare.back());
    spare.pop_back();
    frame->next = 0;
    return frame;
  }
  auto frame = std::make_unique<Frame>();
  frame->code = &code;
  frame->file.assign(code.constants.rbegin(), code.constants.rend());
  frame->file.resize(code.constants.size() + static_cast<std::size_t>(code.registers), Register{});
  frame->views.resize(code.arrays.size());
  frame->dimensions.resize(static_cast<std::size_t>(code.dimensions));
  frame->memories.resize(code.arrays.size());
  frame->streams.resize(code.streams.size());
  frame->own_streams.resize(code.streams.size());
  return frame;
}

void Machine::bind(Frame& frame, std::span<const Argument> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::int32_t place = frame.code->parameters[i];
    const auto* parameter = std::get_if<ArrayParameter>(&frame.code->kernel->parameters[i]);
    if (parameter == nullptr) {
      frame.registers()[place] = unboxed(std::get<Scalar>(arguments[i]));
      continue;
    }
    Buffer& buffer = *std::get<Buffer*>(arguments[i]);
    Memory& memory = *arguments_.emplace_back(std::make_unique<Memory>());
    memory.declaration = &parameter->array;
    memory.shape = buffer.shape();
    memory.size = buffer.size();
    memory.data = buffer.data();
    // An inout has all its values, but a callee that it is lent to as an out finds it without.
    if (parameter->direction != Direction::kIn) {
      mark_all(memory, parameter->direction == Direction::kInOut);
    }
    frame.views[place] =
        whole(memory, frame.dimensions.data() + frame.code->arrays[place].first_dimension);
  }
}

void Machine::call(Process& process, const CallSite& site, std::int32_t at) {
  Frame& from = *process.frames.back();
  from.next = at + 1;
  std::unique_ptr<Frame> to = new_frame(*program_.codes[site.callee]);
  for (const CallArgument& argument : site.arguments) {
    switch (argument.kind) {
      case CallArgument::Kind::kScalar:
        to->registers()[argument.to] = from.registers()[argument.from];
        break;
      case CallArgument::Kind::kWindow:
        pass_window(process, at, argument, from, *to);
        break;
      case CallArgument::Kind::kStream: {
        StreamView view = from.streams[argument.from];
        for (std::int32_t d = 0; d < argument.rank; ++d) {
          const std::int64_t index =
              from.registers()[from.code->operands[argument.indices + d]].word;
          const Dimension& dimension = view.dimensions[d];
          if (index < 0 || index >= dimension.extent) {
            fail(process, at,
                 fmt::format("channel index {} of stream {} is {}, its extent {}", d,
                             from.code->streams[argument.from]->name, index, dimension.extent),
                 "name a channel that the stream has");
          }
          view.first += index * dimension.stride;
        }
        if (argument.rank > 0) view.rank = 0;
        to->streams[argument.to] = view;
        break;
      }
    }
  }
  process.frames.push_back(std::move(to));
}

void Machine::pass_window(const Process& process, std::int32_t at, const CallArgument& argument,
                          const Frame& from, Frame& to) {
  const View& outer = from.views[argument.from];
  View view = outer;
  view.dimensions = to.dimensions.data() + to.code->arrays[argument.to].first_dimension;
  Dimension* next = view.dimensions;
  for (std::int32_t d = 0; d < argument.rank; ++d) {
    const std::int64_t base = from.registers()[from.code->operands[argument.indices + d]].word;
    const Dimension& dimension = outer.dimensions[d];
    const bool is_spanned = argument.spanned[d];
    if (base < 0 || base > dimension.extent || (!is_spanned && base == dimension.extent)) {
      fail(process, at,
           fmt::format("the window of {} begins at {} in dimension {}, whose extent is {}",
                       from.code->arrays[argument.from].declaration->name, base, d,
                       dimension.extent),
           "let windows lie inside of their arrays");
    }
    view.offset += base * dimension.stride;
    if (is_spanned) *next++ = {dimension.extent - base, dimension.stride, dimension.axis};
  }
  to.views[argument.to] = view;
}

void Machine::fit_window(Process& process, std::int32_t at) {
  Frame& frame = *process.frames.back();
  const Instruction& instruction = frame.code->instructions[at];
  const View& view = frame.views[instruction.a];
  const std::vector<std::int64_t> wanted = extents_of(process, at);
  for (std::size_t d = 0; d < wanted.size(); ++d) {
    if (wanted[d] > view.dimensions[d].extent) {
      fail(
          process, at,
          fmt::format("{} of {} needs {} elements of {} in dimension {}, and there are {}",
                      frame.code->arrays[instruction.a].declaration->name, frame.code->kernel->name,
                      wanted[d], view.memory->declaration->name, d, view.dimensions[d].extent),
          "let windows lie inside of their arrays");
    }
    view.dimensions[d].extent = wanted[d];
  }
  const bool is_launched = process.parent == nullptr && process.frames.size() == 1;
  if (instruction.c == 0 || is_launched || overlaps_another(frame, instruction.a)) return;
  Forgotten forgotten{instruction.a, {}};
  bool had_values = false;
  for_each_element(view, wanted.size(), view.offset, 0, [&](std::int64_t element) {
    std::uint64_t& word = view.written[element >> 6];
    const std::uint64_t bit = std::uint64_t{1} << (element & 63);
    forgotten.former.push_back((word & bit) != 0);
    had_values |= (word & bit) != 0;
    word &= ~bit;
  });
  if (had_values) frame.forgotten.push_back(std::move(forgotten));
}

void Machine::leave(Process& process) {
  std::unique_ptr<Frame> frame = std::move(process.frames.back());
  process.frames.pop_back();
  for (const Forgotten& forgotten : frame->forgotten) {
    const View& view = frame->views[forgotten.array];
    const std::size_t rank = frame->code->arrays[forgotten.array].declaration->shape.size();
    std::size_t next = 0;
    for_each_element(view, rank, view.offset, 0, [&](std::int64_t element) {
      if (forgotten.former[next++]) {
        view.written[element >> 6] |= std::uint64_t{1} << (element & 63);
      }
    });
  }
  frame->forgotten.clear();
  spare_frames_[frame->code->number].push_back(std::move(frame));
}

void Machine::fit_channels(Process& process, std::int32_t at) {
  const Frame& frame = *process.frames.back();
  const Instruction& instruction = frame.code->instructions[at];
  const StreamView& view = frame.streams[instruction.a];
  const std::vector<std::int64_t> wanted = extents_of(process, at);
  for (std::size_t d = 0; d < wanted.size(); ++d) {
    if (wanted[d] == view.dimensions[d].extent) continue;
    fail(process, at,
         fmt::format("stream {} has {} channels in dimension {}, but it is given {}, which has {}",
                     frame.code->streams[instruction.a]->name, wanted[d], d,
                     view.state->declaration->name, view.dimensions[d].extent),
         "give a stream with as many channels");
  }
}

void Machine::refuse_overlaps(const Process& process, std::int32_t at) {
  const Frame& frame = *process.frames.back();
  const Code& code = *frame.code;
  const auto written = [&](std::size_t i) -> const ArrayParameter* {
    const auto* array = std::get_if<ArrayParameter>(&code.kernel->parameters[i]);
    return array != nullptr && array->direction != Direction::kIn ? array : nullptr;
  };
  for (std::size_t i = 0; i < code.parameters.size(); ++i) {
    if (written(i) == nullptr) continue;
    const Array& x = written(i)->array;
    const View& a = frame.views[code.parameters[i]];
    for (std::size_t j = i + 1; j < code.parameters.size(); ++j) {
      if (written(j) == nullptr) continue;
      const Array& y = written(j)->array;
      const View& b = frame.views[code.parameters[j]];
      if (!overlap(a, x.shape.size(), b, y.shape.size())) continue;
      fail(process, at,
           fmt::format("the arguments {} and {}, which are written, share elements of {}", x.name,
                       y.name, a.memory->declaration->name),
           "give windows that do not overlap, or copy one of them first");
    }
  }
}

void Machine::declare_array(Process& process, std::int32_t at) {
  Frame& frame = *process.frames.back();
  const Instruction& instruction = frame.code->instructions[at];
  const ArrayPlace& place = frame.code->arrays[instruction.a];
  std::unique_ptr<Memory>& kept = frame.memories[instruction.a];
  const bool is_new = kept == nullptr;
  if (is_new) {
    kept = std::make_unique<Memory>();
    kept->declaration = place.declaration;
    kept->ported = options_.check_ports && has_ports(*place.declaration);
  }
  Memory& memory = *kept;
  memory.generation = ++generations_;
  if (instruction.rank > 0) memory.shape = extents_of(process, at);
  const std::int64_t element = place.declaration->element.bytes();
  const std::int64_t most = kMostLocalBytes / element;
  memory.size = count_of(memory.shape, most);
  if (memory.size > most) {
    fail(process, at,
         fmt::format("local array {} has more than {} bytes", place.declaration->name,
                     kMostLocalBytes),
         "use smaller sizes, or make it an argument");
  }
  if (is_new || memory.size * element > memory.capacity) {
    memory.capacity = memory.size * element;
    memory.own = std::make_unique_for_overwrite<std::byte[]>(
        static_cast<std::size_t>(std::max<std::int64_t>(1, memory.capacity)));
    memory.data = memory.own.get();
    write_table(memory, place.table);
  }
  if (place.table.empty()) mark_all(memory, false);
  frame.views[instruction.a] = whole(memory, frame.dimensions.data() + place.first_dimension);
}

void Machine::declare_stream(Process& process, std::int32_t at) {
  Frame& frame = *process.frames.back();
  const Instruction& instruction = frame.code->instructions[at];
  std::unique_ptr<StreamState>& kept = frame.own_streams[instruction.a];
  if (kept == nullptr) kept = std::make_unique<StreamState>();
  StreamState& stream = *kept;
  const Stream& declaration = *frame.code->streams[instruction.a];
  const std::vector<std::int64_t> extents = extents_of(process, at);
  const std::int64_t count = count_of(extents, kMostChannels);
  if (count > kMostChannels) {
    fail(process, at, fmt::format("stream {} has too many channels", declaration.name),
         fmt::format("use at most {}", kMostChannels));
  }
  stream.declaration = &declaration;
  const auto deepened = deepened_.find(&declaration);
  stream.depth = deepened != deepened_.end() ? deepened->second : declaration.depth;
  stream.dimensions.resize(extents.size());
  for (std::size_t d = 0; d < extents.size(); ++d) stream.dimensions[d].extent = extents[d];
  lay_out(stream.dimensions.data(), extents.size());
  stream.channels.clear();
  stream.channels.resize(static_cast<std::size_t>(count));
  stream.peak = 0;
  frame.streams[instruction.a] = {&stream, 0, stream.dimensions.data(), instruction.rank};
}

void Machine::end_stream(const Process& process, std::int32_t at) {
  const Frame& frame = *process.frames.back();
  const StreamState& stream = *frame.streams[frame.code->instructions[at].a].state;
  std::int64_t& peak = report_.peak_fill[stream.declaration->name];
  peak = std::max(peak, stream.peak);
  for (std::size_t i = 0; i < stream.channels.size(); ++i) {
    const Channel& channel = stream.channels[i];
    if (channel.fill == 0) continue;
    fail(process, at,
         fmt::format("{} element{} of stream {} {} put and never taken ({} put, {} taken)",
                     channel.fill, channel.fill == 1 ? "" : "s",
                     channel_name(stream, static_cast<std::int64_t>(i)),
                     channel.fill == 1 ? "was" : "were", channel.puts, channel.gets),
         "take as many elements as are put");
  }
}

}  // namespace heddle::kernel
