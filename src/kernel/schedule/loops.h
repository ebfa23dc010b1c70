// The primitives on loops. Each returns the changed kernel; see Schedule for what they do.
//
// What becomes of the marks:
//   split, tile     parallel goes to the outer loop, pipeline and unroll to the inner one
//   unroll FACTOR   parallel and pipeline go to the outer loop, the inner one is unrolled
//   reorder         a mark stays with its loop
//   fuse            the fused loop is pipelined as the inner one was, unrolled if both were,
//   parallel
//                   if one was; refused if only the outer one was pipelined or one alone unrolled
//   fission         both loops have the marks of the one
//   compute_at      the consumer's loops keep theirs; refused if a producer's loop that disappears
//                   has a mark that the consumer's loop lacks
//   pipeline, unroll, parallel   add a mark; a loop is not both pipelined and unrolled
// A step is refused if a mark would no longer hold: a parallel loop whose iterations are no longer
// independent, a pipelined loop around one without a literal trip count or around another one.
#pragma once

#include <string>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel {

Kernel split(const Kernel& kernel, const std::string& loop, std::int64_t factor);
/// Refuses a loop that has marks.
Kernel peel(const Kernel& kernel, const std::string& loop, std::int64_t factor);
Kernel tile(const Kernel& kernel, const std::string& outer, const std::string& inner,
            std::int64_t outer_factor, std::int64_t inner_factor);
Kernel reorder(const Kernel& kernel, const std::vector<std::string>& loops);
Kernel fuse(const Kernel& kernel, const std::string& outer, const std::string& inner);
/// `at` names a loop in the body, or an array: then T starts at the first statement, other than the
/// body's first, that stores to it.
Kernel fission(const Kernel& kernel, const std::string& loop, const std::string& at);
Kernel unroll(const Kernel& kernel, const std::string& loop, std::int64_t factor);
Kernel pipeline(const Kernel& kernel, const std::string& loop, int initiation_interval);
Kernel parallel(const Kernel& kernel, const std::string& loop);
Kernel compute_at(const Kernel& kernel, const std::string& producer, const std::string& consumer);

}  // namespace heddle::kernel
