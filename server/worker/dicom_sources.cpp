#include "worker/dicom_sources.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <set>

#include "worker/dicom_dataset.hpp"

namespace chistream {

namespace {

constexpr DicomCode kProcessed{"121322", "DCM", "Source image for image processing operation"};

void put_reference(DcmItem& item, qsm::v1::SourceSeries const& series,
                   qsm::v1::SourceImage const& image) {
  put(item, DCM_ReferencedSOPClassUID, series.sop_class_uid());
  put(item, DCM_ReferencedSOPInstanceUID, image.sop_instance_uid());
}

void put_source(DcmItem& item, qsm::v1::SourceSeries const& series,
                qsm::v1::SourceImage const& image) {
  DcmItem& source = append_item(item, DCM_SourceImageSequence);
  put_reference(source, series, image);
  if (image.frame() > 0) put(source, DCM_ReferencedFrameNumber, std::to_string(image.frame()));
  append_code(source, DCM_PurposeOfReferenceCodeSequence, kProcessed);
}

}  // namespace

void put_derivation_image(DcmItem& frame, qsm::v1::ExamHeader const& exam, int z,
                          DicomCode const& derivation) {
  if (exam.source_series().empty()) return;
  DcmItem& item = append_item(frame, DCM_DerivationImageSequence);
  append_code(item, DCM_DerivationCodeSequence, derivation);
  for (auto const& image : exam.source_slices(z).images())
    put_source(item, exam.source_series(static_cast<int>(image.series())), image);
}

void put_evidence(DcmItem& item, qsm::v1::ExamHeader const& exam, DcmTagKey const& sequence) {
  if (exam.source_series().empty()) return;
  bool const by_study = sequence == DCM_SourceImageEvidenceSequence;
  DcmItem* study = &item;
  if (by_study) {
    study = &append_item(item, sequence);
    put(*study, DCM_StudyInstanceUID, exam.identity().study_instance_uid());
  }
  for (int s = 0; s < exam.source_series_size(); ++s) {
    DcmItem& series = append_item(*study, DCM_ReferencedSeriesSequence);
    put(series, DCM_SeriesInstanceUID, exam.source_series(s).series_instance_uid());
    std::set<std::string> seen;
    for (auto const& slice : exam.source_slices())
      for (auto const& image : slice.images())
        if (image.series() == static_cast<std::uint32_t>(s) &&
            seen.insert(image.sop_instance_uid()).second)
          put_reference(append_item(series, by_study ? DCM_ReferencedSOPSequence
                                                     : DCM_ReferencedInstanceSequence),
                        exam.source_series(s), image);
  }
}

void put_sources(DcmItem& item, qsm::v1::ExamHeader const& exam, int z) {
  if (exam.source_series().empty()) return;
  auto const& images = exam.source_slices(z).images();
  for (int s = 0; s < exam.source_series_size(); ++s) {
    DcmItem* series = nullptr;
    std::string last;
    for (auto const& image : images) {
      if (image.series() != static_cast<std::uint32_t>(s)) continue;
      put_source(item, exam.source_series(s), image);

      if (image.sop_instance_uid() == last) continue;  // another frame of it
      last = image.sop_instance_uid();
      if (!series) {
        series = &append_item(item, DCM_ReferencedSeriesSequence);
        put(*series, DCM_SeriesInstanceUID, exam.source_series(s).series_instance_uid());
      }
      put_reference(append_item(*series, DCM_ReferencedInstanceSequence), exam.source_series(s),
                    image);
    }
  }
}

}  // namespace chistream
