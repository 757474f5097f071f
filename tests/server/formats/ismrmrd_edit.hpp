/// ISMRMRD files of a small exam, changed as a test wants them.
#pragma once

#include <ismrmrd/dataset.h>
#include <ismrmrd/ismrmrd.h>
#include <ismrmrd/xml.h>

#include <functional>
#include <optional>
#include <sstream>

#include "formats/exam_source.hpp"
#include "formats/inspect.hpp"
#include "formats/ismrmrd/ismrmrd_writer.hpp"
#include "small_exam.hpp"

namespace chistream::test {

/// The exam of small_exam.hpp as an ISMRMRD file.
inline void write_h5(std::filesystem::path const& path, qsm::v1::ExamHeader const& header) {
  IsmrmrdWriter out(path, header);
  for_each_line(header, [&](qsm::container::AcquisitionHead head) {
    out.acquisition(head, line_samples(head));
  });
  out.finish();
}

inline ContainerReader converted(TemporaryFolder const& folder, std::string const& name,
                                 NoiseSource const& noise = {}) {
  return saved(folder, written_bytes([&](ContainerWriter& out) {
                 write_exam({folder / name, {}, noise}, out);
               }));
}

/// Lets a test change the file through libismrmrd: XML, heads and samples of a copy.
struct Edit {
  std::function<void(ISMRMRD::IsmrmrdHeader&)> xml = [](auto&) {};
  std::function<void(ISMRMRD::Acquisition&)> line = [](auto&) {};
  std::function<void(ISMRMRD::Dataset&)> before = [](auto&) {};  // the lines
  std::function<void(ISMRMRD::Dataset&)> after = [](auto&) {};
};

/// Writes the edited file as b.h5.
inline void write_edited(TemporaryFolder const& folder, Edit const& edit) {
  write_h5(folder / "a.h5", kspace_header());
  {
    ISMRMRD::Dataset from((folder / "a.h5").c_str(), "dataset", false);
    ISMRMRD::Dataset to((folder / "b.h5").c_str(), "dataset", true);
    std::string text;
    from.readHeader(text);
    ISMRMRD::IsmrmrdHeader xml;
    ISMRMRD::deserialize(text.c_str(), xml);
    edit.xml(xml);
    std::ostringstream changed;
    ISMRMRD::serialize(xml, changed);
    to.writeHeader(changed.str());
    edit.before(to);
    ISMRMRD::Acquisition line;
    for (std::uint32_t i = 0; i < from.getNumberOfAcquisitions(); ++i) {
      from.readAcquisition(i, line);
      edit.line(line);
      to.appendAcquisition(line);
    }
    edit.after(to);
  }
}

/// The reason for which the edited file is refused, or "none"; what became of it in `result`.
inline std::string edited_reason(Edit const& edit, std::optional<ContainerReader>* result = nullptr,
                                 NoiseSource const& noise = {}) {
  TemporaryFolder folder;
  write_edited(folder, edit);
  return reason_of([&] {
    ContainerReader exam = converted(folder, "b.h5", noise);
    inspect(exam);
    if (result != nullptr) result->emplace(std::move(exam));
  });
}

}  // namespace chistream::test
