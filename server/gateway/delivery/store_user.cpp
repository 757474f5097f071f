#include "gateway/delivery/store_user.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/scu.h>

#include <algorithm>
#include <memory>
#include <set>

#include "formats/format_error.hpp"
#include "gateway/dicom_tls.hpp"
#include "gateway/quick_ack.hpp"

namespace chistream::gateway {

namespace {

std::string class_name(std::string const& uid) {
  char const* const name = dcmFindNameOfUID(uid.c_str());
  return name ? name : uid;
}

class Association : private DcmSCU {
 public:
  Association(NodeSettings const& node, std::string const& our_ae_title,
              std::set<std::string> const& classes)
      : node_(node) {
    auto const seconds = static_cast<Uint32>(std::max(1.0, node.timeout_s));
    setAETitle(our_ae_title.c_str());
    setPeerAETitle(node.ae_title.c_str());
    setPeerHostName(node.host.c_str());
    setPeerPort(node.port);
    setACSETimeout(seconds);
    setDIMSETimeout(seconds);
    setDIMSEBlockingMode(DIMSE_NONBLOCKING);
    setConnectionTimeout(static_cast<Sint32>(seconds));
    OFList<OFString> syntaxes;
    syntaxes.push_back(UID_LittleEndianExplicitTransferSyntax);
    syntaxes.push_back(UID_LittleEndianImplicitTransferSyntax);
    for (auto const& uid : classes) addPresentationContext(uid.c_str(), syntaxes);
    auto status = initNetwork();
    if (node.tls) try {
        tls_ = make_tls(*node.tls, NET_REQUESTOR);
      } catch (FormatError const& error) {
        throw NodeError(error.what(), false);
      }
    layer_ = std::make_unique<SocketKeeper>(tls_.get());
    if (status.good()) status = useSecureConnection(layer_.get());
    if (status.good()) status = negotiateAssociation();
    if (status == NET_EC_NoAcceptablePresentationContexts) refuse(*classes.begin());
    if (status.bad()) fail("not reached", status);
    for (auto const& uid : classes)
      if (findPresentationContextID(uid.c_str(), "") == 0) {
        releaseAssociation();
        refuse(uid);
      }
  }

  ~Association() override {
    if (isConnected()) releaseAssociation();
  }

  /// DcmSCU::sendSTORERequest() would hide the comment of a node that refuses.
  StoreAnswer store(OutgoingInstance const& instance) {
    DcmFileFormat file;
    if (auto const status = file.loadFile(instance.file.c_str()); status.bad())
      throw NodeError(instance.file.string() + ": " + status.text(), true);
    T_DIMSE_Message message{};
    message.CommandField = DIMSE_C_STORE_RQ;
    auto& request = message.msg.CStoreRQ;
    request.MessageID = ++messages_;
    request.DataSetType = DIMSE_DATASET_PRESENT;
    request.Priority = DIMSE_PRIORITY_MEDIUM;
    OFStandard::strlcpy(request.AffectedSOPClassUID, instance.sop_class_uid.c_str(),
                        sizeof(request.AffectedSOPClassUID));
    OFStandard::strlcpy(request.AffectedSOPInstanceUID, instance.sop_instance_uid.c_str(),
                        sizeof(request.AffectedSOPInstanceUID));
    auto context = findPresentationContextID(instance.sop_class_uid.c_str(), "");
    auto status = sendDIMSEMessage(context, &message, file.getDataset(), nullptr);
    if (status.bad()) fail("ended the association", status);
    acknowledge_at_once(layer_->socket());
    T_DIMSE_Message response{};
    DcmDataset* detail = nullptr;
    status = receiveDIMSECommand(&context, &response, &detail, nullptr);
    std::unique_ptr<DcmDataset> const owner(detail);
    if (status.bad()) fail("ended the association", status);
    if (response.CommandField != DIMSE_C_STORE_RSP) fail("answers nonsense", DIMSE_BADCOMMANDTYPE);
    OFString comment;
    if (detail) detail->findAndGetOFString(DCM_ErrorComment, comment);
    return {response.msg.CStoreRSP.DimseStatus, {comment.data(), comment.size()}};
  }

  void request_commitment(std::string const& transaction_uid,
                          std::vector<OutgoingInstance> const& instances) {
    DcmDataset request;
    request.putAndInsertString(DCM_TransactionUID, transaction_uid.c_str());
    for (auto const& instance : instances) {
      DcmItem* item = nullptr;
      constexpr long kAppend = -2;
      request.findOrCreateSequenceItem(DCM_ReferencedSOPSequence, item, kAppend);
      item->putAndInsertString(DCM_ReferencedSOPClassUID, instance.sop_class_uid.c_str());
      item->putAndInsertString(DCM_ReferencedSOPInstanceUID, instance.sop_instance_uid.c_str());
    }
    constexpr Uint16 kRequestCommitment = 1;
    Uint16 answer = 0;
    auto const status = sendACTIONRequest(
        findPresentationContextID(UID_StorageCommitmentPushModelSOPClass, ""),
        UID_StorageCommitmentPushModelSOPInstance, kRequestCommitment, &request, answer);
    if (status.bad() || answer != 0) fail("does not take the request for commitment", status);
  }

  void echo() {
    if (auto const status = sendECHORequest(0); status.bad()) fail("does not answer", status);
  }

 private:
  [[noreturn]] void refuse(std::string const& uid) {
    throw ClassRefused(node_.name + " does not take " + class_name(uid), uid);
  }

  [[noreturn]] void fail(std::string const& what, OFCondition const& status) {
    if (isConnected()) abortAssociation();
    throw NodeError(node_.name + " (" + node_.ae_title + " at " + node_.host + ":" +
                        std::to_string(node_.port) + ") " + what + ": " + status.text(),
                    false);
  }

  NodeSettings const& node_;
  std::unique_ptr<DcmTransportLayer> tls_;
  std::unique_ptr<SocketKeeper> layer_;
  Uint16 messages_ = 0;
};

}  // namespace

void store_instances(NodeSettings const& node, std::string const& our_ae_title,
                     std::vector<OutgoingInstance> const& instances,
                     std::function<bool(std::size_t, StoreAnswer const&)> const& answered) {
  std::set<std::string> classes;
  for (auto const& instance : instances) classes.insert(instance.sop_class_uid);
  Association association(node, our_ae_title, classes);
  for (std::size_t i = 0; i < instances.size(); ++i)
    if (!answered(i, association.store(instances[i]))) return;
}

void request_commitment(NodeSettings const& node, std::string const& our_ae_title,
                        std::string const& transaction_uid,
                        std::vector<OutgoingInstance> const& instances) {
  Association(node, our_ae_title, {UID_StorageCommitmentPushModelSOPClass})
      .request_commitment(transaction_uid, instances);
}

std::string new_transaction_uid() {
  char uid[100];
  return dcmGenerateUniqueIdentifier(uid, SITE_INSTANCE_UID_ROOT);
}

void echo_node(NodeSettings const& node, std::string const& our_ae_title) {
  Association(node, our_ae_title, {UID_VerificationSOPClass}).echo();
}

}  // namespace chistream::gateway
