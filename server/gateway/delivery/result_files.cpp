#include "gateway/delivery/result_files.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <algorithm>

#include "container/sha256.hpp"
#include "formats/dicom/attributes.hpp"
#include "formats/format_error.hpp"
#include "formats/series_kind.hpp"
#include "store/timestamp.hpp"

namespace chistream::gateway {

namespace fs = std::filesystem;

namespace {

qsm::v1::DeliveredInstance instance_of(fs::path const& state, std::string const& file) {
  DcmFileFormat head;
  qsm::v1::DeliveredInstance instance;
  instance.set_file(file);
  if (head.loadFile((state / file).c_str(), EXS_Unknown, EGL_noChange, DCM_MaxReadLength,
                    ERM_metaOnly)
          .bad())
    throw FormatError("RESULT_DAMAGED", file + " is no DICOM file");
  instance.set_sop_class_uid(dicom::text(*head.getMetaInfo(), DCM_MediaStorageSOPClassUID));
  instance.set_sop_instance_uid(dicom::text(*head.getMetaInfo(), DCM_MediaStorageSOPInstanceUID));
  return instance;
}

}  // namespace

std::vector<std::string> result_files(fs::path const& state, std::string const& exam_id) {
  std::vector<std::string> files;
  for (auto const& entry : fs::recursive_directory_iterator(state / "exams" / exam_id / "result"))
    if (entry.path().extension() == ".dcm") files.push_back(entry.path().lexically_relative(state));
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> instances_of(qsm::v1::DicomObject object,
                                      std::vector<std::string> const& files) {
  auto const object_of = [](std::string const& file) {
    std::string const folder = fs::path(file).parent_path().filename();
    return object_called(folder).value_or(qsm::v1::DICOM_OBJECT_UNSPECIFIED);
  };
  std::vector<std::string> chosen;
  std::copy_if(files.begin(), files.end(), std::back_inserter(chosen),
               [&](std::string const& file) { return object_of(file) == object; });
  return chosen;
}

std::vector<std::string> instances_for(NodeSettings const& node,
                                       std::vector<std::string> const& files) {
  auto chosen = instances_of(node.object, files);
  if (node.report)
    for (auto& file : instances_of(qsm::v1::DICOM_OBJECT_REPORT, files))
      chosen.push_back(std::move(file));
  return chosen;
}

qsm::v1::Delivery make_delivery(fs::path const& state, qsm::v1::ReceivedExam const& exam,
                                std::vector<std::string> const& files, std::string const& node) {
  qsm::v1::Delivery delivery;
  delivery.set_delivery_id(
      qsm::container::sha256_hex(exam.exam_id() + ' ' + exam.job_id() + ' ' + node).substr(0, 32));
  delivery.set_exam_id(exam.exam_id());
  delivery.set_job_id(exam.job_id());
  delivery.set_node(node);
  delivery.set_state(qsm::v1::DELIVERY_STATE_QUEUED);
  *delivery.mutable_created_at() = timestamp_now();
  *delivery.mutable_next_at() = delivery.created_at();
  for (auto const& file : files) *delivery.add_instances() = instance_of(state, file);
  return delivery;
}

std::optional<qsm::v1::Delivery> without_class(fs::path const& state,
                                               qsm::v1::Delivery const& delivery,
                                               std::string const& refused) {
  qsm::v1::Delivery rest = delivery;
  rest.clear_instances();
  for (auto const& instance : delivery.instances())
    if (instance.sop_class_uid() != refused) *rest.add_instances() = instance;
  bool const multi_frame =
      refused == UID_ParametricMapStorage || refused == UID_EnhancedMRImageStorage;
  if (multi_frame)
    for (auto const& file :
         instances_of(qsm::v1::DICOM_OBJECT_UNSPECIFIED, result_files(state, delivery.exam_id())))
      *rest.add_instances() = instance_of(state, file);
  bool const other = multi_frame || refused == UID_EnhancedSRStorage;
  if (!other || rest.instances().empty()) return std::nullopt;
  return rest;
}

}  // namespace chistream::gateway
