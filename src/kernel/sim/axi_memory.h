// Memory behind one AXI4 port of simulated hardware, clock by clock, which checks the port's
// protocol.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace heddle::kernel {

/// The widest bus, in bytes (1,024 bits).
constexpr int kMaxAxiBytes = 128;

/// The address channel of reads or writes (AMBA AXI4, ARM IHI 0022, A2.2 and A2.5).
struct AxiAddress {
  bool valid = false;
  std::uint64_t address = 0;  ///< bytes
  std::uint8_t length = 0;    ///< beats - 1
  std::uint8_t size = 0;      ///< log2 of the bytes of a beat
  std::uint8_t burst = 0;     ///< 1: INCR
  bool operator==(const AxiAddress&) const = default;
};

struct AxiWriteData {
  bool valid = false;
  std::array<std::uint8_t, kMaxAxiBytes> data{};
  std::array<std::uint8_t, kMaxAxiBytes / 8>
      strobe{};  ///< bit i % 8 of byte i / 8: data[i] is written
  bool last = false;
  bool operator==(const AxiWriteData&) const = default;
};

/// What the hardware drives.
struct AxiMaster {
  AxiAddress ar;
  bool rready = false;
  AxiAddress aw;
  AxiWriteData w;
  bool bready = false;
};

/// What the memory drives.
struct AxiSlave {
  bool arready = false;
  bool rvalid = false;
  std::array<std::uint8_t, kMaxAxiBytes> rdata{};
  std::uint8_t rresp = 0;  ///< 0 OKAY, 3 DECERR: some byte is in no region
  bool rlast = false;
  bool awready = false;
  bool wready = false;
  bool bvalid = false;
  std::uint8_t bresp = 0;
};

struct AxiTiming {
  int read_latency = 1;     ///< cycles from an address to its first beat, at least 1
  int write_latency = 1;    ///< cycles from a burst's last beat (or its address, if later) to its
                            ///< response, at least 1
  int outstanding = 64;     ///< bursts of one direction that the memory takes before it answers
  int bytes_per_cycle = 0;  ///< bandwidth of each direction; 0: a whole beat every cycle
  double stall =
      0;  ///< probability that a channel pauses for a cycle, drawn anew for each channel and cycle
  std::uint64_t seed = 1;  ///< of the stalls
};

/// Bytes that a port sees from address `base` on.
struct AxiRegion {
  std::uint64_t base = 0;
  std::span<std::uint8_t> bytes;
};

struct AxiCounts {
  std::int64_t read_bursts = 0;
  std::int64_t read_beats = 0;
  std::int64_t write_bursts = 0;
  std::int64_t write_beats = 0;
  std::int64_t errors = 0;  ///< answers that were not OKAY
};

/// One port. In every cycle: give the hardware drive(), let it settle, and pass what it drives
/// then, just before the clock edge, to clock(). Answers come in order. Data of writes may come
/// before their address.
class AxiMemory {
 public:
  /// `name` is for messages; `bus_bytes` is a power of two from 4 to kMaxAxiBytes.
  AxiMemory(std::string name, int bus_bytes, std::vector<AxiRegion> regions,
            const AxiTiming& timing);

  [[nodiscard]] const AxiSlave& drive();
  /// Throws InternalError where the hardware breaks the protocol: a payload that changes or a valid
  /// that falls before its ready, a burst that crosses 4 KB, is not INCR or not of whole beats, a
  /// WLAST in the wrong place.
  void clock(const AxiMaster& master);

  [[nodiscard]] const AxiCounts& counts() const { return counts_; }
  /// Nothing is under way.
  [[nodiscard]] bool idle() const;

 private:
  struct Burst {
    AxiAddress request;
    std::int64_t ready_at = 0;  ///< the first cycle in which it may be answered
    int beats_done = 0;
    bool failed = false;
  };
  struct Response {
    std::int64_t ready_at = 0;
    bool failed = false;
  };

  void check(bool holds, const char* what) const;
  void check_address(const AxiAddress& now, const AxiAddress& waiting, const char* channel) const;
  [[nodiscard]] bool stalled();
  [[nodiscard]] std::uint8_t* byte_at(std::uint64_t address);
  void show_read();
  void take_read(const AxiMaster& master);
  void take_write(const AxiMaster& master);
  void commit_writes();

  std::string name_;
  int bus_bytes_ = 0;
  std::vector<AxiRegion> regions_;
  AxiTiming timing_;
  std::mt19937_64 random_;
  std::int64_t cycle_ = 0;
  std::int64_t read_credit_ = 0;  ///< bytes that may go now
  std::int64_t write_credit_ = 0;
  AxiSlave slave_;
  AxiMaster waiting_;  ///< what was offered in the last cycle and not taken
  std::deque<Burst> reads_;
  std::deque<Burst> writes_;
  std::deque<AxiWriteData> beats_;  ///< beats of writes, not yet in memory
  std::deque<Response> responses_;
  AxiCounts counts_;
};

}  // namespace heddle::kernel
