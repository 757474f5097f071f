#include "worker/dicom_sources.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include "worker/dicom_dataset.hpp"

namespace chistream {

namespace {

constexpr DicomCode kProcessed{"121322", "DCM", "Source image for image processing operation"};

void put_reference(DcmItem& item, qsm::v1::SourceSeries const& series,
                   qsm::v1::SourceImage const& image) {
  put(item, DCM_ReferencedSOPClassUID, series.sop_class_uid());
  put(item, DCM_ReferencedSOPInstanceUID, image.sop_instance_uid());
}

}  // namespace

void put_sources(DcmItem& item, qsm::v1::ExamHeader const& exam, int z) {
  if (exam.source_slices().empty()) return;
  auto const& images = exam.source_slices(z).images();
  for (int s = 0; s < exam.source_series_size(); ++s) {
    DcmItem* series = nullptr;
    std::string last;
    for (auto const& image : images) {
      if (image.series() != static_cast<std::uint32_t>(s)) continue;
      DcmItem& source = append_item(item, DCM_SourceImageSequence);
      put_reference(source, exam.source_series(s), image);
      if (image.frame() > 0)
        put(source, DCM_ReferencedFrameNumber, std::to_string(image.frame()));
      append_code(source, DCM_PurposeOfReferenceCodeSequence, kProcessed);

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
