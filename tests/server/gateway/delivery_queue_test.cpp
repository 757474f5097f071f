#include "gateway/delivery/delivery_queue.hpp"

#include <gtest/gtest.h>

#include "store/timestamp.hpp"
#include "temporary_directory.hpp"

namespace chistream::gateway::test {

namespace {

constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute;

Settings with_a_pacs() {
  Settings settings;
  settings.nodes["pacs"] = {.name = "pacs", .ae_title = "PACS", .host = "h", .port = 1};
  return settings;
}

/// A queue with a PACS and a clock that the test moves.
class DeliveryQueueTest : public testing::Test {
 protected:
  DeliveryQueueTest() {
    qsm::v1::Delivery delivery;
    delivery.set_delivery_id("d");
    delivery.set_exam_id("e");
    delivery.set_node("pacs");
    delivery.set_state(qsm::v1::DELIVERY_STATE_QUEUED);
    *delivery.mutable_created_at() = timestamp_from_ms(now);
    *delivery.mutable_next_at() = timestamp_from_ms(now);
    for (int i = 0; i < 4; ++i) {
      auto& instance = *delivery.add_instances();
      instance.set_sop_class_uid("1.2.840.10008.5.1.4.1.1.4");
      instance.set_sop_instance_uid("1.2." + std::to_string(i));
    }
    journal.add_delivery(delivery);
  }

  qsm::v1::Delivery delivery() { return journal.delivery("d").value(); }
  int stored() {
    int count = 0;
    auto const now_stored = delivery();
    for (auto const& instance : now_stored.instances()) count += instance.stored();
    return count;
  }

  chistream::test::TemporaryDirectory folder;
  GatewayJournal journal{folder.path() / "gateway.db"};
  Audit audit{folder.path() / "audit.jsonl"};
  Settings settings = with_a_pacs();
  std::int64_t now = 1'800'000'000'000;
  std::vector<std::string> sent;             // UIDs that the PACS took
  std::vector<std::string> asked_to_commit;  // transactions
  std::function<StoreAnswer(std::string const&)> pacs = [](auto const&) { return StoreAnswer{}; };
  NodeCalls calls{.send =
                      [this](NodeSettings const&, std::vector<OutgoingInstance> const& instances,
                             auto const& answered) {
                        for (std::size_t i = 0; i < instances.size(); ++i) {
                          auto const answer = pacs(instances[i].sop_instance_uid);
                          if (answer.stored()) sent.push_back(instances[i].sop_instance_uid);
                          if (!answered(i, answer)) return;
                        }
                      },
                  .request_commitment = [this](NodeSettings const&, std::string const& uid,
                                               auto const&) { asked_to_commit.push_back(uid); }};
  DeliveryQueue queue{journal, audit, settings, folder.path(), calls, [this] { return now; }};
};

}  // namespace

TEST_F(DeliveryQueueTest, DeliversInOrderOnce) {
  EXPECT_TRUE(queue.step("pacs"));
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_DELIVERED);
  EXPECT_EQ(sent, (std::vector<std::string>{"1.2.0", "1.2.1", "1.2.2", "1.2.3"}));
  EXPECT_FALSE(queue.step("pacs"));
}

TEST_F(DeliveryQueueTest, AnHourWithoutPacsIsAFewAttempts) {
  bool up = false;
  pacs = [&](auto const&) -> StoreAnswer {
    if (!up) throw NodeError("nobody there", false);
    return {};
  };
  auto const end = now + kHour;
  int attempts = 0;
  for (; now < end; now += 1000) attempts += queue.step("pacs");
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_QUEUED);
  EXPECT_EQ(delivery().last_error(), "nobody there");
  EXPECT_GE(attempts, 8);  // after 10, 20, 40 ... s, then every 15 minutes
  EXPECT_LE(attempts, 12);
  up = true;
  for (int minute = 0; minute <= 15; ++minute, now += kMinute) queue.step("pacs");
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_DELIVERED);
  EXPECT_EQ(sent.size(), 4u);
}

