/// What of a result goes to which node.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gateway/settings.hpp"
#include "qsm/v1/dicom.pb.h"

namespace chistream::gateway {

/// Every instance of the result of an exam, named from `state`, in the order to be sent.
std::vector<std::string> result_files(std::filesystem::path const& state,
                                      std::string const& exam_id);

/// The instances among `files` that are written as `object`; MR images where it is unspecified.
std::vector<std::string> instances_of(qsm::v1::DicomObject object,
                                      std::vector<std::string> const& files);

/// Those that a node takes: of its object, and the report if it wants that.
std::vector<std::string> instances_for(NodeSettings const& node,
                                       std::vector<std::string> const& files);

/// The delivery of an exam's whole result to a node. Its id follows from both: asked for twice, it
/// is one. Reads class and UID from the files. Throws FormatError RESULT_DAMAGED.
qsm::v1::Delivery make_delivery(std::filesystem::path const& state,
                                qsm::v1::ReceivedExam const& exam,
                                std::vector<std::string> const& files, std::string const& node);

/// What `delivery` becomes where its node does not take the SOP class `refused`: MR images in place
/// of a multi-frame object; nothing in place of the report. Nothing where nothing is left, or where
/// MR images themselves are refused. Throws as make_delivery().
std::optional<qsm::v1::Delivery> without_class(std::filesystem::path const& state,
                                               qsm::v1::Delivery const& delivery,
                                               std::string const& refused);

}  // namespace chistream::gateway
