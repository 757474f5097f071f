// Every RPC with every role, of its own tenant and of another, and without credentials.
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>

#include <fstream>
#include <set>

#include "container/sha256.hpp"
#include "security/access_table.hpp"
#include "server/server_fixture.hpp"

namespace chistream::test {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

std::vector<ServiceDescriptor const*> client_services() {
  auto const& pool = *google::protobuf::DescriptorPool::generated_pool();
  std::vector<ServiceDescriptor const*> services;
  for (char const* name : {"UploadService", "JobService", "ResultService", "AdminService"})
    services.push_back(pool.FindServiceByName(std::string("qsm.v1.") + name));
  return services;
}

std::vector<MethodDescriptor const*> client_methods() {
  std::vector<MethodDescriptor const*> methods;
  for (ServiceDescriptor const* const service : client_services())
    for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i));
  return methods;
}

std::string table_name(MethodDescriptor const& method) {
  return method.service()->name() + "/" + method.name();
}

TEST(AccessTable, HasEveryMethodAndNothingElse) {
  std::set<std::string> methods, rules;
  for (MethodDescriptor const* const method : client_methods()) methods.insert(table_name(*method));
  for (AccessRule const& rule : access_table()) rules.emplace(rule.method);

  EXPECT_EQ(methods, rules);
  EXPECT_EQ(rules.size(), access_table().size()) << "one is there twice";
  EXPECT_EQ(rule_for("JobService/Invented"), nullptr);
}

class GateTest : public ServerTest {
 protected:
  GateTest() {
    options_.access_file = directory_.path() / "access.json";
    std::ofstream access(options_.access_file);
    access << R"({"tenants": {"mine": {}, "theirs": {}}, "callers": [)";
    for (char const* tenant : {"mine", "theirs"})
      for (Role const role : kAllRoles) {
        std::string const name = std::string(tenant) + "-" + std::string(name_of(role));
        access << R"({"name": ")" << name << R"(", "tenant": ")" << tenant << R"(", "roles": [")"
               << name_of(role) << R"("], "expires": "2999-01-01", "token_sha256": ")"
               << qsm::container::sha256_hex(name) << "\"},\n";
      }
    access << R"({"name": "old", "tenant": "mine", "roles": ["read"], "expires": "2020-01-01",)"
           << R"("token_sha256": ")" << qsm::container::sha256_hex("old") << "\"}]}";
    access.close();
    start();
    stub_ = std::make_unique<grpc::GenericStub>(
        grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials()));
  }

  /// An upload with a job that has ended, of tenant "mine".
  void make_exam() {
    authorize("mine-submit");
    upload_id_ = committed_upload("exam");
    qsm::v1::Job job;
    ASSERT_TRUE(submit(job_request("job", upload_id_, "succeed"), &job).ok());
    job_id_ = job.job_id();
    ASSERT_TRUE(reaches(job_id_, qsm::v1::JOB_STATE_SUCCEEDED));
  }

  /// Names upload and job wherever the request can; true if it can.
  bool fill(Message& request) {
    bool named = false;
    auto const& reflection = *request.GetReflection();
    for (int i = 0; i < request.GetDescriptor()->field_count(); ++i) {
      FieldDescriptor const* const field = request.GetDescriptor()->field(i);
      if (field->is_repeated()) continue;
      if (field->name() == "upload_id") {
        reflection.SetString(&request, field, upload_id_);
        named = true;
      } else if (field->name() == "job_id") {
        reflection.SetString(&request, field, job_id_);
        named = true;
      } else if (field->name() == "name") {
        reflection.SetString(&request, field, "report.json");
      } else if (field->name() == "request_id") {
        reflection.SetString(&request, field, std::to_string(++requests_));
      } else if (field->name() == "spec") {
        named = fill(*reflection.MutableMessage(&request, field)) || named;
      }
    }
    return named;
  }

  /// Any kind of method: one request, and whatever comes is read.
  grpc::Status call(MethodDescriptor const& method, Message const& request,
                    std::string const& token) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    grpc::CompletionQueue queue;
    auto const done = [&] {
      void* tag = nullptr;
      bool ok = false;
      queue.Next(&tag, &ok);
      return ok;
    };
    auto const stream = stub_->PrepareCall(
        &context, "/qsm.v1." + method.service()->name() + "/" + method.name(), &queue);
    stream->StartCall(nullptr);
    done();
    std::string const bytes = request.SerializeAsString();
    grpc::Slice const slice(bytes);
    stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    done();
    grpc::ByteBuffer answer;
    do stream->Read(&answer, nullptr);
    while (done());
    grpc::Status status;
    stream->Finish(&status, nullptr);
    done();
    return status;
  }

  std::unique_ptr<grpc::GenericStub> stub_;
  std::string upload_id_, job_id_;
  int requests_ = 0;
};

