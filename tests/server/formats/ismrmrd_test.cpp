#include <fstream>

#include "formats/ismrmrd/ismrmrd_reader.hpp"
#include "ismrmrd_edit.hpp"

namespace chistream::test {

using namespace qsm::container;

TEST(Ismrmrd, GivesBackHeaderAndLines) {
  TemporaryFolder folder;
  auto header = kspace_header();
  header.mutable_encoded()->set_x(14);  // twofold readout oversampling
  write_h5(folder / "a.h5", header);
  ContainerReader const exam = converted(folder, "a.h5");
  inspect(exam);
  auto const& read = exam.header();
  EXPECT_EQ(read.source_format(), "ismrmrd");
  EXPECT_EQ(read.records(), 90u);
  EXPECT_EQ(read.coils(), 2u);
  EXPECT_EQ(read.encoded().x(), 14u);
  EXPECT_EQ(read.geometry().matrix().x(), 7u);
  EXPECT_DOUBLE_EQ(read.geometry().voxel_mm().y(), 1.5);
  EXPECT_NEAR(read.geometry().origin_lps_mm().x(), -12.5, 1e-4);
  EXPECT_NEAR(read.geometry().origin_lps_mm().y(), 40.25, 1e-4);
  EXPECT_NEAR(read.geometry().origin_lps_mm().z(), -71, 1e-4);
  EXPECT_NEAR(read.geometry().y_direction_lps().z(), 0.6, 1e-6);
  for (int e = 0; e < 3; ++e) EXPECT_DOUBLE_EQ(read.te_s(e), header.te_s(e));
  EXPECT_DOUBLE_EQ(read.tr_s(), 0.031);
  EXPECT_DOUBLE_EQ(read.b0_t(), 3);
  EXPECT_EQ(read.identity().patient_name(), "Test^Case");
  ASSERT_EQ(exam.acquisitions().size(), 90u);
  std::size_t i = 0;
  for_each_line(header, [&](AcquisitionHead head) {
    auto const& record = exam.acquisitions()[i++];
    EXPECT_EQ(std::memcmp(&record.head, &head, sizeof(head)), 0);
    std::vector<std::complex<float>> samples(2 * 14);
    exam.read(record, samples);
    EXPECT_EQ(samples, line_samples(head));
  });
}

namespace {

/// Sets read_dir[0] in a copy of the head: its members are not aligned.
void turn(ISMRMRD::Acquisition& line, float x) {
  auto head = line.getHead();
  head.read_dir[0] = x;
  line.setHead(head);
}

}  // namespace

TEST(Ismrmrd, RefusesByName) {
  using Xml = ISMRMRD::IsmrmrdHeader;
  using Line = ISMRMRD::Acquisition;
  auto const xml = [](std::function<void(Xml&)> f) {
    Edit edit;
    edit.xml = std::move(f);
    return edited_reason(edit);
  };
  auto const line = [](std::function<void(Line&)> f) {
    Edit edit;
    edit.line = std::move(f);
    return edited_reason(edit);
  };
  EXPECT_EQ(xml([](Xml&) {}), "none");
  EXPECT_EQ(xml([](Xml& x) { x.encoding.push_back(x.encoding[0]); }), "ENCODINGS_UNSUPPORTED");
  EXPECT_EQ(xml([](Xml& x) { x.encoding[0].trajectory = ISMRMRD::TrajectoryType::SPIRAL; }),
            "TRAJECTORY_UNSUPPORTED");
  EXPECT_EQ(xml([](Xml& x) {
              ISMRMRD::ParallelImaging p{};
              p.accelerationFactor = {2, 1};
              x.encoding[0].parallelImaging = p;
            }),
            "UNDERSAMPLED");
  EXPECT_EQ(xml([](Xml& x) {
              x.encoding[0].reconSpace.fieldOfView_mm = {0, 0, 0};
              x.encoding[0].encodedSpace.fieldOfView_mm = {0, 0, 0};
            }),
            "ZERO_FIELD_OF_VIEW");
  EXPECT_EQ(xml([](Xml& x) { x.encoding[0].reconSpace.fieldOfView_mm.x *= 1.2F; }), "FOV_MISMATCH");
  EXPECT_EQ(xml([](Xml& x) { x.encoding[0].reconSpace.matrixSize.x = 0; }), "MATRIX_OUT_OF_RANGE");
  EXPECT_EQ(xml([](Xml& x) { x.sequenceParameters->TE->pop_back(); }), "ECHO_COUNT_MISMATCH");
  EXPECT_EQ(xml([](Xml& x) { (*x.sequenceParameters->TE)[1] = 1; }), "TE_NOT_INCREASING");
  EXPECT_EQ(line([](Line& l) { l.idx().slice = 1; }), "SLICES_UNSUPPORTED");
  EXPECT_EQ(line([](Line& l) { l.idx().repetition = 1; }), "REPETITIONS_UNSUPPORTED");
  EXPECT_EQ(line([](Line& l) { l.encoding_space_ref() = 1; }), "ENCODINGS_UNSUPPORTED");
  EXPECT_EQ(line([](Line& l) { l.discard_pre() = l.number_of_samples(); }), "SAMPLES_MISMATCH");
  EXPECT_EQ(line([](Line& l) { l.resize(0, l.active_channels()); }), "SAMPLES_MISMATCH");
  EXPECT_EQ(line([](Line& l) { l.idx().kspace_encode_step_1 += 1; }), "LINE_OUT_OF_RANGE");
  EXPECT_EQ(line([](Line& l) { l.setFlag(ISMRMRD::ISMRMRD_ACQ_IS_NOISE_MEASUREMENT); }),
            "NO_IMAGING_LINES");
  EXPECT_EQ(line([](Line& l) { turn(l, l.idx().contrast == 1 ? -1.0F : 1.0F); }),
            "GEOMETRY_CHANGES");
  EXPECT_EQ(line([](Line& l) { turn(l, 0); }), "DIRECTIONS_NOT_ORTHONORMAL");
  EXPECT_EQ(line([](Line& l) { l.getDataPtr()[3] = {NAN, 0}; }), "NON_FINITE_SAMPLES");
}

TEST(Ismrmrd, CountsFromTheCentreTheHeaderNames) {
  Edit edit;
  edit.xml = [](ISMRMRD::IsmrmrdHeader& x) {
    x.encoding[0].encodingLimits.kspace_encoding_step_1->center += 3;
  };
  edit.line = [](ISMRMRD::Acquisition& l) { l.idx().kspace_encode_step_1 += 3; };
  EXPECT_EQ(edited_reason(edit), "none");
}

TEST(Ismrmrd, TurnsReversedReadoutsRound) {
  Edit edit;
  edit.line = [](ISMRMRD::Acquisition& l) {
    if (l.idx().contrast != 1) return;
    l.setFlag(ISMRMRD::ISMRMRD_ACQ_IS_REVERSE);  // 7 samples: the centre stays where it is
    for (std::size_t c = 0; c < 2; ++c)
      std::reverse(l.getDataPtr() + 7 * c, l.getDataPtr() + 7 * (c + 1));
  };
  std::optional<ContainerReader> exam;
  ASSERT_EQ(edited_reason(edit, &exam), "none");
  ASSERT_EQ(exam->header().warnings_size(), 1);
  EXPECT_EQ(exam->header().warnings(0).substr(0, 15), "BIPOLAR_READOUT");
  EXPECT_TRUE(exam->header().bipolar_readout());
  for (auto const& record : exam->acquisitions()) {
    std::vector<std::complex<float>> samples(14);
    exam->read(record, samples);
    EXPECT_EQ(samples, line_samples(record.head));
  }
}

TEST(Ismrmrd, FillsAPartialEchoWithZerosAndDropsDiscards) {
  Edit edit;
  edit.line = [](ISMRMRD::Acquisition& l) {
    ISMRMRD::Acquisition shorter(6, 2);  // the first sample was not measured
    auto head = l.getHead();
    head.number_of_samples = 6;
    head.center_sample = 2;
    head.discard_post = 1;
    shorter.setHead(head);
    for (std::size_t c = 0; c < 2; ++c)
      std::copy_n(l.getDataPtr() + 7 * c + 1, 6, shorter.getDataPtr() + 6 * c);
    l = shorter;
  };
  std::optional<ContainerReader> exam;
  ASSERT_EQ(edited_reason(edit, &exam), "none");
  EXPECT_EQ(exam->header().warnings(0).substr(0, 12), "PARTIAL_ECHO");
  auto const& record = exam->acquisitions()[40];
  auto expected = line_samples(record.head);
  expected[0] = expected[7] = expected[6] = expected[13] = 0;
  std::vector<std::complex<float>> samples(14);
  exam->read(record, samples);
  EXPECT_EQ(samples, expected);
}

TEST(Ismrmrd, LeavesOutAndCountsWhatIsNoImage) {
  Edit edit;
  edit.line = [count = 0](ISMRMRD::Acquisition& l) mutable {
    if (count++ == 12) l.setFlag(ISMRMRD::ISMRMRD_ACQ_IS_NAVIGATION_DATA);
  };
  EXPECT_EQ(edited_reason(edit), "UNDERSAMPLED");  // that line is missing now
}

TEST(Ismrmrd, RefusesWhatIsNotOne) {
  TemporaryFolder folder;
  auto const reason = [&] { return reason_of([&] { converted(folder, "x.h5"); }); };
  EXPECT_EQ(reason(), "FILE_UNREADABLE");
  std::ofstream(folder / "x.h5") << "not HDF5";
  EXPECT_EQ(reason(), "FILE_UNREADABLE");
  write_h5(folder / "x.h5", kspace_header());
  std::filesystem::resize_file(folder / "x.h5", std::filesystem::file_size(folder / "x.h5") / 2);
  EXPECT_EQ(reason(), "FILE_UNREADABLE");
  std::filesystem::remove(folder / "x.h5");
  ISMRMRD::Dataset((folder / "x.h5").c_str(), "other", true).writeHeader("<xml/>");
  EXPECT_EQ(reason(), "NOT_ISMRMRD");
}

}  // namespace chistream::test
