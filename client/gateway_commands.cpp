/// `chistream exams`, `deliveries`, `nodes`: what the DICOM gateway received and sends.
#include <iostream>

#include "client/command_flags.hpp"
#include "client/commands.hpp"
#include "client/json_output.hpp"
#include "qsm/v1/dicom.grpc.pb.h"

namespace chistream {

namespace {

using Stub = qsm::v1::DicomService::Stub;

/// --gateway, else $CHISTREAM_GATEWAY, else 127.0.0.1:50152; --json.
struct GatewayFlags {
  std::string address = "127.0.0.1:50152";
  bool json = false;

  void add_to(CLI::App& app) {
    app.add_option("--gateway", address, "host:port or unix:PATH of chistream-gateway")
        ->envname("CHISTREAM_GATEWAY")
        ->capture_default_str();
    app.add_flag("--json", json, "for programs");
  }

  std::unique_ptr<Stub> connect() const {
    return qsm::v1::DicomService::NewStub(qsm::channel::open_channel(address, {}, {}));
  }
};

template <class Response, class Call>
Response ask(Call const& call) {
  return call_with_patience<Response>(no_patience(), call);
}

/// "waiting input" of EXAM_STATE_WAITING_INPUT.
std::string lower(std::string const& name, std::string_view prefix) {
  std::string text = name.substr(prefix.size());
  for (char& c : text) c = c == '_' ? ' ' : static_cast<char>(std::tolower(c));
  return text;
}

void print(qsm::v1::ReceivedExam const& exam) {
  std::cout << exam.exam_id() << "  " << lower(qsm::v1::ExamState_Name(exam.state()), "EXAM_STATE_")
            << "  from " << exam.calling_ae() << " to " << exam.called_ae() << ", "
            << exam.description() << '\n';
  if (!exam.job_id().empty()) std::cout << "    job " << exam.job_id() << '\n';
  if (!exam.superseded_by().empty())
    std::cout << "    superseded by " << exam.superseded_by() << ": images came late\n";
  for (auto const& what : exam.missing()) std::cout << "    missing: " << what << '\n';
  if (exam.has_error())
    std::cout << "    " << exam.error().reason() << ": " << exam.error().message() << '\n';
}

void print(qsm::v1::Delivery const& delivery) {
  int stored = 0;
  for (auto const& instance : delivery.instances()) stored += instance.stored();
  std::cout << delivery.delivery_id() << "  "
            << lower(qsm::v1::DeliveryState_Name(delivery.state()), "DELIVERY_STATE_") << "  to "
            << delivery.node() << ", exam " << delivery.exam_id() << ", " << stored << " of "
            << delivery.instances_size() << " instances, " << delivery.attempts() << " attempts\n";
  for (auto const& note : delivery.notes()) std::cout << "    " << note << '\n';
  if (!delivery.last_error().empty()) std::cout << "    " << delivery.last_error() << '\n';
}

void print(qsm::v1::DicomNode const& node) {
  std::cout << node.name() << "  " << node.address() << ", " << node.queued() << " queued\n";
}

template <class Messages>
int show(GatewayFlags const& flags, Messages const& messages) {
  if (flags.json)
    print_json(messages);
  else
    for (auto const& message : messages) print(message);
  return kExitOk;
}

struct ExamFlagsOfGateway {
  GatewayFlags gateway;
  std::string retry, discard, send, to;
};

int exams(ExamFlagsOfGateway const& flags) {
  auto const stub = flags.gateway.connect();
  if (!flags.retry.empty()) {
    qsm::v1::RetryExamRequest request;
    request.set_exam_id(flags.retry);
    print(ask<qsm::v1::ReceivedExam>([&](auto* context, auto* response) {
      return stub->RetryExam(context, request, response);
    }));
    return kExitOk;
  }
  if (!flags.discard.empty()) {
    qsm::v1::DiscardExamRequest request;
    request.set_exam_id(flags.discard);
    ask<qsm::v1::DiscardExamResponse>([&](auto* context, auto* response) {
      return stub->DiscardExam(context, request, response);
    });
    return kExitOk;
  }
  if (!flags.send.empty()) {
    qsm::v1::SendResultRequest request;
    request.set_exam_id(flags.send);
    request.set_node(flags.to);
    print(ask<qsm::v1::Delivery>([&](auto* context, auto* response) {
      return stub->SendResult(context, request, response);
    }));
    return kExitOk;
  }
  return show(flags.gateway, ask<qsm::v1::ListExamsResponse>([&](auto* context, auto* response) {
                               return stub->ListExams(context, {}, response);
                             }).exams());
}

int deliveries(GatewayFlags const& flags, std::string const& retry) {
  auto const stub = flags.connect();
  if (!retry.empty()) {
    qsm::v1::RetryDeliveryRequest request;
    request.set_delivery_id(retry);
    print(ask<qsm::v1::Delivery>([&](auto* context, auto* response) {
      return stub->RetryDelivery(context, request, response);
    }));
    return kExitOk;
  }
  return show(flags, ask<qsm::v1::ListDeliveriesResponse>([&](auto* context, auto* response) {
                       return stub->ListDeliveries(context, {}, response);
                     }).deliveries());
}

int nodes(GatewayFlags const& flags, std::string const& echo) {
  auto const stub = flags.connect();
  if (!echo.empty()) {
    qsm::v1::EchoNodeRequest request;
    request.set_node(echo);
    auto const answer = ask<qsm::v1::EchoNodeResponse>(
        [&](auto* context, auto* response) { return stub->EchoNode(context, request, response); });
    if (answer.answers())
      std::cout << echo << " answers, after " << answer.seconds() << " s\n";
    else
      std::cout << answer.error() << '\n';
    return answer.answers() ? kExitOk : kExitUnreachable;
  }
  return show(flags, ask<qsm::v1::ListNodesResponse>([&](auto* context, auto* response) {
                       return stub->ListNodes(context, {}, response);
                     }).nodes());
}

}  // namespace

Command add_exams(CLI::App& program) {
  auto* const app = program.add_subcommand("exams", "what the DICOM gateway received");
  auto const flags = std::make_shared<ExamFlagsOfGateway>();
  flags->gateway.add_to(*app);
  app->add_option("--retry", flags->retry, "reconstruct this exam, which failed, once more");
  app->add_option("--discard", flags->discard, "take this exam, which failed, and its images away");
  auto* const send = app->add_option("--send", flags->send, "send the result of this exam ...");
  auto* const to = app->add_option("--to", flags->to, "... to this node");
  send->needs(to);
  to->needs(send);
  return {app, [flags] { return exams(*flags); }};
}

Command add_deliveries(CLI::App& program) {
  auto* const app =
      program.add_subcommand("deliveries", "what the DICOM gateway sent, and is to send");
  auto const flags = std::make_shared<GatewayFlags>();
  auto const retry = std::make_shared<std::string>();
  flags->add_to(*app);
  app->add_option("--retry", *retry, "try this delivery now");
  return {app, [flags, retry] { return deliveries(*flags, *retry); }};
}

Command add_nodes(CLI::App& program) {
  auto* const app = program.add_subcommand("nodes", "where the DICOM gateway can send results");
  auto const flags = std::make_shared<GatewayFlags>();
  auto const echo = std::make_shared<std::string>();
  flags->add_to(*app);
  app->add_option("--echo", *echo, "ask this node whether it answers (C-ECHO)");
  return {app, [flags, echo] { return nodes(*flags, *echo); }};
}

}  // namespace chistream
