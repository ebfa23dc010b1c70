#include "apps/heddle/ablation_published.h"

namespace heddle {

// Estimates of Vitis HLS 2023.2 C synthesis, none of them routed. Their points of a tiled MLP
// (25.05 ms with 59 DSPs) are not here: those kernels compute 0.28 % of the first product's
// results.
const std::vector<PublishedPoint>& published_points() {
  static const std::string allo = "Cornell Allogators, smolVLA, hls_metrics.csv";
  static const std::string copies =
      "in and out of block RAM by single elements, as in their design";
  static const std::string too_large = "needs more block RAM than their card has";
  static const std::vector<PublishedPoint> points = {
      {"attention", "published: 1 row", 76'247'141, 460, allo, copies},
      {"attention", "published: 16 rows", 13'497'701, 5224, allo, too_large},
      {"attention", "published: dataflow, 1 row", 18'282'929, 652, allo, copies},
      {"attention", "published: dataflow, 4 rows", 9'560'153, 2036, allo,
       "99.9 % of the block RAM: the fastest of theirs that fits"},
      {"attention", "published: dataflow, 8 rows", 7'148'141, 4632, allo, too_large},
      {"attention", "published: dataflow, 16 rows", 7'139'741, 8296, allo,
       "their best; " + too_large},
      {"mlp", "published: systolic 1 x 1", 2'415'919'104, 6,
       "Cornell Allogators, smolVLA, sys_results.txt (before cc7f8da)",
       "ReLU; 8055 ms at 3.333 ns; needs more block RAM than their card has"}};
  return points;
}

}  // namespace heddle
