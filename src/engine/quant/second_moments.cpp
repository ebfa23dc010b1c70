#include "engine/quant/second_moments.h"

#include <Eigen/Core>
#include <algorithm>

#include "base/error.h"

namespace heddle {
namespace {

constexpr std::size_t kPanel = 128;
static_assert(SecondMoments::kPart % kPanel == 0);

}  // namespace

SecondMoments::SecondMoments(std::size_t width) : width_(width) {
  for (std::size_t first = 0; first < width; first += kPanel) {
    const std::size_t end = std::min(width, (first / kPart + 1) * kPart);
    const std::size_t columns = std::min(kPanel, end - first);
    panels_.push_back({first, columns, end - first, std::vector<float>(columns * (end - first))});
  }
}

void SecondMoments::add(std::span<const float> rows, ThreadPool& pool) {
  ensure(rows.size() % width_ == 0, "{} numbers in rows of {}", rows.size(), width_);
  const Eigen::Map<const Eigen::MatrixXf> x(rows.data(), static_cast<Eigen::Index>(width_),
                                            static_cast<Eigen::Index>(rows.size() / width_));
  pool.parallel_for(panels_.size(), [&](std::size_t i, int) {
    Panel& panel = panels_[i];
    const auto first = static_cast<Eigen::Index>(panel.first);
    const auto columns = static_cast<Eigen::Index>(panel.columns);
    const auto height = static_cast<Eigen::Index>(panel.height);
    Eigen::Map<Eigen::MatrixXf> sums(panel.sums.data(), height, columns);
    sums.noalias() += x.middleRows(first, height) * x.middleRows(first, columns).transpose();
  });
}

std::span<const float> SecondMoments::column(std::size_t j) const {
  const Panel& panel = panels_[j / kPanel];
  const std::size_t within = j - panel.first;
  return std::span(panel.sums).subspan(within * panel.height + within, panel.height - within);
}

}  // namespace heddle
