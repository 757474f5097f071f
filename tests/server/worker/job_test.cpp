#include "worker/job.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "container/sha256.hpp"
#include "device/error.hpp"
#include "server/worker/container_file.hpp"
#include "worker/overrides.hpp"

namespace chistream::test {
namespace {

constexpr std::uint32_t kX = 32, kY = 28, kZ = 30;

/// A ball of 0.5 ppm in a larger ball of signal: one coil at 3 T.
void write_ball(ContainerFile& file, std::vector<double> const& te_s) {
  qsm::v1::ExamHeader header;
  header.set_format_version(1);
  header.set_content(qsm::v1::CONTENT_KIND_IMAGES);
  auto& g = *header.mutable_geometry();
  g.mutable_matrix()->set_x(kX);
  g.mutable_matrix()->set_y(kY);
  g.mutable_matrix()->set_z(kZ);
  g.mutable_voxel_mm()->set_x(2);
  g.mutable_voxel_mm()->set_y(2);
  g.mutable_voxel_mm()->set_z(2);
  g.mutable_x_direction_lps()->set_x(1);
  g.mutable_y_direction_lps()->set_y(1);
  g.mutable_z_direction_lps()->set_z(1);
  header.set_coils(1);
  for (double const te : te_s) header.add_te_s(te);
  header.set_b0_t(3);
  header.mutable_identity()->set_patient_id("container");
  header.mutable_identity()->set_study_id("S1");

  auto writer = file.writer();
  writer.header(header);
  for (std::uint32_t echo = 0; echo < te_s.size(); ++echo) {
    std::vector<std::complex<float>> image;
    for (std::uint32_t z = 0; z < kZ; ++z)
      for (std::uint32_t y = 0; y < kY; ++y)
        for (std::uint32_t x = 0; x < kX; ++x) {
          double const dx = x - 16.0, dy = y - 14.0, dz = z - 15.0;
          double const r2 = dx * dx + dy * dy + dz * dz;
          // Outside a ball of radius 4: chi/3 (a/r)^3 (3 cos^2 - 1).
          double const field =
              r2 < 16 ? 0 : 0.5 / 3 * std::pow(16 / r2, 1.5) * (3 * dz * dz / r2 - 1);
          double const phase = 2 * M_PI * 42.577478518 * 3 * field * te_s[echo];
          double const magnitude = r2 < 12 * 12 ? 100 : 0.5;
          image.emplace_back(static_cast<float>(magnitude * std::cos(phase)),
                             static_cast<float>(magnitude * std::sin(phase)));
        }
    writer.image_block({echo, 0, 0, kX, kY, kZ}, image);
  }
  writer.end();
}

class Job : public testing::Test {
 protected:
  void SetUp() override {
    write_ball(file_, {0.005, 0.015});
    input_.job_id = "job-1";
    input_.container = file_.finish();
    input_.input_sha256 = std::string(64, '1');
    input_.created_at_unix_s = 1704164645;
    *input_.spec.add_overrides() = parse_override("inversion.iterations=20");
    *input_.spec.add_overrides() = parse_override("background.radii_mm=6,4");
    input_.spec.mutable_identity()->set_patient_id("request");
  }

  std::map<std::string, std::string> run() {
    std::map<std::string, std::string> artifacts;
    outcome_ = run_job(
        device_, input_,
        [&](qsm::v1::Artifact const& head, std::string_view bytes) {
          EXPECT_EQ(head.bytes(), bytes.size());
          EXPECT_EQ(head.sha256(), qsm::container::sha256_hex(bytes));
          EXPECT_TRUE(artifacts.emplace(head.name(), bytes).second) << head.name();
        },
        stop_.get_token(), [&](qsm::v1::Progress const& p) { stages_.push_back(p.stage()); });
    return artifacts;
  }

