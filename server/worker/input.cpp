#include "worker/input.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <system_error>

#include "container/sha256.hpp"
#include "device/error.hpp"

namespace chistream {

Input::Input(qsm::v1::WorkerService::Stub& stub, qsm::v1::ClaimResponse const& task)
    : path_(task.input_path()) {
  if (::access(path_.c_str(), R_OK) == 0) return;
  std::string name = (std::filesystem::temp_directory_path() / "chistream-exam-XXXXXX").string();
  int const file = ::mkstemp(name.data());  // mode 0600
  if (file < 0) throw std::system_error(errno, std::generic_category(), name);
  path_ = name;
  fetched_ = true;
  grpc::ClientContext context;
  qsm::v1::FetchInputRequest request;
  *request.mutable_claim() = task.claim();
  auto const stream = stub.FetchInput(&context, request);
  qsm::container::Sha256 sha256;
  bool whole = true;
  for (qsm::v1::DataChunk chunk; whole && stream->Read(&chunk);) {
    sha256.update(std::as_bytes(std::span(chunk.data())));
    whole = ::write(file, chunk.data().data(), chunk.data().size()) ==
            static_cast<ssize_t>(chunk.data().size());
  }
  ::close(file);
  if (!whole) context.TryCancel();
  grpc::Status const status = stream->Finish();
  bool const good = whole && status.ok() && sha256.hex_digest() == task.input_sha256();
  if (good) return;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  qsm::require(false, "INPUT_UNREACHABLE",
               whole ? "the exam did not arrive whole: " + status.error_message()
                     : "the temporary folder has no room for the exam");
}

Input::~Input() {
  std::error_code ignored;
  if (fetched_) std::filesystem::remove(path_, ignored);
}

}  // namespace chistream
