#include "kernel/sim/axi_simulation.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "kernel/codegen/rtl/axi_text.h"
#include "kernel/codegen/rtl/cycles.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/scalar.h"
#include "kernel/sim/harness.h"
#include "kernel/sim/launch.h"
#include "kernel/sim/model.h"

namespace heddle::kernel {
namespace {

/// Arrays lie this far from each other.
constexpr std::uint64_t kArrayDistance = 1ULL << 40;
/// Cycles in which a control register must answer.
constexpr int kControlLimit = 100;

/// What heddle_top shows of the kernel's insides.
std::vector<rtl::AxiPort> watched_ports(std::size_t observations) {
  std::vector<rtl::AxiPort> ports = {
      {"output", "start", 1}, {"output", "done", 1}, {"output", "raised", 1}};
  for (std::size_t i = 0; i < observations; ++i) {
    ports.push_back({"output", fmt::format("observed{}", i), 1});
  }
  return ports;
}

std::string named_pins_text(const std::vector<rtl::AxiPort>& ports) {
  std::string text =
      "#include <map>\n#include <string>\n"
      "static std::map<std::string, std::uint8_t*> heddle_named_pins(Vheddle& top) {\n"
      "  const auto at = [](auto& port) { return reinterpret_cast<std::uint8_t*>(&port); };\n"
      "  return {\n";
  for (const rtl::AxiPort& port : ports) {
    text += fmt::format("    {{\"{0}\", at(top.{0})}},\n", port.name);
  }
  return text + "  };\n}\n";
}

/// An open model and its functions.
class Model {
 public:
  Model(const SharedObject& object, const std::string& trace)
      : find_(reinterpret_cast<sim::FindPin>(object.symbol("heddle_pin"))),
        evaluate_(reinterpret_cast<sim::EvaluateModel>(object.symbol("heddle_eval"))),
        close_(reinterpret_cast<sim::CloseModel>(object.symbol("heddle_close"))),
        model_(reinterpret_cast<sim::OpenModel>(object.symbol("heddle_open"))(trace.c_str())) {}
  ~Model() { close_(model_); }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  [[nodiscard]] std::uint8_t* pin(const std::string& name) const {
    std::uint8_t* found = find_(model_, name.c_str());
    ensure(found != nullptr, "the model has no port {}", name);
    return found;
  }
  void evaluate() { evaluate_(model_); }

 private:
  sim::FindPin find_;
  sim::EvaluateModel evaluate_;
  sim::CloseModel close_;
  void* model_;
};

template <typename T>
T value_at(const std::uint8_t* pin) {
  T value{};
  std::memcpy(&value, pin, sizeof value);
  return value;
}

/// The pins of a master port and the memory behind it.
class Port {
 public:
  Port(const Model& model, const std::string& array, int bus_bytes, AxiRegion region,
       const AxiTiming& timing)
      : array_(array), bus_bytes_(bus_bytes), memory_(array, bus_bytes, {region}, timing) {
    const auto pin = [&](const char* signal) {
      return model.pin(fmt::format("m_axi_{}_{}", array, signal));
    };
    ar_ = address_pins(pin, "ar");
    aw_ = address_pins(pin, "aw");
    rvalid_ = pin("rvalid"), rready_ = pin("rready"), rdata_ = pin("rdata");
    rresp_ = pin("rresp"), rlast_ = pin("rlast");
    wvalid_ = pin("wvalid"), wready_ = pin("wready"), wdata_ = pin("wdata");
    wstrb_ = pin("wstrb"), wlast_ = pin("wlast");
    bvalid_ = pin("bvalid"), bready_ = pin("bready"), bresp_ = pin("bresp");
  }