  ContainerFile file_;
  JobInput input_;
  JobOutcome outcome_;
  std::stop_source stop_;
  std::vector<std::string> stages_;
  qsm::ThisDevice device_{0};
};

TEST_F(Job, LeavesTheSameArtifactsEachTime) {
  auto const first = run();
  EXPECT_EQ(first.size(), kZ + 7u);
  EXPECT_EQ(outcome_.artifacts, first.size());
  for (char const* name :
       {"chi.nii.gz", "mask.nii.gz", "local_field.nii.gz", "total_field.nii.gz", "magnitude.nii.gz",
        "r2s.nii.gz", "report.json", "dicom/0001.dcm", "dicom/0030.dcm"})
    EXPECT_TRUE(first.contains(name)) << name;
  EXPECT_EQ(stages_.front(), "coils");
  EXPECT_EQ(stages_.back(), "inversion");
  EXPECT_EQ(outcome_.stage_times.size(), 7u);
  EXPECT_GT(outcome_.peak_bytes, 1u << 20);
  EXPECT_EQ(first, run());
}

TEST_F(Job, ReportsWhatItDidAndNotToWhom) {
  auto const text = run().at("report.json");
  auto const report = nlohmann::json::parse(text);
  EXPECT_EQ(report["parameters"]["inversion.iterations"], 20);
  EXPECT_EQ(report["parameters"].size(), qsm::option_table().size());
  EXPECT_EQ(report["pipeline"], "brain-3t@4");
  EXPECT_EQ(report["input"]["sha256"], input_.input_sha256);
  EXPECT_EQ(report["result"]["inversion_residuals"].size(),
            report["result"]["inversion_iterations"].get<std::size_t>());
  EXPECT_GT(report["result"]["inversion_alpha"], 0.0);
  for (char const* who : {"container", "request", "S1"})
    EXPECT_EQ(text.find(std::string("\"") + who + "\""), std::string::npos) << who;
}

TEST_F(Job, TakesTheRequestsIdentityOverTheContainers) {
  auto const image = run().at("dicom/0001.dcm");
  EXPECT_NE(image.find("request"), std::string::npos);
  EXPECT_EQ(image.find("container"), std::string::npos);
  EXPECT_NE(image.find("S1"), std::string::npos);
}

TEST_F(Job, WritesTheSeriesItIsAskedForAndTheSameMap) {
  auto const plain = run();
  for (auto const kind :
       {qsm::v1::SERIES_KIND_R2S, qsm::v1::SERIES_KIND_QUALITY, qsm::v1::SERIES_KIND_WEIGHT,
        qsm::v1::SERIES_KIND_MASK, qsm::v1::SERIES_KIND_R2S})  // twice is once
    input_.spec.add_series(kind);
  auto const more = run();
  EXPECT_EQ(more.size(), plain.size() + 4 * kZ + 2);
  for (char const* name : {"dicom/r2s/0001.dcm", "dicom/quality/0030.dcm", "dicom/weight/0001.dcm",
                           "dicom/mask/0001.dcm", "weight.nii.gz", "quality.nii.gz"})
    EXPECT_TRUE(more.contains(name)) << name;
  for (auto const& [name, bytes] : plain) EXPECT_EQ(bytes, more.at(name)) << name;
}

TEST_F(Job, NamesNobodyWhereItIsDeidentified) {
  input_.spec.mutable_identity()->set_patient_name("Secret^Name");
  input_.spec.mutable_identity()->set_study_instance_uid("1.2.3.45678");
  input_.spec.add_objects(qsm::v1::DICOM_OBJECT_REPORT);
  input_.spec.add_objects(qsm::v1::DICOM_OBJECT_ENHANCED_MR);
  auto const named = run();
  EXPECT_NE(named.at("dicom/report/report.dcm").find("Secret^Name"), std::string::npos);
  input_.spec.set_deidentify(true);
  auto const artifacts = run();
  EXPECT_EQ(artifacts.size(), named.size());
  EXPECT_EQ(artifacts, run());
  for (auto const& [name, bytes] : artifacts) {
    for (char const* secret : {"Secret", "request", "container", "1.2.3.45678", "20240102"})
      EXPECT_EQ(bytes.find(secret), std::string::npos) << name << ' ' << secret;
    if (name.ends_with(".dcm")) {
      EXPECT_NE(bytes.find("Anonymous^"), std::string::npos) << name;
    }
  }
  EXPECT_EQ(artifacts.at("chi.nii.gz"), named.at("chi.nii.gz"));
}

TEST_F(Job, SaysWhatItsResultMayBeUsedFor) {
  auto const research = run().at("dicom/0001.dcm");
  EXPECT_NE(research.find("RESEARCH"), std::string::npos);
  input_.spec.set_qualification(qsm::v1::CONTENT_QUALIFICATION_PRODUCT);
  auto const product = run().at("dicom/0001.dcm");
  EXPECT_EQ(product.find("RESEARCH"), std::string::npos);
  EXPECT_NE(product.find("PRODUCT"), std::string::npos);
}

TEST_F(Job, SaysWhichSeriesTheEchoesDoNotTell) {
  input_.spec.add_series(qsm::v1::SERIES_KIND_FIELD_NOISE);
  input_.spec.add_series(qsm::v1::SERIES_KIND_LOCAL_FIELD);
  ContainerFile one_echo;  // whose misfit has no freedom
  write_ball(one_echo, {0.015});
  input_.container = one_echo.finish();
  auto const artifacts = run();
  EXPECT_TRUE(artifacts.contains("dicom/local-field/0001.dcm"));
  EXPECT_FALSE(artifacts.contains("dicom/field-noise/0001.dcm"));
  EXPECT_FALSE(artifacts.contains("field_noise.nii.gz"));
  auto const report = nlohmann::json::parse(artifacts.at("report.json"));
  EXPECT_EQ(report["warnings"].back(), "there is no series field-noise: it takes more echoes");
  EXPECT_EQ(outcome_.warnings.back(), report["warnings"].back());
}

TEST_F(Job, IsRefusedBeforeAnyWork) {
  input_.spec.mutable_identity()->set_patient_birth_date("yesterday");
  EXPECT_THROW(run(), qsm::Error);
  input_.spec.mutable_identity()->clear_patient_birth_date();
  input_.spec.set_pipeline("liver-3t@1");
  EXPECT_THROW(run(), qsm::Error);
  EXPECT_TRUE(stages_.empty());
}

TEST_F(Job, IsRefusedWhereItCanNeverFit) {
  *input_.spec.add_overrides() = parse_override("inversion.pad=1024");  // about 56 GiB
  if (qsm::ThisDevice::list().front().memory_bytes > std::uint64_t{48} << 30)
    GTEST_SKIP() << "this machine may well hold it";
  try {
    run();
    FAIL() << "ran";
  } catch (qsm::Error const& error) {
    EXPECT_EQ(error.reason(), "DOES_NOT_FIT");
  }
  EXPECT_TRUE(stages_.empty());
}

TEST_F(Job, EndsWhenCancelled) {
  stop_.request_stop();
  try {
    run();
    FAIL() << "ran";
  } catch (qsm::Error const& error) {
    EXPECT_EQ(error.code(), qsm::ErrorCode::kCancelled);
  }
}

}  // namespace
}  // namespace chistream::test
