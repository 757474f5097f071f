#include "formats/exam_flags.hpp"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "formats/format_error.hpp"

namespace chistream {

void ExamFlags::add_to(CLI::App& app) {
  app.add_option("INPUT", inputs_,
                 "ISMRMRD file (.h5), container (.qsmexam), BIDS or DICOM folder, or magnitudes "
                 "(.nii)");
  app.add_option("--magnitude", images_.magnitude, "magnitude images (.nii)")->expected(1, -1);
  app.add_option("--phase", images_.phase, "phase images (.nii), in the order of the magnitudes")
      ->expected(1, -1);
  app.add_option("--te", images_.te_s, "echo times [s]")->expected(1, -1);
  app.add_option("--b0", images_.b0_t, "field strength [T]");
  app.add_option("--b0-dir", b0_direction_, "B0 along the axes of the volume")->expected(3);
  app.add_option("--frequency-hz", images_.frequency_hz, "proton resonance [Hz]");
  app.add_option("--phase-units", phase_units_, "what phase images are stored in")
      ->check(CLI::IsMember({"auto", "rad", "mrad", "siemens", "siemens12", "hz"}))
      ->capture_default_str();
  app.add_flag("--phase-difference", images_.phase_difference,
               "the one phase image is echo 2 less echo 1, as a scanner's field map has it; one in "
               "hertz is told by --phase-units hz");
  app.add_option("--phase-sign", images_.phase_sign,
                 "+1 or -1, multiplies the phase; of DICOM images +1, or -1 of GE, if not given")
      ->check(CLI::IsMember({1, -1}));
  app.add_option("--slice-chopping", slice_chopping_,
                 "whether the sign of every other slice of DICOM images is inverted: told by the "
                 "images of GE (auto), yes or no")
      ->check(CLI::IsMember({"auto", "yes", "no"}))
      ->capture_default_str();
  auto* const noise = app.add_option(
      "--noise", noise_, "ISMRMRD file (.h5) whose noise scan whitens the channels of raw data");
  app.add_flag("--no-whitening", no_whitening_,
               "leave the channels of raw data as they are although there is a noise scan")
      ->excludes(noise);
}

ExamSource ExamFlags::source() const {
  if (!noise_.empty() && (inputs_.size() != 1 || !is_ismrmrd(inputs_.front())))
    throw FormatError("NOISE_WITHOUT_RAW_DATA", "a noise scan whitens raw data only",
                      "give an ISMRMRD file, or leave --noise out");
  ExamSource source{.input = {},
                    .images = images_,
                    .noise = {.whiten = !no_whitening_, .file = noise_},
                    .slices_chopped = {}};
  source.images.phase_units = phase_units_of(phase_units_).value_or(PhaseUnits::kAuto);
  if (slice_chopping_ != "auto") source.slices_chopped = slice_chopping_ == "yes";
  if (!b0_direction_.empty()) {
    source.images.b0_direction.emplace();
    std::copy_n(b0_direction_.begin(), 3, source.images.b0_direction->begin());
  }
  auto& magnitude = source.images.magnitude;
  if (!images_.phase.empty()) {
    magnitude.insert(magnitude.end(), inputs_.begin(), inputs_.end());
    if (magnitude.empty())
      throw FormatError("MISSING_MAGNITUDE", "phase images are given, and no magnitude");
    return source;
  }
  if (!magnitude.empty() || inputs_.size() > 1)
    throw FormatError("MISSING_PHASE",
                      std::to_string(magnitude.size() + inputs_.size()) +
                          " magnitude images are given, and no phase",
                      "name the phase images with --phase");
  if (inputs_.empty()) throw FormatError("NO_INPUT", "no input is given", "see --help");
  source.input = inputs_.front();
  return source;
}

void add_identity_flags(CLI::App& app, qsm::v1::Identity& identity) {
  using Field = google::protobuf::FieldDescriptor;
  auto const* const reflection = identity.GetReflection();
  auto const* const type = identity.GetDescriptor();
  auto* const message = &identity;
  for (int i = 0; i < type->field_count(); ++i) {
    Field const* const field = type->field(i);
    std::string flag = "--" + field->name();
    std::replace(flag.begin(), flag.end(), '_', '-');
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

}  // namespace chistream
