#include "kernel/codegen/hls/simulation.h"

#include <pthread.h>

#include <bit>
#include <cstring>

#include <fmt/ranges.h>

#include "base/error.h"
#include "kernel/codegen/hls/module.h"
#include "kernel/codegen/hls/resources.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

using Entry = void (*)(void* const*);

std::string entry_text(const hls::Module& module, std::size_t number) {
  std::vector<std::string> arguments;
  for (const hls::Port& port : module.ports) {
    const std::size_t i = arguments.size();
    if (port.kind == hls::Port::Kind::kStream) return "";
    arguments.push_back(port.kind == hls::Port::Kind::kScalar
                            ? fmt::format("*static_cast<const {}*>(arguments[{}])", port.type, i)
                            : fmt::format("static_cast<{}>(arguments[{}])", port.pointer, i));
  }
  return fmt::format(
      "extern \"C\" void heddle_run_{0}(void* const* arguments) {{\n"
      "  kernel_{0}::{1}({2});\n}}\n",
      number, module.top, fmt::join(arguments, ",\n      "));
}

/// Optimisation that helps little costs more compile time than a simulation runs.
std::vector<std::string> flags() {
  return {"-O1", "-w", "-ffp-contract=off"};
}

/// A scalar argument as the stand-in types lie in memory.
struct alignas(16) Slot {
  std::array<std::byte, 16> bytes{};
};

Slot slot_of(const Scalar& scalar) {
  Slot slot;
  const Int128 raw = scalar.raw;
  std::memcpy(slot.bytes.data(), &raw, sizeof raw);
  if (scalar.type.is_float()) {
    auto bits = std::bit_cast<std::uint32_t>(scalar.real);
    if (scalar.type.kind == TypeKind::kBFloat16) bits >>= 16;
    std::memcpy(slot.bytes.data(), &bits, sizeof bits);
  }
  return slot;
}

/// What the local arrays of a kernel and its callees take on the stack, generously.
std::size_t stack_bytes(const Kernel& kernel) {
  std::size_t total = 0;
  for_each(kernel.body, [&](const Stmt& stmt) {
    if (const auto* array = as<DeclareArray>(stmt)) {
      const std::int64_t count = element_count(array->array.shape).value_or(0);
      total += static_cast<std::size_t>(count * array->array.element.bytes()) + 64;
    }
    if (const auto* call = as<Call>(stmt)) total += stack_bytes(*call->callee);
  });
  return total;
}

struct Launch {
  Entry entry = nullptr;
  std::vector<void*> arguments;
};

void* launch(void* argument) {
  const auto* call = static_cast<const Launch*>(argument);
  call->entry(call->arguments.data());
  return nullptr;
}

/// The caller's stack is a few MiB: a kernel with larger arrays gets a thread with a stack of its
/// own.
void run_on_large_stack(Launch& call, std::size_t bytes) {
  constexpr std::size_t kSpare = std::size_t{4} << 20;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, (bytes + kSpare + 0xffff) & ~std::size_t{0xffff});
  pthread_t thread{};
  const int error = pthread_create(&thread, &attributes, launch, &call);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    throw UserError(fmt::format("a simulation needs {} MiB for the kernel's local arrays: {}",
                                bytes >> 20, std::strerror(error)),
                    "raise the memory limit, or make the arrays smaller");
  }
  pthread_join(thread, nullptr);
}

}  // namespace

std::string hls_simulation_text(std::span<const KernelPtr> kernels) {
  std::string text(hls::kTypesHeader);
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const hls::Module module = hls::make_module(*kernels[i]);
    text += fmt::format("\nnamespace kernel_{} {{\n\n{}\n}}\n{}", i, module.code,
                        entry_text(module, i));
  }
  return text;
}

HlsSimulation::HlsSimulation(std::vector<KernelPtr> kernels, const std::filesystem::path& cache)
    : kernels_(std::move(kernels)),
      object_(hls_simulation_text(kernels_), find_compiler(), flags(), cache) {}

void HlsSimulation::run(std::span<const Argument> arguments, std::size_t kernel) const {
  const Kernel& launched = *kernels_.at(kernel);
  check_arguments(launched, arguments);
  Launch call;
  call.entry = reinterpret_cast<Entry>(object_.symbol(fmt::format("heddle_run_{}", kernel)));
  std::vector<Slot> slots(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (Buffer* const* buffer = std::get_if<Buffer*>(&arguments[i])) {
      call.arguments.push_back((*buffer)->data());
      continue;
    }
    // In the parameter's type: the caller may give a literal of a narrower one.
    slots[i] = slot_of(std::get<Scalar>(arguments[i]));
    call.arguments.push_back(slots[i].bytes.data());
  }
  constexpr std::size_t kSmall = std::size_t{1} << 20;
  const std::size_t bytes = stack_bytes(launched);
  if (bytes < kSmall) {
    launch(&call);
  } else {
    run_on_large_stack(call, bytes);
  }
}

}  // namespace heddle::kernel