TEST_F(GateTest, EveryMethodAsksForItsRoleAndItsTenant) {
  make_exam();
  google::protobuf::DynamicMessageFactory factory;
  int calls = 0;
  for (MethodDescriptor const* const method : client_methods()) {
    AccessRule const& rule = *rule_for(table_name(*method));
    std::unique_ptr<Message> const request(factory.GetPrototype(method->input_type())->New());
    bool const names_one = fill(*request);
    for (std::string const tenant : {"mine", "theirs"})
      for (Role const role : kAllRoles) {
        std::string const caller = tenant + "-" + std::string(name_of(role));
        grpc::Status const status = call(*method, *request, caller);
        std::string const what = table_name(*method) + " by " + caller;
        ++calls;
        if (!rule.any_of.has(role))
          EXPECT_EQ(reason(status), "ROLE_MISSING") << what;
        else if (tenant == "theirs" && names_one)
          EXPECT_EQ(status.error_code(), grpc::NOT_FOUND) << what << status.error_message();
        else
          EXPECT_TRUE(status.error_code() != grpc::PERMISSION_DENIED &&
                      status.error_code() != grpc::NOT_FOUND)
              << what << ": " << status.error_message();
      }
    EXPECT_EQ(reason(call(*method, *request, "")), "TOKEN_MISSING") << method->name();
    EXPECT_EQ(reason(call(*method, *request, "guess")), "TOKEN_UNKNOWN") << method->name();
    EXPECT_EQ(reason(call(*method, *request, "old")), "TOKEN_EXPIRED") << method->name();
    calls += 3;
  }
  std::cout << calls << " calls: " << client_methods().size() << " methods, "
            << std::size(kAllRoles) << " roles, 2 tenants, and 3 bad credentials\n";
}

TEST_F(GateTest, WhatBelongsToAnotherReadsLikeWhatDoesNotExist) {
  make_exam();
  authorize("theirs-read");
  grpc::ClientContext theirs, none;
  qsm::v1::JobRef request;
  qsm::v1::Job job;
  request.set_job_id(job_id_);
  sign(theirs);
  grpc::Status const other = jobs_->GetJob(&theirs, request, &job);
  request.set_job_id(std::string(32, 'f'));
  sign(none);
  grpc::Status const missing = jobs_->GetJob(&none, request, &job);

  EXPECT_EQ(other.error_code(), missing.error_code());
  EXPECT_EQ(other.error_message(), missing.error_message());
  EXPECT_EQ(other.error_details(), missing.error_details());
}

TEST_F(GateTest, ListsOnlyTheTenantsOwn) {
  make_exam();
  for (auto const& [token, listed] : {std::pair{"mine-read", 1}, {"theirs-read", 0}}) {
    authorize(token);
    grpc::ClientContext context;
    sign(context);
    qsm::v1::ListJobsResponse jobs;
    ASSERT_TRUE(jobs_->ListJobs(&context, {}, &jobs).ok());
    EXPECT_EQ(jobs.jobs_size(), listed) << token;
  }
}

