// heddle kernel: the kernel language from the command line.
#include "apps/heddle/kernel_verbs.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"

namespace heddle {

void add_kernel(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "kernel", "List, schedule, check, run, simulate, measure and emit kernels");
  // Not 1: a misspelt verb would then be reported as a missing one.
  verb->require_subcommand(0, 1);
  verb->callback([verb] {
    if (!verb->get_subcommands().empty()) return;
    throw UserError("heddle kernel: a verb is missing",
                    "one of: list, show, schedule, explain, check, run, sim, area, emit (heddle "
                    "kernel --help)");
  });
  verb->footer(
      "A kernel is a name from `heddle kernel list` or a file of kernel text; a schedule is a "
      "name\n"
      "listed there or a file of steps (docs/kernel-language.md).\n"
      "Example:\n"
      "  heddle kernel show linear -p rows=64 --schedule optimised\n"
      "  heddle kernel check linear -p rows=64 --schedule optimised\n"
      "  heddle kernel emit linear --backend hls --schedule optimised -o linear_hls");
  add_kernel_list(*verb);
  add_kernel_show(*verb);
  add_kernel_schedule(*verb);
  add_kernel_explain(*verb);
  add_kernel_check(*verb);
  add_kernel_run(*verb);
  add_kernel_sim(*verb);
  add_kernel_area(*verb);
  add_kernel_emit(*verb);
}

}  // namespace heddle