  /// Before the hardware settles.
  void give() {
    const AxiSlave& slave = memory_.drive();
    *ar_.ready = slave.arready;
    *rvalid_ = slave.rvalid;
    if (slave.rvalid) std::memcpy(rdata_, slave.rdata.data(), bus());
    *rresp_ = slave.rresp;
    *rlast_ = slave.rlast;
    *aw_.ready = slave.awready;
    *wready_ = slave.wready;
    *bvalid_ = slave.bvalid;
    *bresp_ = slave.bresp;
  }
  /// Before the clock's edge.
  void clock() {
    AxiMaster master;
    master.ar = ar_.offered();
    master.aw = aw_.offered();
    master.rready = *rready_;
    master.w.valid = *wvalid_;
    if (master.w.valid) {
      std::memcpy(master.w.strobe.data(), wstrb_, (bus() + 7) / 8);
      std::memcpy(master.w.data.data(), wdata_, bus());
      master.w.last = *wlast_;
    }
    master.bready = *bready_;
    memory_.clock(master);
  }
  [[nodiscard]] bool idle() const { return memory_.idle(); }
  [[nodiscard]] AxiPortReport report() const { return {array_, bus_bytes_, memory_.counts()}; }

 private:
  struct AddressPins {
    std::uint8_t *valid, *ready, *address, *length, *size, *burst;

    [[nodiscard]] AxiAddress offered() const {
      if (*valid == 0) return {};
      return {true, value_at<std::uint64_t>(address), *length, *size, *burst};
    }
  };
  template <typename Pin>
  static AddressPins address_pins(const Pin& pin, const std::string& channel) {
    const auto at = [&](const char* signal) { return pin((channel + signal).c_str()); };
    return {at("valid"), at("ready"), at("addr"), at("len"), at("size"), at("burst")};
  }
  [[nodiscard]] std::size_t bus() const { return static_cast<std::size_t>(bus_bytes_); }

  std::string array_;
  int bus_bytes_;
  AxiMemory memory_;
  AddressPins ar_{}, aw_{};
  std::uint8_t *rvalid_, *rready_, *rdata_, *rresp_, *rlast_;
  std::uint8_t *wvalid_, *wready_, *wdata_, *wstrb_, *wlast_;
  std::uint8_t *bvalid_, *bready_, *bresp_;
};

/// The hardware, its clock and what is around it.
class Device {
 public:
  Device(const SharedObject& object, const std::string& trace, std::size_t observations,
         std::uint64_t limit)
      : model_(object, trace), limit_(limit), observed_(observations) {
    clk_ = model_.pin("ap_clk");
    start_ = model_.pin("start");
    done_ = model_.pin("done");
    raised_ = model_.pin("raised");
    for (std::size_t i = 0; i < observations; ++i) {
      watched_.push_back(model_.pin(fmt::format("observed{}", i)));
    }
    std::uint8_t* reset = model_.pin("ap_rst_n");
    *reset = 0;
    for (int i = 0; i < 3; ++i) cycle();
    *reset = 1;
    for (int i = 0; i < 2; ++i) cycle();
  }

  void add_port(const std::string& array, int bus_bytes, AxiRegion region,
                const AxiTiming& timing) {
    ports_.emplace_back(model_, array, bus_bytes, region, timing);
  }

  void write(int offset, std::uint32_t value) {
    set("awaddr", static_cast<std::uint16_t>(offset));
    set("wdata", value);
    *control("wstrb") = 15;
    *control("awvalid") = *control("wvalid") = *control("bready") = 1;
    wait_for("bvalid", {"awvalid", "wvalid"}, "awready");
    *control("bready") = 0;
  }
  std::uint32_t read(int offset) {
    set("araddr", static_cast<std::uint16_t>(offset));
    *control("arvalid") = *control("rready") = 1;
    const std::uint32_t value = wait_for("rvalid", {"arvalid"}, "arready");
    *control("rready") = 0;
    return value;
  }
  void wait_for_interrupt() {
    while (*raised_ == 0) {
      ensure(now_ < limit_, "the kernel did not end within {} cycles", limit_);
      cycle();
    }
  }
  [[nodiscard]] std::uint64_t cycles() const { return done_at_ - started_at_; }
  [[nodiscard]] const std::vector<std::uint64_t>& observed() const { return observed_; }
  [[nodiscard]] const std::vector<Port>& ports() const { return ports_; }

