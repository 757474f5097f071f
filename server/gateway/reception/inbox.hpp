/// The images that came in, on disk: what was answered with success is here after any crash.
///
///   inbox/<sender and study>/<instance>.dcm      the instance as it came, with its meta header
///   inbox/<sender and study>/<instance>.facts    qsm.v1.DicomInstance: what was found in it
///   inbox/<sender and study>/origin              Origin, a line each
///   inbox/incoming/                              not yet answered; emptied at start
///   captures/<digest>.mrd, .origin               MRD streams that came to their end
///   rejected/                                    what could not be parsed or broke off, the latest
///   100
///
/// An instance is there when its .facts are. Names are digests: nothing of a sender's becomes a
/// path.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "formats/dicom/assembly.hpp"

namespace chistream::gateway {

/// Who sent, and as what; one folder of the inbox holds images of one study from one origin.
struct Origin {
  std::string calling_ae;
  std::string called_ae;
  std::string address;      // of the sender
  std::string certificate;  // its common name; "" without TLS
};

enum class Receipt { kNew, kKnown, kConflict };

class Inbox {
 public:
  /// Makes the folders. Throws std::filesystem::filesystem_error.
  explicit Inbox(std::filesystem::path state);

  /// A new file to receive into.
  std::filesystem::path incoming() const;

  /// Files what was received into `file`, durably. kKnown: the same image is here already.
  /// kConflict: another content under the same UID is; the first stays. Throws FormatError as
  /// dicom::describe() does: the file then lies in rejected/. Throws RequestError DISK_FULL.
  /// `folder` is set to where the image is.
  Receipt keep(std::filesystem::path const& file, Origin const& origin,
               std::filesystem::path& folder) const;

  /// Of the receiver that begins: files that were never answered go.
  void clear_incoming() const;

  /// Files a captured MRD stream, durably, by its digest, and answers where it lies. The same
  /// stream sent twice is one.
  std::filesystem::path keep_capture(std::filesystem::path const& file, Origin const& origin) const;

  std::vector<std::filesystem::path> folders() const;
  std::vector<std::filesystem::path> captures() const;

  /// Of a folder, or of a capture.
  static Origin origin_of(std::filesystem::path const& folder);

  /// Images that `known` does not hold yet are added to it, by reading their .facts.
  static void read_new(std::filesystem::path const& folder, std::vector<dicom::SourceFile>& known);

  /// Takes images away for good, and the folder with the last of them.
  static void remove(std::filesystem::path const& folder,
                     google::protobuf::RepeatedPtrField<std::string> const& sop_instance_uids);

  /// Used part of the disk, 0 to 1.
  double fullness() const;

  /// Puts aside what is of no use, for whoever looks into it, and answers where.
  std::filesystem::path keep_rejected(std::filesystem::path const& file,
                                      char const* extension) const;

 private:
  std::filesystem::path inbox_;
  std::filesystem::path captures_;
  std::filesystem::path rejected_;
};

}  // namespace chistream::gateway
