#include "engine/quant/rounding.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace heddle {
namespace {

using Eigen::Index;

constexpr int kGreatestCode = 127;
constexpr int kGreatestCode4 = 7;
constexpr int kGreatestStep = 18;
/// Columns that are rounded one by one before their errors reach the others, where no group says.
constexpr Index kBlock = 64;
/// Rows of a matrix that one thread rounds together.
constexpr Index kStrip = 64;
/// Moments are measured on few rows and rounded inputs: this share of their mean is added to each
/// channel's own, so that no channel's error is made up for with nothing but chance.
constexpr float kDamping = 0.01F;

/// The nearest integer in [-most, most]; most is at most 127.
int nearest_code(float x, float most) {
  return static_cast<int>(std::clamp(x, -most, most) + 128.5F) - 128;
}

class RowRounder {
 public:
  RowRounder(std::span<const float> numbers, std::int64_t rows, const RowFormat& format,
             const ErrorFeedback* feedback, ThreadPool& pool)
      : numbers_(numbers.data(), std::ssize(numbers) / rows, rows),
        format_(format),
        feedback_(feedback),
        block_(format.group == 0 ? kBlock : format.group) {
    const auto count = static_cast<std::size_t>(rows);
    result_.codes.resize(numbers.size());
    result_.scales.resize(count);
    result_.noise.resize(count);
    result_.signal.resize(count);
    result_.clipped.resize(count);
    if (format.group != 0) {
      result_.steps.resize(numbers.size() / static_cast<std::size_t>(format.group), 1);
    }
    const std::size_t strips = (count + kStrip - 1) / kStrip;
    pool.parallel_for(strips, [&](std::size_t strip, int) {
      const Index first = static_cast<Index>(strip) * kStrip;
      round_strip(first, std::min(kStrip, rows - first));
    });
  }
  RoundedRows result() && { return std::move(result_); }

 private:
  void round_strip(Index row, Index count) {
    for (Index i = row; i < row + count; ++i) {
      const int most = format_.group == 0 ? kGreatestCode : kGreatestCode4 * kGreatestStep;
      const double greatest = numbers_.col(i).cwiseAbs().maxCoeff();
      result_.scales[static_cast<std::size_t>(i)] =
          arith::nearest_scale(greatest / most / format_.unit);
    }
    if (feedback_ == nullptr) {
      round_part(row, count, 0, numbers_.rows(), nullptr);
      return;
    }
    for (const ErrorFeedback::Part& part : feedback_->parts()) {
      round_part(row, count, part.first, part.worth.size(), &part);
    }
  }

  /// Columns `first` to `first + width` of `count` rows.
  void round_part(Index row, Index count, Index first, Index width,
                  const ErrorFeedback::Part* feedback) {
    Eigen::MatrixXf errors(width, count);
    Eigen::MatrixXf wanted;
    for (Index end = width; end > 0;) {
      const Index from = (end - 1) / block_ * block_;
      wanted = numbers_.block(first + from, row, end - from, count);
      if (feedback != nullptr) {
        wanted.noalias() += feedback->upper.block(from, end, end - from, width - end) *
                            errors.bottomRows(width - end);
      }
      for (Index i = 0; i < count; ++i) {
        errors.col(i).segment(from, end - from) =
            round_block(row + i, first + from, wanted.col(i), feedback, from);
      }
      end = from;
    }
  }

