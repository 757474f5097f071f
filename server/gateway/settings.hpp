/// The gateway's configuration file.
///
///   {"daemon": {"address": "qsm.hospital:50151", "token_file": "/etc/chistream/token",
///               "server_ca": "/etc/chistream/ca.pem"},
///    "ae_title": "CHISTREAM",
///    "listen": [{"port": 2762, "tls": {"certificate": "gw.pem", "key": "gw.key", "ca": "ca.pem"}},
///               {"port": 11112}],
///    "pipelines": {"QSM_3T": {"pipeline": "brain-3t", "series": ["r2s"]},
///                  "QSM_STAT": {"priority": "emergency"}},
///    "consoles": [{"port": 9002, "pipeline": "QSM_3T"}],
///    "callers": [{"ae_title": "PRISMA1", "address": "10.0.0.7", "return_to": ["pacs", "sender"]}],
///    "nodes": {"pacs": {"ae_title": "PACS", "host": "10.0.0.2", "port": 11112},
///              "web": {"url": "https://pacs.hospital/dicom-web/studies", "object":
///              "enhanced-mr"}}}
///
/// The called AE title selects the pipeline; the calling one, with its address and certificate, who
/// may send and where results go. docs/gateway.md explains every field.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "channel/channel.hpp"
#include "qsm/v1/job.pb.h"

namespace chistream::gateway {

struct TlsFiles {
  std::filesystem::path certificate;  // PEM; may be empty for a DICOMweb node
  std::filesystem::path key;          // PEM
  std::filesystem::path ca;           // PEM: whom we trust
};

struct ListenSettings {
  std::uint16_t port = 0;
  std::string address = "";  // of this machine; empty: all
  std::optional<TlsFiles> tls = std::nullopt;
};

/// A port for consoles that speak MRD.
struct ConsoleSettings {
  ListenSettings listen;
  std::string pipeline;  // of `pipelines`, for a configuration that is none of them
};

/// A called AE title, or the name of an MRD configuration.
struct PipelineSettings {
  std::string pipeline;                  // "" : the daemon's first
  std::vector<std::string> assignments;  // "inversion.alpha=2e-4"
  qsm::v1::JobSpec spec;                 // series, priority, de-identification, qualification
};

/// Who may send.
struct CallerSettings {
  std::string ae_title;                // "*": any; consoles that speak MRD are called "MRD"
  std::string address;                 // "" : any
  std::string certificate;             // common name of its TLS certificate; "": any
  std::vector<std::string> return_to;  // nodes; "sender": the node with its AE title
  std::filesystem::path token_file;    // of its tenant; empty: the daemon's above
};

/// Where results go: a DICOM node, or a DICOMweb one where there is an URL.
struct NodeSettings {
  std::string name;
  std::string url = "";                   // ".../studies" of STOW-RS
  std::filesystem::path token_file = {};  // of DICOMweb: bearer token in its first line
  std::string ae_title = "";
  std::string host = "";
  std::uint16_t port = 0;
  bool commitment = false;  // ask for storage commitment, and count as delivered only then
  std::optional<TlsFiles> tls = std::nullopt;
  qsm::v1::DicomObject object = qsm::v1::DICOM_OBJECT_UNSPECIFIED;  // MR images, or which instead
  bool report = false;                                              // the report as well
  double timeout_s = 60;  // for a connection, and for every answer
};

struct Settings {
  std::string daemon_address = "127.0.0.1:50151";
  qsm::channel::Credentials daemon_credentials;
  std::string ae_title = "CHISTREAM";  // as which we call nodes
  std::vector<ListenSettings> listen;
  std::vector<ConsoleSettings> consoles;
  std::map<std::string, PipelineSettings> pipelines;  // by called AE title
  std::vector<CallerSettings> callers;
  std::map<std::string, NodeSettings> nodes;
  std::uint64_t associations = 32;  // at a time
  double quiet_s = 60;              // without a new image: an exam whose size is unknown is whole
  double give_up_s = 900;           // an incomplete exam has failed
  double full = 0.95;               // of the disk: no more images
  double keep_hours = 72;           // images and results after everything is delivered
  double deliver_for_hours = 48;    // then a delivery is given up

  /// Throws FormatError GATEWAY_CONFIG, saying where.
  static Settings read(std::filesystem::path const& path);
  static Settings parse(std::string const& json);

  PipelineSettings const* pipeline(std::string const& called_ae) const;

  /// Whether a node that is asked for storage commitment has this AE title: it may call us back.
  bool commits(std::string const& calling_ae) const;

  /// The first caller that fits; null: nobody we know.
  CallerSettings const* caller(std::string const& calling_ae, std::string const& address,
                               std::string const& certificate) const;

  /// The same of one that was known when it sent. Throws FormatError UNKNOWN_CALLER.
  CallerSettings const& still_known(std::string const& calling_ae, std::string const& address,
                                    std::string const& certificate) const;

  /// The nodes that results of `caller` go to. Throws FormatError NO_RETURN_NODE.
  std::vector<std::string> return_nodes(CallerSettings const& caller,
                                        std::string const& calling_ae) const;

 private:
  static Settings from_json(nlohmann::json const& json);
};

}  // namespace chistream::gateway
