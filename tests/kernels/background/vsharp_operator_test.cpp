#include "background/vsharp_operator.hpp"

#include "kernels/background/head.hpp"
#include "support/this_device.hpp"

namespace qsm {
namespace {

using VsharpOperatorTest = test::DeviceTest;
using test::in_ellipsoid;

struct Case {
  Grid g;
  Vec3d h;
  std::vector<double> radii;
};

// <A x, y> = <x, A^T y>: the float rounding of a pair of transforms, eps log2(N) = 2e-6, relative
// to |x| |y|.
TEST_F(VsharpOperatorTest, AdjointIsTheTranspose) {
  for (Case const& c :
       {Case{{33, 29, 27}, {1, 1, 1}, {7, 5, 2}}, Case{{31, 35, 17}, {0.9, 1.1, 2.1}, {9, 6, 4, 3}},
        Case{{40, 24, 36}, {1.5, 2, 1}, {8}}}) {
    auto mask = test::volume<std::uint8_t>(c.g, [&](Index3 i) {
      return in_ellipsoid(i, c.g.nx * 0.47, c.g.ny * 0.5, c.g.nz * 0.5, c.g.nx * 0.45,
                          c.g.ny * 0.45, c.g.nz * 0.45);
    });
    mask[c.g.linear({c.g.nx / 3, c.g.ny / 2, c.g.nz / 3})] = 0;
    auto const zero = std::vector<float>(c.g.size());
    Buffer<ThisDevice, float> const total(device(), c.g, zero);
    Buffer<ThisDevice, std::uint8_t> const m(device(), c.g, mask);
    auto const shells = find_shells(device(), c.h, total.view(), m.view(), c.radii);
    VsharpOperator<ThisDevice> filter(device(), c.h, shells, true);
    Grid const g = filter.grid();
    auto const x = test::noise(g, 11), y = test::noise(g, 12);
    Buffer<ThisDevice, float> const x_in(device(), g, x), y_in(device(), g, y);
    Buffer<ThisDevice, float> ax(device(), g), aty(device(), g);

    filter.apply(x_in.view(), ax.field());
    filter.adjoint(y_in.view(), aty.field());

    EXPECT_NEAR(test::dot(ax.to_host(), y), test::dot(x, aty.to_host()),
                2e-6 * test::norm(x) * test::norm(y));
  }
}

TEST_F(VsharpOperatorTest, MayWorkInPlace) {
  test::Head const head = test::ball({46, 43, 25}, {1, 1, 2});
  Buffer<ThisDevice, float> const total(device(), head.g, test::noise(head.g, 4));
  Buffer<ThisDevice, std::uint8_t> const m(device(), head.g, head.mask);
  auto const shells = find_shells(device(), head.h, total.view(), m.view(), {8, 5, 2});
  VsharpOperator<ThisDevice> filter(device(), head.h, shells, true);
  Buffer<ThisDevice, float> x(device(), filter.grid(), test::noise(filter.grid(), 6));
  Buffer<ThisDevice, float> once(device(), filter.grid()), twice(device(), filter.grid());

  filter.apply(x.view(), once.field());
  filter.adjoint(once.view(), twice.field());
  filter.apply(x.view(), x.field());
  filter.adjoint(x.view(), x.field());

  EXPECT_EQ(x.to_host(), twice.to_host());
}

}  // namespace
}  // namespace qsm
