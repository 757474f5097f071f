#include "phase/template_turn.hpp"

#include <cmath>
#include <numbers>
#include <random>

#include "device/buffer.hpp"
#include "device/error.hpp"
#include "support/this_device.hpp"
#include "support/volume.hpp"

namespace qsm {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;
constexpr Grid kGrid{17, 14, 12};

class TemplateTurnTest : public test::DeviceTest {
 protected:
  struct Echoes {
    std::vector<float> first, second;  // first unwrapped, second wrapped
    std::vector<float> magnitude = std::vector<float>(kGrid.size(), 1.0f);
    std::vector<std::uint8_t> mask = std::vector<std::uint8_t>(kGrid.size(), 1);
  };

  /// phi = 2 pi f TE of a field of +-`hz`, with `turns` added to the unwrapped first echo.
  static Echoes echoes(double te1, double te2, double hz, int turns, double noise_rad = 0) {
    std::mt19937 random(4);
    std::normal_distribution<double> normal(0, noise_rad > 0 ? noise_rad : 1e-9);
    Echoes e;
    for (std::size_t n = 0; n < kGrid.size(); ++n) {
      Index3 const i = kGrid.index(n);
      double const f = hz * std::sin(0.3 * i.x + 0.2 * i.y) * std::cos(0.25 * i.z);
      double const second = kTwoPi * f * te2 + normal(random);
      e.first.push_back(static_cast<float>(kTwoPi * (f * te1 + turns) + normal(random)));
      e.second.push_back(static_cast<float>(second - kTwoPi * std::rint(second / kTwoPi)));
    }
    return e;
  }

  std::vector<float> correct(Echoes const& e, double te1, double te2) {
    Buffer<ThisDevice, float> first(device(), kGrid, e.first);
    Buffer<ThisDevice, float> const second(device(), kGrid, e.second);
    Buffer<ThisDevice, float> const magnitude(device(), kGrid, e.magnitude);
    Buffer<ThisDevice, std::uint8_t> const mask(device(), kGrid, e.mask);
    correct_template_turn(device(), mask.view(),
                          {.first = first.field(),
                           .second = second.view(),
                           .magnitude = magnitude.view(),
                           .first_te_s = te1,
                           .second_te_s = te2});
    return first.to_host();
  }
};

TEST_F(TemplateTurnTest, FindsUpToTwoWholeTurnsEitherWay) {
  for (int const turns : {-2, -1, 0, 1, 2}) {
    auto const e = echoes(0.004, 0.0093, 60, turns, 0.1);  // no n of -2 .. 2 makes n r whole

    auto const out = correct(e, 0.004, 0.0093);

    for (std::size_t n = 0; n < out.size(); ++n)
      EXPECT_NEAR(out[n], e.first[n] - static_cast<float>(kTwoPi * turns), 1e-5f) << turns;
  }
}

// r = 2: (phi + 2 pi n) r and phi r differ by whole turns, so nothing can be told, and an answer
// that changed the phase would be a guess.
TEST_F(TemplateTurnTest, LeavesThePhaseWhereEveryTurnPredictsAlike) {
  auto const e = echoes(0.005, 0.010, 60, 1);

  EXPECT_EQ(correct(e, 0.005, 0.010), e.first);
}

TEST_F(TemplateTurnTest, VoxelsOfLittleSignalAndOutsideTheMaskHaveNoSay) {
  auto e = echoes(0.004, 0.010, 60, 1);
  std::mt19937 random(8);
  std::uniform_real_distribution<float> anywhere(-3.1f, 3.1f);
  for (std::size_t n = 0; n < kGrid.size(); ++n)
    if (n % 3 != 0) {  // two thirds of the volume is air or background
      e.second[n] = anywhere(random);
      if (n % 3 == 1) e.magnitude[n] = 0.01f;
      if (n % 3 == 2) e.mask[n] = 0;
    }

  auto const out = correct(e, 0.004, 0.010);

  for (std::size_t n = 0; n < out.size(); ++n)
    EXPECT_NEAR(out[n], e.mask[n] ? e.first[n] - static_cast<float>(kTwoPi) : 0.0f, 1e-5f);
}

TEST_F(TemplateTurnTest, NamesWhatIsWrong) {
  auto const reason = [&](Echoes const& e, double te1, double te2) {
    try {
      correct(e, te1, te2);
    } catch (Error const& error) {
      return error.reason();
    }
    return std::string();
  };
  auto const good = echoes(0.004, 0.010, 60, 0);
  auto empty = good;
  empty.mask.assign(kGrid.size(), 0);
  EXPECT_EQ(reason(empty, 0.004, 0.010), "EMPTY_MASK");
  EXPECT_EQ(reason(good, 0.010, 0.004), "ECHO_TIMES");
  EXPECT_EQ(reason(good, 0, 0.004), "ECHO_TIMES");
}

}  // namespace
}  // namespace qsm
