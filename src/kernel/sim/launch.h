// What a simulation and the compiled model say to each other. The text of this file is compiled
// with both, so it stands by itself.
#pragma once

#include <cstdint>

namespace heddle::kernel::sim {

/// The widest word of an array, in bytes.
constexpr std::uint32_t kWordBytes = 128;

/// An array argument in memory.
struct Channel {
  std::uint8_t* data = nullptr;
  std::uint64_t elements = 0;
  std::uint32_t bytes = 0;  ///< of an element
  std::uint32_t lanes = 1;  ///< elements of a word
};

/// Where a model keeps the ports of an array (codegen/rtl/module_text.h), low byte first; null: it
/// has no such port.
struct Pins {
  std::uint8_t* read_valid = nullptr;
  std::uint8_t* read_ready = nullptr;
  std::uint8_t* read_index = nullptr;
  std::uint8_t* data_valid = nullptr;
  std::uint8_t* data_ready = nullptr;
  std::uint8_t* data = nullptr;
  std::uint8_t* write_valid = nullptr;
  std::uint8_t* write_ready = nullptr;
  std::uint8_t* write_index = nullptr;
  std::uint8_t* write_value = nullptr;
  std::uint8_t* write_enable = nullptr;
  std::uint8_t* written = nullptr;
};

struct Launch {
  std::uint32_t kernel = 0;
  std::uint32_t first_scalar = 0;
  std::uint32_t scalars = 0;
  std::uint32_t first_channel = 0;
  std::uint32_t channels = 0;
  const std::uint64_t* scalar = nullptr;
  Channel* channel = nullptr;
  std::uint32_t read_cycles = 0;
  std::uint32_t write_cycles = 0;
  /// In how many of 256 cycles a handshake is held back, at random; memory then takes its time too.
  std::uint32_t stalls = 0;
  std::uint64_t seed = 0;
  std::uint64_t limit = 0;  ///< of cycles
  const char* trace = nullptr;
  // What came out.
  std::uint64_t cycles = 0;
  std::uint64_t stalled = 0;  ///< cycles in which the core's clock enable was low
  std::uint64_t read_elements = 0;
  std::uint64_t written_elements = 0;
  std::uint32_t wrong_channel = 0;  ///< of an access outside of its array
  std::uint64_t wrong_index = 0;    ///< of an element
};

enum class End : std::uint8_t {
  kDone,
  kLimit,
  kOutside,     ///< an access outside of its array
  kUnfinished,  ///< done before all accesses were
  kEmptyWrite,  ///< a write of no element
  kNotIdle,     ///< something happened before start or after done
};

using RunModel = End (*)(Launch*);

// A model that is driven from outside (open_harness.cpp.txt).
using OpenModel = void* (*)(const char* trace);
/// Where the model keeps a port, low byte first; null: there is none of that name.
using FindPin = std::uint8_t* (*)(void* model, const char* name);
using EvaluateModel = void (*)(void* model);
using CloseModel = void (*)(void* model);

}  // namespace heddle::kernel::sim
