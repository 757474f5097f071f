#include "worker/exam_flags.hpp"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "device/error.hpp"
#include "worker/overrides.hpp"

namespace chistream {

void ExamFlags::add_to(CLI::App& app) {
  app.add_option(
         "INPUT", inputs_,
         "ISMRMRD file (.h5), container (.qsmexam), BIDS folder, or magnitude images (.nii)")
      ->required();
  app.add_option("--phase", images_.phase, "phase images (.nii), in the order of the magnitudes");
  app.add_option("--te", images_.te_s, "echo times [s]");
  app.add_option("--b0", images_.b0_t, "field strength [T]");
  app.add_option("--b0-dir", b0_direction_, "B0 along the axes of the volume")->expected(3);
  app.add_option("--frequency-hz", images_.frequency_hz, "proton resonance [Hz]");
  app.add_option("--phase-units", phase_units_, "auto, rad, mrad, siemens, siemens12")
      ->capture_default_str();
  app.add_option("--phase-sign", images_.phase_sign, "+1 or -1, multiplies the phase")
      ->check(CLI::IsMember({1, -1}))
      ->capture_default_str();
}

ExamSource ExamFlags::source() const {
  ExamSource source{.input = {}, .images = images_};
  auto const units = phase_units_of(phase_units_);
  qsm::require(units.has_value(), "PHASE_UNITS_UNKNOWN",
               "phase units are auto, rad, mrad, siemens or siemens12, not '" + phase_units_ + "'");
  source.images.phase_units = *units;
  if (!b0_direction_.empty()) {
    source.images.b0_direction.emplace();
    std::copy_n(b0_direction_.begin(), 3, source.images.b0_direction->begin());
  }
  if (images_.phase.empty()) {
    qsm::require(inputs_.size() == 1, "MISSING_PHASE",
                 std::to_string(inputs_.size()) + " magnitude images and no --phase");
    source.input = inputs_.front();
  } else {
    source.images.magnitude.assign(inputs_.begin(), inputs_.end());
  }
  return source;
}

void add_identity_flags(CLI::App& app, qsm::v1::Identity& identity) {
  using Field = google::protobuf::FieldDescriptor;
  auto const* const reflection = identity.GetReflection();
  auto const* const type = identity.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    Field const* const field = type->field(i);
    std::string flag = "--" + field->name();
    std::replace(flag.begin(), flag.end(), '_', '-');
    auto* const message = &identity;
    CLI::Option* option = nullptr;
    switch (field->cpp_type()) {
      case Field::CPPTYPE_DOUBLE:
        option = app.add_option_function<double>(
            flag, [=](double v) { reflection->SetDouble(message, field, v); });
        break;
      case Field::CPPTYPE_UINT32:
        option = app.add_option_function<std::uint32_t>(
            flag, [=](std::uint32_t v) { reflection->SetUInt32(message, field, v); });
        break;
      default:
        option = app.add_option_function<std::string>(
            flag, [=](std::string const& v) { reflection->SetString(message, field, v); });
    }
    option->group("Identity");
  }
}

void PipelineFlags::add_to(CLI::App& app) {
  app.add_option("--pipeline", pipeline_, "name or name@version; the default is the first");
  app.add_option("--set", assignments_, "stage.option=value; `describe --text` lists them");
}

void PipelineFlags::fill(qsm::v1::JobSpec& spec) const {
  spec.set_pipeline(pipeline_);
  for (auto const& assignment : assignments_) *spec.add_overrides() = parse_override(assignment);
}

}  // namespace chistream
