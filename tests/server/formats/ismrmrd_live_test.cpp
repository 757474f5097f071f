// A scan that is converted while its MRD stream comes in, against the same stream read when whole.
#include <fstream>
#include <random>
#include <thread>

#include "formats/ismrmrd/ismrmrd_reader.hpp"
#include "formats/ismrmrd/live.hpp"
#include "formats/ismrmrd/messages.hpp"
#include "ismrmrd_edit.hpp"

namespace chistream::test {

namespace {

template <class Value>
void put(std::string& bytes, Value const& value) {
  bytes.append(reinterpret_cast<char const*>(&value), sizeof(value));
}

/// The stream of the file b.h5, message by message; `order` may change the order of the lines.
std::vector<std::string> messages_of(
    TemporaryFolder const& folder,
    std::function<void(std::vector<ISMRMRD::Acquisition>&)> const& order = [](auto&) {}) {
  ISMRMRD::Dataset file((folder / "b.h5").c_str(), "dataset", false);
  std::string xml;
  file.readHeader(xml);
  std::string head;
  put(head, MrdId::kHeader);
  put(head, static_cast<std::uint32_t>(xml.size()));
  std::vector<std::string> messages{head + xml};
  std::vector<ISMRMRD::Acquisition> lines(file.getNumberOfAcquisitions());
  for (std::uint32_t i = 0; i < lines.size(); ++i) file.readAcquisition(i, lines[i]);
  order(lines);
  for (auto& line : lines) {
    std::string message;
    put(message, MrdId::kAcquisition);
    put(message, line.getHead());
    message.append(reinterpret_cast<char const*>(line.getDataPtr()), line.getDataSize());
    messages.push_back(message);
  }
  messages.emplace_back();
  put(messages.back(), MrdId::kClose);
  return messages;
}

/// Writes the messages one by one with a pause before each tenth, and reads them meanwhile.
ContainerReader live(std::vector<std::string> const& messages) {
  TemporaryFolder folder;
  std::promise<std::string> whole;
  GrowingFile const stream(folder / "live.mrd", whole.get_future().share());
  std::jthread const console([&] {
    std::ofstream out(folder / "live.mrd", std::ios::binary);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (i % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      out << messages[i] << std::flush;
    }
    out.close();
    whole.set_value("");
  });
  return saved(folder, written_bytes([&](ContainerWriter& out) { read_live_mrd(stream, out); }));
}

ContainerReader whole(std::vector<std::string> const& messages) {
  TemporaryFolder folder;
  std::ofstream out(folder / "whole.mrd", std::ios::binary);
  for (auto const& message : messages) out << message;
  out.close();
  return saved(folder, written_bytes([&](ContainerWriter& container) {
                 read_ismrmrd(folder / "whole.mrd", {}, container);
               }));
}

void expect_same(ContainerReader const& a, ContainerReader const& b) {
  ASSERT_EQ(a.acquisitions().size(), b.acquisitions().size());
  for (std::size_t i = 0; i < a.acquisitions().size(); ++i) {
    auto const x = a.body(a.acquisitions()[i]), y = b.body(b.acquisitions()[i]);
    EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin(), y.end()));
  }
  auto left = a.header(), right = b.header();
  left.clear_records();
  right.clear_records();
  auto const sorted = [](qsm::v1::ExamHeader& header) {
    std::sort(header.mutable_warnings()->begin(), header.mutable_warnings()->end());
  };
  sorted(left);
  sorted(right);
  EXPECT_EQ(left.SerializeAsString(), right.SerializeAsString());
  EXPECT_EQ(inspect(a).warnings_size(), inspect(b).warnings_size());
}

void by_excitation(std::vector<ISMRMRD::Acquisition>& lines) {
  auto const key = [](ISMRMRD::Acquisition& line) {
    return std::pair(line.idx().kspace_encode_step_2, line.idx().kspace_encode_step_1);
  };
  std::stable_sort(lines.begin(), lines.end(),
                   [&](ISMRMRD::Acquisition a, ISMRMRD::Acquisition b) { return key(a) < key(b); });
}

void reverse_even_echoes(ISMRMRD::Acquisition& line) {
  if (line.idx().contrast % 2 == 1) line.setFlag(ISMRMRD::ISMRMRD_ACQ_IS_REVERSE);
}

}  // namespace

TEST(IsmrmrdLive, GivesTheExamOfTheWholeStream) {
  TemporaryFolder folder;
  write_edited(folder, {});
  auto const one_by_one = messages_of(folder);  // echo after echo
  expect_same(live(one_by_one), whole(one_by_one));
  auto const interleaved = messages_of(folder, by_excitation);
  expect_same(live(interleaved), whole(interleaved));
}

TEST(IsmrmrdLive, KnowsAlternatingReadoutsByTheFirstTrain) {
  TemporaryFolder folder;
  write_edited(folder, {.line = reverse_even_echoes});
  auto const interleaved = messages_of(folder, by_excitation);
  auto const exam = live(interleaved);
  EXPECT_TRUE(exam.header().bipolar_readout());
  expect_same(exam, whole(interleaved));
  EXPECT_EQ(reason_of([&] { live(messages_of(folder)); }), "LATE_POLARITY");
}

TEST(IsmrmrdLive, NoiseBeforeTheImageWhitensAndNoiseBehindItIsTooLate) {
  TemporaryFolder folder;
  auto const noise = [](ISMRMRD::Dataset& file) {
    ISMRMRD::Acquisition line(256, 2, 0);
    line.setFlag(ISMRMRD::ISMRMRD_ACQ_IS_NOISE_MEASUREMENT);
    std::mt19937 random(1);
    std::normal_distribution<float> value;
    for (std::size_t i = 0; i < line.getNumberOfDataElements(); ++i)
      line.getDataPtr()[i] = {value(random), value(random)};
    file.appendAcquisition(line);
  };
  write_edited(folder, {.before = noise});
  auto const before = messages_of(folder);
  auto const exam = live(before);
  EXPECT_TRUE(exam.header().whitened());
  expect_same(exam, whole(before));
  write_edited(folder, {.after = noise});
  EXPECT_EQ(reason_of([&] { live(messages_of(folder)); }), "LATE_NOISE");
}

TEST(IsmrmrdLive, RefusesWhatTheWholeStreamIsRefusedFor) {
  TemporaryFolder folder;
  write_edited(folder, {});
  auto messages = messages_of(folder);
  auto cut = messages;
  cut.pop_back();
  EXPECT_EQ(reason_of([&] { live(cut); }), "MRD_INCOMPLETE");
  EXPECT_EQ(reason_of([&] { live({messages.front(), messages.back()}); }), "NO_IMAGING_LINES");
  EXPECT_EQ(reason_of([&] { live({messages.begin() + 1, messages.end()}); }), "BAD_ISMRMRD_HEADER");
  auto one_echo = messages_of(folder, [](auto& lines) { lines.resize(30); });
  EXPECT_EQ(reason_of([&] { live(one_echo); }), "ECHO_COUNT_MISMATCH");
  EXPECT_EQ(reason_of([&] { whole(one_echo); }), "ECHO_COUNT_MISMATCH");
}

}  // namespace chistream::test
