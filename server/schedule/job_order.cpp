#include "schedule/job_order.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace chistream {
namespace {

using qsm::v1::Priority;
using Clock = FairShare::Clock;

/// The first of each tenant and class: no other can be next.
struct Head {
  WaitingJob const* job;
  double used = 0;  // device seconds of its tenant
};

std::vector<Head> heads_of(std::vector<WaitingJob> const& waiting) {
  std::vector<Head> heads;
  for (WaitingJob const& job : waiting) {
    auto const head = std::find_if(heads.begin(), heads.end(), [&](Head const& h) {
      return h.job->priority == job.priority && h.job->tenant == job.tenant;
    });
    if (head == heads.end())
      heads.push_back({&job});
    else if (job.rank < head->job->rank)
      head->job = &job;
  }
  return heads;
}

bool below_urgent(Head const& head) {
  return head.job->priority < qsm::v1::PRIORITY_URGENT;
}

bool is_emergency(Head const& head) {
  return head.job->priority == qsm::v1::PRIORITY_EMERGENCY;
}

}  // namespace

WaitingJob const* JobOrder::next(std::vector<WaitingJob> const& waiting, FairShare const& share,
                                 Clock::time_point now) const {
  std::vector<Head> heads = heads_of(waiting);
  std::map<std::string, double> used;
  for (Head& head : heads) head.used = used[head.job->tenant] = share.used(head.job->tenant, now);
  double mean = 0;
  for (auto const& [tenant, seconds] : used) mean += seconds / static_cast<double>(used.size());
  auto const counts_as = [&](Head const& head) {
    bool const aged = now - head.job->since >= policy_.aging;
    bool const entitled = head.used <= mean * (1 + 1e-9);  // rounding
    return head.job->priority + (below_urgent(head) && aged && entitled ? 1 : 0);
  };
  auto const key = [&](Head const& head) {
    return std::tuple(-counts_as(head), head.used, head.job->rank);
  };
  bool const turn_of_the_patient = urgent_starts_ >= policy_.urgent_in_a_row &&
                                   std::none_of(heads.begin(), heads.end(), is_emergency) &&
                                   std::any_of(heads.begin(), heads.end(), below_urgent);
  if (turn_of_the_patient) std::erase_if(heads, [](Head const& h) { return !below_urgent(h); });
  auto const best = std::min_element(heads.begin(), heads.end(),
                                     [&](Head const& a, Head const& b) { return key(a) < key(b); });
  return best == heads.end() ? nullptr : best->job;
}

void JobOrder::started(Priority own) {
  if (own == qsm::v1::PRIORITY_EMERGENCY) return;
  urgent_starts_ = own == qsm::v1::PRIORITY_URGENT ? urgent_starts_ + 1 : 0;
}

}  // namespace chistream
