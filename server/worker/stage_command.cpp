// `stage NAME`: one stage from NIfTI files to NIfTI files, with every option of it.
#include "worker/commands.hpp"

namespace chistream {

Command add_stage(CLI::App& program) {
  auto* const app = program.add_subcommand("stage", "Run one stage from NIfTI to NIfTI");
  app->require_subcommand(1);
  auto const threads = std::make_shared<int>(0);
  app->add_option("--threads", *threads, "of the processor; 0: all")->capture_default_str();
  auto const stages = std::make_shared<std::vector<Command>>(
      std::vector<Command>{add_stage_combine(*app), add_stage_mask(*app), add_stage_unwrap(*app),
                           add_stage_field(*app), add_stage_r2s(*app), add_stage_background(*app),
                           add_stage_invert(*app), add_stage_score(*app)});
  return {app, [threads, stages] {
            use_threads(*threads);
            return run_chosen(*stages);
          }};
}

}  // namespace chistream
