// The meaning of a Graph, slowly: every operator in double precision by its definition.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/graph.h"

namespace heddle {

/// The values of all inputs, weights and constants by name -> those of all outputs and of every
/// value outside loops. An Attention's query i sees Attention::visible(i) keys.
std::map<std::string, std::vector<double>> evaluate(
    const Graph& graph, const std::map<std::string, std::vector<double>>& given);

}  // namespace heddle
