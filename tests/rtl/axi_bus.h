// The AXI ports of a Verilated bench (m_axi_*, in the low bits of 1,024-bit buses) and AxiMemory.
#pragma once

#include <verilated.h>

#include <algorithm>
#include <random>
#include <vector>

#include "kernel/sim/axi_memory.h"

namespace heddle::kernel {

template <std::size_t N>
void store(const VlWide<N>& wide, std::uint8_t* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    bytes[i] = static_cast<std::uint8_t>(wide[i / 4] >> (i % 4 * 8));
}

template <std::size_t N>
void load(VlWide<N>& wide, const std::uint8_t* bytes, std::size_t count) {
  for (std::size_t i = 0; i < N; ++i) wide[i] = 0;
  for (std::size_t i = 0; i < count; ++i)
    wide[i / 4] |= static_cast<std::uint32_t>(bytes[i]) << (i % 4 * 8);
}

inline std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

template <std::size_t N>
void fill(VlWide<N>& wide, std::uint32_t value) {
  std::fill(wide.data(), wide.data() + N, value);
}

/// The memory's side of the ports.
template <typename Model>
void give(const AxiSlave& slave, std::size_t bus, Model& model) {
  model.m_axi_arready = slave.arready;
  model.m_axi_rvalid = slave.rvalid;
  load(model.m_axi_rdata, slave.rdata.data(), bus);
  model.m_axi_rresp = slave.rresp;
  model.m_axi_rlast = slave.rlast;
  model.m_axi_awready = slave.awready;
  model.m_axi_wready = slave.wready;
  model.m_axi_bvalid = slave.bvalid;
  model.m_axi_bresp = slave.bresp;
}

/// The hardware's side.
template <typename Model>
AxiMaster taken(const Model& model, std::size_t bus) {
  AxiMaster out;
  out.ar = {model.m_axi_arvalid != 0, model.m_axi_araddr, model.m_axi_arlen, model.m_axi_arsize,
            model.m_axi_arburst};
  out.aw = {model.m_axi_awvalid != 0, model.m_axi_awaddr, model.m_axi_awlen, model.m_axi_awsize,
            model.m_axi_awburst};
  out.rready = model.m_axi_rready;
  out.w.valid = model.m_axi_wvalid;
  if (out.w.valid) {
    store(model.m_axi_wdata, out.w.data.data(), bus);
    store(model.m_axi_wstrb, out.w.strobe.data(), (bus + 7) / 8);
    // A byte that is not written may be anything.
    for (std::size_t i = 0; i < bus; ++i) {
      if (((out.w.strobe.at(i / 8) >> (i % 8)) & 1) == 0) out.w.data.at(i) = 0;
    }
  }
  out.w.last = model.m_axi_wlast && out.w.valid;
  out.bready = model.m_axi_bready;
  return out;
}

}  // namespace heddle::kernel