TEST_F(GateTest, TenantsTakeTurnsAndEachGetsAWorkerOfItsOwn) {
  std::vector<std::pair<std::string, std::string>> made;  // tenant, job
  for (std::string const tenant : {"mine", "theirs", "mine"}) {
    authorize(tenant + "-submit");
    std::string const name = std::to_string(made.size());
    qsm::v1::Job job;
    ASSERT_TRUE(submit(job_request(name, committed_upload(name)), &job).ok());
    made.emplace_back(tenant, job.job_id());
    EXPECT_TRUE(reaches(job.job_id(), qsm::v1::JOB_STATE_SUCCEEDED));
    EXPECT_EQ(get_job(job.job_id()).trace_id().size(), 32u);
  }
}

TEST_F(GateTest, AnEmergencyNeedsItsRole) {
  authorize("mine-submit");
  auto request = job_request("job", committed_upload("exam"), "succeed");
  request.mutable_spec()->set_priority(qsm::v1::PRIORITY_EMERGENCY);
  qsm::v1::Job job;
  EXPECT_EQ(reason(submit(request, &job)), "ROLE_MISSING");
}

TEST_F(GateTest, RefusalsAndDeedsAreInTheAuditTrail) {
  make_exam();
  qsm::v1::Job job;
  authorize("theirs-read");
  submit(job_request("x", upload_id_), &job);
  authorize("guess");
  for (int i = 0; i < 50; ++i) submit(job_request("x", upload_id_), &job);
  server_.reset();

  auto const file = options_.spool / "audit.jsonl";
  EXPECT_EQ(Audit::verify(file).broken, "");
  std::ifstream lines(file);
  int imports = 0, submissions = 0, alerts = 0, unknown = 0, activity = 0;
  for (std::string line; std::getline(lines, line);) {
    activity += line.find("\"event\":110100") != std::string::npos;
    imports += line.find("\"event\":110107") != std::string::npos;
    submissions +=
        line.find("\"action\":\"JobService/SubmitJob\",\"outcome\":0") != std::string::npos &&
        line.find("job " + job_id_) != std::string::npos;
    alerts += line.find("\"event\":110113") != std::string::npos;
    unknown += line.find("TOKEN_UNKNOWN") != std::string::npos;
  }
  EXPECT_EQ(imports, 1);
  EXPECT_EQ(activity, 2) << "start and stop";
  EXPECT_EQ(submissions, 1);
  EXPECT_EQ(alerts, 1);
  EXPECT_GT(unknown, 0);
  EXPECT_LE(unknown, 10) << "a peer that keeps on does not fill the disk";
}

TEST_F(GateTest, LimitsOfATenantHold) {
  server_.reset();
  std::ofstream(options_.access_file)
      << R"({"tenants": {"mine": {"open_uploads": 2, "unfinished_jobs": 1, "upload_gib": 0.001}},)"
      << R"("callers": [{"name": "a", "tenant": "mine", "roles": ["submit", "read"],)"
      << R"("expires": "2999-01-01", "token_sha256": ")" << qsm::container::sha256_hex("a")
      << "\"}]}";
  start();
  authorize("a");
  std::string const upload = committed_upload("1");
  qsm::v1::Job job;
  ASSERT_TRUE(submit(job_request("1", upload, "obey-cancel"), &job).ok());
  EXPECT_EQ(reason(submit(job_request("2", upload, "succeed"), &job)), "TENANT_LIMIT");
  create_upload("2");
  create_upload("3");
  grpc::ClientContext context;
  sign(context);
  qsm::v1::CreateUploadRequest request;
  request.set_request_id("4");
  qsm::v1::Upload ignored;
  EXPECT_EQ(reason(uploads_->CreateUpload(&context, request, &ignored)), "TENANT_LIMIT");
}

}  // namespace
}  // namespace chistream::test
