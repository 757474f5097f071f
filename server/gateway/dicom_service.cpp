#include "gateway/dicom_service.hpp"

#include <algorithm>
#include <chrono>

#include "gateway/delivery/stow_client.hpp"
#include "store/request_error.hpp"
#include "store/status.hpp"

namespace chistream::gateway {

namespace {

std::uint32_t limit_of(std::uint32_t asked) {
  constexpr std::uint32_t kUsual = 100, kMost = 1000;
  return std::min(asked == 0 ? kUsual : asked, kMost);
}

}  // namespace

grpc::Status DicomService::ListExams(grpc::ServerContext*, qsm::v1::ListExamsRequest const* request,
                                     qsm::v1::ListExamsResponse* response) {
  return answer("ListExams", [&] {
    for (auto& exam : desk_.exams(limit_of(request->limit()))) {
      exam.clear_sop_instance_uids();
      *response->add_exams() = std::move(exam);
    }
  });
}

grpc::Status DicomService::GetExam(grpc::ServerContext*, qsm::v1::GetExamRequest const* request,
                                   qsm::v1::ReceivedExam* response) {
  return answer("GetExam", [&] {
    auto const exam = journal_.exam(request->exam_id());
    if (!exam) throw RequestError(grpc::NOT_FOUND, "UNKNOWN_EXAM", "there is no such exam");
    *response = *exam;
  });
}

grpc::Status DicomService::RetryExam(grpc::ServerContext*, qsm::v1::RetryExamRequest const* request,
                                     qsm::v1::ReceivedExam* response) {
  return answer("RetryExam", [&] { *response = desk_.retry(request->exam_id()); });
}

grpc::Status DicomService::DiscardExam(grpc::ServerContext*,
                                       qsm::v1::DiscardExamRequest const* request,
                                       qsm::v1::DiscardExamResponse*) {
  return answer("DiscardExam", [&] { desk_.discard(request->exam_id()); });
}

grpc::Status DicomService::ListDeliveries(grpc::ServerContext*,
                                          qsm::v1::ListDeliveriesRequest const* request,
                                          qsm::v1::ListDeliveriesResponse* response) {
  return answer("ListDeliveries", [&] {
    for (auto& delivery : journal_.latest_deliveries(limit_of(request->limit()))) {
      auto const& states = request->states();
      if (states.empty() ||
          std::find(states.begin(), states.end(), delivery.state()) != states.end())
        *response->add_deliveries() = std::move(delivery);
    }
  });
}

grpc::Status DicomService::RetryDelivery(grpc::ServerContext*,
                                         qsm::v1::RetryDeliveryRequest const* request,
                                         qsm::v1::Delivery* response) {
  return answer("RetryDelivery", [&] { *response = deliveries_.retry(request->delivery_id()); });
}

grpc::Status DicomService::SendResult(grpc::ServerContext*,
                                      qsm::v1::SendResultRequest const* request,
                                      qsm::v1::Delivery* response) {
  return answer("SendResult", [&] { *response = desk_.send(request->exam_id(), request->node()); });
}

grpc::Status DicomService::ListNodes(grpc::ServerContext*, qsm::v1::ListNodesRequest const*,
                                     qsm::v1::ListNodesResponse* response) {
  return answer("ListNodes", [&] {
    for (auto const& [name, node] : settings_.nodes) {
      auto& entry = *response->add_nodes();
      entry.set_name(name);
      entry.set_address(!node.url.empty()
                            ? node.url
                            : node.ae_title + " at " + node.host + ":" + std::to_string(node.port) +
                                  (node.tls ? ", TLS" : ""));
      entry.set_queued(static_cast<std::uint32_t>(journal_.queued(name)));
    }
  });
}

grpc::Status DicomService::EchoNode(grpc::ServerContext*, qsm::v1::EchoNodeRequest const* request,
                                    qsm::v1::EchoNodeResponse* response) {
  return answer("EchoNode", [&] {
    auto const node = settings_.nodes.find(request->node());
    if (node == settings_.nodes.end())
      throw RequestError(grpc::NOT_FOUND, "UNKNOWN_NODE",
                         "there is no node '" + request->node() + "'",
                         "`chistream nodes` lists them");
    auto const began = std::chrono::steady_clock::now();
    try {
      if (node->second.url.empty())
        echo_node(node->second, settings_.ae_title);
      else
        ask_stow_node(node->second);
      response->set_answers(true);
    } catch (NodeError const& error) {
      response->set_error(error.what());
    }
    response->set_seconds(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  });
}

}  // namespace chistream::gateway
