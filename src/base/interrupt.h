// Ctrl-C as an exception, so that temporary files are removed by their owners' destructors.
#pragma once

namespace heddle {

/// From now on SIGINT and SIGTERM only ask the program to stop; a second one kills it at once.
void install_interrupt_handler();

/// Throws Interrupted if the program was asked to stop. Long loops call it between steps.
void check_interrupt();

}  // namespace heddle
