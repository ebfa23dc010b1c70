// The verbs of the command line: each adds its subcommand, with options, help and action.
#pragma once

#include <CLI/CLI.hpp>

namespace heddle {

void add_run(CLI::App& app);
void add_inspect(CLI::App& app);
void add_synth(CLI::App& app);
void add_quantize(CLI::App& app);
void add_compare(CLI::App& app);
void add_kernel(CLI::App& app);
void add_board(CLI::App& app);
void add_analyze(CLI::App& app);
void add_ablation(CLI::App& app);

}  // namespace heddle
