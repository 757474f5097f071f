// The choice of the background filter.
#include "background/background.hpp"

#include "device/buffer.hpp"
#include "kernels/background/head.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

class BackgroundTest : public test::DeviceTest {
 protected:
  struct Result {
    std::vector<float> local;
    std::vector<std::uint8_t> mask;
    bool operator==(Result const&) const = default;
  };

  template <class Filter>
  Result run(Filter filter) {
    Buffer<ThisDevice, float> const f(device(), head_.g, total_);
    Buffer<ThisDevice, std::uint8_t> const m(device(), head_.g, head_.mask);
    Buffer<ThisDevice, float> local(device(), head_.g);
    Buffer<ThisDevice, std::uint8_t> mask(device(), head_.g);
    filter(f.view(), m.view(), local.field(), mask.field());
    return {local.to_host(), mask.to_host()};
  }
  Result run(BackgroundOptions const& options) {
    return run([&](auto f, auto m, auto local, auto mask) {
      remove_background(device(), head_.h, f, m, {}, options, local, mask, {});
    });
  }

  test::Head head_ = test::ball({48, 46, 31}, {1, 1, 1.5});
  std::vector<float> total_ = test::noise(head_.g, 5);
};

TEST_F(BackgroundTest, SharpIsVsharpWithOneRadius) {
  auto const expected = run([&](auto f, auto m, auto local, auto mask) {
    vsharp(device(), head_.h, f, m, {.radii_mm = {6}, .threshold = 0.1}, local, mask, {});
  });

  EXPECT_EQ(run({.method = BackgroundMethod::kSharp, .radii_mm = {6}, .threshold = 0.1}), expected);
}

TEST_F(BackgroundTest, EachDirectFormHasAThresholdOfItsOwn) {
  using Method = BackgroundMethod;
  EXPECT_EQ(run({.method = Method::kSharp, .radii_mm = {}}),
            run({.method = Method::kSharp, .radii_mm = {8}, .threshold = 0.07}));
  EXPECT_EQ(run({.method = Method::kVsharp, .radii_mm = {}}),
            run({.method = Method::kVsharp, .radii_mm = {}, .threshold = 0.4}));
}

TEST_F(BackgroundTest, TheMethodDecidesWhatTheMaskLoses) {
  auto const count = [&](BackgroundMethod method) {
    auto const mask = run({.method = method, .radii_mm = {}}).mask;
    return std::count(mask.begin(), mask.end(), 1);
  };

  EXPECT_EQ(count(BackgroundMethod::kVsharpLs),
            std::count(head_.mask.begin(), head_.mask.end(), 1));
  EXPECT_LT(count(BackgroundMethod::kVsharp), count(BackgroundMethod::kVsharpLs));
  EXPECT_LT(count(BackgroundMethod::kSharp), count(BackgroundMethod::kVsharp));
}

TEST_F(BackgroundTest, SharpRefusesASecondRadius) {
  EXPECT_EQ(test::reason_of([&] {
              run({.method = BackgroundMethod::kSharp, .radii_mm = {6, 4}});
            }),
            "INVALID_RADII");
}

}  // namespace
}  // namespace qsm
