#include "formats/ismrmrd/live.hpp"

#include <optional>

#include "formats/format_error.hpp"
#include "formats/inspect.hpp"
#include "formats/ismrmrd/capture.hpp"
#include "formats/ismrmrd/exam.hpp"
#include "formats/ismrmrd/xml.hpp"

namespace chistream {

namespace {

class LiveExam {
 public:
  LiveExam(MrdCapture& capture, ContainerWriter& out)
      : capture_(capture),
        out_(out),
        xml_(parse_ismrmrd_xml(capture.xml())),
        header_(exam_header_of(xml_)),
        placement_(placement_of(xml_.encoding[0], header_.encoded())),
        found_(placement_) {}

  /// What has come since the last call.
  void take() {
    for (; at_ < capture_.acquisitions(); ++at_) {
      ISMRMRD::ISMRMRD_AcquisitionHeader head;
      capture_.read_heads(at_, {&head, 1});
      found_.add(at_, head);
      if (!lines_ && found_.train_is_whole()) begin();
    }
    if (lines_) write();
  }

  void end() {
    if (!lines_) begin();
    write();
    found_.check_echoes(header_);
    if (found_.alternates() != header_.bipolar_readout())
      throw FormatError("LATE_POLARITY", "the polarity of an echo showed late in the scan");
    if (found_.noise().size() != noise_lines_)
      throw FormatError("LATE_NOISE", "noise lines came after the first image lines");
    out_.end(found_.warnings(header_));
  }

 private:
  void begin() {
    found_.describe(header_);
    check_header(header_);
    noise_lines_ = found_.noise().size();
    lines_.emplace(
        placement_,
        find_whitening({}, {capture_, xml_, found_.first().sample_time_us, found_.noise()},
                       header_),
        out_);
    out_.header(header_);
  }

  void write() {
    for (; written_ < at_; ++written_) lines_->write(capture_.read(written_, 1).front());
  }

  MrdCapture& capture_;
  ContainerWriter& out_;
  ISMRMRD::IsmrmrdHeader xml_;
  qsm::v1::ExamHeader header_;
  LinePlacement placement_;
  Survey found_;
  std::optional<LineWriter> lines_;  // once the header is out
  std::size_t noise_lines_ = 0;      // that whiten
  std::uint64_t at_ = 0, written_ = 0;
};

}  // namespace

void read_live_mrd(GrowingFile const& stream, ContainerWriter& out) {
  MrdCapture capture(stream);
  bool more = true;
  while (more && capture.acquisitions() == 0) more = capture.advance();
  LiveExam exam(capture, out);
  exam.take();
  while (more) {
    more = capture.advance();
    exam.take();
  }
  exam.end();
}

}  // namespace chistream