 private:
  [[nodiscard]] std::uint8_t* control(const std::string& signal) const {
    return model_.pin("s_axi_control_" + signal);
  }
  template <typename T>
  void set(const std::string& signal, T value) {
    std::memcpy(control(signal), &value, sizeof value);
  }

  /// Cycles until an answer is taken; offers end when they are taken. Returns what is read.
  std::uint32_t wait_for(const char* answer, const std::vector<const char*>& offers,
                         const char* taken) {
    const std::uint8_t* answered = control(answer);
    const std::uint8_t* accepted = control(taken);
    const auto* data = control("rdata");
    for (int i = 0; i < kControlLimit; ++i) {
      settle();
      const bool is_answered = *answered != 0;
      const bool is_taken = *accepted != 0;
      const auto value = value_at<std::uint32_t>(data);
      edge();
      if (is_answered) return value;
      if (!is_taken) continue;
      for (const char* offer : offers) *control(offer) = 0;
    }
    ensure(false, "the control registers do not answer");
    return 0;
  }

  void cycle() {
    settle();
    edge();
  }
  void settle() {
    for (Port& port : ports_) port.give();
    *clk_ = 0;
    model_.evaluate();
  }
  void edge() {
    for (Port& port : ports_) port.clock();
    if (*start_ != 0) {
      started_at_ = now_;
      is_running_ = true;
    }
    for (std::size_t i = 0; i < watched_.size() && is_running_; ++i) observed_[i] += *watched_[i];
    if (*done_ != 0) {
      done_at_ = now_;
      is_running_ = false;
      for (const Port& port : ports_) ensure(port.idle(), "done before all accesses were");
    }
    *clk_ = 1;
    model_.evaluate();
    ++now_;
  }

