#include "engine/float/float_weights.h"

#include "engine/float/finite.h"

namespace heddle {

const PackedMatrix& FloatWeights::matrix(const std::string& name) {
  const auto found = matrices_.find(name);
  if (found != matrices_.end()) return found->second;
  PackedMatrix packed(name, checkpoint_.get(name), precision_, slab_, pool_);
  checkpoint_.release(name);
  return matrices_.emplace(name, std::move(packed)).first->second;
}

const float* FloatWeights::plain(const std::string& name) {
  auto [it, missing] = plain_.try_emplace(name);
  if (missing) {
    it->second = to_floats(checkpoint_.get(name));
    require_finite(name, it->second, 0);
    checkpoint_.release(name);
  }
  return it->second.data();
}

}  // namespace heddle