TEST_F(DeliveryQueueTest, GoesOnBehindWhatIsStored) {
  int answers_left = 2;
  pacs = [&](auto const&) -> StoreAnswer {
    if (answers_left-- == 0) throw NodeError("association ended", false);
    return {};
  };
  for (int i = 0; i < 10 && delivery().state() == qsm::v1::DELIVERY_STATE_QUEUED; ++i) {
    queue.step("pacs");
    answers_left = 1;  // it drops at each instance
    now += kHour;
  }
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_DELIVERED);
  EXPECT_EQ(sent, (std::vector<std::string>{"1.2.0", "1.2.1", "1.2.2", "1.2.3"}));
}

TEST_F(DeliveryQueueTest, AFullPacsIsTriedAgainARefusalIsNot) {
  pacs = [&](std::string const& uid) {
    return uid == "1.2.2" ? StoreAnswer{0xa700, "full"} : StoreAnswer{};
  };
  queue.step("pacs");
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_QUEUED);
  EXPECT_EQ(stored(), 2);
  pacs = [&](std::string const& uid) {
    return uid == "1.2.2" ? StoreAnswer{0xa900, "(0008,1115) unknown"} : StoreAnswer{};
  };
  now += kHour;
  queue.step("pacs");
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_FAILED);
  EXPECT_EQ(delivery().last_error(), "pacs refuses an instance with A900: (0008,1115) unknown");
  auto const trace = audit.tail(1).at(0);
  EXPECT_NE(trace.find(R"("event":110106,"action":"delivery","outcome":8)"), std::string::npos);
  EXPECT_NE(
      trace.find(R"("peer":"pacs","object":"exam e, job , 2 instances","reason":"REFUSED_A900")"),
      std::string::npos);
  now += 100 * kHour;
  EXPECT_FALSE(queue.step("pacs"));

  pacs = [](auto const&) { return StoreAnswer{0xb000, "coerced"}; };  // a warning is a success
  queue.retry("d");
  EXPECT_TRUE(queue.step("pacs"));
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_DELIVERED);
  EXPECT_EQ(sent.size(), 4u);
  EXPECT_EQ(delivery().instances(3).status(), 0xb000u);
}

TEST_F(DeliveryQueueTest, AReportThatANodeDoesNotKnowIsLeftOut) {
  auto with_report = delivery();
  with_report.set_delivery_id("with report");
  with_report.set_node("web");
  auto& report = *with_report.add_instances();
  report.set_sop_class_uid("1.2.840.10008.5.1.4.1.1.88.22");
  report.set_sop_instance_uid("1.2.9");
  journal.add_delivery(with_report);
  settings.nodes["web"] = {.name = "web", .url = "http://h"};
  DeliveryQueue web(journal, audit, settings, folder.path(), calls, [this] { return now; });
  pacs = [&](std::string const& uid) {  // as a DICOMweb node does, which negotiates no classes
    return uid == "1.2.9" ? StoreAnswer{0x0122, "HTTP 409"} : StoreAnswer{};
  };
  EXPECT_TRUE(web.step("web"));
  EXPECT_TRUE(web.step("web"));
  auto const done = journal.delivery("with report").value();
  EXPECT_EQ(done.state(), qsm::v1::DELIVERY_STATE_DELIVERED);
  EXPECT_EQ(done.instances_size(), 4);
  EXPECT_EQ(sent.size(), 4u);
  ASSERT_EQ(done.notes_size(), 1);
  EXPECT_EQ(done.notes(0),
            "web refuses an instance with 0122: HTTP 409; the result goes without it");

  pacs = [](auto const&) { return StoreAnswer{0x0122, ""}; };  // MR images themselves
  queue.step("pacs");
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_FAILED);
}

