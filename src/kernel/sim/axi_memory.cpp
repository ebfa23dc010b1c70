#include "kernel/sim/axi_memory.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.h"

namespace heddle::kernel {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint8_t kDecodeError = 3;
constexpr std::size_t kMaxEarlyBeats = 512;  // Data taken before its address.

}  // namespace

AxiMemory::AxiMemory(std::string name, int bus_bytes, std::vector<AxiRegion> regions,
                     const AxiTiming& timing)
    : name_(std::move(name)),
      bus_bytes_(bus_bytes),
      regions_(std::move(regions)),
      timing_(timing),
      random_(timing.seed) {
  ensure(bus_bytes >= 4 && bus_bytes <= kMaxAxiBytes &&
             std::has_single_bit(static_cast<unsigned>(bus_bytes)),
         "an AXI bus of {} bytes", bus_bytes);
  ensure(timing.read_latency >= 1 && timing.write_latency >= 1 && timing.outstanding >= 1,
         "AXI latencies and outstanding bursts are at least 1");
}

void AxiMemory::check(bool holds, const char* what) const {
  ensure(holds, "AXI port {}, cycle {}: {}", name_, cycle_, what);
}

bool AxiMemory::stalled() {
  return timing_.stall > 0 && std::bernoulli_distribution(timing_.stall)(random_);
}

std::uint8_t* AxiMemory::byte_at(std::uint64_t address) {
  for (const AxiRegion& region : regions_) {
    if (address >= region.base && address - region.base < region.bytes.size()) {
      return &region.bytes[address - region.base];
    }
  }
  return nullptr;
}

bool AxiMemory::idle() const {
  return reads_.empty() && writes_.empty() && beats_.empty() && responses_.empty();
}

const AxiSlave& AxiMemory::drive() {
  if (timing_.bytes_per_cycle == 0) {
    read_credit_ = write_credit_ = bus_bytes_;
  } else {
    // What is not used in a cycle is lost, but for less than a beat.
    const std::int64_t most = bus_bytes_ + timing_.bytes_per_cycle - 1;
    read_credit_ = std::min(read_credit_ + timing_.bytes_per_cycle, most);
    write_credit_ = std::min(write_credit_ + timing_.bytes_per_cycle, most);
  }
  const auto room = static_cast<std::size_t>(timing_.outstanding);
  slave_.arready = reads_.size() < room && !stalled();
  slave_.awready = writes_.size() + responses_.size() < room && !stalled();
  slave_.wready = write_credit_ >= bus_bytes_ && beats_.size() < kMaxEarlyBeats && !stalled();
  // What was offered stays until it is taken.
  if (!slave_.rvalid) show_read();
  if (!slave_.bvalid && !responses_.empty() && responses_.front().ready_at <= cycle_ &&
      !stalled()) {
    slave_.bvalid = true;
    slave_.bresp = responses_.front().failed ? kDecodeError : 0;
  }
  return slave_;
}

void AxiMemory::show_read() {
  if (reads_.empty() || reads_.front().ready_at > cycle_ || read_credit_ < bus_bytes_ || stalled())
    return;
  const Burst& burst = reads_.front();
  const auto bus = static_cast<std::uint64_t>(bus_bytes_);
  const std::uint64_t start =
      burst.request.address / bus * bus + static_cast<std::uint64_t>(burst.beats_done) * bus;
  slave_.rvalid = true;
  slave_.rresp = 0;
  slave_.rlast = burst.beats_done == burst.request.length;
  bool any = false;
  for (std::uint64_t i = 0; i < bus; ++i) {
    const std::uint8_t* byte = byte_at(start + i);
    slave_.rdata.at(i) = byte == nullptr ? 0 : *byte;
    any = any || byte != nullptr;
  }
  // A beat may reach beyond a buffer that does not end with the bus; one all outside is an error.
  if (!any) slave_.rresp = kDecodeError;
}

void AxiMemory::check_address(const AxiAddress& now, const AxiAddress& waiting,
                              const char* channel) const {
  const std::string of = std::string(channel) + ": ";
  if (waiting.valid) check(now == waiting, (of + "changed before it was taken").c_str());
  if (!now.valid) return;
  check(now.burst == 1, (of + "a burst that is not INCR").c_str());
  check((1 << now.size) == bus_bytes_, (of + "a beat is not the whole bus").c_str());
  const std::uint64_t first = now.address / static_cast<std::uint64_t>(bus_bytes_) * bus_bytes_;
  const std::uint64_t end =
      first + (now.length + std::uint64_t{1}) * static_cast<std::uint64_t>(bus_bytes_);
  check(first / kPage == (end - 1) / kPage, (of + "a burst crosses 4 KB").c_str());
}

void AxiMemory::clock(const AxiMaster& master) {
  check_address(master.ar, waiting_.ar, "AR");
  check_address(master.aw, waiting_.aw, "AW");
  if (waiting_.w.valid) check(master.w == waiting_.w, "W: changed before it was taken");
  take_read(master);
  take_write(master);
  waiting_ = master;
  waiting_.ar.valid = master.ar.valid && !slave_.arready;
  waiting_.aw.valid = master.aw.valid && !slave_.awready;
  waiting_.w.valid = master.w.valid && !slave_.wready;
  if (slave_.rvalid && master.rready) slave_.rvalid = false;
  if (slave_.bvalid && master.bready) slave_.bvalid = false;
  ++cycle_;
}

void AxiMemory::take_read(const AxiMaster& master) {
  if (slave_.rvalid && master.rready) {
    ++counts_.read_beats;
    if (slave_.rresp != 0) ++counts_.errors;
    read_credit_ -= bus_bytes_;
    if (slave_.rlast) {
      reads_.pop_front();
    } else {
      ++reads_.front().beats_done;
    }
  }
  if (master.ar.valid && slave_.arready) {
    ++counts_.read_bursts;
    reads_.push_back({master.ar, cycle_ + timing_.read_latency});
  }
}

void AxiMemory::take_write(const AxiMaster& master) {
  if (slave_.bvalid && master.bready) {
    if (slave_.bresp != 0) ++counts_.errors;
    responses_.pop_front();
  }
  if (master.aw.valid && slave_.awready) {
    ++counts_.write_bursts;
    writes_.push_back({master.aw});
  }
  if (master.w.valid && slave_.wready) {
    ++counts_.write_beats;
    write_credit_ -= bus_bytes_;
    beats_.push_back(master.w);
  }
  commit_writes();
}

void AxiMemory::commit_writes() {
  while (!writes_.empty() && !beats_.empty()) {
    Burst& burst = writes_.front();
    const AxiWriteData& beat = beats_.front();
    const bool last = burst.beats_done == burst.request.length;
    check(beat.last == last, "W: WLAST is not on the burst's last beat");
    const auto bus = static_cast<std::uint64_t>(bus_bytes_);
    const std::uint64_t start =
        burst.request.address / bus * bus + static_cast<std::uint64_t>(burst.beats_done) * bus;
    for (std::uint64_t i = 0; i < bus; ++i) {
      if (((beat.strobe.at(i / 8) >> (i % 8)) & 1) == 0) continue;
      std::uint8_t* byte = byte_at(start + i);
      if (byte == nullptr) {
        burst.failed = true;
      } else {
        *byte = beat.data.at(i);
      }
    }
    ++burst.beats_done;
    if (last) {
      responses_.push_back({cycle_ + timing_.write_latency, burst.failed});
      writes_.pop_front();
    }
    beats_.pop_front();
  }
}

}  // namespace heddle::kernel