  Model model_;
  std::uint64_t limit_;
  std::uint8_t *clk_, *start_, *done_, *raised_;
  std::vector<std::uint8_t*> watched_;
  std::vector<std::uint64_t> observed_;
  std::vector<Port> ports_;
  std::uint64_t now_ = 0;
  std::uint64_t started_at_ = 0;
  bool is_running_ = false;
  std::uint64_t done_at_ = 0;
};

}  // namespace

AxiSimulation::AxiSimulation(const KernelPtr& kernel, SimulationOptions options)
    : options_(std::move(options)),
      kernel_(kernel),
      design_(rtl::make_design(kernel, options_.target)),
      observations_(observations_of(design_)),
      object_(compiled()) {}

std::vector<AxiSimulation::Observation> AxiSimulation::observations_of(const rtl::Design& design) {
  std::vector<Observation> list;
  std::map<std::string, std::vector<std::string>> causes = {{"core", {}}};
  for (const rtl::ControlArgument& argument : rtl::control_arguments(design)) {
    if (argument.memory == nullptr) continue;
    for (const std::string& user : argument.memory->users) {
      const std::string module = user.empty() ? "core" : "core.process_" + user;
      const auto add = [&](const char* cause, const char* wanted, const char* there) {
        const std::string expression = fmt::format("(kernel.{}.{}_{} & ~kernel.{}_{})", module,
                                                   argument.name, wanted, argument.name, there);
        list.push_back({module, fmt::format("{}: {}", argument.name, cause), expression});
        causes[module].push_back(expression);
      };
      if (argument.memory->is_read) {
        add("no room for a read", "read_wanted", "read_ready");
        add("no data", "data_wanted", "data_valid");
      }
      if (argument.memory->is_written) add("no room for a write", "write_wanted", "write_ready");
    }
  }
  for (const auto& [module, terms] : causes) {
    const std::string still = fmt::format("~kernel.{}.ce", module);
    list.push_back({module, "all", still});
    list.push_back(
        {module, "other: writes under way, streams",
         terms.empty() ? still : fmt::format("{} & ~({})", still, fmt::join(terms, " | "))});
  }
  return list;
}

SharedObject AxiSimulation::compiled() const {
  std::map<std::string, std::string> files = axi_sources(design_);
  std::vector<rtl::AxiPort> ports = {{"input", "ap_clk", 1}, {"input", "ap_rst_n", 1}};
  std::ranges::copy(rtl::axi_ports(design_), std::back_inserter(ports));
  std::vector<std::string> connections(ports.size());
  std::ranges::transform(ports, connections.begin(),
                         [](const rtl::AxiPort& port) { return "." + port.name; });
  std::ranges::copy(watched_ports(observations_.size()), std::back_inserter(ports));
  std::vector<std::string> declared(ports.size());
  std::ranges::transform(ports, declared.begin(), [](const rtl::AxiPort& port) {
    return fmt::format("{} logic [{}:0] {}", port.direction, port.width - 1, port.name);
  });
  std::string text = fmt::format(
      "module heddle_top (\n  {}\n);\n  {} kernel (\n    {},\n    .interrupt(raised));\n"
      "  assign start = kernel.start;\n  assign done = kernel.done;\n",
      fmt::join(declared, ",\n  "), kernel_->name, fmt::join(connections, ",\n    "));
  for (std::size_t i = 0; i < observations_.size(); ++i) {
    text += fmt::format("  assign observed{} = {};\n", i, observations_[i].expression);
  }
  files["heddle_top.sv"] = text + "endmodule\n";
  return sim::build_model(std::move(files), named_pins_text(ports) + std::string(sim::kOpenHarness),
                          options_);
}

AxiReport AxiSimulation::run(std::span<const Argument> arguments, const AxiTiming& timing,
                             std::uint64_t cycle_limit) const {
  check_arguments(*kernel_, arguments);
  Device device(object_, options_.trace.string(), observations_.size(), cycle_limit);
  std::map<std::string, Scalar> values;
  const std::vector<rtl::ControlArgument> registers = rtl::control_arguments(design_);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const rtl::ControlArgument& target = registers[i];
    std::uint64_t value = kArrayDistance * (i + 1);
    if (Buffer* const* buffer = std::get_if<Buffer*>(&arguments[i])) {
      AxiTiming own = timing;
      own.seed += i;
      device.add_port(
          target.name, rtl::bus_bits(*target.memory) / 8,
          {value, {reinterpret_cast<std::uint8_t*>((*buffer)->data()), (*buffer)->byte_size()}},
          own);
    } else {
      const auto& scalar = std::get<Scalar>(arguments[i]);
      values[target.name] = scalar;
      value = static_cast<std::uint64_t>(reinterpret(scalar, uint_type(64)).raw);
    }
    device.write(target.offset, static_cast<std::uint32_t>(value));
    if (target.bits > 32) {
      device.write(target.offset + 4, static_cast<std::uint32_t>(value >> 32));
    }
  }
  constexpr int kControl = 0x0, kGlobalInterrupt = 0x4, kInterrupts = 0x8, kStatus = 0xC;
  constexpr std::uint32_t kStart = 1, kDone = 2, kIdle = 4;
  device.write(kGlobalInterrupt, 1);
  device.write(kInterrupts, 1);
  ensure((device.read(kControl) & kIdle) != 0, "{} is not idle before its start", kernel_->name);
  device.write(kControl, kStart);
  device.wait_for_interrupt();
  const std::uint32_t state = device.read(kControl);
  ensure((state & kDone) != 0 && (state & kIdle) != 0 && (state & kStart) == 0,
         "{} raised its interrupt in state {}", kernel_->name, state);
  device.write(kStatus, 1);

  AxiReport report;
  report.cycles = device.cycles();
  report.formula = rtl::count_cycles(design_, values);
  for (const Port& port : device.ports()) {
    report.ports.push_back(port.report());
    ensure(report.ports.back().counts.errors == 0, "{} left its array {}", kernel_->name,
           report.ports.back().array);
  }
  for (std::size_t i = 0; i < observations_.size(); ++i) {
    report.stalls.push_back(
        {observations_[i].module, observations_[i].cause, device.observed()[i]});
  }
  return report;
}

}  // namespace heddle::kernel
