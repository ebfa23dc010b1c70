#include "kernel/codegen/cpp/workers.h"

#include <algorithm>
#include <cstddef>
#include <new>

#include "base/error.h"
#include "kernel/expr.h"

namespace heddle::kernel::native {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::int64_t kLeastBytes = std::int64_t{1} << 20;
/// Iterations are handed out in so many pieces per thread, so that an uneven loop stays balanced
/// and a long one of short iterations does not spend its time on asking for the next.
constexpr std::int64_t kPiecesPerThread = 16;

struct Chunk {
  struct Free {
    void operator()(char* freed) const { ::operator delete[](freed, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<char, Free> memory;
  std::int64_t size = 0;
};

Chunk make_chunk(std::int64_t bytes) {
  void* const memory =
      ::operator new[](static_cast<std::size_t>(bytes), std::align_val_t{kAlignment}, std::nothrow);
  if (memory == nullptr) {
    throw UserError(fmt::format("no memory is left for {} bytes of a kernel's local arrays", bytes),
                    "free some memory, or run the kernel on smaller arrays");
  }
  return {std::unique_ptr<char, Chunk::Free>(static_cast<char*>(memory)), bytes};
}

}  // namespace

/// One thread's memory: a stack of chunks. The emitted code moves top, and puts top and end back as
/// it found them; so end tells which chunk is in use.
struct Workers::Worker : Run {
  Workers* owner = nullptr;
  std::vector<Chunk> chunks;
};

Workers::Workers(int threads) : pool_(threads == 0 ? default_threads() : threads) {
  for (int i = 0; i < pool_.size(); ++i) {
    auto worker = std::make_unique<Worker>();
    worker->more = more;
    worker->parallel = parallel;
    worker->owner = this;
    workers_.push_back(std::move(worker));
  }
}

Workers::~Workers() = default;

void Workers::run(void (*entry)(void* const*, Run*), void* const* arguments) {
  const std::lock_guard lock(mutex_);
  for (const auto& worker : workers_) {
    worker->top = nullptr;
    worker->end = nullptr;
  }
  entry(arguments, workers_.front().get());
}

void* Workers::more(Run* run, std::int64_t bytes) {
  auto& worker = static_cast<Worker&>(*run);
  std::vector<Chunk>& chunks = worker.chunks;
  const auto in_use = std::ranges::find_if(
      chunks, [&](const Chunk& chunk) { return chunk.memory.get() + chunk.size == worker.end; });
  // Chunks behind the one in use are free.
  auto next = in_use == chunks.end() ? chunks.begin() : in_use + 1;
  while (next != chunks.end() && next->size < bytes) next = chunks.erase(next);
  if (next == chunks.end()) {
    chunks.push_back(make_chunk(std::max(bytes, kLeastBytes)));
    next = chunks.end() - 1;
  }
  char* const start = next->memory.get();
  worker.top = start + bytes;
  worker.end = start + next->size;
  return start;
}

void Workers::parallel(Run* run, std::int64_t count, Body body, const void* captured) {
  if (count <= 0) return;
  Workers& owner = *static_cast<Worker*>(run)->owner;
  const std::int64_t pieces = std::min<std::int64_t>(count, kPiecesPerThread * owner.pool_.size());
  owner.pool_.parallel_for(static_cast<std::size_t>(pieces), [&](std::size_t piece, int worker) {
    const auto at = [&](std::size_t number) {
      return static_cast<std::int64_t>(static_cast<Int128>(number) * count / pieces);
    };
    body(captured, at(piece), at(piece + 1),
         owner.workers_[static_cast<std::size_t>(worker)].get());
  });
}

}  // namespace heddle::kernel::native
