/// Sends instances to a DICOM node by C-STORE.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gateway/settings.hpp"

namespace chistream::gateway {

struct OutgoingInstance {
  std::string sop_class_uid;
  std::string sop_instance_uid;
  std::filesystem::path file;
};

/// What a node answered: PS3.4 B.2.3. 0 and warnings (B000, B006, B007) mean stored.
struct StoreAnswer {
  std::uint16_t status = 0;
  std::string comment;
  bool stored() const { return status == 0 || (status & 0xf000) == 0xb000; }

  /// The same instance may be taken another time: out of resources (A7xx). Every other refusal is
  /// of the instance itself.
  bool temporary() const { return (status & 0xff00) == 0xa700; }
};

/// Why a node was not reached, or an association ended before its time.
class NodeError : public std::runtime_error {
 public:
  NodeError(std::string const& message, bool permanent)
      : std::runtime_error(message), permanent_(permanent) {}
  /// Trying again is of no use: the node takes no instance of this class, or does not know us.
  bool permanent() const { return permanent_; }

 private:
  bool permanent_;
};

/// The node takes no instance of one of the classes.
class ClassRefused : public NodeError {
 public:
  ClassRefused(std::string const& message, std::string sop_class_uid)
      : NodeError(message, true), sop_class_uid_(std::move(sop_class_uid)) {}
  std::string const& sop_class_uid() const { return sop_class_uid_; }

 private:
  std::string sop_class_uid_;
};

/// One association; the instances in order, each answered before the next is sent. `answered` is
/// called with the index of each; false from it, or what it throws, ends the association. Throws
/// NodeError, ClassRefused (before anything is sent).
void store_instances(NodeSettings const& node, std::string const& our_ae_title,
                     std::vector<OutgoingInstance> const& instances,
                     std::function<bool(std::size_t, StoreAnswer const&)> const& answered);

/// Asks the node to commit to keeping the instances (N-ACTION of the storage commitment push model,
/// PS3.4 J.3). Its answer comes on an association of its own. Throws NodeError.
void request_commitment(NodeSettings const& node, std::string const& our_ae_title,
                        std::string const& transaction_uid,
                        std::vector<OutgoingInstance> const& instances);

/// One that nobody made before.
std::string new_transaction_uid();

/// C-ECHO. Throws NodeError.
void echo_node(NodeSettings const& node, std::string const& our_ae_title);

}  // namespace chistream::gateway
