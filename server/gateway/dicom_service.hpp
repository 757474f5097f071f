/// DicomService, thin: what the desk and the queue know, and what they are told to do again.
#pragma once

#include "gateway/delivery/delivery_queue.hpp"
#include "gateway/exams/exam_desk.hpp"
#include "qsm/v1/dicom.grpc.pb.h"

namespace chistream::gateway {

class DicomService final : public qsm::v1::DicomService::Service {
 public:
  DicomService(Settings const& settings, GatewayJournal& journal, ExamDesk& desk,
               DeliveryQueue& deliveries)
      : settings_(settings), journal_(journal), desk_(desk), deliveries_(deliveries) {}

  grpc::Status ListExams(grpc::ServerContext*, qsm::v1::ListExamsRequest const* request,
                         qsm::v1::ListExamsResponse* response) override;
  grpc::Status GetExam(grpc::ServerContext*, qsm::v1::GetExamRequest const* request,
                       qsm::v1::ReceivedExam* response) override;
  grpc::Status RetryExam(grpc::ServerContext*, qsm::v1::RetryExamRequest const* request,
                         qsm::v1::ReceivedExam* response) override;
  grpc::Status DiscardExam(grpc::ServerContext*, qsm::v1::DiscardExamRequest const* request,
                           qsm::v1::DiscardExamResponse* response) override;
  grpc::Status ListDeliveries(grpc::ServerContext*, qsm::v1::ListDeliveriesRequest const* request,
                              qsm::v1::ListDeliveriesResponse* response) override;
  grpc::Status RetryDelivery(grpc::ServerContext*, qsm::v1::RetryDeliveryRequest const* request,
                             qsm::v1::Delivery* response) override;
  grpc::Status SendResult(grpc::ServerContext*, qsm::v1::SendResultRequest const* request,
                          qsm::v1::Delivery* response) override;
  grpc::Status ListNodes(grpc::ServerContext*, qsm::v1::ListNodesRequest const* request,
                         qsm::v1::ListNodesResponse* response) override;
  grpc::Status EchoNode(grpc::ServerContext*, qsm::v1::EchoNodeRequest const* request,
                        qsm::v1::EchoNodeResponse* response) override;

 private:
  Settings const& settings_;
  GatewayJournal& journal_;
  ExamDesk& desk_;
  DeliveryQueue& deliveries_;
};

}  // namespace chistream::gateway
