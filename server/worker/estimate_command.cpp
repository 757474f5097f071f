// `estimate`: the memory that a job would take, for the daemon's admission.
#include <iostream>

#include "pipeline/pipeline.hpp"
#include "worker/commands.hpp"
#include "worker/confine.hpp"
#include "worker/container_scan.hpp"
#include "worker/error_detail.hpp"
#include "worker/job.hpp"

namespace chistream {

Command add_estimate(CLI::App& program) {
  auto* const app = program.add_subcommand(
      "estimate",
      "Memory that a job takes: a serialised qsm.v1.JobSpec on stdin, a qsm.v1.Estimate on stdout");
  auto const path = std::make_shared<std::string>();
  app->add_option("PATH", *path, "the container")->required();
  return {app, [path] {
            confine(Network::kNone);
            qsm::v1::JobSpec spec;
            if (!spec.ParseFromIstream(&std::cin)) {
              std::cerr << "stdin holds no qsm.v1.JobSpec\n";
              return 2;
            }
            ContainerReader const exam(*path);
            qsm::v1::Estimate estimate;
            estimate.set_peak_bytes(
                qsm::estimate_peak_bytes(describe_scan(exam.header()), options_of(spec)));
            estimate.SerializeToOstream(&std::cout);
            std::cout.flush();
            return std::cout ? 0 : 1;
          }};
}

}  // namespace chistream
