// What the interpreter's machine keeps: arrays, streams, calls and processes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/ports.h"
#include "kernel/program.h"

namespace heddle::kernel {

/// An array's elements and which of them have a value.
struct Memory {
  const Array* declaration = nullptr;
  std::vector<std::int64_t> shape;
  std::int64_t size = 0;
  std::byte* data = nullptr;
  std::unique_ptr<std::byte[]> own;  ///< of a local array: where data points
  std::int64_t capacity = 0;         ///< of `own`, in bytes
  /// A bit for each element; empty for what always has values: inputs and tables.
  std::vector<std::uint64_t> written;
  bool ported = false;           ///< the port check looks at it
  std::uint64_t generation = 0;  ///< a number of its own for each time it is declared

  [[nodiscard]] bool is_written(std::int64_t element) const {
    return written.empty() || ((written[element >> 6] >> (element & 63)) & 1) != 0;
  }
};

struct Dimension {
  std::int64_t extent = 0;
  std::int64_t stride = 0;  ///< in elements of the memory
  std::int32_t axis = 0;    ///< of the memory
};

/// An array as a kernel sees it: a window of a memory.
struct View {
  std::byte* data = nullptr;         ///< of the memory's first element
  std::uint64_t* written = nullptr;  ///< null: all
  std::int64_t offset = 0;
  Dimension* dimensions = nullptr;
  Memory* memory = nullptr;
};

struct Process;

/// A process as others remember it when it is gone.
struct Identity {
  std::string name;
  bool ended = false;
};

struct Channel {
  std::vector<Register> ring;  ///< grows to the stream's depth as it is needed
  std::size_t head = 0;
  std::int64_t fill = 0;
  std::int64_t puts = 0;
  std::int64_t gets = 0;
  std::shared_ptr<const Identity> writer;  ///< the last one
  Process* waiting = nullptr;              ///< a list of processes, see Process::next_waiting
};

struct StreamState {
  const Stream* declaration = nullptr;
  std::int64_t depth = 0;
  std::vector<Dimension> dimensions;  ///< of the channels, row-major
  std::vector<Channel> channels;
  std::int64_t peak = 0;
};

/// A stream as a kernel sees it: all its channels, or one.
struct StreamView {
  StreamState* state = nullptr;
  std::int64_t first = 0;
  const Dimension* dimensions = nullptr;
  std::int32_t rank = 0;
};

/// A window that a callee finds without values; what it does not write then has its former value.
/// (A window that overlaps another argument keeps its values: they can be read through the other.)
struct Forgotten {
  std::int32_t array = 0;
  std::vector<bool> former;
};

/// One call of a kernel.
struct Frame {
  const Code* code = nullptr;
  std::vector<Register> file;  ///< constants, the last one first, then registers
  std::vector<View> views;
  std::vector<Dimension> dimensions;
  std::vector<std::unique_ptr<Memory>> memories;  ///< of the arrays that it declares
  std::vector<StreamView> streams;
  std::vector<std::unique_ptr<StreamState>> own_streams;
  std::vector<Forgotten> forgotten;
  std::int32_t next = 0;  ///< where to go on, while it calls or waits

  [[nodiscard]] Register* registers() { return file.data() + code->constants.size(); }
  [[nodiscard]] const Register* registers() const { return file.data() + code->constants.size(); }
};

/// A Dataflow that is running.
struct RunningRegion {
  std::vector<std::unique_ptr<Process>> processes;
  std::vector<std::int64_t> running;  ///< instances of each process of the plan that have not ended
  std::int64_t all_running = 0;
};

struct OpenPipeline {
  const Pipeline* plan = nullptr;
  PortCounter ports;
};

/// One thread of control: the kernel itself, or a process of a Dataflow.
struct Process {
  enum class State : std::uint8_t { kReady, kPutting, kGetting, kAwaitingWriters, kAwaitingRegion };
  State state = State::kReady;
  std::shared_ptr<Identity> identity;
  Process* parent = nullptr;
  std::int32_t number = 0;  ///< in its region's plan
  /// Calls, the outermost first; a process starts with a copy of the frame that its Dataflow is in.
  std::vector<std::unique_ptr<Frame>> frames;
  std::unique_ptr<RunningRegion> region;  ///< the Dataflow that it is in the middle of
  const RegionPlan* plan = nullptr;       ///< of `region`
  std::vector<OpenPipeline> pipelines;
  // While it waits for a channel.
  StreamState* stream = nullptr;
  std::int64_t channel = 0;
  Process* next_waiting = nullptr;
};

}  // namespace heddle::kernel
