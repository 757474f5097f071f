#include "daemon/security_commands.hpp"

#include <iostream>
#include <memory>

#include "security/access_file.hpp"
#include "security/audit.hpp"

namespace chistream {

DaemonCommand add_token_command(CLI::App& program) {
  struct Flags {
    std::string file, name, tenant;
    std::vector<std::string> roles{"submit", "read"};
    int days = 365;
  };
  auto const flags = std::make_shared<Flags>();
  CLI::App* const app = program.add_subcommand(
      "token", "adds a caller to an access file and prints the token that it is to send");
  app->add_option("--access-file", flags->file)->required();
  app->add_option("--name", flags->name, "of the console, program or person")->required();
  app->add_option("--tenant", flags->tenant, "whose exams it sees")->required();
  app->add_option("--roles", flags->roles)
      ->delimiter(',')
      ->check(CLI::IsMember({"submit", "read", "emergency", "admin"}))
      ->capture_default_str();
  app->add_option("--days", flags->days, "until it expires")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  return {app, [flags] {
            Caller caller{.name = flags->name, .tenant = flags->tenant, .roles = {}};
            for (std::string const& role : flags->roles) caller.roles.add(*role_of(role));
            std::cout << add_token(flags->file, caller, flags->days) << '\n';
            std::cerr << "chistreamd: this is the only time the token is shown; a server that runs "
                         "takes it up on SIGHUP\n";
            return 0;
          }};
}

DaemonCommand add_audit_command(CLI::App& program) {
  CLI::App* const app = program.add_subcommand("audit", "the audit trail");
  app->require_subcommand(1);
  CLI::App* const verify = app->add_subcommand("verify", "checks that no line was changed");
  auto const file = std::make_shared<std::string>();
  verify->add_option("FILE", *file)->required();
  return {app, [file] {
            Audit::Chain const chain = Audit::verify(*file);
            if (!chain.broken.empty()) {
              std::cout << "BROKEN: " << chain.broken << "; the " << chain.lines
                        << " lines before it are whole\n";
              return 1;
            }
            std::cout << chain.lines << " lines, unbroken; the last has SHA-256 "
                      << (chain.lines ? chain.last_hash : "none") << '\n';
            return 0;
          }};
}

}  // namespace chistream