TEST_F(DeliveryQueueTest, CountsByNodeAndStateAndKnowsTheOldest) {
  auto const other = [&](std::string const& id, std::string const& node, std::int64_t made_ms) {
    qsm::v1::Delivery delivery;
    delivery.set_delivery_id(id);
    delivery.set_node(node);
    delivery.set_state(qsm::v1::DELIVERY_STATE_QUEUED);
    *delivery.mutable_created_at() = *delivery.mutable_next_at() = timestamp_from_ms(made_ms);
    journal.add_delivery(delivery);
  };
  other("later", "pacs", now + kMinute);
  other("web", "web", now + kHour);
  queue.step("pacs");  // delivers one
  std::map<std::pair<std::string, qsm::v1::DeliveryState>, std::pair<std::uint64_t, std::int64_t>>
      counts;
  for (auto const& each : journal.delivery_counts())
    counts[{each.node, each.state}] = {each.count, each.oldest_ms - now};
  using Counts = decltype(counts);
  EXPECT_EQ(counts, (Counts{{{"pacs", qsm::v1::DELIVERY_STATE_DELIVERED}, {1, 0}},
                            {{"pacs", qsm::v1::DELIVERY_STATE_QUEUED}, {1, kMinute}},
                            {{"web", qsm::v1::DELIVERY_STATE_QUEUED}, {1, kHour}}}));
}

TEST_F(DeliveryQueueTest, GivesUpAfterTwoDays) {
  pacs = [](auto const&) -> StoreAnswer { throw NodeError("nobody there", false); };
  for (int hour = 0; hour < 60; ++hour, now += kHour) queue.step("pacs");
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_FAILED);
  EXPECT_EQ(delivery().last_error(), "nobody there; given up after 48 hours");
  EXPECT_EQ(journal.queued("pacs"), 0u);
}

TEST_F(DeliveryQueueTest, IsDeliveredWhenTheNodeCommits) {
  Settings committing = with_a_pacs();
  committing.nodes["pacs"].commitment = true;
  DeliveryQueue committed{journal, audit, committing, folder.path(), calls, [this] { return now; }};
  EXPECT_TRUE(committed.step("pacs"));
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_COMMITTING);
  EXPECT_FALSE(committed.step("pacs"));
  now += 11 * kMinute;
  EXPECT_TRUE(committed.step("pacs"));  // no answer: asked again, under another number
  ASSERT_EQ(asked_to_commit.size(), 2u);
  committed.committed(asked_to_commit[0], {});
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_COMMITTING);
  committed.committed(asked_to_commit[1], {"1.2.2"});
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_QUEUED);
  now += kHour;
  EXPECT_TRUE(committed.step("pacs"));
  EXPECT_EQ(sent.size(), 5u);
  EXPECT_EQ(sent.back(), "1.2.2");
  committed.committed(asked_to_commit.back(), {});
  EXPECT_EQ(delivery().state(), qsm::v1::DELIVERY_STATE_DELIVERED);
}

TEST_F(DeliveryQueueTest, TheJournalForgetsWhatIsDelivered) {
  qsm::v1::ReceivedExam exam;
  exam.set_exam_id("e");
  exam.set_state(qsm::v1::EXAM_STATE_DONE);
  *exam.mutable_finished_at() = timestamp_from_ms(now);
  journal.put_exam(exam);
  EXPECT_TRUE(journal.settled_exams(now + 1).empty());  // its delivery is still to be made
  queue.step("pacs");
  EXPECT_TRUE(journal.settled_exams(now).empty());
  EXPECT_EQ(journal.settled_exams(now + 1).size(), 1u);
  journal.forget_exam("e");
  EXPECT_FALSE(journal.delivery("d"));
  exam.set_state(qsm::v1::EXAM_STATE_FAILED);
  journal.put_exam(exam);
  EXPECT_TRUE(journal.settled_exams(now + 1).empty());  // somebody has to look at it
  exam.set_superseded_by("f");
  journal.put_exam(exam);
  EXPECT_EQ(journal.settled_exams(now + 1).size(), 1u);
}

}  // namespace chistream::gateway::test
