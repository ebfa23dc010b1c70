// A board as data: what its FPGA holds, how its memories and its link answer, what a DSP can do.
//
// Boards are JSON files (docs/boards.md) in which every figure names its source.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "board/resources.h"

namespace heddle {

/// Memory chips of one kind, in channels that work beside each other.
struct BoardMemory {
  std::string name;
  std::string kind;  ///< "HBM2", "DDR4"
  std::int64_t channels = 0;
  std::int64_t channel_bytes = 0;
  std::int64_t port_bits = 0;  ///< of a channel's data bus at the fabric
  double peak_gb_s = 0;        ///< of a channel, 10^9 bytes a second
  std::optional<double> sustained_gb_s;
  std::optional<double> read_latency_ns;  ///< idle, from an address to its first data
};

struct Pcie {
  std::int64_t generation = 0;
  std::int64_t lanes = 0;
  double peak_gb_s = 0;  ///< in one direction
  std::optional<double> sustained_gb_s;
};

/// How many products of two types a DSP makes in a cycle of its clock.
struct DspRule {
  std::string weights;
  std::string activations;
  double products = 0;
};

/// A figure as its file gives it.
struct Figure {
  std::string path;             ///< "resources.lut"
  std::optional<double> value;  ///< none: not known; the note says why
  std::string unit;
  std::string source;  ///< in full; "derived" and "assumed" say how in the note
  std::string note;
};

struct Board {
  std::string name;
  std::string title;
  std::string part;
  Resources resources;
  std::int64_t slrs = 0;  ///< dies of the FPGA (super logic regions)
  std::vector<BoardMemory> memories;
  std::optional<Pcie> pcie;
  std::string dsp_primitive;
  double dsp_clock_mhz = 0;      ///< that a DSP can be clocked with at most
  std::int64_t dsp_pumping = 1;  ///< DSP cycles in a cycle of the fabric, at most
  std::vector<DspRule> dsp_rules;
  double clock_mhz = 0;  ///< of the fabric; an assumption until a design is routed

  std::vector<Figure> figures;  ///< all of the above, in the file's order
};

/// Reads a board's description. `where` names the source in messages. Throws UserError.
Board read_board(const Json& json, const std::string& where);

/// The JSON of a board that the program knows, or of a file (a name with a '/' or ending in
/// ".json"). Throws UserError.
Json board_json(const std::string& name_or_file);
/// The same, read.
Board find_board(const std::string& name_or_file);

/// The names of the boards that the program knows, sorted.
std::vector<std::string> known_boards();

}  // namespace heddle
