/// DICOM identifiers that follow from what they name, so that a retried job writes the same objects
/// and nothing else ever does.
#pragma once

#include <span>
#include <string>

#include "qsm/v1/acquisition.pb.h"

namespace chistream {

/// What one reconstruction is: everything its result depends on. All digests are lower-case hex.
struct Provenance {
  std::string input_sha256;  // of the container
  std::string job_id;
  std::string pipeline;           // "brain-3t@1"
  std::string parameters_sha256;  // of every option's value
};

/// "2.25." and, in decimal, the UUIDv8 (RFC 9562) whose 122 free bits are the first of the SHA-256
/// of the fields. Each field is preceded by its length: ("ab", "c") is not ("a", "bc").
std::string derived_uid(std::span<std::string const> fields);

/// Study and frame of reference are those of the identity where it has them. Derived ones depend on
/// the input and the patient alone, so that every job on one exam stays in one study, and two
/// patients share nothing even if their voxels were equal.
class SeriesUids {
 public:
  SeriesUids(Provenance const& provenance, qsm::v1::Identity const& identity, std::string artifact);

  std::string study() const { return study_; }
  std::string frame_of_reference() const { return frame_; }
  std::string series() const;
  std::string instance(int slice) const;
  std::string dimensions() const;  // dimension organization of a multi-frame instance

 private:
  std::string object(std::string kind) const;

  Provenance provenance_;
  std::string identity_sha256_;
  std::string artifact_;
  std::string study_;
  std::string frame_;
};

}  // namespace chistream
