#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/interrupt.h"
#include "kernel/machine.h"
#include "kernel/mishap.h"

namespace heddle::kernel {
namespace {

/// Loops that execute no statement are stopped by the limit too, this many iterations for each.
constexpr std::uint64_t kIterationsPerStatement = 64;

// Narrow arithmetic. Where a sum or product may leave int64 is known to the translator.

std::int64_t remainder(std::int64_t a, std::int64_t b) {
  return b == -1 ? 0 : a % b;  // The processor faults on the lowest int64 % -1.
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

std::int64_t floor_remainder(std::int64_t a, std::int64_t b) {
  return a % b + (a % b < 0 ? b : 0);
}

std::int64_t round_off(std::int64_t a, int drop, Rounding rounding) {
  const std::int64_t kept = a >> drop;
  const std::int64_t rest = a - (kept << drop);
  if (rest == 0) return kept;
  const std::int64_t half = std::int64_t{1} << (drop - 1);
  const bool is_tie = rest == half;
  bool up = rest > half;
  switch (rounding) {
    case Rounding::kTruncate:
      return kept;
    case Rounding::kTruncateZero:
      return kept + (a < 0 ? 1 : 0);
    case Rounding::kNearest:
      up |= is_tie;
      break;
    case Rounding::kNearestZero:
      up |= is_tie && a < 0;
      break;
    case Rounding::kNearestNegative:
      break;
    case Rounding::kNearestInfinity:
      up |= is_tie && a > 0;
      break;
    case Rounding::kNearestEven:
      up |= is_tie && (kept & 1) != 0;
      break;
  }
  return kept + (up ? 1 : 0);
}

std::int64_t float_to_word(float value, float scale, std::int64_t of_nan, Rounding rounding) {
  if (std::isnan(value)) return of_nan;
  // A double holds the product of a float and a power of two.
  const double scaled = double{value} * double{scale};
  const double whole = rounding == Rounding::kTruncate       ? std::floor(scaled)
                       : rounding == Rounding::kTruncateZero ? std::trunc(scaled)
                                                             : std::nearbyint(scaled);
  constexpr double kLimit = 0x1p61;
  return static_cast<std::int64_t>(std::clamp(whole, -kLimit, kLimit));
}

// Arrays.

/// The element (its number in the memory) that an instruction accesses, or -1 if it is outside.
[[gnu::always_inline]] inline std::int64_t locate(const Dimension* dimensions, std::int64_t offset,
                                                  const Instruction& n,
                                                  const std::int32_t* operands, const Register* r) {
  for (std::int32_t d = 0; d < n.rank; ++d) {
    const std::int64_t index = r[operands[n.b + d]].word;
    if (static_cast<std::uint64_t>(index) >= static_cast<std::uint64_t>(dimensions[d].extent)) {
      return -1;
    }
    offset += index * dimensions[d].stride;
  }
  return offset;
}

template <typename Stored>
Stored read(const View& view, std::int64_t element) {
  Stored value;
  std::memcpy(&value, view.data + element * static_cast<std::int64_t>(sizeof value), sizeof value);
  return value;
}

template <typename Stored>
void write(const View& view, std::int64_t element, Stored value) {
  std::memcpy(view.data + element * static_cast<std::int64_t>(sizeof value), &value, sizeof value);
}

bool has_value(const View& view, std::int64_t element) {
  return view.written == nullptr || ((view.written[element >> 6] >> (element & 63)) & 1) != 0;
}

void give_value(const View& view, std::int64_t element) {
  if (view.written != nullptr) view.written[element >> 6] |= std::uint64_t{1} << (element & 63);
}

}  // namespace

void Machine::fail_limit(const Process& process, std::int32_t at) const {
  fail(process, at, fmt::format("more than {} statements were executed", limit_),
       "use smaller sizes, or raise the limit");
}

void Machine::check_iterations(const Process& process, std::int32_t at) {
  check_interrupt();
  fuel_ = kFuel;
  iterations_ += kFuel;
  if (iterations_ / kIterationsPerStatement > limit_) fail_limit(process, at);
}

void Machine::touch(Process& process, const Memory& memory, std::int64_t element) {
  if (process.pipelines.empty() || !memory.ported) return;
  process.pipelines.back().ports.touch(*memory.declaration, memory.generation,
                                       word_of(*memory.declaration, memory.shape, element));
}

void Machine::put(Process& process, StreamState& stream, std::int64_t number,
                  const Register& value) {
  Channel& channel = stream.channels[number];
  const auto size = static_cast<std::int64_t>(channel.ring.size());
  if (channel.fill == size) {
    std::rotate(channel.ring.begin(), channel.ring.begin() + channel.head, channel.ring.end());
    channel.head = 0;
    channel.ring.resize(
        static_cast<std::size_t>(std::min(stream.depth, std::max<std::int64_t>(4, 2 * size))));
  }
  channel.ring[(channel.head + channel.fill) % channel.ring.size()] = value;
  ++channel.fill;
  ++channel.puts;
  stream.peak = std::max(stream.peak, channel.fill);
  if (channel.writer != process.identity) channel.writer = process.identity;
  wake(channel);
}

void Machine::get(StreamState& stream, std::int64_t number, Register& value) {
  Channel& channel = stream.channels[number];
  value = channel.ring[channel.head];
  channel.head = (channel.head + 1) % channel.ring.size();
  --channel.fill;
  ++channel.gets;
  wake(channel);
}

// One instruction after the other: a single long switch, which is what makes it fast.
void Machine::execute(Process& process) {
  Frame* frame = nullptr;
  const Code* code = nullptr;
  const std::int32_t* operands = nullptr;
  const View* views = nullptr;
  Register* r = nullptr;
  const Instruction* start = nullptr;
  const Instruction* i = nullptr;
  const auto resume = [&] {
    frame = process.frames.back().get();
    code = frame->code;
    operands = code->operands.data();
    views = frame->views.data();
    r = frame->registers();
    start = code->instructions.data();
    i = start + frame->next;
  };
  const auto here = [&] { return static_cast<std::int32_t>(i - start); };
  const auto fault = [&](Fault reason) { fail_arithmetic(process, here(), reason); };
  const auto find = [&] {
    const View& view = views[i->a];
    const std::int64_t element = locate(view.dimensions, view.offset, *i, operands, r);
    if (element < 0) fail_subscript(process, here());
    return element;
  };
  const auto find_value = [&] {
    const std::int64_t element = find();
    if (!has_value(views[i->a], element)) fail_unwritten(process, here());
    return element;
  };
  const auto stored = [&](std::int64_t element) {
    give_value(views[i->a], element);
    count_statement(process, here());
  };
  const auto find_channel = [&] {
    const StreamView& view = frame->streams[i->a];
    const std::int64_t channel = locate(view.dimensions, view.first, *i, operands, r);
    if (channel < 0) fail_subscript(process, here());
    return channel;
  };

  resume();
  for (;; ++i) {
    const Instruction& n = *i;
    switch (n.op) {
      case Opcode::kMove:
        r[n.to] = r[n.a];
        break;

      case Opcode::kAdd:
        r[n.to].word = r[n.a].word + r[n.b].word;
        break;
      case Opcode::kSub:
        r[n.to].word = r[n.a].word - r[n.b].word;
        break;
      case Opcode::kMul:
        r[n.to].word = r[n.a].word * r[n.b].word;
        break;
      case Opcode::kDiv:
        if (r[n.b].word == 0) fault(Fault::kDivideByZero);
        r[n.to].word = r[n.a].word / r[n.b].word;
        break;
      case Opcode::kMod:
        if (r[n.b].word == 0) fault(Fault::kDivideByZero);
        r[n.to].word = remainder(r[n.a].word, r[n.b].word);
        break;
      case Opcode::kMin:
        r[n.to].word = std::min(r[n.a].word, r[n.b].word);
        break;
      case Opcode::kMax:
        r[n.to].word = std::max(r[n.a].word, r[n.b].word);
        break;
      case Opcode::kAnd:
        r[n.to].word = r[n.a].word & r[n.b].word;
        break;
      case Opcode::kOr:
        r[n.to].word = r[n.a].word | r[n.b].word;
        break;
      case Opcode::kXor:
        r[n.to].word = r[n.a].word ^ r[n.b].word;
        break;
      case Opcode::kShl:
        r[n.to].word =
            static_cast<std::int64_t>(static_cast<std::uint64_t>(r[n.a].word) << r[n.b].word);
        break;
      case Opcode::kShr:
        if (r[n.b].word < 0) fault(Fault::kShift);
        r[n.to].word = r[n.a].word >> std::min<std::int64_t>(r[n.b].word, 63);
        break;
      case Opcode::kNegate:
        r[n.to].word = -r[n.a].word;
        break;
      case Opcode::kAbs:
        r[n.to].word = std::abs(r[n.a].word);
        break;
      case Opcode::kEq:
        r[n.to].word = r[n.a].word == r[n.b].word ? 1 : 0;
        break;
      case Opcode::kNe:
        r[n.to].word = r[n.a].word != r[n.b].word ? 1 : 0;
        break;
      case Opcode::kLt:
        r[n.to].word = r[n.a].word < r[n.b].word ? 1 : 0;
        break;
      case Opcode::kLe:
        r[n.to].word = r[n.a].word <= r[n.b].word ? 1 : 0;
        break;
      case Opcode::kGt:
        r[n.to].word = r[n.a].word > r[n.b].word ? 1 : 0;
        break;
      case Opcode::kGe:
        r[n.to].word = r[n.a].word >= r[n.b].word ? 1 : 0;
        break;

      case Opcode::kIndexAdd: {
        std::int64_t sum = 0;
        if (__builtin_add_overflow(r[n.a].word, r[n.b].word, &sum)) fault(Fault::kOverflow);
        r[n.to].word = sum;
        break;
      }
      case Opcode::kIndexSub: {
        std::int64_t difference = 0;
        if (__builtin_sub_overflow(r[n.a].word, r[n.b].word, &difference)) fault(Fault::kOverflow);
        r[n.to].word = difference;
        break;
      }
      case Opcode::kIndexMul: {
        std::int64_t product = 0;
        if (__builtin_mul_overflow(r[n.a].word, r[n.b].word, &product)) fault(Fault::kOverflow);
        r[n.to].word = product;
        break;
      }
      case Opcode::kIndexDiv:
      case Opcode::kIndexMod: {
        const std::int64_t divisor = r[n.b].word;
        if (divisor <= 0) fault(divisor == 0 ? Fault::kDivideByZero : Fault::kNotPositive);
        r[n.to].word = n.op == Opcode::kIndexDiv ? floor_divide(r[n.a].word, divisor)
                                                 : floor_remainder(r[n.a].word, divisor);
        break;
      }

      case Opcode::kFloatAdd:
        r[n.to].real = r[n.a].real + r[n.b].real;
        break;
      case Opcode::kFloatSub:
        r[n.to].real = r[n.a].real - r[n.b].real;
        break;
      case Opcode::kFloatMul:
        r[n.to].real = r[n.a].real * r[n.b].real;
        break;
      case Opcode::kFloatDiv:
        r[n.to].real = r[n.a].real / r[n.b].real;
        break;
      case Opcode::kFloatMin:
        r[n.to].real = r[n.b].real < r[n.a].real ? r[n.b].real : r[n.a].real;
        break;
      case Opcode::kFloatMax:
        r[n.to].real = r[n.a].real < r[n.b].real ? r[n.b].real : r[n.a].real;
        break;
      case Opcode::kFloatEq:
        r[n.to].word = r[n.a].real == r[n.b].real ? 1 : 0;
        break;
      case Opcode::kFloatNe:
        r[n.to].word = r[n.a].real != r[n.b].real ? 1 : 0;
        break;
      case Opcode::kFloatLt:
        r[n.to].word = r[n.a].real < r[n.b].real ? 1 : 0;
        break;
      case Opcode::kFloatLe:
        r[n.to].word = r[n.a].real <= r[n.b].real ? 1 : 0;
        break;
      case Opcode::kFloatGt:
        r[n.to].word = r[n.a].real > r[n.b].real ? 1 : 0;
        break;
      case Opcode::kFloatGe:
        r[n.to].word = r[n.a].real >= r[n.b].real ? 1 : 0;
        break;
      case Opcode::kFloatNegate:
        r[n.to].real = -r[n.a].real;
        break;
      case Opcode::kFloatAbs:
        r[n.to].real = std::fabs(r[n.a].real);
        break;
      case Opcode::kFloatSqrt:
        r[n.to].real = std::sqrt(r[n.a].real);
        break;
      case Opcode::kFloatFloor:
        r[n.to].real = std::floor(r[n.a].real);
        break;
      case Opcode::kFloatRound:
        r[n.to].real = std::nearbyint(r[n.a].real);
        break;
      case Opcode::kRoundToBFloat16:
        r[n.to].real = round_to_bfloat16(r[n.a].real);
        break;

      case Opcode::kRoundOff:
        r[n.to].word = round_off(r[n.a].word, n.rank, static_cast<Rounding>(n.mode));
        break;
      case Opcode::kCheckRange:
        if (r[n.a].word < r[n.b].word || r[n.a].word > r[n.c].word) fault(Fault::kOverflow);
        r[n.to].word = r[n.a].word;
        break;
      case Opcode::kClamp:
        r[n.to].word = std::clamp(r[n.a].word, r[n.b].word, r[n.c].word);
        break;
      case Opcode::kZeroOutside:
        r[n.to].word = r[n.a].word < r[n.b].word || r[n.a].word > r[n.c].word ? 0 : r[n.a].word;
        break;
      case Opcode::kSignExtend:
        r[n.to].word =
            static_cast<std::int64_t>(static_cast<std::uint64_t>(r[n.a].word) << n.rank) >> n.rank;
        break;
      case Opcode::kWordToFloat:
        r[n.to].real = static_cast<float>(r[n.a].word);
        break;
      case Opcode::kFloatToWord:
        r[n.to].word =
            float_to_word(r[n.a].real, r[n.b].real, r[n.c].word, static_cast<Rounding>(n.mode));
        break;

      case Opcode::kUnary: {
        const General& general = code->generals[n.c];
        Fault reason = Fault::kNone;
        r[n.to] = unboxed(apply(general.unary, boxed(r[n.a], general.a), general.result, reason));
        if (reason != Fault::kNone) fault(reason);
        break;
      }
      case Opcode::kBinary: {
        const General& general = code->generals[n.c];
        Fault reason = Fault::kNone;
        r[n.to] = unboxed(apply(general.binary, boxed(r[n.a], general.a), boxed(r[n.b], general.b),
                                general.result, reason));
        if (reason != Fault::kNone) fault(reason);
        break;
      }
      case Opcode::kConvert: {
        const General& general = code->generals[n.c];
        Fault reason = Fault::kNone;
        r[n.to] = unboxed(convert(boxed(r[n.a], general.a), general.result, reason));
        if (reason != Fault::kNone) fault(reason);
        break;
      }
      case Opcode::kReinterpret: {
        const General& general = code->generals[n.c];
        r[n.to] = unboxed(reinterpret(boxed(r[n.a], general.a), general.result));
        break;
      }

      case Opcode::kLoadInt8:
        r[n.to].word = std::int64_t{read<std::int8_t>(views[n.a], find_value())};
        break;
      case Opcode::kLoadInt16:
        r[n.to].word = read<std::int16_t>(views[n.a], find_value());
        break;
      case Opcode::kLoadInt32:
        r[n.to].word = read<std::int32_t>(views[n.a], find_value());
        break;
      case Opcode::kLoadInt64:
        r[n.to].word = read<std::int64_t>(views[n.a], find_value());
        break;
      case Opcode::kLoadUInt8:
        r[n.to].word = read<std::uint8_t>(views[n.a], find_value());
        break;
      case Opcode::kLoadUInt16:
        r[n.to].word = read<std::uint16_t>(views[n.a], find_value());
        break;
      case Opcode::kLoadUInt32:
        r[n.to].word = read<std::uint32_t>(views[n.a], find_value());
        break;
      case Opcode::kLoadUInt64:
        r[n.to].wide = read<std::uint64_t>(views[n.a], find_value());
        break;
      case Opcode::kLoadFloat32:
        r[n.to].real = read<float>(views[n.a], find_value());
        break;
      case Opcode::kLoadBFloat16: {
        const std::uint32_t upper = read<std::uint16_t>(views[n.a], find_value());
        r[n.to].real = std::bit_cast<float>(upper << 16);
        break;
      }

      case Opcode::kStore8: {
        const std::int64_t element = find();
        write(views[n.a], element, static_cast<std::int8_t>(r[n.to].word));
        stored(element);
        break;
      }
      case Opcode::kStore16: {
        const std::int64_t element = find();
        write(views[n.a], element, static_cast<std::int16_t>(r[n.to].word));
        stored(element);
        break;
      }
      case Opcode::kStore32: {
        const std::int64_t element = find();
        write(views[n.a], element, static_cast<std::int32_t>(r[n.to].word));
        stored(element);
        break;
      }
      case Opcode::kStore64: {
        const std::int64_t element = find();
        write(views[n.a], element, r[n.to].word);
        stored(element);
        break;
      }
      case Opcode::kStoreWide: {
        const std::int64_t element = find();
        write(views[n.a], element, static_cast<std::uint64_t>(r[n.to].wide));
        stored(element);
        break;
      }
      case Opcode::kStoreFloat32: {
        const std::int64_t element = find();
        write(views[n.a], element, r[n.to].real);
        stored(element);
        break;
      }
      case Opcode::kStoreBFloat16: {
        const std::int64_t element = find();
        const auto upper = std::bit_cast<std::uint32_t>(r[n.to].real) >> 16;
        write(views[n.a], element, static_cast<std::uint16_t>(upper));
        stored(element);
        break;
      }

      case Opcode::kTouch:
        touch(process, *views[n.a].memory, find());
        break;
      case Opcode::kDeclareArray:
        declare_array(process, here());
        break;
      case Opcode::kFitWindow:
        fit_window(process, here());
        break;
      case Opcode::kRefuseOverlaps:
        refuse_overlaps(process, here());
        break;
      case Opcode::kDeclareStream:
        declare_stream(process, here());
        break;
      case Opcode::kEndStream:
        end_stream(process, here());
        break;
      case Opcode::kFitChannels:
        fit_channels(process, here());
        break;

      case Opcode::kPut: {
        StreamState& stream = *frame->streams[n.a].state;
        const std::int64_t channel = find_channel();
        if (stream.channels[channel].fill >= stream.depth) {
          frame->next = here();
          return wait_for_channel(process, Process::State::kPutting, stream, channel);
        }
        put(process, stream, channel, r[n.to]);
        count_statement(process, here());
        break;
      }
      case Opcode::kGet: {
        StreamState& stream = *frame->streams[n.a].state;
        const std::int64_t channel = find_channel();
        if (stream.channels[channel].fill == 0) {
          frame->next = here();
          return wait_for_channel(process, Process::State::kGetting, stream, channel);
        }
        get(stream, channel, r[n.to]);
        break;
      }

      case Opcode::kJump:
        i = start + n.c - 1;
        break;
      case Opcode::kJumpIfFalse:
        if (r[n.a].word == 0) i = start + n.c - 1;
        break;
      case Opcode::kJumpIfTrue:
        if (r[n.a].word != 0) i = start + n.c - 1;
        break;
      case Opcode::kLoopEnter:
        if (r[n.a].word >= r[n.b].word) i = start + n.c - 1;
        break;
      case Opcode::kLoopNext:
        if (--fuel_ == 0) check_iterations(process, here());
        if (++r[n.a].word < r[n.b].word) i = start + n.c - 1;
        break;
      case Opcode::kCall:
        call(process, code->calls[n.c], here());
        resume();
        --i;
        break;
      case Opcode::kReturn:
        if (process.frames.size() == 1) {
          process.identity->ended = true;
          return;
        }
        leave(process);
        resume();
        --i;
        break;

      case Opcode::kBeginRegion:
        begin_region(process, code->regions[n.c]);
        break;
      case Opcode::kSpawn:
        spawn(process, n.a, here() + 2);
        break;
      case Opcode::kWaitRegion:
        frame->next = here();
        if (!end_region(process)) return;
        break;
      case Opcode::kEndProcess:
        return end_process(process);

      case Opcode::kOpenPipeline:
        process.pipelines.push_back({&code->pipelines[n.c], {}});
        break;
      case Opcode::kEndIteration: {
        OpenPipeline& pipeline = process.pipelines.back();
        pipeline.ports.end_iteration(pipeline.plan->loop, pipeline.plan->interval,
                                     report_.conflicts);
        break;
      }
      case Opcode::kClosePipeline:
        process.pipelines.pop_back();
        break;
    }
  }
}

}  // namespace heddle::kernel
