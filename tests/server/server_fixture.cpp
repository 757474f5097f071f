#include "server/server_fixture.hpp"

#include <cstring>

#include "container/framing.hpp"
#include "container/sha256.hpp"

namespace chistream::test {
namespace {

using qsm::container::RecordHead;
using qsm::container::RecordType;

void add_record(std::string& container, RecordType type, std::string const& payload) {
  RecordHead const head{static_cast<std::uint32_t>(type),
                        qsm::container::crc32c(std::as_bytes(std::span(payload))), payload.size()};
  container.append(reinterpret_cast<char const*>(&head), sizeof(head));
  container += payload;
}

}  // namespace

std::string make_container(int lines, std::size_t payload, std::string const& vendor,
                           std::uint64_t announced) {
  qsm::v1::ExamHeader header;
  header.set_format_version(1);
  header.set_coils(2);
  header.set_vendor(vendor);
  header.set_records(announced);
  qsm::v1::ContainerEnd end;
  end.set_acquisitions(static_cast<std::uint64_t>(lines));
  std::string container(qsm::container::kMagic, sizeof(qsm::container::kMagic));
  add_record(container, RecordType::kHeader, header.SerializeAsString());
  for (int i = 0; i < lines; ++i)
    add_record(container, RecordType::kAcquisition,
               std::string(payload, static_cast<char>('a' + i % 26)));
  add_record(container, RecordType::kEnd, end.SerializeAsString());
  return container;
}

std::string sha256_of(std::string const& bytes) {
  qsm::container::Sha256 sha256;
  sha256.update(std::as_bytes(std::span(bytes)));
  return sha256.hex_digest();
}

qsm::v1::ChunkRequest chunk(std::string const& upload_id, std::uint64_t offset,
                            std::string const& data) {
  qsm::v1::ChunkRequest request;
  request.set_upload_id(upload_id);
  request.set_offset(offset);
  request.set_data(data);
  request.set_crc32c(qsm::container::crc32c(std::as_bytes(std::span(data))));
  return request;
}

std::string reason(grpc::Status const& status) {
  qsm::v1::ErrorDetail detail;
  detail.ParseFromString(status.error_details());
  return detail.reason();
}

ServerTest::ServerTest() {
  auto const workers = directory_.path() / "bin";
  std::filesystem::create_directory(workers);
  std::filesystem::create_symlink(FAKE_WORKER, workers / "chistream-worker-cpu");
  options_.listen = "127.0.0.1:0";
  options_.spool = directory_.path() / "spool";
  options_.worker_dir = workers;
  options_.device = "cpu";
  options_.reserve_mib = 0;
}

void ServerTest::start() {
  server_ = std::make_unique<Server>(options_);
  connect(server_->address());
}

void ServerTest::sign(grpc::ClientContext& context) const {
  if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
}

void ServerTest::connect(std::string const& address) {
  auto const channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  uploads_ = qsm::v1::UploadService::NewStub(channel);
  jobs_ = qsm::v1::JobService::NewStub(channel);
  results_ = qsm::v1::ResultService::NewStub(channel);
  admin_ = qsm::v1::AdminService::NewStub(channel);
}

void ServerTest::restart() {
  server_.reset();
  start();
}

qsm::v1::Upload ServerTest::create_upload(std::string const& request_id,
                                          std::uint64_t declared_bytes) {
  grpc::ClientContext context;
  sign(context);
  qsm::v1::CreateUploadRequest request;
  request.set_request_id(request_id);
  request.set_declared_bytes(declared_bytes);
  qsm::v1::Upload upload;
  grpc::Status const status = uploads_->CreateUpload(&context, request, &upload);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return upload;
}

grpc::Status ServerTest::write(std::string const& upload_id, std::string const& bytes,
                               std::uint64_t offset) {
  grpc::ClientContext context;
  sign(context);
  auto const stream = uploads_->WriteChunks(&context);
  std::thread reader([&] {
    for (qsm::v1::ChunkAck ack; stream->Read(&ack);) continue;
  });
  for (std::size_t at = 0; at < bytes.size(); at += kMaxChunkBytes)
    if (!stream->Write(chunk(upload_id, offset + at, bytes.substr(at, kMaxChunkBytes)))) break;
  stream->WritesDone();
  reader.join();
  return stream->Finish();
}

grpc::Status ServerTest::commit(std::string const& upload_id, std::string const& bytes,
                                qsm::v1::InputSummary* summary) {
  grpc::ClientContext context;
  sign(context);
  qsm::v1::CommitUploadRequest request;
  request.set_upload_id(upload_id);
  request.set_total_bytes(bytes.size());
  request.set_sha256(sha256_of(bytes));
  qsm::v1::InputSummary ignored;
  return uploads_->CommitUpload(&context, request, summary ? summary : &ignored);
}

qsm::v1::Upload ServerTest::get_upload(std::string const& upload_id) {
  grpc::ClientContext context;
  sign(context);
  qsm::v1::UploadRef request;
  request.set_upload_id(upload_id);
  qsm::v1::Upload upload;
  EXPECT_TRUE(uploads_->GetUpload(&context, request, &upload).ok());
  return upload;
}

std::string ServerTest::committed_upload(std::string const& request_id) {
  std::string const container = make_container();
  std::string const id = create_upload(request_id).upload_id();
  EXPECT_TRUE(write(id, container).ok());
  grpc::Status const status = commit(id, container);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return id;
}

qsm::v1::SubmitJobRequest ServerTest::job_request(std::string const& request_id,
                                                  std::string const& upload_id,
                                                  std::string const& behaviour) {
  qsm::v1::SubmitJobRequest request;
  request.set_request_id(request_id);
  request.mutable_spec()->set_upload_id(upload_id);
  auto& option = *request.mutable_spec()->add_overrides();
  option.set_option("fake.behaviour");
  option.set_choice(behaviour);
  return request;
}

grpc::Status ServerTest::submit(qsm::v1::SubmitJobRequest const& request, qsm::v1::Job* job) {
  grpc::ClientContext context;
  sign(context);
  return jobs_->SubmitJob(&context, request, job);
}

std::string ServerTest::submitted_job(std::string const& behaviour) {
  qsm::v1::Job job;
  grpc::Status const status = submit(
      job_request("job " + behaviour, committed_upload("upload " + behaviour), behaviour), &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job.job_id();
}

std::string ServerTest::prioritised_job(std::string const& name, std::string const& behaviour,
                                        qsm::v1::Priority priority) {
  auto request = job_request("job " + name, committed_upload(name), behaviour);
  request.mutable_spec()->set_priority(priority);
  qsm::v1::Job job;
  grpc::Status const status = submit(request, &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job.job_id();
}

qsm::v1::Job ServerTest::get_job(std::string const& job_id) {
  grpc::ClientContext context;
  sign(context);
  qsm::v1::JobRef request;
  request.set_job_id(job_id);
  qsm::v1::Job job;
  EXPECT_TRUE(jobs_->GetJob(&context, request, &job).ok());
  return job;
}

qsm::v1::Job ServerTest::cancel(std::string const& job_id) {
  grpc::ClientContext context;
  sign(context);
  qsm::v1::JobRef request;
  request.set_job_id(job_id);
  qsm::v1::Job job;
  EXPECT_TRUE(jobs_->CancelJob(&context, request, &job).ok());
  return job;
}

bool ServerTest::reaches(std::string const& job_id, qsm::v1::JobState state) {
  return eventually([&] { return get_job(job_id).state() == state; });
}

}  // namespace chistream::test
