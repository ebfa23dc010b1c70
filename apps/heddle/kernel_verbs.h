// The verbs below `heddle kernel`: each adds its subcommand.
#pragma once

#include <CLI/CLI.hpp>

namespace heddle {

void add_kernel_list(CLI::App& kernel);
void add_kernel_show(CLI::App& kernel);
void add_kernel_schedule(CLI::App& kernel);
void add_kernel_explain(CLI::App& kernel);
void add_kernel_check(CLI::App& kernel);
void add_kernel_run(CLI::App& kernel);
void add_kernel_sim(CLI::App& kernel);
void add_kernel_area(CLI::App& kernel);
void add_kernel_emit(CLI::App& kernel);

}  // namespace heddle
