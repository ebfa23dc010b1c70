// The heddle command line.
#include <fmt/core.h>

#include <malloc.h>

#include <csignal>

#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/interrupt.h"

namespace {

constexpr int kOurMistake = 1;
constexpr int kUsersMistake = 2;
constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells report it.

int run(int argc, char** argv) {
  CLI::App app("Takes compact multimodal transformers from their checkpoints to HBM FPGA cards.",
               "heddle");
  app.set_version_flag("--version", HEDDLE_VERSION);
  // Not 1: a misspelt verb would then be reported as a missing one.
  app.require_subcommand(0, 1);
  heddle::add_run(app);
  heddle::add_inspect(app);
  heddle::add_synth(app);
  heddle::add_quantize(app);
  heddle::add_compare(app);
  heddle::add_kernel(app);
  heddle::add_board(app);
  heddle::add_analyze(app);
  heddle::add_ablation(app);
  try {
    app.parse(argc, argv);
    if (!app.get_subcommands().empty()) return 0;
    fmt::print(stderr, "heddle: a subcommand is missing\n\n{}", app.help());
    return kUsersMistake;
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help and --version
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return kUsersMistake;
  }
}

}  // namespace

int main(int argc, char** argv) {
  heddle::install_interrupt_handler();
  // A reader that goes away, or a file over the size limit, shows as a failed write with a message.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  // Requests come one after the other and want memory of the same sizes: what one frees stays for
  // the next, instead of going back to the system and coming again as pages to be cleared.
  constexpr int kKept = 64 << 20;
  mallopt(M_MMAP_THRESHOLD, kKept);
  mallopt(M_TRIM_THRESHOLD, kKept);
  try {
    return run(argc, argv);
  } catch (const heddle::UserError& error) {
    fmt::print(stderr, "heddle: {}\n        {}\n", error.what(), error.remedy());
    return kUsersMistake;
  } catch (const heddle::Interrupted&) {
    fmt::print(stderr, "heddle: interrupted; nothing was left behind\n");
    return kInterrupted;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr,
               "heddle: out of memory\n        close other programs or use a smaller model\n");
    return kUsersMistake;
  } catch (const std::exception& error) {
    fmt::print(stderr,
               "heddle: internal error: {}\n        this is a bug of ours; please report it\n",
               error.what());
    return kOurMistake;
  }
}
