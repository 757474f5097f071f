/// Against 40 ms of nothing per message.
///
/// DICOM peers write a message in two pieces. With Nagle's algorithm on their side, the second
/// leaves when the first is acknowledged, and a receiver delays that by 40 ms unless told
/// otherwise. Orthanc took 50 ms per instance so, and 4 ms without.
#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace chistream::gateway {

/// To be called before each wait for the peer: the kernel forgets the wish.
inline void acknowledge_at_once(int socket) {
  int const yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
}

/// A transport layer that remembers the socket of the connection it makes, which DcmSCU does not
/// show. `tls` makes the connection where it is given.
class SocketKeeper final : public DcmTransportLayer {
 public:
  explicit SocketKeeper(DcmTransportLayer* tls) : tls_(tls) {}

  DcmTransportConnection* createConnection(DcmNativeSocketType socket, OFBool) override {
    socket_ = socket;
    return tls_ ? tls_->createConnection(socket, OFTrue)
                : DcmTransportLayer::createConnection(socket, OFFalse);
  }

  int socket() const { return socket_; }

 private:
  DcmTransportLayer* tls_;
  int socket_ = -1;
};

}  // namespace chistream::gateway
