#include "formats/phase_units.hpp"

#include <numbers>

#include "small_exam.hpp"

namespace chistream::test {

namespace {

constexpr float kPi = std::numbers::pi_v<float>;

PhaseRange unscaled(float minimum, float maximum, bool integers) {
  return {minimum, maximum, minimum, maximum, integers, false};
}

float radians(PhaseScale const& scale, float value) {
  return value * scale.factor + scale.offset;
}

}  // namespace

TEST(PhaseUnits, AreToldByTheRangeTheyFill) {
  auto const of = [](PhaseRange const& range) { return phase_scale(PhaseUnits::kAuto, range); };
  EXPECT_EQ(of(unscaled(-kPi, kPi, false)).factor, 1);
  EXPECT_EQ(of(unscaled(-1, 1.2F, false)).factor,
            1);  // does not wrap: still radians, not stretched
  EXPECT_FLOAT_EQ(of(unscaled(-3141, 3141, true)).factor, 1e-3F);
  EXPECT_FLOAT_EQ(radians(of(unscaled(-4096, 4094, true)), 4096), kPi);
  auto const twelve = of(unscaled(0, 4095, true));
  EXPECT_FLOAT_EQ(radians(twelve, 0), -kPi);
  EXPECT_NEAR(radians(twelve, 2048), 0, 1e-6);
  for (auto const& range : {unscaled(-500, 700, true), unscaled(-4096, 4094, false),
                            unscaled(0, 2 * kPi, false), unscaled(0, 0, true)})
    EXPECT_EQ(reason_of([&] { of(range); }), "PHASE_UNITS_UNKNOWN");
}

TEST(PhaseUnits, AreSaidInAWarningWhenConcluded) {
  EXPECT_FALSE(phase_scale(PhaseUnits::kAuto, unscaled(-kPi, kPi, false)).warning.empty());
  EXPECT_TRUE(phase_scale(PhaseUnits::kRadians, unscaled(-kPi, kPi, false)).warning.empty());
}

TEST(PhaseUnits, AFalseSlopeIsIgnored) {
  PhaseRange const range{-kPi, kPi, -0.00367F, 0.00367F, false, true};
  auto const scale = phase_scale(PhaseUnits::kAuto, range);
  EXPECT_FALSE(scale.scaled);
  EXPECT_TRUE(scale.warning.starts_with("PHASE_SLOPE_IGNORED"));
}

TEST(PhaseUnits, HaveNames) {
  EXPECT_EQ(phase_units_of("siemens12"), PhaseUnits::kSiemens12);
  EXPECT_EQ(phase_units_of("degrees"), std::nullopt);
}

}  // namespace chistream::test
