// Noise scans: in the exam's file, or measured before it.
#include "formats/ismrmrd/noise.hpp"
#include "formats/ismrmrd/xml.hpp"
#include "ismrmrd_edit.hpp"

namespace chistream::test {

namespace {

/// Appends a noise line: square waves of height c + 1 in channel c, no two alike.
void add_noise(ISMRMRD::Dataset& to, std::uint16_t channels, std::uint16_t samples,
               float dwell_us) {
  ISMRMRD::Acquisition noise(samples, channels);
  noise.setFlag(ISMRMRD::ISMRMRD_ACQ_IS_NOISE_MEASUREMENT);
  auto head = noise.getHead();
  head.sample_time_us = dwell_us;  // the library's reference to it is not aligned
  noise.setHead(head);
  for (std::uint16_t c = 0; c < channels; ++c)
    for (std::uint16_t s = 0; s < samples; ++s) {
      float const re = (s >> 2 * c) % 2 == 0 ? 1.0F : -1.0F;
      float const im = (s >> (2 * c + 1)) % 2 == 0 ? 1.0F : -1.0F;
      noise.data(s, c) = static_cast<float>(c + 1) * std::complex<float>(re, im);
    }
  to.appendAcquisition(noise);
}

bool warns(ContainerReader const& exam, std::string const& beginning) {
  for (auto const& warning : exam.header().warnings())
    if (warning.starts_with(beginning)) return true;
  return false;
}

}  // namespace

TEST(IsmrmrdNoise, ANoiseScanWhitensWhereverItStands) {
  for (bool const first : {true, false}) {
    Edit edit;
    (first ? edit.before : edit.after) = [](auto& to) { add_noise(to, 2, 400, 5); };
    std::optional<ContainerReader> exam;
    ASSERT_EQ(edited_reason(edit, &exam), "none");
    EXPECT_TRUE(exam->header().whitened());
    EXPECT_TRUE(warns(*exam, "WHITENED: by 400 noise samples")) << first;
    EXPECT_EQ(exam->acquisitions().size(), 90u);
    for (auto const& record : exam->acquisitions()) {
      // Channel 0 comes alone: its noise has variance 2, so the samples are as they were.
      std::vector<std::complex<float>> samples(14);
      exam->read(record, samples);
      auto const raw = line_samples(record.head);
      for (std::size_t x = 0; x < 7; ++x)
        EXPECT_LT(std::abs(samples[x] - raw[x]), 3e-3F * std::abs(raw[x]) + 1e-6F);
    }
  }
}

TEST(IsmrmrdNoise, DropsTheChannelThatHoldsNoNoise) {
  Edit edit;
  edit.before = [](auto& to) {
    ISMRMRD::Acquisition noise(100, 2);
    noise.setFlag(ISMRMRD::ISMRMRD_ACQ_IS_NOISE_MEASUREMENT);
    for (std::uint16_t s = 0; s < 100; ++s) {
      noise.data(s, 0) = 0;
      noise.data(s, 1) = s % 2 == 0 ? 1.0F : -1.0F;
    }
    to.appendAcquisition(noise);
  };
  std::optional<ContainerReader> exam;
  ASSERT_EQ(edited_reason(edit, &exam), "none");
  EXPECT_EQ(exam->header().coils(), 1u);
  EXPECT_TRUE(warns(*exam, "DEAD_CHANNEL: channel 1"));
}

TEST(IsmrmrdNoise, SaysWhyANoiseScanIsNotUsed) {
  for (std::uint16_t const channels : {std::uint16_t{3}, std::uint16_t{2}}) {
    Edit edit;
    edit.before = [=](auto& to) { add_noise(to, channels, channels == 2 ? 3 : 400, 5); };
    std::optional<ContainerReader> exam;
    ASSERT_EQ(edited_reason(edit, &exam), "none");
    EXPECT_FALSE(exam->header().whitened());
    EXPECT_TRUE(warns(*exam, "NOISE_NOT_USED")) << channels;
    for (auto const& record : exam->acquisitions()) {
      std::vector<std::complex<float>> samples(14);
      exam->read(record, samples);
      EXPECT_EQ(samples, line_samples(record.head));
    }
  }
}

namespace {

/// A noise scan measured before the exam: a file of its own, with `lines` of noise and no image.
void write_noise_scan(std::filesystem::path const& path, std::uint16_t channels, int lines,
                      std::string const& measurement = "") {
  ISMRMRD::Dataset to(path.c_str(), "dataset", true);
  ISMRMRD::IsmrmrdHeader xml = xml_header_of(kspace_header());
  if (!measurement.empty()) {
    xml.measurementInformation = ISMRMRD::MeasurementInformation{};
    xml.measurementInformation->patientPosition = "HFS";
    xml.measurementInformation->measurementID = measurement;
  }
  std::ostringstream text;
  ISMRMRD::serialize(xml, text);
  to.writeHeader(text.str());
  for (int n = 0; n < lines; ++n) add_noise(to, channels, 200, 5);
  if (lines == 0) {
    ISMRMRD::Acquisition image(7, channels);
    to.appendAcquisition(image);
  }
}

/// Names measurement `id` as the exam's noise scan.
Edit depending_on(std::string const& id) {
  Edit edit;
  edit.xml = [id](ISMRMRD::IsmrmrdHeader& xml) {
    if (!xml.measurementInformation) xml.measurementInformation = ISMRMRD::MeasurementInformation{};
    xml.measurementInformation->measurementDependency.push_back({"Noise", id});
  };
  return edit;
}

}  // namespace

TEST(IsmrmrdNoise, AnEarlierScanWhitensAsOneInTheFileDoes) {
  TemporaryFolder folder;
  write_noise_scan(folder / "noise.h5", 2, 2);
  Edit own;
  own.before = [](auto& to) {
    add_noise(to, 2, 200, 5);
    add_noise(to, 2, 200, 5);
  };
  std::optional<ContainerReader> inside, before;
  ASSERT_EQ(edited_reason(own, &inside), "none");
  ASSERT_EQ(edited_reason({}, &before, {.whiten = true, .file = folder / "noise.h5"}), "none");
  EXPECT_TRUE(before->header().whitened());
  EXPECT_TRUE(warns(*before, "WHITENED: by 400 noise samples"));
  ASSERT_EQ(before->acquisitions().size(), inside->acquisitions().size());
  for (std::size_t n = 0; n < before->acquisitions().size(); ++n) {
    std::vector<std::complex<float>> a(14), b(14);
    before->read(before->acquisitions()[n], a);
    inside->read(inside->acquisitions()[n], b);
    EXPECT_EQ(a, b);
  }
}

TEST(IsmrmrdNoise, TakesTheScanThatIsGivenBeforeTheExamsOwn) {
  TemporaryFolder folder;
  write_noise_scan(folder / "noise.h5", 2, 1);
  Edit own;
  own.before = [](auto& to) { add_noise(to, 2, 400, 5); };
  std::optional<ContainerReader> exam;
  ASSERT_EQ(edited_reason(own, &exam, {.whiten = true, .file = folder / "noise.h5"}), "none");
  EXPECT_TRUE(warns(*exam, "WHITENED: by 200 noise samples"));
  EXPECT_TRUE(warns(*exam, "NOISE_NOT_USED: the exam's own"));
}

TEST(IsmrmrdNoise, RefusesAScanThatCannotWhiten) {
  TemporaryFolder folder;
  NoiseSource const source{.whiten = true, .file = folder / "noise.h5"};
  EXPECT_EQ(edited_reason({}, nullptr, source), "FILE_UNREADABLE");
  write_noise_scan(source.file, 2, 0);
  EXPECT_EQ(edited_reason({}, nullptr, source), "NOISE_MISSING");
  std::filesystem::remove(source.file);
  write_noise_scan(source.file, 3, 2);
  EXPECT_EQ(edited_reason({}, nullptr, source), "NOISE_CHANNELS");
}

TEST(IsmrmrdNoise, AsksForTheScanThatTheExamNames) {
  TemporaryFolder folder;
  NoiseSource const source{.whiten = true, .file = folder / "noise.h5"};
  std::optional<ContainerReader> exam;
  ASSERT_EQ(edited_reason(depending_on("noise-17"), &exam), "none");
  EXPECT_TRUE(warns(*exam, "NOISE_NOT_GIVEN: the exam names measurement noise-17"));
  write_noise_scan(source.file, 2, 2, "noise-17");
  ASSERT_EQ(edited_reason(depending_on("noise-17"), &exam, source), "none");
  EXPECT_FALSE(warns(*exam, "NOISE_OF_ANOTHER_SCAN"));
  ASSERT_EQ(edited_reason(depending_on("noise-18"), &exam, source), "none");
  EXPECT_TRUE(warns(*exam, "NOISE_OF_ANOTHER_SCAN"));
  EXPECT_TRUE(exam->header().whitened());
}

}  // namespace chistream::test
