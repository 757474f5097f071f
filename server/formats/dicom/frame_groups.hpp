/// Where the attributes of one frame stand: in the data set of a single-frame image, in the
/// functional groups of a multi-frame one (per frame, else shared).
#pragma once

#include <dcmtk/dcmdata/dcitem.h>

namespace chistream::dicom {

class FrameGroups {
 public:
  /// The data set outlives this.
  explicit FrameGroups(DcmItem& dataset);

  bool multi_frame() const { return per_frame_ != nullptr; }

  /// As many as the per-frame groups describe; 1 for a single-frame image.
  unsigned frames() const;

  /// The item of functional group `group` for this frame; null where neither has it. The data set
  /// itself for a single-frame image.
  DcmItem* group(unsigned frame, DcmTagKey const& group) const;

  /// What a scanner adds to a frame outside any standard group; null where there is nothing.
  DcmItem* frame_item(unsigned frame) const;

 private:
  DcmItem& dataset_;
  DcmItem* shared_ = nullptr;
  DcmSequenceOfItems* per_frame_ = nullptr;
};

}  // namespace chistream::dicom
