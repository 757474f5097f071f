#include "worker/dicom_uid.hpp"

#include <algorithm>
#include <vector>

#include "container/sha256.hpp"

namespace chistream {

using qsm::container::Sha256;

namespace {

std::string decimal(std::array<std::uint8_t, 16> number) {
  std::string digits;
  while (std::any_of(number.begin(), number.end(), [](std::uint8_t b) { return b != 0; })) {
    unsigned remainder = 0;
    for (std::uint8_t& byte : number) {
      unsigned const value = remainder * 256 + byte;
      byte = static_cast<std::uint8_t>(value / 10);
      remainder = value % 10;
    }
    digits += static_cast<char>('0' + remainder);
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Sha256 hash(std::span<std::string const> fields) {
  Sha256 digest;
  for (std::string const& field : fields) {
    digest.update(std::to_string(field.size()) + ":");
    digest.update(field);
  }
  return digest;
}

std::string digest_of(std::vector<std::string> const& fields) {
  return hash(fields).hex_digest();
}

// Field by field, not the serialised message: its bytes may change with the library's version.
std::string patient_digest(qsm::v1::Identity const& id) {
  return digest_of(
      {id.patient_name(), id.patient_id(), id.issuer_of_patient_id(), id.patient_birth_date()});
}

std::string identity_digest(qsm::v1::Identity const& id) {
  return digest_of({patient_digest(id),
                    id.patient_sex(),
                    std::to_string(id.patient_weight_kg()),
                    id.study_instance_uid(),
                    id.study_id(),
                    id.study_description(),
                    id.study_date(),
                    id.study_time(),
                    id.accession_number(),
                    id.referring_physician(),
                    id.frame_of_reference_uid(),
                    id.position_reference_indicator(),
                    std::to_string(id.series_number()),
                    id.acquisition_date(),
                    id.acquisition_time(),
                    id.patient_position(),
                    id.protocol_name(),
                    id.body_part(),
                    id.manufacturer(),
                    id.manufacturer_model(),
                    id.device_serial_number(),
                    id.software_versions(),
                    id.institution(),
                    id.station()});
}

}  // namespace

std::string derived_uid(std::span<std::string const> fields) {
  auto const digest = hash(fields).digest();
  std::array<std::uint8_t, 16> uuid;
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x80);  // version 8
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);  // variant of RFC 9562
  return "2.25." + decimal(uuid);
}

SeriesUids::SeriesUids(Provenance const& provenance, qsm::v1::Identity const& identity,
                       std::string artifact)
    : provenance_(provenance),
      identity_sha256_(identity_digest(identity)),
      artifact_(std::move(artifact)),
      study_(identity.study_instance_uid()),
      frame_(identity.frame_of_reference_uid()) {
  std::string const patient = patient_digest(identity);
  if (study_.empty())
    study_ = derived_uid(std::vector<std::string>{"study", provenance.input_sha256, patient});
  if (frame_.empty())
    frame_ = derived_uid(std::vector<std::string>{"frame", provenance.input_sha256, patient});
}

std::string SeriesUids::object(std::string kind) const {
  return derived_uid(std::vector<std::string>{
      std::move(kind), provenance_.input_sha256, identity_sha256_, provenance_.job_id,
      provenance_.pipeline, provenance_.parameters_sha256, artifact_});
}

std::string SeriesUids::series() const {
  return object("series");
}

std::string SeriesUids::instance(int slice) const {
  return object("slice " + std::to_string(slice));
}

std::string SeriesUids::dimensions() const {
  return object("dimensions");
}

}  // namespace chistream
