#include "formats/dicom/frame_groups.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include "formats/dicom/attributes.hpp"

namespace chistream::dicom {

FrameGroups::FrameGroups(DcmItem& dataset) : dataset_(dataset) {
  shared_ = first_item(dataset, DCM_SharedFunctionalGroupsSequence);
  if (dataset.findAndGetSequence(DCM_PerFrameFunctionalGroupsSequence, per_frame_).bad())
    per_frame_ = nullptr;
}

unsigned FrameGroups::frames() const {
  return per_frame_ ? static_cast<unsigned>(per_frame_->card()) : 1;
}

DcmItem* FrameGroups::frame_item(unsigned frame) const {
  return per_frame_ ? per_frame_->getItem(frame) : &dataset_;
}

DcmItem* FrameGroups::group(unsigned frame, DcmTagKey const& group) const {
  if (!per_frame_) return &dataset_;
  if (DcmItem* const own = frame_item(frame))
    if (DcmItem* const found = first_item(*own, group)) return found;
  return shared_ ? first_item(*shared_, group) : nullptr;
}

}  // namespace chistream::dicom
