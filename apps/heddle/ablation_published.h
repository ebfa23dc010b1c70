// What others published for the layers of `heddle ablation`, as data.
#pragma once

#include <string>
#include <vector>

namespace heddle {

struct PublishedPoint {
  std::string layer;  ///< of ablation_layers(), at the size "full"
  std::string name;
  double cycles = 0;
  double dsps = 0;
  std::string source;
  std::string note;  ///< what the figure leaves out or takes in
};

const std::vector<PublishedPoint>& published_points();

}  // namespace heddle