  /// Rounds the numbers of a row from `column` on, to be as near to `wanted` as their errors are
  /// worth; returns those errors.
  Eigen::VectorXf round_block(Index row, Index column, const Eigen::VectorXf& wanted,
                              const ErrorFeedback::Part* feedback, Index within) {
    const Index width = wanted.size();
    const auto exact = numbers_.col(row).segment(column, width);
    const double of_code =
        arith::real(result_.scales[static_cast<std::size_t>(row)]) * format_.unit;
    const auto most = static_cast<float>(format_.group == 0 ? kGreatestCode : kGreatestCode4);
    if (of_code == 0) return Eigen::VectorXf::Zero(width);  // A row of zeros has zero codes.

    Eigen::VectorXf best = exact;
    float least = std::numeric_limits<float>::infinity();
    Eigen::VectorXf rounded(width);
    Eigen::VectorXf target;
    std::vector<std::int8_t> codes(static_cast<std::size_t>(width));
    int clipped = 0;
    std::int8_t* const result =
        &result_.codes[static_cast<std::size_t>(row * numbers_.rows() + column)];
    for (int step = format_.group == 0 ? 1 : kGreatestStep; step >= 1; --step) {
      const auto size = static_cast<float>(of_code * step);
      const float inverse = 1 / size;
      float error = 0;
      int beyond = 0;
      target = wanted;
      for (Index j = width - 1; j >= 0 && error < least; --j) {
        const float code = target[j] * inverse;
        const int nearest = nearest_code(code, most);
        codes[static_cast<std::size_t>(j)] = static_cast<std::int8_t>(nearest);
        if (std::abs(code) > most + 0.5F) ++beyond;
        rounded[j] = static_cast<float>(nearest) * size;
        const float off = target[j] - rounded[j];
        error += (feedback != nullptr ? feedback->worth[within + j] : 1) * off * off;
        if (feedback != nullptr) {
          target.head(j) +=
              (exact[j] - rounded[j]) * feedback->upper.col(within + j).segment(within, j);
        }
      }
      if (error >= least) continue;
      least = error;
      best = exact - rounded;
      clipped = beyond;
      std::copy(codes.begin(), codes.end(), result);
      if (format_.group != 0) {
        result_.steps[static_cast<std::size_t>((row * numbers_.rows() + column) / format_.group)] =
            static_cast<std::uint8_t>(step);
      }
    }
    const auto at = static_cast<std::size_t>(row);
    result_.noise[at] += double{best.squaredNorm()};
    result_.signal[at] += double{exact.squaredNorm()};
    result_.clipped[at] += clipped;
    return best;
  }

  Eigen::Map<const Eigen::MatrixXf> numbers_;  ///< a column of it is a row of weights
  RowFormat format_;
  const ErrorFeedback* feedback_;
  Index block_;
  RoundedRows result_;
};

}  // namespace

ErrorFeedback::ErrorFeedback(const SecondMoments& moments, std::span<const float> divisors) {
  for (std::size_t first = 0; first < moments.width(); first += SecondMoments::kPart) {
    const std::size_t width = std::min(SecondMoments::kPart, moments.width() - first);
    const auto size = static_cast<Index>(width);
    Eigen::MatrixXf lower = Eigen::MatrixXf::Zero(size, size);
    for (std::size_t j = 0; j < width; ++j) {
      const std::span<const float> column = moments.column(first + j);
      const auto at = static_cast<Index>(j);
      lower.col(at).tail(size - at) =
          Eigen::Map<const Eigen::VectorXf>(column.data(), std::ssize(column));
    }
    if (!divisors.empty()) {
      const Eigen::VectorXf factors =
          Eigen::Map<const Eigen::VectorXf>(&divisors[first], size).cwiseInverse();
      lower = factors.asDiagonal() * lower * factors.asDiagonal();
    }
    // An input that was never anything but 0 has any feedback.
    const float damping =
        std::max(kDamping * lower.diagonal().mean(), std::numeric_limits<float>::min());
    lower.diagonal().array() += damping;
    const Eigen::LLT<Eigen::Ref<Eigen::MatrixXf>> factor(lower);
    ensure(factor.info() == Eigen::Success, "damped moments are not positive");
    const Eigen::VectorXf roots = lower.diagonal();
    parts_.push_back({static_cast<Index>(first),
                      (lower * roots.cwiseInverse().asDiagonal()).transpose(), roots.cwiseAbs2()});
  }
}

RoundedRows round_rows(std::span<const float> numbers, std::int64_t rows, const RowFormat& format,
                       const ErrorFeedback* feedback, ThreadPool& pool) {
  ensure(format.group == 0 || SecondMoments::kPart % static_cast<std::size_t>(format.group) == 0,
         "groups of {}", format.group);
  return RowRounder(numbers, rows, format, feedback, pool).result();
}

}  // namespace heddle
