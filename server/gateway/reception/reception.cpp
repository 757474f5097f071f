#include "gateway/reception/reception.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcostrmf.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dimse.h>
#include <dcmtk/dcmnet/dul.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "formats/dicom/attributes.hpp"
#include "formats/dicom/instance.hpp"
#include "formats/dicom/pixels.hpp"
#include "formats/format_error.hpp"
#include "gateway/dicom_tls.hpp"
#include "gateway/quick_ack.hpp"
#include "gateway/reception/inbox.hpp"
#include "store/request_error.hpp"

namespace chistream::gateway {

namespace {

constexpr int kTimeout_s = 60;                 // of a peer that says nothing
constexpr Uint16 kDuplicateInstance = 0x0111;  // PS3.7 C.5.11
constexpr std::size_t kCommentMax = 64;        // Error Comment is LO

/// In order of preference: what costs nothing to read first.
char const* kTransferSyntaxes[] = {
    UID_LittleEndianExplicitTransferSyntax, UID_LittleEndianImplicitTransferSyntax,
    UID_BigEndianExplicitTransferSyntax,    UID_DeflatedExplicitVRLittleEndianTransferSyntax,
    UID_RLELosslessTransferSyntax,          UID_JPEGProcess14SV1TransferSyntax,
    UID_JPEGProcess14TransferSyntax,        UID_JPEGLSLosslessTransferSyntax};
/// What the first bytes are: a client that speaks plainly to a TLS port, or the other way round,
/// would else be told nonsense.
enum class FirstBytes { kTls, kAssociate, kOther, kNone };

FirstBytes first_bytes(int socket) {
  timeval const patience{.tv_sec = kTimeout_s, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  unsigned char first = 0;
  if (::recv(socket, &first, 1, MSG_PEEK) != 1) return FirstBytes::kNone;
  constexpr unsigned char kTlsHandshake = 0x16, kAssociateRequest = 0x01;
  if (first == kTlsHandshake) return FirstBytes::kTls;
  return first == kAssociateRequest ? FirstBytes::kAssociate : FirstBytes::kOther;
}

class Reception {
 public:
  Reception(ReceptionOptions const& options, Settings settings)
      : settings_(std::move(settings)),
        tls_(settings_.listen.at(options.listener).tls),
        inbox_(options.state) {
    dcmExternalSocketHandle.set(::dup(STDIN_FILENO));  // DCMTK takes 0 for "none"
    dcmDisableGethostbyaddr.set(OFTrue);               // addresses, not what a name server says
    if (ASC_initializeNetwork(NET_ACCEPTOR, 0, kTimeout_s, &network_).bad())
      throw std::runtime_error("the network layer cannot be started");
    if (tls_) {
      layer_ = make_tls(*tls_, NET_ACCEPTOR);
      ASC_setTransportLayer(network_, layer_.get(), 0);
    }
  }

  ~Reception() {
    if (association_) {
      ASC_dropSCPAssociation(association_);
      ASC_destroyAssociation(&association_);
    }
    ASC_dropNetwork(&network_);
  }

  int run() {
    auto const status = ASC_receiveAssociation(network_, &association_, ASC_MAXIMUMPDUSIZE, nullptr,
                                               nullptr, tls_.has_value(), DUL_BLOCK, kTimeout_s);
    if (status.bad()) {
      spdlog::warn("no association: {}", status.text());
      return 1;
    }
    if (!negotiate()) return 1;
    spdlog::info("association from {} ({}) to {}{}", origin_.calling_ae, origin_.address,
                 origin_.called_ae, tls_ ? ", TLS" : "");
    return serve();
  }

 private:
  void refuse(T_ASC_RejectParametersResult result, T_ASC_RejectParametersSource source,
              T_ASC_RejectParametersReason reason, std::string const& why) {
    spdlog::warn("association from {} ({}) to {} refused: {}", origin_.calling_ae, origin_.address,
                 origin_.called_ae, why);
    T_ASC_RejectParameters const rejection{result, source, reason};
    ASC_rejectAssociation(association_, &rejection);
    tell_end("rejected", "to " + origin_.called_ae, why);
  }

  std::string tally() const {
    return std::to_string(stored_) + " new images, " + std::to_string(known_) + " known, " +
           std::to_string(refused_) + " refused, to " + origin_.called_ae;
  }

  /// For the audit trail, which the gateway keeps. No AE title holds a tab.
  void tell_end(char const* how, std::string const& what, std::string const& why) {
    std::cout << "association " << how << ' ' << origin_.address << '\t' << origin_.calling_ae
              << '\t' << what << '\t' << why << std::endl;
  }

  /// Called and calling AE title, address and certificate decide; then which classes are taken.
  bool negotiate() {
    DIC_AE calling = "", called = "";
    ASC_getAPTitles(association_->params, calling, sizeof(calling), called, sizeof(called), nullptr,
                    0);
    DIC_NODENAME ours = "", theirs = "";
    ASC_getPresentationAddresses(association_->params, theirs, sizeof(theirs), ours, sizeof(ours));
    origin_ = {calling, called, theirs, peer_certificate(association_)};
    auto const printable = [](std::string const& title) {
      return !title.empty() && std::all_of(title.begin(), title.end(),
                                           [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
    };
    if (!printable(origin_.calling_ae) || !printable(origin_.called_ae)) {
      origin_.calling_ae.assign(1, '?');
      origin_.called_ae.assign(1, '?');
      refuse(ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER,
             ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED, "its AE titles are not text");
      return false;
    }
    if (origin_.called_ae == settings_.ae_title && settings_.commits(origin_.calling_ae))
      return accept_commitment();
    if (!settings_.pipeline(origin_.called_ae)) {
      refuse(ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER,
             ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED, "no pipeline has this called AE title");
      return false;
    }
    if (!settings_.caller(origin_.calling_ae, origin_.address, origin_.certificate)) {
      refuse(ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER,
             ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED,
             "no caller has this AE title, address and certificate (" + origin_.certificate + ")");
      return false;
    }
    if (inbox_.fullness() >= settings_.full) {
      refuse(ASC_RESULT_REJECTEDTRANSIENT, ASC_SOURCE_SERVICEPROVIDER_PRESENTATION_RELATED,
             ASC_REASON_SP_PRES_LOCALLIMITEXCEEDED, "the disk is full");
      return false;
    }
    auto classes = dicom::mr_image_classes();
    ASC_acceptContextsWithPreferredTransferSyntaxes(
        association_->params, classes.data(), static_cast<int>(classes.size()), kTransferSyntaxes,
        std::size(kTransferSyntaxes));
    return acknowledge();
  }

  /// The node is the SCP of storage commitment, although it opened the association.
  bool accept_commitment() {
    char const* commitment[] = {UID_StorageCommitmentPushModelSOPClass};
    ASC_acceptContextsWithPreferredTransferSyntaxes(association_->params, commitment, 1,
                                                    kTransferSyntaxes, 2, ASC_SC_ROLE_SCP);
    return acknowledge();
  }

  bool acknowledge() {
    char const* verification[] = {UID_VerificationSOPClass};
    ASC_acceptContextsWithPreferredTransferSyntaxes(association_->params, verification, 1,
                                                    kTransferSyntaxes, 2);
    auto const status = ASC_acknowledgeAssociation(association_);
    if (status.bad()) spdlog::warn("association not acknowledged: {}", status.text());
    return status.good();
  }

  int serve() {
    for (;;) {
      acknowledge_at_once(STDIN_FILENO);
      T_DIMSE_Message message{};
      T_ASC_PresentationContextID context = 0;
      DcmDataset* detail = nullptr;
      auto status = DIMSE_receiveCommand(association_, DIMSE_NONBLOCKING, kTimeout_s, &context,
                                         &message, &detail);
      delete detail;
      if (status == DUL_PEERREQUESTEDRELEASE) {
        ASC_acknowledgeRelease(association_);
        if (stored_ + known_ + refused_ > 0) tell_end("ended", tally(), "");
        spdlog::info("association from {} released: {} new images, {} known, {} refused",
                     origin_.calling_ae, stored_, known_, refused_);
        return 0;
      }
      if (status.good()) status = answer(message, context);
      if (status.bad()) {
        spdlog::warn("association from {} broke off after {} images: {}", origin_.calling_ae,
                     stored_ + known_, status.text());
        ASC_abortAssociation(association_);
        tell_end("broken", tally(), status.text());
        return 1;
      }
    }
  }

  OFCondition answer(T_DIMSE_Message& message, T_ASC_PresentationContextID context) {
    switch (message.CommandField) {
      case DIMSE_C_ECHO_RQ:
        return DIMSE_sendEchoResponse(association_, context, &message.msg.CEchoRQ, STATUS_Success,
                                      nullptr);
      case DIMSE_N_EVENT_REPORT_RQ:
        return report(message.msg.NEventReportRQ, context);
      case DIMSE_C_STORE_RQ:
        return store(message.msg.CStoreRQ, context);
      default:
        return makeOFCondition(OFM_dcmnet, 1, OF_error, "a command that this node does not know");
    }
  }

  OFCondition report(T_DIMSE_N_EventReportRQ const& request, T_ASC_PresentationContextID context) {
    DcmDataset* received = nullptr;
    auto data_context = context;
    auto const status = DIMSE_receiveDataSetInMemory(association_, DIMSE_NONBLOCKING, kTimeout_s,
                                                     &data_context, &received, nullptr, nullptr);
    std::unique_ptr<DcmDataset> const report(received);
    if (status.bad()) return status;
    std::string line = "committed " + dicom::text(*report, DCM_TransactionUID);
    DcmItem* item = nullptr;
    for (int i = 0; report->findAndGetSequenceItem(DCM_FailedSOPSequence, item, i).good(); ++i)
      line += ' ' + dicom::text(*item, DCM_ReferencedSOPInstanceUID);
    std::cout << line << std::endl;
    T_DIMSE_Message message{};
    message.CommandField = DIMSE_N_EVENT_REPORT_RSP;
    auto& response = message.msg.NEventReportRSP;
    response.MessageIDBeingRespondedTo = request.MessageID;
    response.DimseStatus = STATUS_Success;
    response.DataSetType = DIMSE_DATASET_NULL;
    return DIMSE_sendMessageUsingMemoryData(association_, context, &message, nullptr, nullptr,
                                            nullptr, nullptr);
  }

  OFCondition store(T_DIMSE_C_StoreRQ& request, T_ASC_PresentationContextID context) {
    auto const file = inbox_.incoming();
    DcmOutputFileStream* stream = nullptr;
    auto status = DIMSE_createFilestream(file.c_str(), &request, association_, context, 1, &stream);
    if (status.bad()) {
      status = DIMSE_ignoreDataSet(association_, DIMSE_NONBLOCKING, kTimeout_s, nullptr, nullptr);
      if (status.bad()) return status;
      return respond(request, context, STATUS_STORE_Refused_OutOfResources, "cannot write");
    }
    acknowledge_at_once(STDIN_FILENO);
    T_ASC_PresentationContextID data_context = context;
    status = DIMSE_receiveDataSetInFile(association_, DIMSE_NONBLOCKING, kTimeout_s, &data_context,
                                        stream, nullptr, nullptr);
    bool const written = stream->good();
    delete stream;
    if (status.bad() && written) {  // the association is broken; what came is no image
      std::filesystem::remove(file);
      return status;
    }
    if (!written) {
      std::filesystem::remove(file);
      return respond(request, context, STATUS_STORE_Refused_OutOfResources, "the disk is full");
    }
    return keep(request, context, file);
  }

  OFCondition keep(T_DIMSE_C_StoreRQ& request, T_ASC_PresentationContextID context,
                   std::filesystem::path const& file) try {
    std::filesystem::path folder;
    switch (inbox_.keep(file, origin_, folder)) {
      case Receipt::kNew:
        ++stored_;
        std::cout << "stored " << folder.string() << std::endl;
        break;
      case Receipt::kKnown:  // whoever stored it may have been killed before it said so
        ++known_;
        std::cout << "known " << folder.string() << std::endl;
        break;
      case Receipt::kConflict:
        return respond(request, context, kDuplicateInstance,
                       "another image came under this UID before");
    }
    return respond(request, context, STATUS_Success, "");
  } catch (FormatError const& error) {
    return respond(request, context, STATUS_STORE_Error_CannotUnderstand,
                   error.reason() + ": " + error.what());
  } catch (RequestError const& error) {
    std::filesystem::remove(file);
    return respond(request, context, STATUS_STORE_Refused_OutOfResources, error.what());
  }

  OFCondition respond(T_DIMSE_C_StoreRQ const& request, T_ASC_PresentationContextID context,
                      Uint16 status, std::string const& comment) {
    T_DIMSE_C_StoreRSP response{};
    response.MessageIDBeingRespondedTo = request.MessageID;
    response.DimseStatus = status;
    response.DataSetType = DIMSE_DATASET_NULL;
    OFStandard::strlcpy(response.AffectedSOPClassUID, request.AffectedSOPClassUID,
                        sizeof(response.AffectedSOPClassUID));
    OFStandard::strlcpy(response.AffectedSOPInstanceUID, request.AffectedSOPInstanceUID,
                        sizeof(response.AffectedSOPInstanceUID));
    response.opts = O_STORE_AFFECTEDSOPCLASSUID | O_STORE_AFFECTEDSOPINSTANCEUID;
    DcmDataset detail;
    if (status != STATUS_Success) {
      ++refused_;
      spdlog::warn("image from {} refused with {:04X}: {}", origin_.calling_ae, status, comment);
      std::cout << "refused " << std::hex << std::uppercase << status << std::endl;
      detail.putAndInsertString(DCM_ErrorComment, comment.substr(0, kCommentMax).c_str());
    }
    return DIMSE_sendStoreResponse(association_, context, &request, &response,
                                   status == STATUS_Success ? nullptr : &detail);
  }

  Settings settings_;
  std::optional<TlsFiles> tls_;
  Inbox inbox_;
  std::unique_ptr<DcmTransportLayer> layer_;
  T_ASC_Network* network_ = nullptr;
  T_ASC_Association* association_ = nullptr;
  Origin origin_{"?", "?", "?", ""};
  unsigned stored_ = 0, known_ = 0, refused_ = 0;
};

}  // namespace

int receive_association(ReceptionOptions const& options) {
  dicom::register_codecs();
  Settings settings = Settings::read(options.config);
  bool const tls = settings.listen.at(options.listener).tls.has_value();
  switch (first_bytes(STDIN_FILENO)) {
    case FirstBytes::kTls:
      if (tls) break;
      spdlog::warn("a client speaks TLS to the plain port {}",
                   settings.listen[options.listener].port);
      return 1;
    case FirstBytes::kAssociate:
      if (!tls) break;
      spdlog::warn("a client speaks plain DICOM to the TLS port {}",
                   settings.listen[options.listener].port);
      return 1;
    case FirstBytes::kOther:
      spdlog::warn("what came to port {} is no DICOM", settings.listen[options.listener].port);
      return 1;
    case FirstBytes::kNone:
      return 1;  // a port scan, a load balancer's probe
  }
  return Reception(options, std::move(settings)).run();
}

}  // namespace chistream::gateway
