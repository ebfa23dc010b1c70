#include "engine/float/experts.h"

#include <algorithm>
#include <cmath>

#include "engine/plan/rows.h"

namespace heddle {
namespace {

struct Choice {
  std::int64_t expert = 0;
  float share = 0;
};

/// The first of the largest elements of softmax(router x), and its value.
Choice choose(const float* x, std::int64_t depth, const float* router, std::int64_t experts) {
  std::vector<float> scores(static_cast<std::size_t>(experts));
  for (std::size_t e = 0; e < scores.size(); ++e) {
    const float* weights = router + static_cast<std::int64_t>(e) * depth;
    for (std::int64_t k = 0; k < depth; ++k) scores[e] += x[k] * weights[k];
  }
  const auto largest = std::max_element(scores.begin(), scores.end());
  float total = 0;
  for (const float score : scores) total += std::exp(score - *largest);
  return {largest - scores.begin(), 1 / total};
}

}  // namespace

Routing route(const float* x, std::int64_t rows, std::int64_t depth, const float* router,
              std::int64_t experts, ThreadPool& pool) {
  std::vector<Choice> choices(static_cast<std::size_t>(rows));
  for_rows(pool, rows, depth, [&](std::int64_t row) {
    choices[static_cast<std::size_t>(row)] = choose(x + row * depth, depth, router, experts);
  });
  Routing routing;
  routing.rows.reserve(choices.size());
  routing.shares.reserve(choices.size());
  for (std::int64_t expert = 0; expert < experts; ++expert) {
    routing.first.push_back(std::ssize(routing.rows));
    for (std::int64_t row = 0; row < rows; ++row) {
      const Choice& choice = choices[static_cast<std::size_t>(row)];
      if (choice.expert != expert) continue;
      routing.rows.push_back(row);
      routing.shares.push_back(choice.share);
    }
  }
  routing.first.push_back(rows);
  return routing;
}

}  // namespace heddle
